// The two ways from slab to thread, a window of blocks at once and one block at a time (p0_batch_refill), must deal the
// same blocks by the same stride. The whole file runs in both builds: refill_test, refill_one_by_one_test.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "superslab/owner.h"
#include "tests/unit/rig.h"

namespace {

class Refill : public testing::TestWithParam<unsigned> {
 protected:
  // The places where the table says that blocks of a slab are, computed here once more.
  std::set<uintptr_t> places(void* block) {
    uintptr_t base = hak_slab_body_of(rig.head(block))->base;
    std::set<uintptr_t> all;
    for (uint32_t i = 0; i < row.capacity; i++) all.insert(base + row.first + uintptr_t{i} * row.stride);
    return all;
  }
  // Frees more than half of the blocks.
  std::set<void*> make_holes(const std::vector<void*>& blocks) {
    std::set<void*> holes;
    for (void* block : blocks) {
      if (holes.size() * 2 > row.capacity && holes.size() >= row.wake) break;
      EXPECT_TRUE(rig.free(owner, block));
      holes.insert(block);
    }
    return holes;
  }
  // Allocates until the holes are filled: how many other blocks were dealt by then. stir: each of them is freed once
  // and asked for again, so that the current slab has always seen a free.
  size_t others_before(std::set<void*> holes, bool stir) {
    std::set<void*> others;
    while (!holes.empty()) {
      void* block = rig.alloc(owner, GetParam());
      if (holes.erase(block) != 0) continue;
      others.insert(block);
      if (!stir) continue;
      EXPECT_TRUE(rig.free(owner, block));
      void* again = rig.alloc(owner, GetParam());
      if (holes.erase(again) == 0) others.insert(again);
    }
    return others.size();
  }
  size_t blocks_of_a_window() const { return 64 / row.grains; }

  const hak_size_class& row = row_of(GetParam());
  Rig rig;
  hak_owner* owner = rig.make_owner();
};

TEST_P(Refill, AFreshSlabIsDealtToItsLastBlock) {
  for (int slab = 0; slab < 3; slab++) {
    std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
    std::set<uintptr_t> left = places(blocks[0]);
    for (void* block : blocks) ASSERT_EQ(left.erase(address_of(block)), 1u);
    EXPECT_TRUE(left.empty());
  }
}

TEST_P(Refill, ASlabWithHolesIsDealtHoleByHole) {
  Random random(GetParam() + 1);
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  rig.alloc(owner, GetParam());
  for (int round = 0; round < 10; round++) {
    std::set<void*> holes;
    for (void* block : blocks) {
      if (random.below(2) == 0) continue;
      ASSERT_TRUE(rig.free(owner, block));
      holes.insert(block);
    }
    rig.check();
    size_t others = 0;
    while (!holes.empty()) {
      void* block = rig.alloc(owner, GetParam());
      ASSERT_NE(block, nullptr);
      others += holes.erase(block) == 0;
      ASSERT_LE(others, 2 * size_t{row.capacity}) << "a hole is never dealt";
    }
    rig.check();
  }
}

TEST_P(Refill, BlocksThatWereUsedComeBeforeThoseThatNeverWere) {
  std::vector<void*> used = rig.fill_slab(owner, GetParam());
  rig.alloc(owner, GetParam()); /* the next slab is current now */
  size_t others = others_before(make_holes(used), false);
  EXPECT_LE(others, blocks_of_a_window());
  /* The rest of the slab that had to wait is not lost. */
  hak_slab* first = rig.head(used[0]);
  for (size_t i = others + 1; i < row.capacity; i++) EXPECT_NE(rig.head(rig.alloc(owner, GetParam())), first);
  EXPECT_EQ(owner->counters.slabs_created, 2u);
  rig.check();
}

// The way back to the beginning of the slab found nothing there, and opened more of it without regard to the others.
TEST_P(Refill, TheyDoAfterAWayBackThatFoundNothingToo) {
  std::vector<void*> used = rig.fill_slab(owner, GetParam());
  rig.alloc(owner, GetParam());
  EXPECT_LE(others_before(make_holes(used), true), blocks_of_a_window());
  rig.check();
}

// A slab that ran dry while another was waiting was taken for one with blocks that were never dealt.
TEST_P(Refill, TheyDoInASlabThatWentDryWhileAnotherWaited) {
  std::vector<void*> waiting = rig.fill_slab(owner, GetParam());
  std::vector<void*> dry = rig.fill_slab(owner, GetParam());
  EXPECT_EQ(others_before(make_holes(waiting), false), 0u);
  rig.alloc(owner, GetParam());
  EXPECT_EQ(owner->counters.slabs_created, 3u);
  EXPECT_LE(others_before(make_holes(dry), false), blocks_of_a_window());
  rig.check();
}

TEST_P(Refill, BlocksDealtAndNotFreedAreNeverDealtAgain) {
  Random random(GetParam() + 7);
  std::set<void*> live;
  for (size_t step = 0; step < 6 * size_t{row.capacity}; step++) {
    void* block = rig.alloc(owner, GetParam());
    ASSERT_TRUE(live.insert(block).second);
    ASSERT_TRUE(hak_slab_is_block(rig.cell(block), address_of(block)));
    if (random.below(3) == 0) {
      auto it = std::next(live.begin(), static_cast<long>(random.below(std::min<size_t>(live.size(), 50))));
      ASSERT_TRUE(rig.free(owner, *it));
      live.erase(it);
    }
  }
  rig.check();
}

TEST_P(Refill, CallsAreAsFewAsTheBuildPromises) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  if (HAK_P0_BATCH_REFILL) {
    EXPECT_LE(owner->counters.searches, most_refills(hak_slab_body_of(rig.head(blocks[0])), row));
  } else {
    EXPECT_EQ(owner->counters.searches, row.capacity);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Refill, testing::Range(0u, unsigned{HAK_CLASSES}), name_of_class);

}  // namespace
