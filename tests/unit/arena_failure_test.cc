// arena/arena.h when the kernel refuses: 0 for an answer, nothing lost, and it goes on when the kernel gives again.
#include <gtest/gtest.h>

#include <vector>

#include "arena/arena.h"
#include "tests/unit/rig.h"

namespace {

constexpr size_t kSlotWindow = 1024 * HAK_CHUNK_BYTES;

class ArenaFailure : public testing::Test {
 protected:
  uintptr_t alloc(size_t units) { return rig.alloc_run(units); }
  void free(uintptr_t start, size_t units) { hak_arena_free(&rig.arena, start, units); }
  static void write(uintptr_t start, size_t units) {
    memset(reinterpret_cast<void*>(start), 1, units * HAK_UNIT_BYTES);
  }
  Rig rig;
};

TEST_F(ArenaFailure, WithoutAddressSpaceThereIsNoRun) {
  hak_meta_alloc(&rig.meta, HAK_META_OTHER, 64);  // the records have their memory already
  size_t reserved = rig.os.reserved_bytes();
  rig.os.fail(FakeOs::kReserve, 1, FakeOs::kForever);
  EXPECT_EQ(alloc(1), 0u);
  EXPECT_EQ(alloc(100), 0u);
  EXPECT_EQ(hak_arena_map(&rig.arena, HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true), 0u);
  EXPECT_EQ(rig.stats().used_bytes, 0u);
  EXPECT_EQ(rig.stats().reserved_bytes, 0u);
  EXPECT_EQ(rig.os.reserved_bytes(), reserved);
  rig.os.heal();
  uintptr_t start = alloc(100);
  ASSERT_NE(start, 0u);
  write(start, 100);
}

TEST_F(ArenaFailure, WithoutMemoryForItsRecordARegionIsNotTaken) {
  rig.os.fail(FakeOs::kReserve, 1, 1);  // the first reservation is that of the records
  size_t reserved = rig.os.reserved_bytes();
  EXPECT_EQ(alloc(1), 0u);
  EXPECT_EQ(rig.os.reserved_bytes(), reserved);
  EXPECT_NE(alloc(1), 0u);
}

TEST_F(ArenaFailure, WhereAddressSpaceIsScarceRegionsAreSmaller) {
  hak_meta_alloc(&rig.meta, HAK_META_OTHER, 64);
  rig.os.set_reserve_budget(rig.os.reserved_bytes() + 9 * HAK_CHUNK_BYTES);
  EXPECT_NE(alloc(1), 0u);
  EXPECT_EQ(rig.stats().reserved_bytes, 8 * HAK_CHUNK_BYTES);
  EXPECT_NE(alloc(63), 0u);
}

TEST_F(ArenaFailure, ARunThatFitsInNoRegionFailsAlone) {
  ASSERT_NE(alloc(1), 0u);
  rig.os.fail(FakeOs::kReserve, 1, FakeOs::kForever);
  EXPECT_EQ(alloc(2000), 0u);
  EXPECT_NE(alloc(500), 0u);
  EXPECT_EQ(rig.stats().used_bytes, 501 * HAK_UNIT_BYTES);
}

TEST_F(ArenaFailure, WithoutMemoryThereIsNoRunAndNoAddressSpaceIsLost) {
  ASSERT_NE(alloc(64), 0u);
  uint64_t reserved = rig.stats().reserved_bytes;
  rig.os.fail(FakeOs::kCommit, 1, FakeOs::kForever);
  for (int i = 0; i < 50; i++) {
    EXPECT_EQ(alloc(1), 0u);
    EXPECT_EQ(alloc(100), 0u);
  }
  EXPECT_EQ(rig.stats().reserved_bytes, reserved) << "a region more does not help where memory is missing";
  EXPECT_EQ(rig.stats().used_bytes, 64 * HAK_UNIT_BYTES);
  rig.os.heal();
  uintptr_t start = alloc(100);
  ASSERT_NE(start, 0u);
  write(start, 100);
}

TEST_F(ArenaFailure, ALongRunWithoutMemoryForItsLastChunkIsNotTaken) {
  ASSERT_NE(alloc(64), 0u);
  rig.os.fail(FakeOs::kCommit, 2);
  EXPECT_EQ(alloc(150), 0u);
  EXPECT_EQ(rig.stats().used_bytes, 64 * HAK_UNIT_BYTES);
  uintptr_t start = alloc(150);
  ASSERT_NE(start, 0u);
  write(start, 150);
}

TEST_F(ArenaFailure, AnExtensionWithoutMemoryLeavesTheRunAsItWas) {
  uintptr_t start = alloc(60);
  write(start, 60);
  for (size_t chunks : {1, 2, 3}) {
    // All chunks but the last have their memory: from the round before, or from the first call of this one.
    rig.os.fail(FakeOs::kCommit, chunks == 1 ? 1 : 2);
    EXPECT_FALSE(hak_arena_extend(&rig.arena, start, 60, 4 + 64 * chunks));
    EXPECT_EQ(rig.stats().used_bytes, 60 * HAK_UNIT_BYTES);
    rig.os.heal();
  }
  EXPECT_EQ(*reinterpret_cast<uint8_t*>(start), 1);
  ASSERT_TRUE(hak_arena_extend(&rig.arena, start, 60, 200));
  write(start, 260);
  free(start, 260);
  EXPECT_EQ(rig.stats().used_bytes, 0u);
}

TEST_F(ArenaFailure, AMappingWithoutMemoryGivesItsAddressesBack) {
  size_t reserved = rig.os.reserved_bytes();
  hak_chunk* slots = rig.map.chunks;
  rig.os.fail(FakeOs::kCommit, 3);  // after the two of the map's tables
  EXPECT_EQ(hak_arena_map(&rig.arena, HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true), 0u);
  EXPECT_EQ(rig.os.reserved_bytes(), reserved);
  EXPECT_EQ(rig.stats().used_bytes, 0u);
  for (size_t i = 0; i <= rig.map.slot_mask; i++) ASSERT_EQ(slots[i].base, 0u);
}

TEST_F(ArenaFailure, AMappingThatCannotBeResizedStaysAsItWas) {
  uintptr_t start = hak_arena_map(&rig.arena, HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true);
  write(start, 64);
  size_t reserved = rig.os.reserved_bytes();
  rig.os.fail(FakeOs::kResize, 1, 2);  // neither in place nor to another place
  EXPECT_EQ(hak_arena_remap(&rig.arena, start, HAK_CHUNK_BYTES, 2 * HAK_CHUNK_BYTES), 0u);
  rig.os.fail(FakeOs::kResize);
  rig.os.fail(FakeOs::kReserve);
  EXPECT_EQ(hak_arena_remap(&rig.arena, start, HAK_CHUNK_BYTES, 2 * HAK_CHUNK_BYTES), 0u);
  EXPECT_EQ(rig.os.reserved_bytes(), reserved);
  EXPECT_EQ(rig.stats().used_bytes, HAK_CHUNK_BYTES);
  EXPECT_NE(hak_map_find(&rig.map, start), nullptr);
  EXPECT_EQ(*reinterpret_cast<uint8_t*>(start + HAK_CHUNK_BYTES - 1), 1);
}

TEST_F(ArenaFailure, ExhaustionGivesZeroAndEverythingComesBackAfterwards) {
  hak_meta_alloc(&rig.meta, HAK_META_OTHER, 64);
  rig.os.set_reserve_budget(rig.os.reserved_bytes() + 50 * HAK_CHUNK_BYTES);
  for (int round = 0; round < 3; round++) {
    std::vector<uintptr_t> runs;
    while (uintptr_t start = alloc(7)) runs.push_back(start);
    EXPECT_GE(runs.size(), 50u * 9 * 3 / 4) << round;
    EXPECT_EQ(alloc(7), 0u);
    EXPECT_EQ(rig.stats().used_bytes, runs.size() * 7 * HAK_UNIT_BYTES);
    for (uintptr_t start : runs) free(start, 7);
    EXPECT_EQ(rig.stats().used_bytes, 0u);
  }
}

TEST_F(ArenaFailure, ARegionWhoseSlotsAreTakenGoesElsewhere) {
  uintptr_t first = alloc(64);
  size_t reserved = rig.os.reserved_bytes();
  // The kernel's next choice has the very slots of the first region.
  uintptr_t region = rig.arena.regions->base;
  rig.os.place_next_reserve_at(region - kSlotWindow);
  while (hak_arena_stats{rig.stats()}.reserved_bytes == 16 * HAK_CHUNK_BYTES) {
    uintptr_t start = alloc(64);
    ASSERT_NE(start, 0u);
    write(start, 1);
    ASSERT_NE(hak_map_find(&rig.map, start), nullptr);
  }
  EXPECT_FALSE(rig.os.is_reserved(region - kSlotWindow, 1));
  EXPECT_EQ(rig.os.reserved_bytes(), reserved + rig.stats().reserved_bytes - 16 * HAK_CHUNK_BYTES);
  EXPECT_NE(hak_map_find(&rig.map, first), nullptr);
}

TEST_F(ArenaFailure, AMappingWhoseSlotIsTakenGoesElsewhere) {
  uintptr_t first = hak_arena_map(&rig.arena, HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true);
  rig.os.place_next_reserve_at(first - kSlotWindow);
  uintptr_t second = hak_arena_map(&rig.arena, HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true);
  ASSERT_NE(second, 0u);
  EXPECT_NE(second, first - kSlotWindow);
  EXPECT_FALSE(rig.os.is_reserved(first - kSlotWindow, 1));
  EXPECT_NE(hak_map_find(&rig.map, first), nullptr);
  EXPECT_NE(hak_map_find(&rig.map, second), nullptr);
  write(second, 64);
}

// A fault of 2026: with its slot taken and the addresses of the first free slot somebody's, malloc returned NULL.
TEST_F(ArenaFailure, AMappingFindsItsSlotLowerDownWhereTheAddressesOfTheFirstFreeOneAreTaken) {
  uintptr_t first = hak_arena_map(&rig.arena, HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true);
  uintptr_t wish = hak_map_suggest(&rig.map, first - kSlotWindow, 1, HAK_CHUNK_BYTES);
  rig.os.place_next_reserve_at(wish);
  uintptr_t blocker = rig.os.table()->reserve(HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, 0);
  ASSERT_EQ(blocker, wish);
  rig.os.place_next_reserve_at(first - kSlotWindow);
  uintptr_t second = hak_arena_map(&rig.arena, HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true);
  ASSERT_NE(second, 0u);
  EXPECT_LT(second, first - kSlotWindow);
  EXPECT_FALSE(rig.os.is_reserved(first - kSlotWindow, 1));
  write(second, 64);
}

TEST_F(ArenaFailure, ARunThatNeverGetsSlotsGivesItsAddressesBack) {
  hak_meta_alloc(&rig.meta, HAK_META_OTHER, 64);
  // Every slot is taken, as far as the arena can see.
  uintptr_t window = kSlotWindow * 1000;
  ASSERT_TRUE(hak_map_claim(&rig.map, window + HAK_CHUNK_BYTES, 1023));
  size_t reserved = rig.os.reserved_bytes();
  EXPECT_EQ(alloc(1), 0u);
  EXPECT_EQ(hak_arena_map(&rig.arena, HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true), 0u);
  EXPECT_EQ(rig.os.reserved_bytes(), reserved);
  hak_map_drop(&rig.map, window + HAK_CHUNK_BYTES, 1023);
  EXPECT_NE(alloc(1), 0u);
}

}  // namespace
