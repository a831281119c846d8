// Frees by threads that do not own the slab: one test thread plays all owners, so that every order can be had.
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "superslab/owner.h"
#include "tests/unit/rig.h"

namespace {

class Remote : public testing::TestWithParam<unsigned> {
 protected:
  void* alloc() { return rig.alloc(owner, GetParam()); }
  void free_by(hak_owner* who, void* block) {
    ASSERT_TRUE(rig.free(who, block));
    rig.check();
  }
  void drain() {
    hak_owner_drain(owner);
    rig.check();
  }
  const hak_size_class& row = row_of(GetParam());
  Rig rig;
  hak_owner* owner = rig.make_owner();
  hak_owner* other = rig.make_owner();
};

TEST_P(Remote, ABlockThatAnotherFreedIsNotLiveAndNotYetHome) {
  void* block = alloc();
  hak_slab* head = rig.head(block);
  EXPECT_TRUE(hak_slab_is_live_anywhere(rig.cell(block), address_of(block)));
  free_by(other, block);
  EXPECT_FALSE(hak_slab_is_live_anywhere(rig.cell(block), address_of(block)));
  EXPECT_TRUE(hak_slab_is_live(rig.cell(block), address_of(block))) << "as its owner knows it";
  EXPECT_EQ(hak_slab_count_remote(head), 1u);
  drain();
  EXPECT_FALSE(hak_slab_is_live(rig.cell(block), address_of(block)));
  EXPECT_EQ(hak_slab_count_remote(head), 0u);
  EXPECT_EQ(owner->counters.remote_blocks, 1u);
  EXPECT_EQ(owner->counters.remote_drains, 1u);
}

TEST_P(Remote, EveryBlockOfASlabComesHome) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  hak_slab* head = rig.head(blocks[0]);
  for (size_t i = 0; i < blocks.size(); i++) {
    ASSERT_TRUE(rig.free(i % 2 == 0 ? other : nullptr, blocks[i]));
    ASSERT_EQ(hak_slab_count_remote(head), i + 1);
  }
  drain();
  EXPECT_EQ(hak_slab_count_live(head), 0u);
  hak_owner_trim(owner);
  EXPECT_EQ(rig.stats().used_bytes, 0u);
}

TEST_P(Remote, ASecondFreeIsRefusedWhoeverMakesIt) {
  void* keep = alloc();
  void* a = alloc();
  void* b = alloc();
  ASSERT_NE(keep, nullptr);
  free_by(other, a);
  EXPECT_FALSE(rig.free(other, a));
  EXPECT_FALSE(rig.free(nullptr, a));
  EXPECT_FALSE(rig.free(owner, a));
  drain();
  EXPECT_FALSE(rig.free(other, a));
  EXPECT_FALSE(rig.free(owner, a));
  free_by(owner, b);
  EXPECT_FALSE(rig.free(other, b));
  rig.check();
}

TEST_P(Remote, AFreeByAnotherMarksTheUnitAsSharedUntilTheBlockIsHome) {
  if (!HAK_CHECKED) GTEST_SKIP() << "the fast build does not look";
  void* keep = alloc();
  void* block = alloc();
  EXPECT_TRUE(hak_slab_is_mine(rig.cell(block), address_of(block)));
  free_by(other, block);
  EXPECT_TRUE(hak_slab_is_shared(rig.cell(block)));
  EXPECT_FALSE(hak_slab_is_mine(rig.cell(block), address_of(block)));
  EXPECT_EQ(hak_slab_claimant(rig.cell(block), address_of(block)), owner->thread);
  drain();
  EXPECT_FALSE(hak_slab_is_shared(rig.cell(block)));
  EXPECT_TRUE(hak_slab_is_mine(rig.cell(keep), address_of(keep)));
}

TEST_P(Remote, AFullSlabWakesByRemoteFrees) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  alloc();
  hak_slab* head = rig.head(blocks[0]);
  ASSERT_EQ(head->state, HAK_SLAB_FULL);
  uint32_t wake = hak_slab_class(head)->wake;
  for (uint32_t i = 0; i + 1 < wake; i++) free_by(other, blocks[i]);
  drain();
  EXPECT_EQ(head->state, HAK_SLAB_FULL);
  free_by(other, blocks[wake - 1]);
  drain();
  EXPECT_EQ(head->state, HAK_SLAB_PARTIAL);
  for (size_t i = wake; i < blocks.size(); i++) free_by(i % 3 == 0 ? owner : other, blocks[i]);
  drain();
  EXPECT_NE(head->state, HAK_SLAB_PARTIAL) << "empty";
  EXPECT_EQ(hak_slab_count_live(head), 0u);
}

TEST_P(Remote, ARefillTakesRemoteFreesBeforeItMakesASlab) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  for (void* block : blocks) ASSERT_TRUE(rig.free(other, block));
  for (size_t i = 0; i < blocks.size(); i++) EXPECT_EQ(rig.head(alloc()), rig.head(blocks[0]));
  EXPECT_EQ(owner->counters.slabs_created, 1u);
  rig.check();
}

// The search for a window looks behind it only if blocks were freed there, and these count.
TEST_P(Remote, ABlockThatComesHomeToTheCurrentSlabIsUsedBeforeTheSlabIsLeft) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  free_by(other, blocks[0]);
  drain();
  EXPECT_EQ(alloc(), blocks[0]);
  EXPECT_EQ(owner->counters.slabs_created, 1u);
}

TEST_P(Remote, NoNumberOfFreesMakesABinLeaveItsCurrentSlab) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  hak_slab* head = rig.head(blocks[0]);
  hak_slab_body_of(head)->countdown = 1;  // after 2^32 frees or so
  free_by(owner, blocks[0]);
  EXPECT_EQ(alloc(), blocks[0]);
  hak_slab_body_of(head)->countdown = 2;
  for (int i = 0; i < 3; i++) free_by(other, blocks[i]);
  drain();
  EXPECT_EQ(head->state, HAK_SLAB_CURRENT);
  for (int i = 0; i < 3; i++) EXPECT_EQ(rig.head(alloc()), head);
  rig.check();
}

TEST_P(Remote, ASlabIsQueuedOnceForManyFrees) {
  void* a = alloc();
  void* b = alloc();
  free_by(other, a);
  hak_slab* head = rig.head(a);
  EXPECT_EQ(owner->remote_slabs, head);
  hak_slab* end = head->remote_next;
  EXPECT_NE(end, nullptr);
  free_by(other, b);
  EXPECT_EQ(owner->remote_slabs, head);
  EXPECT_EQ(head->remote_next, end);
}

TEST_P(Remote, TheQueueEndsInASentinelThatIsNoSlabAndStaysAsItIs) {
  std::vector<void*> blocks;
  for (unsigned c = 0; c < 3; c++) blocks.push_back(rig.alloc(owner, (GetParam() + c) % HAK_CLASSES));
  std::vector<hak_slab*> heads;
  for (void* block : blocks) {
    ASSERT_TRUE(rig.free(other, block));
    heads.push_back(rig.head(block));
  }
  hak_slab* sentinel = heads[0]->remote_next;
  ASSERT_NE(sentinel, nullptr);
  EXPECT_EQ(owner->remote_slabs, heads[2]);
  EXPECT_EQ(heads[2]->remote_next, heads[1]);
  EXPECT_EQ(heads[1]->remote_next, heads[0]);
  hak_slab before = *sentinel;
  EXPECT_EQ(before.kind, HAK_CELL_NONE);
  EXPECT_EQ(before.owner, nullptr);
  EXPECT_EQ(before.remote_next, nullptr);
  drain();
  EXPECT_EQ(memcmp(&before, sentinel, sizeof before), 0);
  EXPECT_EQ(owner->remote_slabs, nullptr);
  for (hak_slab* head : heads) {
    EXPECT_EQ(head->remote_next, nullptr);
    EXPECT_EQ(hak_slab_count_remote(head), 0u);
  }
}

TEST_P(Remote, ASlabOfAnotherOwnerInTheQueueIsSentOn) {
  void* mine = alloc();
  void* theirs = rig.alloc(other, GetParam());
  ASSERT_TRUE(rig.free(other, mine));
  ASSERT_TRUE(rig.free(owner, theirs));
  // Both end up in the queue of `owner`, as after a change of owners in the middle of a push.
  hak_slab* sentinel = rig.head(mine)->remote_next;
  ASSERT_EQ(rig.head(theirs)->remote_next, sentinel);
  other->remote_slabs = nullptr;
  rig.head(theirs)->remote_next = rig.head(mine);
  owner->remote_slabs = rig.head(theirs);
  drain();
  EXPECT_EQ(hak_slab_count_remote(rig.head(mine)), 0u);
  EXPECT_EQ(hak_slab_count_remote(rig.head(theirs)), 1u) << "only its owner may touch its bits";
  EXPECT_EQ(other->remote_slabs, rig.head(theirs));
  EXPECT_EQ(rig.head(theirs)->remote_next, sentinel);
  hak_owner_drain(other);
  rig.settle();
  EXPECT_EQ(hak_slab_count_remote(rig.head(theirs)), 0u);
  EXPECT_EQ(hak_slab_count_live(rig.head(theirs)), 0u);
}

TEST_P(Remote, AReleasedSlabInTheQueueIsSkipped) {
  void* keep = rig.alloc(owner, 0);
  void* block = rig.alloc(owner, GetParam() == 0 ? 1 : GetParam());
  ASSERT_TRUE(rig.free(other, keep));
  hak_slab* sentinel = rig.head(keep)->remote_next;
  hak_slab* head = rig.head(block);
  free_by(owner, block);
  hak_owner_trim(owner);
  ASSERT_EQ(head->kind, HAK_CELL_NONE);
  // A thread whose free came home before it had queued the slab queues it now.
  head->remote_next = sentinel;
  owner->remote_slabs = head;
  drain();
  EXPECT_EQ(head->kind, HAK_CELL_NONE);
  EXPECT_EQ(head->remote_next, nullptr);
  EXPECT_EQ(owner->remote_slabs, nullptr);
  EXPECT_NE(alloc(), nullptr);
  rig.check();
}

TEST_P(Remote, ASlabThatEmptiesInTheQueueCanBeUsedAgainWhileItIsQueued) {
  void* block = alloc();
  hak_slab* head = rig.head(block);
  free_by(other, block);
  hak_slab* sentinel = head->remote_next;
  drain();
  hak_owner_trim(owner);
  head->remote_next = sentinel;
  other->remote_slabs = head;
  void* again = alloc();
  ASSERT_EQ(rig.head(again), head) << "the same unit";
  free_by(other, again);  // finds the slab queued and leaves it at that
  hak_owner_drain(other);
  drain();
  rig.settle();
  EXPECT_EQ(hak_slab_count_live(head), 0u);
  EXPECT_EQ(head->remote_next, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Some, Remote,
                         testing::Values(0u, 2u, 6u, unsigned{HAK_TINY_CLASSES} - 1, unsigned{HAK_TINY_CLASSES},
                                         unsigned{HAK_TINY_CLASSES} + 7, unsigned{HAK_CLASSES} - 1),
                         name_of_class);

// The unit of a released slab may lie inside another slab by the time it is met in a queue.
TEST(RemoteDeathTest, AReleasedSlabWhoseUnitIsInsideAnotherNowIsSkipped) {
  Rig rig;
  hak_owner* owner = rig.make_owner();
  hak_owner* other = rig.make_owner();
  unsigned wide = HAK_CLASSES - 1;
  ASSERT_GT(row_of(wide).units, 1u);
  std::vector<void*> blocks;
  // One-unit slabs side by side, as many as the wide slab has units.
  while (blocks.size() < row_of(wide).units * row_of(0).capacity) blocks.push_back(rig.alloc(owner, 0));
  hak_slab* inside = rig.head(blocks[row_of(0).capacity]);
  ASSERT_TRUE(rig.free(other, blocks[row_of(0).capacity]));
  hak_slab* sentinel = inside->remote_next;
  hak_owner_drain(owner);
  blocks.erase(blocks.begin() + row_of(0).capacity);
  for (void* block : blocks) ASSERT_TRUE(rig.free(owner, block));
  hak_owner_trim(owner);
  void* block = rig.alloc(other, wide);
  ASSERT_EQ(inside->kind, HAK_CELL_SLAB);
  ASSERT_NE(inside->head, inside);
  inside->remote_next = sentinel;
  owner->remote_slabs = inside;
  EXPECT_EXIT(
      {
        alarm(20);
        hak_owner_drain(owner);
        hak_owner_check(other);
        _exit(inside->remote_next == nullptr && rig.free(other, block) ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
