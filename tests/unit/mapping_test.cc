// arena/arena.h: mappings of single large blocks, and those that are kept when they are freed. The clock is the test's.
#include <gtest/gtest.h>

#include <cstring>

#include "arena/arena.h"
#include "tests/unit/rig.h"

namespace {

constexpr size_t kBytes = 3 * HAK_CHUNK_BYTES;

class Mapping : public testing::Test {
 protected:
  uintptr_t map(size_t bytes = kBytes, size_t align = HAK_CHUNK_BYTES, bool zero = false) {
    return hak_arena_map(&rig.arena, bytes, align, zero);
  }
  void unmap(uintptr_t start, size_t bytes = kBytes) { hak_arena_unmap(&rig.arena, start, bytes); }
  // One goes and another is wanted: from now on those that are freed are kept.
  uintptr_t map_after_another() {
    unmap(map());
    return map();
  }
  // Until the next step of decay that looks at large blocks is behind us.
  void tick() {
    hak_arena_tick(&rig.arena);
    hak_arena_tick(&rig.arena);
  }
  void SetUp() override { tick(); }  // the clock has been looked at
  void TearDown() override { hak_arena_check(&rig.arena); }

  Rig rig;
};

class KeptMapping : public Mapping {
 protected:
  void SetUp() override {
    Mapping::SetUp();
    if (HAK_SEALED) GTEST_SKIP() << "these builds keep nothing";
  }
};

TEST_F(Mapping, IsZeroedAlignedAndInTheMap) {
  for (size_t align : {HAK_CHUNK_BYTES, 8 * HAK_CHUNK_BYTES}) {
    size_t bytes = 5 * HAK_CHUNK_BYTES + 4096;
    uintptr_t start = map(bytes, align, true);
    ASSERT_NE(start, 0u);
    EXPECT_EQ(start % align, 0u);
    EXPECT_NE(hak_map_find(&rig.map, start), nullptr);
    EXPECT_EQ(rig.stats().used_bytes, bytes);
    EXPECT_EQ(*reinterpret_cast<char*>(start + bytes - 1), 0);
    memset(reinterpret_cast<void*>(start), 1, bytes);
    unmap(start, bytes);
    hak_arena_purge(&rig.arena);
    EXPECT_EQ(hak_map_find(&rig.map, start), nullptr);
    EXPECT_FALSE(rig.os.is_reserved(start, 1));
    EXPECT_EQ(rig.stats().used_bytes, 0u);
  }
}

TEST_F(Mapping, IsResizedWithItsContents) {
  uintptr_t start = map();
  memset(reinterpret_cast<void*>(start), 5, kBytes);
  uintptr_t smaller = hak_arena_remap(&rig.arena, start, kBytes, HAK_CHUNK_BYTES);
  EXPECT_EQ(smaller, start);
  EXPECT_EQ(rig.stats().used_bytes, HAK_CHUNK_BYTES);
  rig.os.fail(FakeOs::kResize);  // no room behind it
  uintptr_t larger = hak_arena_remap(&rig.arena, start, HAK_CHUNK_BYTES, 9 * HAK_CHUNK_BYTES);
  ASSERT_NE(larger, 0u);
  EXPECT_NE(larger, start);
  for (size_t i = 0; i < HAK_CHUNK_BYTES; i++) ASSERT_EQ(reinterpret_cast<char*>(larger)[i], 5);
  EXPECT_EQ(hak_map_find(&rig.map, start), nullptr);
  EXPECT_NE(hak_map_find(&rig.map, larger), nullptr);
  EXPECT_EQ(rig.stats().used_bytes, 9 * HAK_CHUNK_BYTES);
  unmap(larger, 9 * HAK_CHUNK_BYTES);
  EXPECT_EQ(rig.stats().used_bytes, 0u);
}

TEST_F(Mapping, OneThatGoesGoesAtOnce) {
  for (int i = 0; i < 3; i++) {
    uintptr_t start = map();
    ASSERT_NE(start, 0u);
    unmap(start);
    EXPECT_FALSE(rig.os.is_reserved(start, 1));
    EXPECT_EQ(rig.stats().dirty_bytes, 0u);
    tick();
  }
}

// Fault: a program that makes and frees arrays of 100 MB took twice tcmalloc's time, and 64 MB with two bytes touched
// seventeen times, for the pages of each were new.
TEST_F(KeptMapping, WhereOneWasWantedBehindAnotherTheNextStays) {
  uintptr_t start = map_after_another();
  memset(reinterpret_cast<void*>(start), 7, kBytes);
  unmap(start);
  EXPECT_TRUE(rig.os.is_reserved(start, kBytes));
  hak_arena_stats stats = rig.stats();
  EXPECT_EQ(stats.used_bytes, 0u);
  EXPECT_EQ(stats.mapped_bytes, 0u);
  EXPECT_EQ(stats.dirty_bytes, kBytes);
  hak_arena_check(&rig.arena);
  int calls = rig.os.all_calls();
  EXPECT_EQ(map(), start);
  EXPECT_EQ(rig.os.all_calls(), calls);
  EXPECT_EQ(reinterpret_cast<char*>(start)[kBytes - 1], 7);
  EXPECT_EQ(rig.stats().used_bytes, kBytes);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
}

TEST_F(KeptMapping, NoneOfABlockThatGrows) {
  uintptr_t start = map();
  for (size_t bytes = kBytes; bytes <= 16 * kBytes; bytes *= 2) {
    uintptr_t larger = map(2 * bytes);
    unmap(start, bytes);
    EXPECT_EQ(rig.stats().dirty_bytes, 0u) << bytes;
    start = larger;
  }
}

TEST_F(KeptMapping, ZerosAreZeros) {
  for (int failures = 0; failures < 2; failures++) {
    uintptr_t start = map_after_another();
    memset(reinterpret_cast<void*>(start), 7, kBytes);
    unmap(start);
    if (failures != 0) rig.os.fail(FakeOs::kPurge);
    EXPECT_EQ(map(kBytes, HAK_CHUNK_BYTES, true), start);
    for (size_t i = 0; i < kBytes; i += 512) ASSERT_EQ(reinterpret_cast<char*>(start)[i], 0);
    unmap(start);
    hak_arena_purge(&rig.arena);
  }
}

TEST_F(KeptMapping, ServesOtherSizes) {
  uintptr_t start = map_after_another();
  *reinterpret_cast<char*>(start) = 7;
  unmap(start);
  uintptr_t smaller = map(kBytes - 4096);
  EXPECT_EQ(smaller, start);
  EXPECT_FALSE(rig.os.is_reserved(start + kBytes - 4096, 1));
  EXPECT_EQ(rig.stats().used_bytes, kBytes - 4096);
  unmap(smaller, kBytes - 4096);
  uintptr_t larger = map(2 * HAK_CHUNK_BYTES + kBytes);
  EXPECT_EQ(*reinterpret_cast<char*>(larger), 7) << "grown by the kernel, or moved, with its pages";
  EXPECT_NE(hak_map_find(&rig.map, larger), nullptr);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
  EXPECT_EQ(rig.stats().used_bytes, 2 * HAK_CHUNK_BYTES + kBytes);
}

TEST_F(KeptMapping, TheOneThatFitsBestServes) {
  unmap(map(4 * HAK_CHUNK_BYTES), 4 * HAK_CHUNK_BYTES);
  uintptr_t small = map(4 * HAK_CHUNK_BYTES), middle = map(5 * HAK_CHUNK_BYTES), large = map(7 * HAK_CHUNK_BYTES);
  unmap(large, 7 * HAK_CHUNK_BYTES);
  unmap(small, 4 * HAK_CHUNK_BYTES);
  unmap(middle, 5 * HAK_CHUNK_BYTES);
  EXPECT_NE(map(3 * HAK_CHUNK_BYTES / 2), small) << "most of it would go";
  EXPECT_EQ(rig.stats().dirty_bytes, 16 * HAK_CHUNK_BYTES);
  EXPECT_EQ(map(5 * HAK_CHUNK_BYTES - 4096), middle);
  EXPECT_EQ(map(3 * HAK_CHUNK_BYTES), small);
  map(15 * HAK_CHUNK_BYTES);
  EXPECT_EQ(rig.stats().dirty_bytes, 7 * HAK_CHUNK_BYTES) << "most of it would be new";
  map(9 * HAK_CHUNK_BYTES);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
}

TEST_F(KeptMapping, AnAlignmentOfMoreThanAChunkIsKept) {
  size_t align = 16 * HAK_CHUNK_BYTES;
  unmap(map());
  uintptr_t aligned = map(kBytes, align), other = map();
  while (other % align == 0) other = map();
  unmap(aligned);
  unmap(other);
  EXPECT_EQ(map(kBytes + HAK_CHUNK_BYTES, align) % align, 0u);
  EXPECT_EQ(rig.stats().dirty_bytes, 2 * kBytes) << "one that grows may move";
  EXPECT_EQ(map(kBytes, align), aligned);
  EXPECT_EQ(map(kBytes, align) % align, 0u);
  EXPECT_EQ(rig.stats().dirty_bytes, kBytes);
}

TEST_F(KeptMapping, AnAlignmentOfMoreThanAChunkIsNoneToCut) {
  size_t align = 16 * HAK_CHUNK_BYTES;
  unmap(map(kBytes, align));
  uintptr_t aligned = map(kBytes, align);
  unmap(aligned);
  rig.os.fail(FakeOs::kResize);  // it would have to move
  EXPECT_EQ(map(kBytes - HAK_CHUNK_BYTES, align) % align, 0u);
  EXPECT_EQ(rig.stats().dirty_bytes, kBytes);
}

TEST_F(KeptMapping, OneThatCannotGrowGoes) {
  size_t before = rig.os.reserved_bytes();
  unmap(map_after_another());
  rig.os.fail(FakeOs::kResize, 1, 2);
  uintptr_t start = map(kBytes + 4096);
  ASSERT_NE(start, 0u);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
  EXPECT_EQ(rig.os.reserved_bytes(), before + kBytes + 4096);
}

TEST_F(KeptMapping, GoesWhenItWasNotWantedForTwoSteps) {
  uintptr_t start = map_after_another();
  unmap(start);
  tick();
  EXPECT_TRUE(rig.os.is_reserved(start, kBytes));
  tick();
  EXPECT_FALSE(rig.os.is_reserved(start, 1));
  EXPECT_EQ(hak_map_find(&rig.map, start), nullptr);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
  EXPECT_EQ(rig.stats().purged_bytes, kBytes);
  start = map();
  unmap(start);
  EXPECT_FALSE(rig.os.is_reserved(start, 1)) << "none was wanted since";
}

TEST_F(KeptMapping, StaysInUseForAProgramThatGoesOn) {
  uintptr_t start = map_after_another();
  for (int i = 0; i < 5; i++) {
    unmap(start);
    tick();
    ASSERT_EQ(map(), start);
  }
}

TEST_F(KeptMapping, GoesBeforeARequestFails) {
  size_t before = rig.os.reserved_bytes();
  unmap(map_after_another());
  rig.os.set_reserve_budget(before + kBytes);
  EXPECT_NE(rig.alloc_run(1), 0u);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
}

TEST_F(KeptMapping, GoesBeforeARequestForAMappingFails) {
  unmap(map_after_another());
  rig.os.fail(FakeOs::kReserve);
  EXPECT_NE(map(9 * HAK_CHUNK_BYTES), 0u);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
}

TEST_F(KeptMapping, NoneWhereFreeMemoryIsLimited) {
  const hak_options options = rig.options;
  for (int limit = 0; limit < 3; limit++) {
    uintptr_t start = map_after_another();
    if (limit == 0) rig.options.decay_ms = 0;
    if (limit == 1) rig.options.memory_limit = UINT64_C(1) << 40;
    if (limit == 2) rig.options.dirty_limit = kBytes - 1;
    unmap(start);
    EXPECT_FALSE(rig.os.is_reserved(start, 1)) << limit;
    rig.options = options;
  }
}

TEST_F(KeptMapping, NoneWhereAddressesAreLimited) {
  rig.os.set_address_limit(size_t{1} << 40);
  uintptr_t start = map_after_another();
  unmap(start);
  EXPECT_FALSE(rig.os.is_reserved(start, 1));
}

TEST_F(KeptMapping, AFewAreKept) {
  size_t before = rig.os.reserved_bytes();
  uintptr_t starts[HAK_KEPT_MAPPINGS + 1];
  starts[0] = map_after_another();
  for (unsigned i = 1; i <= HAK_KEPT_MAPPINGS; i++) starts[i] = map();
  for (uintptr_t start : starts) unmap(start);
  EXPECT_EQ(rig.stats().dirty_bytes, HAK_KEPT_MAPPINGS * kBytes);
  EXPECT_EQ(hak_arena_purge(&rig.arena), HAK_KEPT_MAPPINGS * kBytes);
  EXPECT_EQ(rig.os.reserved_bytes(), before);
}

}  // namespace
