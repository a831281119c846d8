// arena/arena.h: how free memory goes back to the kernel, and the limits. The clock is the test's.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "arena/arena.h"
#include "tests/unit/rig.h"

namespace {

class ArenaDecay : public testing::Test {
 protected:
  uintptr_t alloc(size_t units) { return rig.alloc_run(units, HAK_UNIT_BYTES, &zeroed); }
  uintptr_t alloc_for_slab(size_t units) { return rig.alloc_run(units, HAK_UNIT_BYTES, &zeroed, HAK_RUN_SLAB); }
  void free(uintptr_t start, size_t units) { hak_arena_free(&rig.arena, start, units); }
  // Enough calls for the arena to look at the clock.
  void use_arena() {
    for (int i = 0; i < 64; i++) {
      uintptr_t start = alloc(1);
      ASSERT_NE(start, 0u);
      free(start, 1);
    }
  }
  static void dirty(uintptr_t start, size_t units) {
    memset(reinterpret_cast<void*>(start), 0xdd, units * HAK_UNIT_BYTES);
  }
  static bool reads_as_zero(uintptr_t start, size_t units) {
    const auto* p = reinterpret_cast<const uint8_t*>(start);
    return std::all_of(p, p + units * HAK_UNIT_BYTES, [](uint8_t b) { return b == 0; });
  }

  Rig rig;
  bool zeroed = false;
};

TEST_F(ArenaDecay, MemoryOfSlabsIsKeptForOneTickAndGoesAtTheSecond) {
  uintptr_t start = alloc_for_slab(5);
  dirty(start, 5);
  free(start, 5);
  EXPECT_EQ(hak_arena_tick(&rig.arena), 0u);
  EXPECT_EQ(rig.stats().dirty_bytes, 5 * HAK_UNIT_BYTES);
  EXPECT_EQ(rig.os.calls(FakeOs::kPurge), 0);
  EXPECT_EQ(hak_arena_tick(&rig.arena), 5 * HAK_UNIT_BYTES);
  hak_arena_stats stats = rig.stats();
  EXPECT_EQ(stats.dirty_bytes, 0u);
  EXPECT_EQ(stats.purged_bytes, 5 * HAK_UNIT_BYTES);
  EXPECT_EQ(stats.purges, 1u);
  EXPECT_EQ(rig.os.calls(FakeOs::kPurge), 1);
  EXPECT_EQ(hak_arena_tick(&rig.arena), 0u);
}

// Fault: with a decay of a quarter of a second, large blocks in random order took four times the page faults.
TEST_F(ArenaDecay, MemoryOfLargeBlocksIsKeptForTwiceAsLong) {
  for (int more = 0; more < 2; more++) {
    uintptr_t start = alloc(5);
    dirty(start, 5);
    free(start, 5);
    int ticks = 1;
    while (hak_arena_tick(&rig.arena) == 0) ASSERT_LT(ticks++, 5);
    EXPECT_EQ(ticks, 3 + more) << "every second tick leaves them out";
  }
}

TEST_F(ArenaDecay, MemoryThatWentBackReadsAsZeroWhenItIsDealtAgain) {
  uintptr_t start = alloc(5);
  dirty(start, 5);
  free(start, 5);
  hak_arena_purge(&rig.arena);
  EXPECT_EQ(alloc(5), start);
  EXPECT_TRUE(zeroed);
  EXPECT_TRUE(reads_as_zero(start, 5));
}

TEST_F(ArenaDecay, MemoryUsedBetweenTwoTicksIsNotOld) {
  uintptr_t start = alloc_for_slab(5);
  free(start, 5);
  hak_arena_tick(&rig.arena);
  EXPECT_EQ(alloc_for_slab(3), start);
  free(start, 3);
  EXPECT_EQ(hak_arena_tick(&rig.arena), 2 * HAK_UNIT_BYTES) << "the two units that nobody used";
  EXPECT_EQ(rig.stats().dirty_bytes, 3 * HAK_UNIT_BYTES);
  EXPECT_EQ(hak_arena_tick(&rig.arena), 3 * HAK_UNIT_BYTES);
}

TEST_F(ArenaDecay, LiveMemoryIsNeverGivenBack) {
  uintptr_t a = alloc(3);
  uintptr_t b = alloc(3);
  dirty(a, 3);
  dirty(b, 3);
  free(a, 3);
  EXPECT_EQ(hak_arena_purge(&rig.arena), 3 * HAK_UNIT_BYTES);
  EXPECT_EQ(*reinterpret_cast<uint8_t*>(b), 0xdd);
  EXPECT_EQ(*reinterpret_cast<uint8_t*>(b + 3 * HAK_UNIT_BYTES - 1), 0xdd);
}

TEST_F(ArenaDecay, NeighboursGoInOneCall) {
  uintptr_t start = alloc(64);
  uintptr_t other = alloc(64);
  for (size_t i = 0; i < 64; i++) free(start + i * HAK_UNIT_BYTES, 1);
  free(other, 10);
  free(other + 20 * HAK_UNIT_BYTES, 10);
  EXPECT_EQ(hak_arena_purge(&rig.arena), 84 * HAK_UNIT_BYTES);
  EXPECT_EQ(rig.os.calls(FakeOs::kPurge), 3);
  EXPECT_EQ(rig.stats().purges, 3u);
}

TEST_F(ArenaDecay, NothingGoesWhileTheClockStands) {
  uintptr_t start = alloc(5);
  free(start, 5);
  for (int i = 0; i < 20; i++) use_arena();
  EXPECT_EQ(rig.os.calls(FakeOs::kPurge), 0);
}

TEST_F(ArenaDecay, TheClockIsReadOnceInManyCalls) {
  uintptr_t start = alloc(5);
  free(start, 5);
  int before = rig.os.calls(FakeOs::kClock);
  use_arena();
  EXPECT_LE(rig.os.calls(FakeOs::kClock) - before, 128 / 8);
}

TEST_F(ArenaDecay, MemoryGoesByTheClockAloneWhenTheArenaIsUsed) {
  rig.options.decay_ms = 1000;
  uintptr_t big = alloc(50);
  uintptr_t keep = alloc(1);
  dirty(big, 50);
  use_arena();
  free(big, 50);
  use_arena();
  EXPECT_EQ(rig.stats().purged_bytes, 0u);
  for (int i = 0; i < 4; i++) {
    rig.os.advance_ms(501);
    use_arena();
  }
  EXPECT_GE(rig.stats().purged_bytes, 49 * HAK_UNIT_BYTES) << "all but what use_arena uses";
  free(keep, 1);
}

TEST_F(ArenaDecay, WithoutDecayMemoryGoesAtOnce) {
  rig.options.decay_ms = 0;
  uintptr_t start = alloc(5);
  free(start, 5);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
  EXPECT_EQ(rig.stats().purged_bytes, 5 * HAK_UNIT_BYTES);
}

TEST_F(ArenaDecay, WhatTheKernelDoesNotTakeIsClearedByHand) {
  uintptr_t start = alloc(5);
  dirty(start, 5);
  free(start, 5);
  rig.os.fail(FakeOs::kPurge);
  hak_arena_purge(&rig.arena);
  EXPECT_EQ(alloc(5), start);
  EXPECT_TRUE(zeroed);
  EXPECT_TRUE(reads_as_zero(start, 5));
}

TEST_F(ArenaDecay, AboveTheSoftLimitFreeMemoryGoesAtOnce) {
  rig.options.memory_limit = 20 * HAK_UNIT_BYTES;
  uintptr_t a = alloc(10);
  free(a, 10);
  EXPECT_EQ(rig.stats().dirty_bytes, 10 * HAK_UNIT_BYTES) << "below the limit it stays";
  uintptr_t b = alloc(21);
  ASSERT_NE(b, 0u) << "the soft limit refuses nothing";
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
  uintptr_t c = alloc(4);
  free(c, 4);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
}

TEST_F(ArenaDecay, NoMoreThanTheDirtyLimitIsKept) {
  rig.options.dirty_limit = 6 * HAK_UNIT_BYTES;
  uintptr_t a = alloc(4);
  uintptr_t b = alloc(2);
  uintptr_t c = alloc(1);
  free(a, 4);
  free(b, 2);
  EXPECT_EQ(rig.stats().dirty_bytes, 6 * HAK_UNIT_BYTES);
  free(c, 1);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
  EXPECT_EQ(rig.stats().purged_bytes, 7 * HAK_UNIT_BYTES);
}

TEST_F(ArenaDecay, AboveTheHardLimitThereIsNothing) {
  rig.options.memory_limit_hard = 20 * HAK_UNIT_BYTES;
  uintptr_t a = alloc(12);
  ASSERT_NE(a, 0u);
  EXPECT_EQ(alloc(9), 0u);
  uintptr_t b = alloc(8);
  EXPECT_NE(b, 0u);
  EXPECT_EQ(alloc(1), 0u);
  EXPECT_EQ(hak_arena_map(&rig.arena, HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true), 0u);
  free(b, 8);
  EXPECT_FALSE(hak_arena_extend(&rig.arena, a, 12, 9));
  EXPECT_TRUE(hak_arena_extend(&rig.arena, a, 12, 8));
  EXPECT_EQ(alloc(1), 0u);
  free(a, 20);
  EXPECT_NE(alloc(20), 0u);
}

TEST_F(ArenaDecay, TheHardLimitHoldsForMappingsThatGrow) {
  rig.options.memory_limit_hard = 4 * HAK_CHUNK_BYTES;
  uintptr_t start = hak_arena_map(&rig.arena, 3 * HAK_CHUNK_BYTES, HAK_CHUNK_BYTES, true);
  ASSERT_NE(start, 0u);
  EXPECT_EQ(hak_arena_remap(&rig.arena, start, 3 * HAK_CHUNK_BYTES, 5 * HAK_CHUNK_BYTES), 0u);
  uintptr_t grown = hak_arena_remap(&rig.arena, start, 3 * HAK_CHUNK_BYTES, 4 * HAK_CHUNK_BYTES);
  ASSERT_NE(grown, 0u);
  EXPECT_EQ(hak_arena_remap(&rig.arena, grown, 4 * HAK_CHUNK_BYTES, HAK_CHUNK_BYTES), grown);
  EXPECT_NE(alloc(1), 0u);
}

TEST_F(ArenaDecay, HugePagesAreAskedForOnlyWhereTheOptionSays) {
  alloc_for_slab(1);
  EXPECT_EQ(rig.os.calls(FakeOs::kHugePages), 0);
  rig.options.huge_pages = HAK_HUGE_PAGES_ALWAYS;
  alloc_for_slab(64);
  EXPECT_EQ(rig.os.calls(FakeOs::kHugePages), 1);
}

TEST_F(ArenaDecay, HugePagesComeWithALargeHeapByDefault) {
  rig.options.huge_pages = HAK_HUGE_PAGES_AUTO;
  for (int i = 0; i < 4; i++) alloc_for_slab(64);
  EXPECT_EQ(rig.os.calls(FakeOs::kHugePages), 0) << "a small process keeps small pages";
  for (int i = 0; i < 32; i++) alloc_for_slab(64);
  EXPECT_GT(rig.os.calls(FakeOs::kHugePages), 0);
}

class HugePages : public ArenaDecay {
 protected:
  void SetUp() override {
    rig.options.huge_pages = HAK_HUGE_PAGES_AUTO;
    for (int i = 0; i < 7; i++) alloc_for_slab(64);
  }
  // Of so many chunks more, those with huge pages.
  int huge_of(int chunks) {
    int huge = 0;
    for (int i = 0; i < chunks; i++) huge += hak_map_slot(&rig.map, alloc_for_slab(64))->huge;
    return huge;
  }
};

TEST_F(HugePages, AreTakenWhereTheyCostNoMoreThanTwiceTheSmallOnes) {
  rig.os.set_populate_ns(2, 1);
  EXPECT_EQ(huge_of(50), 50);
}

// Fault: where a hypervisor has page tables of its own most of what a page costs comes at its first access.
TEST_F(HugePages, AreTimedUpToTheFirstAccess) {
  uintptr_t start = alloc_for_slab(64);
  std::vector<uint8_t> touched((size_t{2} << 20) / rig.os.table()->page_bytes);
  ASSERT_TRUE(rig.os.table()->touched(start, size_t{2} << 20, touched.data()));
  EXPECT_EQ(std::count_if(touched.begin(), touched.end(), [](uint8_t page) { return (page & 1) != 0; }),
            static_cast<ptrdiff_t>(touched.size()));
}

TEST_F(HugePages, AreTakenWhereTheKernelCannotSayWhatTheyCost) {
  rig.os.fail(FakeOs::kPopulate, 1, FakeOs::kForever);
  EXPECT_EQ(huge_of(50), 50);
}

TEST_F(HugePages, AreAskedForEverMoreSeldomWhereTheyAreDear) {
  rig.os.set_populate_ns(5, 1);
  EXPECT_EQ(huge_of(1 + 8 + 1 + 16 + 1 + 32), 0);
  EXPECT_EQ(rig.os.calls(FakeOs::kPopulate), 1 + 3) << "one for the small pages, three that were dear";
}

TEST_F(HugePages, ComeBackWhenTheyAreCheapAgain) {
  rig.os.set_populate_ns(5, 1);
  EXPECT_EQ(huge_of(1), 0);
  rig.os.set_populate_ns(1, 1);
  EXPECT_EQ(huge_of(8), 0);
  uint64_t before = rig.stats().huge_chunks;
  EXPECT_EQ(huge_of(20), 20);
  EXPECT_EQ(rig.stats().huge_chunks - before, 20u);
  EXPECT_EQ(rig.stats().huge_refused, 1u + 8u);
}

// The lock was held for all of the 7 ms that a huge page may take.
TEST_F(HugePages, AreTriedWhileOthersAllocateAndFree) {
  std::vector<uintptr_t> others;
  rig.os.set_during_populate([&] {
    if (others.size() >= 100) return;
    others.push_back(alloc_for_slab(1));
    others.push_back(alloc_for_slab(64));
    others.push_back(alloc(64));
    free(alloc(1), 1);
  });
  uintptr_t tried = alloc_for_slab(64);
  rig.os.set_during_populate(nullptr);
  EXPECT_TRUE(hak_map_slot(&rig.map, tried)->huge);
  ASSERT_EQ(others.size(), 2 * 3u) << "the small pages were timed, then a huge one";
  for (uintptr_t start : others) EXPECT_NE(hak_map_slot(&rig.map, start), hak_map_slot(&rig.map, tried));
  hak_arena_check(&rig.arena);
  EXPECT_EQ(huge_of(1), 1) << "the next chunk is tried again";
}

}  // namespace
