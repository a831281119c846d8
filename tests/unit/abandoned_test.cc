// superslab/owner.h: slabs whose thread is gone, until another takes them over or their last block is freed.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "superslab/owner.h"
#include "tests/unit/rig.h"

namespace {

class Abandoned : public testing::TestWithParam<unsigned> {
 protected:
  void free_by(hak_owner* who, void* block) {
    ASSERT_TRUE(rig.free(who, block));
    rig.check();
  }
  void leave() {
    hak_owner_abandon(owner);
    rig.check();
  }
  // `owner` leaves with every third block of `count` slabs live; returns these blocks.
  std::vector<void*> leave_with_slabs(size_t count) {
    std::vector<void*> blocks;
    std::vector<void*> live;
    for (size_t i = 0; i < count * row.capacity; i++) blocks.push_back(rig.alloc(owner, GetParam()));
    for (size_t i = 0; i < blocks.size(); i++) {
      if (i % 3 == 0) {
        fill_block(blocks[i], row.usable, static_cast<uint32_t>(i));
        live.push_back(blocks[i]);
      } else {
        EXPECT_TRUE(rig.free(owner, blocks[i]));
      }
    }
    leave();
    return live;
  }
  unsigned abandoned() { return rig.pool.abandoned_count[GetParam()]; }

  const hak_size_class& row = row_of(GetParam());
  Rig rig;
  hak_owner* owner = rig.make_owner();
  hak_owner* other = rig.make_owner();
};

TEST_P(Abandoned, AThreadThatLeavesWithoutBlocksLeavesNothing) {
  std::vector<void*> blocks;
  for (size_t i = 0; i < 3 * size_t{row.capacity}; i++) blocks.push_back(rig.alloc(owner, GetParam()));
  for (void* block : blocks) ASSERT_TRUE(rig.free(owner, block));
  leave();
  EXPECT_EQ(rig.stats().used_bytes, 0u);
  EXPECT_EQ(abandoned(), 0u);
  EXPECT_EQ(owner->counters.slabs_abandoned, 0u);
}

// Else its free blocks would lie idle, while the class that stands in for it cuts a slab of its own.
TEST_P(Abandoned, TheClassOfASlabThatIsTakenOverIsStoodInForNoMore) {
  if (GetParam() >= HAK_TINY_CLASSES) GTEST_SKIP() << "none stands in for the pool's classes";
  std::vector<void*> live = leave_with_slabs(2);
  free_by(other, live[0]);
  EXPECT_EQ(other->tiny_bins[row.usable], hak_class_bin(GetParam()));
}

TEST_P(Abandoned, SlabsWithLiveBlocksAreLeftWithoutAnOwner) {
  std::vector<void*> live = leave_with_slabs(3);
  EXPECT_EQ(abandoned(), 3u);
  EXPECT_EQ(owner->counters.slabs_abandoned, 3u);
  for (void* block : live) {
    EXPECT_EQ(rig.head(block)->state, HAK_SLAB_ABANDONED);
    EXPECT_NE(rig.head(block)->owner, owner);
    EXPECT_FALSE(hak_slab_is_mine(rig.cell(block), address_of(block)));
    EXPECT_TRUE(hak_slab_is_live_anywhere(rig.cell(block), address_of(block)));
  }
  for (const hak_bin& bin : owner->bins) {
    EXPECT_EQ(bin.current, nullptr);
    EXPECT_EQ(bin.full.first, nullptr);
    EXPECT_EQ(bin.partial.first, nullptr);
  }
}

TEST_P(Abandoned, BlocksStayWhatTheyWere) {
  std::vector<void*> live = leave_with_slabs(2);
  for (int i = 0; i < 50; i++) rig.alloc(other, GetParam());
  for (size_t i = 0; i < live.size(); i++) {
    ASSERT_TRUE(block_holds(live[i], row.usable, static_cast<uint32_t>(3 * i)));
  }
}

TEST_P(Abandoned, ARefillAdoptsBeforeItMakesASlab) {
  std::vector<void*> live = leave_with_slabs(2);
  void* block = rig.alloc(other, GetParam());
  EXPECT_TRUE(std::any_of(live.begin(), live.end(), [&](void* b) { return rig.head(b) == rig.head(block); }));
  EXPECT_EQ(rig.head(block)->owner, other);
  EXPECT_EQ(other->counters.slabs_adopted, 1u);
  EXPECT_EQ(other->counters.slabs_created, 0u);
  EXPECT_EQ(abandoned(), 1u);
  rig.check();
}

TEST_P(Abandoned, AnAdoptedSlabDealsOnlyItsFreeBlocks) {
  std::vector<void*> live = leave_with_slabs(1);
  std::sort(live.begin(), live.end());
  for (size_t i = 0; i + live.size() < row.capacity; i++) {
    void* block = rig.alloc(other, GetParam());
    ASSERT_EQ(rig.head(block), rig.head(live[0]));
    ASSERT_FALSE(std::binary_search(live.begin(), live.end(), block));
  }
  EXPECT_NE(rig.head(rig.alloc(other, GetParam())), rig.head(live[0]));
}

TEST_P(Abandoned, APartialSlabIsUsedBeforeOneIsAdopted) {
  std::vector<void*> own = rig.fill_slab(other, GetParam());
  rig.alloc(other, GetParam());
  hak_slab* partial = rig.head(own[0]);
  for (size_t i = 0; partial->state != HAK_SLAB_PARTIAL; i++) ASSERT_TRUE(rig.free(other, own[i]));
  leave_with_slabs(1);
  while (partial->state != HAK_SLAB_CURRENT) {
    rig.alloc(other, GetParam());
    ASSERT_EQ(other->counters.slabs_adopted, 0u);
  }
}

TEST_P(Abandoned, ASlabWithHardlyAFreeBlockIsLeftAlone) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  leave();
  ASSERT_EQ(abandoned(), 1u);
  EXPECT_NE(rig.head(rig.alloc(other, GetParam())), rig.head(blocks[0]));
  EXPECT_EQ(other->counters.slabs_adopted, 0u);
  EXPECT_EQ(abandoned(), 1u);
}

TEST_P(Abandoned, ThreadThatFreesIntoASlabAdoptsIt) {
  std::vector<void*> live = leave_with_slabs(1);
  free_by(other, live[0]);
  EXPECT_EQ(rig.head(live[0])->owner, other);
  EXPECT_EQ(other->counters.slabs_adopted, 1u);
  EXPECT_EQ(abandoned(), 0u);
  for (size_t i = 1; i < live.size(); i++) free_by(other, live[i]);
  hak_owner_trim(other);
  EXPECT_EQ(rig.stats().used_bytes, 0u);
}

TEST_P(Abandoned, TheLastFreeByAThreadWithoutAnOwnerReleasesTheSlab) {
  std::vector<void*> live = leave_with_slabs(2);
  for (void* block : live) {
    EXPECT_GT(rig.stats().used_bytes, 0u);
    free_by(nullptr, block);
    EXPECT_FALSE(rig.free(nullptr, block));
  }
  EXPECT_EQ(rig.stats().used_bytes, 0u);
  EXPECT_EQ(abandoned(), 0u);
}

TEST_P(Abandoned, FreesThatWaitedForTheOwnerComeHomeWhenItLeaves) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  for (void* block : blocks) ASSERT_TRUE(rig.free(other, block));
  leave();
  EXPECT_EQ(rig.stats().used_bytes, 0u);
  EXPECT_EQ(abandoned(), 0u);
}

TEST_P(Abandoned, AQueueThatAPusherFilledAfterTheOwnerLeftIsEmptiedByTheNextPush) {
  void* a = rig.alloc(owner, GetParam());
  void* b = rig.alloc(owner, (GetParam() + 1) % HAK_CLASSES);
  leave();
  // The owner is used by another thread meanwhile; what is freed of the abandoned slabs never comes to its queue.
  free_by(nullptr, a);
  free_by(nullptr, b);
  EXPECT_EQ(owner->remote_slabs, nullptr);
  EXPECT_EQ(rig.stats().used_bytes, 0u);
}

TEST_P(Abandoned, AnOwnerCanBeUsedAgain) {
  std::vector<void*> live = leave_with_slabs(2);
  hak_owner_init(owner, &rig.pool, 77);
  void* block = rig.alloc(owner, GetParam());
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(rig.head(block)->owner, owner);
  free_by(owner, block);
  for (void* b : live) free_by(owner, b);
  leave();
  EXPECT_EQ(rig.stats().used_bytes, 0u);
}

TEST_P(Abandoned, SlabsPassThroughManyHands) {
  std::vector<void*> live = leave_with_slabs(2);
  for (int round = 0; round < 10; round++) {
    hak_owner* next = rig.make_owner();
    for (int i = 0; i < 5; i++) live.push_back(rig.alloc(next, GetParam()));
    free_by(next, live.front());
    live.erase(live.begin());
    hak_owner_abandon(next);
    rig.check();
  }
  for (void* block : live) free_by(nullptr, block);
  EXPECT_EQ(rig.stats().used_bytes, 0u);
  EXPECT_EQ(abandoned(), 0u);
}

// Regression: the child of a fork that fell between a drain's two steps called it a double free. Here the drain of a
// slab's last block has made the first step.
TEST_P(Abandoned, ADrainThatWasLostHalfwayIsFinished) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  rig.settle();
  hak_slab* head = rig.head(blocks[0]);
  for (void* block : blocks) ASSERT_TRUE(rig.free(other, block));
  hak_slab* cell = rig.cell(blocks.back());
  EXPECT_FALSE(hak_slab_mark_free(cell, address_of(blocks.back()) >> cell->shift));
  hak_slab_abandon_lost(&rig.pool, head);
  *owner = hak_owner{};  // nobody uses the record of a lost thread again
  rig.check();
  EXPECT_EQ(rig.stats().used_bytes, 0u);
  EXPECT_EQ(abandoned(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Some, Abandoned,
                         testing::Values(0u, 2u, 6u, unsigned{HAK_TINY_CLASSES} - 1, unsigned{HAK_TINY_CLASSES},
                                         unsigned{HAK_TINY_CLASSES} + 7, unsigned{HAK_CLASSES} - 1),
                         name_of_class);

}  // namespace
