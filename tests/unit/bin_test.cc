// superslab/bin.h: windows, and how blocks are taken from them.
#include "superslab/bin.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/unit/rig.h"

namespace {

constexpr uintptr_t kBase = 0x700000000000;

// A bin with a window over one word that the test has.
class BinWindow : public testing::Test {
 protected:
  BinWindow() {
    bin.base = kBase;
    bin.grain = 16;
    bin.draws = 1;
  }
  uintptr_t take() { return address_of(hak_bin_take(&bin)); }
  void open(uint64_t starts) {
    EXPECT_FALSE(hak_bin_enter(&bin, &word));
    hak_bin_open(&bin, &word, starts, word & starts);
  }
  // The next blocks are those of these grains: in this order, where the build has an order.
  void expect_next(std::vector<unsigned> grains) {
    std::vector<uintptr_t> expected, taken;
    for (unsigned grain : grains) {
      expected.push_back(kBase + grain * 16);
      taken.push_back(take());
    }
    if (!kDealsInOrder) std::sort(taken.begin(), taken.end());
    EXPECT_EQ(taken, expected);
  }
  uint64_t word = ~UINT64_C(0);
  hak_bin bin{};
};

TEST_F(BinWindow, TheLowestBlockComesFirst) {
  open(0x9249249249249249);
  std::vector<unsigned> grains;
  for (unsigned grain = 0; grain < 64; grain += 3) grains.push_back(grain);
  expect_next(grains);
  EXPECT_EQ(take(), 0u);
  EXPECT_EQ(word, ~UINT64_C(0x9249249249249249)) << "live where blocks begin, and nowhere else";
}

TEST_F(BinWindow, BlocksInUseAndOtherBlocksAreLeftAlone) {
  word = 0xf0ff;
  open(0x0ff0);
  expect_next({4, 5, 6, 7});
  EXPECT_EQ(take(), 0u);
  EXPECT_EQ(word, 0xf00fu);
}

TEST_F(BinWindow, ABlockFreedInTheWindowIsTakenAgain) {
  if (!HAK_CHECKED) GTEST_SKIP() << "the fast build takes a window's blocks when it opens it";
  open(0xfff);
  int taken = kDealsInOrder ? 10 : 12;  // all, where it might be any of those that are left
  for (int i = 0; i < taken; i++) take();
  word |= UINT64_C(1) << 3;
  word |= UINT64_C(1) << 7;
  expect_next({3, 7});
  if (kDealsInOrder) expect_next({10});
}

TEST_F(BinWindow, WhatASettledBinHadAtHandIsFreeInTheWord) {
  open(~UINT64_C(0));
  uint64_t taken = 0;
  for (int i = 0; i < 10; i++) taken |= UINT64_C(1) << ((take() - kBase) / 16);
  EXPECT_EQ(__builtin_popcountll(taken), 10);
  hak_bin_settle(&bin);
  EXPECT_EQ(word, ~taken);
}

TEST(Bin, WithoutASlabThereIsNoBlockAndNothingIsWritten) {
  Rig rig;
  hak_owner* owner = rig.make_owner();
  for (hak_bin& bin : owner->bins) {
    EXPECT_EQ(hak_bin_take(&bin), nullptr);
    EXPECT_EQ(hak_bin_step(&bin), nullptr);
    hak_bin_settle(&bin);
  }
  EXPECT_EQ(hak_bin_no_word, 0u);
}

class BinOfClass : public testing::TestWithParam<unsigned> {
 protected:
  const hak_size_class& row = row_of(GetParam());
  Rig rig;
  hak_owner* owner = rig.make_owner();
};

TEST_P(BinOfClass, AFreshSlabIsDealtInOrderBlockByBlock) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  if (!kDealsInOrder) std::sort(blocks.begin(), blocks.end());
  const hak_slab_body* body = hak_slab_body_of(rig.head(blocks[0]));
  for (size_t i = 0; i < blocks.size(); i++) {
    ASSERT_EQ(address_of(blocks[i]), body->base + row.first + i * row.stride);
  }
  EXPECT_EQ(owner->counters.slabs_created, 1u);
  EXPECT_NE(rig.head(rig.alloc(owner, GetParam())), rig.head(blocks[0]));
  EXPECT_EQ(owner->counters.slabs_created, 2u);
}

TEST_P(BinOfClass, FreedBlocksOfTheCurrentSlabAreDealtAgainBeforeAnotherSlabIs) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  std::set<void*> freed;
  for (size_t i = 0; i < blocks.size(); i += 3) {
    ASSERT_TRUE(rig.free(owner, blocks[i]));
    freed.insert(blocks[i]);
  }
  while (!freed.empty()) {
    void* block = rig.alloc(owner, GetParam());
    ASSERT_EQ(freed.erase(block), 1u);
  }
  EXPECT_EQ(owner->counters.slabs_created, 1u);
  rig.check();
}

// Fault: a bin went through all untouched blocks of its window, 12 of 20 KiB, while others before it were free.
TEST_P(BinOfClass, LargeBlocksThatComeAndGoTouchLittleMoreThanIsLive) {
  if (row.stride < HAK_TINY_MAX_BYTES) GTEST_SKIP() << "a window of small blocks is a few pages";
  if (!kDealsInOrder || !HAK_CHECKED) GTEST_SKIP() << "takes its window as a whole";
  Random random(1);
  std::vector<void*> blocks(row.capacity / 4);
  uintptr_t most = 0;
  auto alloc = [&](size_t i) {
    blocks[i] = rig.alloc(owner, GetParam());
    most = std::max(most, address_of(blocks[i]) - hak_slab_body_of(rig.head(blocks[i]))->base + row.stride);
  };
  for (size_t i = 0; i < blocks.size(); i++) alloc(i);
  for (size_t step = 0; step < 100 * blocks.size(); step++) {
    size_t i = random.below(blocks.size());
    ASSERT_TRUE(rig.free(owner, blocks[i]));
    alloc(i);
  }
  EXPECT_LE(most, blocks.size() * row.stride * 5 / 4 + 2 * std::max<size_t>(row.stride, 8192));
  EXPECT_EQ(owner->counters.slabs_created, 1u);
}

TEST_P(BinOfClass, BlocksHoldTheirUsableBytesSideBySide) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  for (size_t i = 0; i < blocks.size(); i++) fill_block(blocks[i], row.usable, static_cast<uint32_t>(i));
  for (size_t i = 0; i < blocks.size(); i++) {
    ASSERT_TRUE(block_holds(blocks[i], row.usable, static_cast<uint32_t>(i))) << i;
  }
}

TEST_P(BinOfClass, RefillsAreOneAWindowOrOneABlockAsTheBuildSays) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  uint64_t searches = owner->counters.searches;
  if (HAK_P0_BATCH_REFILL) {
    EXPECT_LE(searches, most_refills(hak_slab_body_of(rig.head(blocks[0])), row_of(GetParam())));
  } else {
    EXPECT_EQ(searches, blocks.size());
  }
}

INSTANTIATE_TEST_SUITE_P(All, BinOfClass, testing::Range(0u, unsigned{HAK_CLASSES}), name_of_class);

}  // namespace
