// arena/arena.h: runs of units, where they lie and what becomes of them. Decay and failures have files of their own.
#include "arena/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

#include "tests/unit/rig.h"

namespace {

constexpr size_t kRegionUnits = 1024;  // of the first region

class Arena : public testing::Test {
 protected:
  uintptr_t alloc(size_t units, size_t align = HAK_UNIT_BYTES) { return rig.alloc_run(units, align, &zeroed); }
  void free(uintptr_t start, size_t units) { hak_arena_free(&rig.arena, start, units); }
  bool extend(uintptr_t start, size_t units, size_t more) { return hak_arena_extend(&rig.arena, start, units, more); }
  uint64_t used_units() { return rig.stats().used_bytes / HAK_UNIT_BYTES; }

  static uintptr_t unit(uintptr_t start, size_t n) { return start + n * HAK_UNIT_BYTES; }
  // A byte in each unit says whose it is, and can be written at all.
  static void mark(uintptr_t start, size_t units, uint8_t tag) {
    for (size_t i = 0; i < units; i++) {
      *reinterpret_cast<uint8_t*>(unit(start, i)) = tag;
      *reinterpret_cast<uint8_t*>(unit(start, i + 1) - 1) = tag;
    }
  }
  static bool is_marked(uintptr_t start, size_t units, uint8_t tag) {
    for (size_t i = 0; i < units; i++) {
      if (*reinterpret_cast<uint8_t*>(unit(start, i)) != tag) return false;
      if (*reinterpret_cast<uint8_t*>(unit(start, i + 1) - 1) != tag) return false;
    }
    return true;
  }

  Rig rig;
  bool zeroed = false;
};

TEST_F(Arena, RunsOfEveryLengthAreDealtAndTakenBack) {
  for (size_t units = 1; units <= 200; units++) {
    uintptr_t start = alloc(units);
    ASSERT_NE(start, 0u) << units;
    EXPECT_EQ(start % HAK_UNIT_BYTES, 0u);
    EXPECT_EQ(used_units(), units);
    mark(start, units, 1);
    free(start, units);
    EXPECT_EQ(used_units(), 0u);
  }
}

TEST_F(Arena, ARunLongerThanARegionGetsARegionOfItsOwn) {
  size_t units = kRegionUnits + 100;
  uintptr_t start = alloc(units);
  ASSERT_NE(start, 0u);
  mark(start, units, 7);
  for (size_t i = 0; i < units; i++) ASSERT_NE(hak_map_find(&rig.map, unit(start, i)), nullptr);
  free(start, units);
  EXPECT_EQ(used_units(), 0u);
}

TEST_F(Arena, EveryUnitOfARunIsInTheMap) {
  uintptr_t start = alloc(100);
  for (size_t i = 0; i < 100; i++) {
    hak_cell* cell = hak_map_find(&rig.map, unit(start, i) + 17);
    ASSERT_NE(cell, nullptr);
    EXPECT_EQ(cell->kind, HAK_CELL_NONE);
  }
}

TEST_F(Arena, RunsAreAlignedAsAskedFor) {
  std::vector<uintptr_t> starts;
  for (size_t align = HAK_UNIT_BYTES; align <= HAK_CHUNK_BYTES; align *= 2) {
    for (size_t units : {1, 3, 16, 40, 64}) {
      alloc(1);  // so that nothing is aligned by accident
      uintptr_t start = alloc(units, align);
      ASSERT_NE(start, 0u);
      EXPECT_EQ(start % align, 0u) << units << " units, " << align;
      mark(start, units, 3);
    }
  }
}

TEST_F(Arena, SmallAlignmentsComeForNothing) {
  for (size_t align = 1; align < HAK_UNIT_BYTES; align *= 2) EXPECT_EQ(alloc(1, align) % HAK_UNIT_BYTES, 0u);
}

TEST_F(Arena, AFreshRunReadsAsZero) {
  uintptr_t start = alloc(70);
  EXPECT_TRUE(zeroed);
  const auto* p = reinterpret_cast<const uint8_t*>(start);
  EXPECT_TRUE(std::all_of(p, p + 70 * HAK_UNIT_BYTES, [](uint8_t b) { return b == 0; }));
}

TEST_F(Arena, AUsedRunIsNotSaidToBeZero) {
  uintptr_t start = alloc(4);
  mark(start, 4, 9);
  free(start, 4);
  EXPECT_EQ(alloc(4), start);
  EXPECT_FALSE(zeroed);
}

TEST_F(Arena, ARunWithOneUsedUnitIsNotSaidToBeZero) {
  uintptr_t start = alloc(1);
  free(start, 1);
  EXPECT_EQ(alloc(2), start);
  EXPECT_FALSE(zeroed);
  free(start, 2);
  uintptr_t longer = alloc(130);
  EXPECT_NE(longer, 0u);
  EXPECT_EQ(zeroed, longer > unit(start, 1)) << "a long run that begins behind them is fresh";
}

TEST_F(Arena, DirtyUnitsAreUsedBeforeCleanOnes) {
  uintptr_t a = alloc(4);
  uintptr_t b = alloc(4);
  uintptr_t c = alloc(4);
  ASSERT_EQ(b, unit(a, 4));
  ASSERT_EQ(c, unit(b, 4));
  free(b, 4);
  free(c, 4);
  EXPECT_EQ(rig.stats().dirty_bytes, 8 * HAK_UNIT_BYTES);
  for (size_t i = 0; i < 8; i++) {
    uintptr_t start = alloc(1);
    EXPECT_GE(start, b);
    EXPECT_LT(start, unit(b, 8));
    EXPECT_FALSE(zeroed);
  }
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
  alloc(1);
  EXPECT_TRUE(zeroed);
}

TEST_F(Arena, ADirtyUnitBehindCleanOnesIsPreferred) {
  uintptr_t all = alloc(64);
  free(all, 64);
  hak_arena_purge(&rig.arena);  // clean again, and committed
  ASSERT_EQ(alloc(64), all);
  EXPECT_TRUE(zeroed);
  free(all, 32);
  hak_arena_purge(&rig.arena);
  free(unit(all, 40), 8);
  EXPECT_EQ(alloc(8), unit(all, 40));
  EXPECT_FALSE(zeroed);
}

// Large blocks took a clean run of the chunk whose longest run was shortest, while another chunk held what had been
// freed: growing vectors kept 104 MiB where 50 do.
TEST_F(Arena, LargeBlocksComeFromMemoryThatIsHeldInWhicheverChunk) {
  uintptr_t held = alloc(48);   // longest free run: 16 units, then 48
  uintptr_t other = alloc(32);  // 32
  ASSERT_NE(held / HAK_CHUNK_BYTES, other / HAK_CHUNK_BYTES);
  free(held, 48);
  EXPECT_EQ(alloc(8), held);
  EXPECT_FALSE(zeroed);
}

TEST_F(Arena, ARunToGrowHasRoomBehindIt) {
  uintptr_t all = alloc(64);
  free(unit(all, 8), 4);
  free(unit(all, 16), 8);
  uintptr_t start = hak_arena_alloc_to_grow(&rig.arena, 4, &zeroed);
  EXPECT_EQ(start, unit(all, 16));
  EXPECT_TRUE(hak_arena_extend(&rig.arena, start, 4, 4));
  EXPECT_EQ(hak_arena_alloc_to_grow(&rig.arena, 4, &zeroed), unit(all, 8)) << "without, where there is none";
}

TEST_F(Arena, CommittedChunksAreUsedBeforeUntouchedOnes) {
  uint64_t committed = 0;
  for (int i = 0; i < 64; i++) {
    alloc(1);
    if (i == 0) committed = rig.stats().committed_bytes;
  }
  EXPECT_EQ(rig.stats().committed_bytes, committed);
  EXPECT_EQ(committed, HAK_CHUNK_BYTES);
}

TEST_F(Arena, SlabsAndLargeBlocksDoNotShareAChunk) {
  uintptr_t large = rig.alloc_run(1, HAK_UNIT_BYTES, nullptr, HAK_RUN_LARGE);
  uintptr_t slab = rig.alloc_run(1, HAK_UNIT_BYTES, nullptr, HAK_RUN_SLAB);
  EXPECT_NE(large / HAK_CHUNK_BYTES, slab / HAK_CHUNK_BYTES);
  EXPECT_EQ(rig.alloc_run(1, HAK_UNIT_BYTES, nullptr, HAK_RUN_LARGE) / HAK_CHUNK_BYTES, large / HAK_CHUNK_BYTES);
  EXPECT_EQ(rig.alloc_run(1, HAK_UNIT_BYTES, nullptr, HAK_RUN_SLAB) / HAK_CHUNK_BYTES, slab / HAK_CHUNK_BYTES);
}

TEST_F(Arena, AChunkThatIsWhollyFreeServesTheOtherUse) {
  std::vector<uintptr_t> runs;
  for (size_t i = 0; i < kRegionUnits; i++) runs.push_back(rig.alloc_run(1, HAK_UNIT_BYTES, nullptr, HAK_RUN_SLAB));
  for (uintptr_t run : runs) free(run, 1);
  for (size_t i = 0; i < kRegionUnits; i++) ASSERT_NE(alloc(1), 0u);
  EXPECT_EQ(rig.stats().reserved_bytes, kRegionUnits * HAK_UNIT_BYTES) << "one region was enough for both";
}

TEST_F(Arena, TheHeadAndTheTailOfARunCanGoAlone) {
  uintptr_t start = alloc(130);
  mark(start, 130, 5);
  free(unit(start, 100), 30);
  EXPECT_EQ(used_units(), 100u);
  free(start, 70);
  EXPECT_EQ(used_units(), 30u);
  EXPECT_TRUE(is_marked(unit(start, 70), 30, 5));
  free(unit(start, 70), 30);
  EXPECT_EQ(used_units(), 0u);
}

TEST_F(Arena, ARunGrowsIntoTheFreeUnitsBehindIt) {
  uintptr_t start = alloc(10);
  mark(start, 10, 5);
  EXPECT_TRUE(extend(start, 10, 20));
  EXPECT_EQ(used_units(), 30u);
  mark(unit(start, 10), 20, 6);
  EXPECT_TRUE(is_marked(start, 10, 5));
  uintptr_t other = alloc(1);
  EXPECT_TRUE(other < start || other >= unit(start, 30));
  free(start, 30);
}

TEST_F(Arena, ARunGrowsAcrossChunks) {
  uintptr_t start = alloc(60);
  ASSERT_TRUE(extend(start, 60, 200));
  EXPECT_EQ(used_units(), 260u);
  mark(start, 260, 5);
  EXPECT_EQ(alloc(64) % HAK_CHUNK_BYTES, 0u);
  EXPECT_TRUE(is_marked(start, 260, 5));
  free(start, 260);
  EXPECT_EQ(used_units(), 64u);
}

TEST_F(Arena, ARunDoesNotGrowOverAnother) {
  uintptr_t a = alloc(10);
  uintptr_t b = alloc(1);
  ASSERT_EQ(b, unit(a, 10));
  EXPECT_FALSE(extend(a, 10, 1));
  EXPECT_EQ(used_units(), 11u);
  free(b, 1);
  uintptr_t c = alloc(70);  // in the chunk behind: from its first unit on
  ASSERT_EQ(c % HAK_CHUNK_BYTES, 0u);
  size_t room = (c - unit(a, 10)) / HAK_UNIT_BYTES;
  if (c > a && room < HAK_CHUNK_UNITS) {
    EXPECT_FALSE(extend(a, 10, room + 1));
    EXPECT_EQ(used_units(), 80u);
    EXPECT_TRUE(extend(a, 10, room));
  }
}

// Large blocks and slabs do not share chunks, also when a block grows.
TEST_F(Arena, ARunDoesNotGrowIntoAChunkOfSlabs) {
  uintptr_t large = alloc(HAK_CHUNK_UNITS);
  uintptr_t first = rig.alloc_run(1, HAK_UNIT_BYTES, nullptr, HAK_RUN_SLAB);
  uintptr_t second = rig.alloc_run(1, HAK_UNIT_BYTES, nullptr, HAK_RUN_SLAB);
  ASSERT_EQ(first, unit(large, HAK_CHUNK_UNITS));
  ASSERT_EQ(second, unit(first, 1));
  free(first, 1);
  EXPECT_FALSE(extend(large, HAK_CHUNK_UNITS, 1));
  free(second, 1);
  ASSERT_TRUE(extend(large, HAK_CHUNK_UNITS, 1));
  uintptr_t slab = rig.alloc_run(1, HAK_UNIT_BYTES, nullptr, HAK_RUN_SLAB);
  EXPECT_NE(hak_align_down(slab, HAK_CHUNK_BYTES), first);
}

TEST_F(Arena, ARunDoesNotGrowBeyondItsRegion) {
  uintptr_t start = alloc(kRegionUnits);
  uintptr_t region_end = unit(start, kRegionUnits);
  ASSERT_EQ(hak_map_find(&rig.map, region_end), nullptr);
  EXPECT_FALSE(extend(start, kRegionUnits, 1));
  EXPECT_EQ(used_units(), kRegionUnits);
}

TEST_F(Arena, StatsCountWhatIsThere) {
  uintptr_t a = alloc(3);
  uintptr_t b = alloc(100);
  hak_arena_stats stats = rig.stats();
  EXPECT_EQ(stats.runs, 2u);
  EXPECT_EQ(stats.used_bytes, 103 * HAK_UNIT_BYTES);
  EXPECT_EQ(stats.reserved_bytes, kRegionUnits * HAK_UNIT_BYTES);
  EXPECT_EQ(stats.committed_bytes, 3 * HAK_CHUNK_BYTES);
  EXPECT_EQ(stats.dirty_bytes, 0u);
  free(a, 3);
  free(b, 100);
  stats = rig.stats();
  EXPECT_EQ(stats.used_bytes, 0u);
  EXPECT_EQ(stats.dirty_bytes, 103 * HAK_UNIT_BYTES);
  EXPECT_EQ(stats.purged_bytes, 0u);
}

TEST_F(Arena, RandomRunsNeverOverlapAndAddUp) {
  struct Run {
    size_t units;
    uint8_t tag;
  };
  std::map<uintptr_t, Run> runs;
  size_t units_live = 0;
  Random random(11);
  for (int step = 0; step < 6000 / kSlowdown; step++) {
    if (runs.size() < 60 && random.below(5) < 3) {
      size_t units = random.below(10) == 0 ? 60 + random.below(140) : 1 + random.below(20);
      size_t align = units <= HAK_CHUNK_UNITS ? HAK_UNIT_BYTES << random.below(7) : HAK_UNIT_BYTES;
      uintptr_t start = alloc(units, align);
      ASSERT_NE(start, 0u);
      ASSERT_EQ(start % align, 0u);
      auto next = runs.lower_bound(start);
      ASSERT_TRUE(next == runs.end() || next->first >= unit(start, units));
      if (next != runs.begin()) {
        auto before = std::prev(next);
        ASSERT_LE(unit(before->first, before->second.units), start);
      }
      auto tag = static_cast<uint8_t>(1 + random.below(255));
      mark(start, units, tag);
      runs[start] = {units, tag};
      units_live += units;
    } else if (!runs.empty()) {
      auto it = std::next(runs.begin(), static_cast<long>(random.below(runs.size())));
      auto [start, run] = *it;
      size_t more = 1 + random.below(30);
      if (random.below(4) == 0 && extend(start, run.units, more)) {
        mark(start, run.units + more, run.tag);
        it->second.units += more;
        units_live += more;
        continue;
      }
      ASSERT_TRUE(is_marked(start, run.units, run.tag));
      free(start, run.units);
      units_live -= run.units;
      runs.erase(it);
    }
    if (random.below(50) == 0) hak_arena_tick(&rig.arena);
    ASSERT_EQ(used_units(), units_live);
  }
  for (const auto& [start, run] : runs) {
    EXPECT_TRUE(is_marked(start, run.units, run.tag));
    free(start, run.units);
  }
  EXPECT_EQ(used_units(), 0u);
  hak_arena_purge(&rig.arena);
  EXPECT_EQ(rig.stats().dirty_bytes, 0u);
}

}  // namespace
