// tiny/tiny.h: from a request to the bin of its class.
#include "tiny/tiny.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/rig.h"

namespace {

class Tiny : public testing::Test {
 protected:
  static void* alloc(hak_owner* by, size_t bytes) {
    hak_bin_at bin = hak_tiny_bin(by, bytes);
    void* block = hak_tiny_take(&bin);
    return block != nullptr ? block : hak_tiny_refill(by, hak_bin_get(&bin));
  }
  void* alloc(size_t bytes) { return alloc(owner, bytes); }
  // Whose bin a request comes to.
  static unsigned class_of(hak_owner* by, size_t bytes) {
    hak_bin_at bin = hak_tiny_bin(by, bytes);
    return static_cast<unsigned>(hak_bin_get(&bin) - by->bins);
  }
  unsigned class_of(size_t bytes) { return class_of(owner, bytes); }
  static unsigned leader_for(size_t bytes) {
    unsigned c = hak_size_class_for(bytes);
    while (!hak_class_leads(c)) c++;
    return c;
  }
  Rig rig;
  hak_owner* owner = rig.make_owner();
};

TEST_F(Tiny, AThreadBeginsWithTheClassesThatLead) {
  for (size_t bytes = 0; bytes <= HAK_TINY_MAX_BYTES; bytes++) ASSERT_EQ(class_of(bytes), leader_for(bytes)) << bytes;
}

TEST_F(Tiny, EverySizeComesToTheBinOfItsClassInTheEnd) {
  hak_owner_split_bins(owner);
  for (size_t bytes = 0; bytes <= HAK_TINY_MAX_BYTES; bytes++) {
    ASSERT_EQ(class_of(bytes), hak_size_class_for(bytes)) << bytes;
  }
}

TEST_F(Tiny, ABinThatNeedsASecondSlabGivesTheOthersTheirRequests) {
  for (unsigned c = 0; c < HAK_TINY_CLASSES; c++) {
    if (!hak_class_leads(c)) continue;
    hak_owner* fresh = rig.make_owner();
    size_t least = hak_class_least(c), most = row_of(c).usable;
    std::vector<void*> blocks;
    for (unsigned i = 0; i < row_of(c).capacity; i++) blocks.push_back(alloc(fresh, i % 2 == 0 ? least : most));
    for (size_t bytes = least; bytes <= most; bytes++) ASSERT_EQ(class_of(fresh, bytes), c) << bytes;
    blocks.push_back(alloc(fresh, most));
    for (size_t bytes = 0; bytes <= HAK_TINY_MAX_BYTES; bytes++) {
      bool ours = bytes >= least && bytes <= most;
      ASSERT_EQ(class_of(fresh, bytes), ours ? hak_size_class_for(bytes) : leader_for(bytes)) << bytes;
    }
    for (void* block : blocks) ASSERT_TRUE(rig.free(fresh, block));
  }
  rig.check();
}

TEST_F(Tiny, AClosedOwnerStaysClosed) {
  hak_owner_close(owner);
  hak_owner_split_bins(owner);
  for (size_t bytes = 0; bytes <= HAK_TINY_MAX_BYTES; bytes++) {
    hak_bin_at bin = hak_tiny_bin(owner, bytes);
    ASSERT_EQ(hak_bin_get(&bin), &owner->closed) << bytes;
  }
}

TEST_F(Tiny, ABlockIsLargeEnoughAlignedAndWritable) {
  for (size_t bytes = 0; bytes <= HAK_TINY_MAX_BYTES; bytes++) {
    void* block = alloc(bytes);
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(address_of(block) % HAK_ALIGNMENT, 0u);
    ASSERT_GE(hak_slab_class(rig.cell(block))->usable, bytes);
    memset(block, 0xff, hak_slab_class(rig.cell(block))->usable);
  }
  rig.check();
}

TEST_F(Tiny, AnEmptyBinHasNoBlockAtHand) {
  for (size_t bytes = 0; bytes <= HAK_TINY_MAX_BYTES; bytes += 16) {
    hak_bin_at bin = hak_tiny_bin(owner, bytes);
    EXPECT_EQ(hak_tiny_take(&bin), nullptr);
  }
}

TEST_F(Tiny, BothWaysOfAllocMarkTheBlockLive) {
  for (size_t bytes : {1, 100, 1000, 1024}) {
    for (int i = 0; i < 200; i++) {
      void* block = alloc(bytes);
      uint8_t live = hak_header_live(rig.cell(block)->class_index);
      ASSERT_TRUE(live == 0 || *hak_header_of(address_of(block)) == live);
    }
  }
}

TEST_F(Tiny, NeighboursDoNotOverwriteEachOthersHeaders) {
  hak_owner_split_bins(owner);
  for (unsigned c = 0; c < HAK_TINY_CLASSES; c++) {
    std::vector<void*> blocks;
    for (uint32_t i = 0; i < 2 * row_of(c).capacity; i++) {
      blocks.push_back(alloc(row_of(c).usable));
      memset(blocks.back(), 0xff, row_of(c).usable);
    }
    for (void* block : blocks) ASSERT_TRUE(hak_header_mark_freed(address_of(block), hak_header_live(c)));
  }
}

TEST_F(Tiny, WithoutMemoryThereIsNoBlock) {
  rig.os.fail(FakeOs::kCommit, 1, FakeOs::kForever);
  EXPECT_EQ(alloc(16), nullptr);
  rig.os.heal();
  EXPECT_NE(alloc(16), nullptr);
}

TEST_F(Tiny, PrewarmGivesEveryBinBlocksAtHand) {
  hak_tiny_prewarm(owner);
  uint64_t attached = owner->counters.slabs_attached;
  EXPECT_EQ(attached, uint64_t{HAK_TINY_CLASSES});
  for (unsigned c = 0; c < HAK_TINY_CLASSES; c++) EXPECT_NE(hak_bin_take(&owner->bins[c]), nullptr);
  EXPECT_EQ(owner->counters.slabs_attached, attached);
  rig.check();
}

TEST_F(Tiny, PrewarmWithoutMemoryDoesNoHarm) {
  rig.os.fail(FakeOs::kCommit, 1, FakeOs::kForever);
  hak_tiny_prewarm(owner);
  rig.os.heal();
  EXPECT_NE(alloc(1), nullptr);
}

}  // namespace
