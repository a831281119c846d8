// superslab/owner.h: the states of a slab, one owner at a time. Remote frees and abandonment have files of their own.
#include "superslab/owner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include "tests/unit/rig.h"

namespace {

class Owner : public testing::TestWithParam<unsigned> {
 protected:
  void* alloc() { return rig.alloc(owner, GetParam()); }
  void free(void* block) {
    ASSERT_TRUE(rig.free(owner, block));
    rig.check();
  }
  // A slab without a free block, and another one that is current.
  std::vector<void*> make_full() {
    std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
    current_blocks.push_back(alloc());
    rig.check();
    return blocks;
  }
  // Frees blocks from the front until the slab is in the state; returns how many.
  size_t free_until(std::vector<void*>* blocks, hak_slab_state state) {
    hak_slab* head = rig.head(blocks->front());
    size_t count = 0;
    while (head->state != state && count < blocks->size()) free((*blocks)[count++]);
    blocks->erase(blocks->begin(), blocks->begin() + static_cast<long>(count));
    return count;
  }
  bool is_slab(const hak_slab* head) { return head->kind == HAK_CELL_SLAB; }
  hak_bin& bin() { return owner->bins[GetParam()]; }

  const hak_size_class& row = row_of(GetParam());
  Rig rig;
  hak_owner* owner = rig.make_owner();
  std::vector<void*> current_blocks;
};

TEST_P(Owner, TheFirstBlockMakesASlabCurrent) {
  void* block = alloc();
  ASSERT_NE(block, nullptr);
  hak_slab* head = rig.head(block);
  EXPECT_EQ(head->state, HAK_SLAB_CURRENT);
  EXPECT_EQ(head->owner, owner);
  EXPECT_EQ(bin().current, head);
  EXPECT_EQ(owner->counters.slabs_created, 1u);
  EXPECT_EQ(owner->counters.slabs_attached, 1u);
  EXPECT_EQ(rig.stats().used_bytes, units_in_arena(row.units) * HAK_UNIT_BYTES);
  rig.check();
}

TEST_P(Owner, ASlabWithoutAFreeBlockIsFull) {
  std::vector<void*> blocks = make_full();
  EXPECT_EQ(rig.head(blocks[0])->state, HAK_SLAB_FULL);
  EXPECT_EQ(hak_slab_count_live(rig.head(blocks[0])), row.capacity);
  EXPECT_EQ(rig.head(current_blocks[0])->state, HAK_SLAB_CURRENT);
}

TEST_P(Owner, AFullSlabIsPartialAfterItsWakeAndNotBefore) {
  std::vector<void*> blocks = make_full();
  hak_slab* head = rig.head(blocks[0]);
  uint32_t wake = hak_slab_class(head)->wake;
  EXPECT_GE(wake, 1u);
  EXPECT_LT(wake, row.capacity);
  EXPECT_EQ(free_until(&blocks, HAK_SLAB_PARTIAL), wake);
  EXPECT_EQ(hak_slab_body_of(head)->countdown, row.capacity - wake);
}

TEST_P(Owner, TheLastFreeOfAPartialSlabMakesItSpare) {
  std::vector<void*> blocks = make_full();
  hak_slab* head = rig.head(blocks[0]);
  free_until(&blocks, HAK_SLAB_PARTIAL);
  while (blocks.size() > 1) {
    free(blocks.back());
    blocks.pop_back();
    ASSERT_EQ(head->state, HAK_SLAB_PARTIAL);
  }
  free(blocks.back());
  EXPECT_TRUE(is_slab(head)) << "one empty slab is kept";
  EXPECT_NE(head->state, HAK_SLAB_PARTIAL);
  EXPECT_EQ(hak_slab_count_live(head), 0u);
}

TEST_P(Owner, ASpareSlabIsUsedBeforeANewOneIsMade) {
  std::vector<void*> blocks = make_full();
  hak_slab* head = rig.head(blocks[0]);
  for (void* block : blocks) free(block);
  uint64_t created = owner->counters.slabs_created;
  while (rig.head(current_blocks.back()) != head) {
    current_blocks.push_back(alloc());
    ASSERT_LE(current_blocks.size(), row.capacity + 1);
  }
  EXPECT_EQ(owner->counters.slabs_created, created);
  EXPECT_EQ(head->state, HAK_SLAB_CURRENT);
  rig.check();
}

TEST_P(Owner, APartialSlabIsUsedBeforeANewOneIsMade) {
  std::vector<void*> blocks = make_full();
  hak_slab* head = rig.head(blocks[0]);
  std::vector<void*> all = blocks;
  size_t freed = free_until(&blocks, HAK_SLAB_PARTIAL);
  std::set<void*> expected(all.begin(), all.begin() + static_cast<long>(freed));
  uint64_t created = owner->counters.slabs_created;
  while (head->state != HAK_SLAB_CURRENT) current_blocks.push_back(alloc());
  EXPECT_EQ(expected.erase(current_blocks.back()), 1u);
  while (!expected.empty()) ASSERT_EQ(expected.erase(alloc()), 1u) << "its free blocks, and no others";
  EXPECT_EQ(owner->counters.slabs_created, created);
  rig.check();
}

TEST_P(Owner, ThePartialSlabThatWaitedLongestIsUsedFirst) {
  std::vector<void*> first = make_full();
  std::vector<void*> second;
  hak_slab* second_head = rig.head(current_blocks[0]);
  second = current_blocks;
  while (second.size() < row.capacity) second.push_back(alloc());
  current_blocks = {alloc()};
  ASSERT_EQ(second_head->state, HAK_SLAB_FULL);
  hak_slab* first_head = rig.head(first[0]);
  free_until(&second, HAK_SLAB_PARTIAL);
  free_until(&first, HAK_SLAB_PARTIAL);
  while (first_head->state == HAK_SLAB_PARTIAL && second_head->state == HAK_SLAB_PARTIAL) alloc();
  EXPECT_EQ(second_head->state, HAK_SLAB_CURRENT);
  rig.check();
}

TEST_P(Owner, FreesIntoTheCurrentSlabChangeNoState) {
  std::vector<void*> blocks = rig.fill_slab(owner, GetParam());
  hak_slab* head = rig.head(blocks[0]);
  for (void* block : blocks) {
    free(block);
    ASSERT_EQ(head->state, HAK_SLAB_CURRENT);
  }
  EXPECT_EQ(rig.head(alloc()), head);
}

TEST_P(Owner, TrimGivesEveryEmptySlabBack) {
  std::vector<void*> blocks;
  for (size_t i = 0; i < 5 * size_t{row.capacity}; i++) blocks.push_back(alloc());
  for (void* block : blocks) ASSERT_TRUE(rig.free(owner, block));
  rig.check();
  hak_owner_trim(owner);
  EXPECT_EQ(rig.stats().used_bytes, 0u);
  EXPECT_EQ(owner->counters.slabs_released, owner->counters.slabs_created);
  EXPECT_EQ(hak_bin_take(&bin()), nullptr);
  EXPECT_NE(alloc(), nullptr);
}

TEST_P(Owner, TrimKeepsSlabsWithALiveBlock) {
  std::vector<void*> blocks = make_full();
  fill_block(blocks[0], row.usable, 1);
  fill_block(current_blocks[0], row.usable, 2);
  for (size_t i = 1; i < blocks.size(); i++) free(blocks[i]);
  hak_owner_trim(owner);
  rig.check();
  EXPECT_EQ(rig.stats().used_bytes, 2 * units_in_arena(row.units) * HAK_UNIT_BYTES);
  EXPECT_TRUE(block_holds(blocks[0], row.usable, 1));
  EXPECT_TRUE(block_holds(current_blocks[0], row.usable, 2));
}

TEST_P(Owner, AReleasedSlabIsNobodys) {
  void* block = alloc();
  hak_slab* head = rig.head(block);
  free(block);
  hak_owner_trim(owner);
  for (size_t i = 0; i < row.units; i++) {
    EXPECT_EQ(head[i].kind, HAK_CELL_NONE);
    EXPECT_EQ(head[i].key, 0u);
    EXPECT_FALSE(hak_slab_is_mine(&head[i], address_of(block)));
  }
  EXPECT_FALSE(rig.free(owner, block));
}

TEST_P(Owner, ASecondFreeIsRefusedInEveryState) {
  std::vector<void*> blocks = make_full();
  hak_slab* head = rig.head(blocks[0]);
  size_t count = 0;
  for (void* block : blocks) {
    free(block);
    if (!is_slab(head)) break;
    ASSERT_FALSE(rig.free(owner, block)) << count;
    count++;
  }
  free(current_blocks[0]);
  EXPECT_FALSE(rig.free(owner, current_blocks[0]));
  rig.check();
}

TEST_P(Owner, WithoutMemoryThereIsNoBlockUntilThereIsSome) {
  rig.os.fail(FakeOs::kCommit, 1, FakeOs::kForever);
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(alloc(), nullptr);
    rig.check();
  }
  EXPECT_EQ(rig.stats().used_bytes, 0u);
  rig.os.heal();
  EXPECT_NE(alloc(), nullptr);
  EXPECT_EQ(rig.stats().used_bytes, units_in_arena(row.units) * HAK_UNIT_BYTES);
}

TEST_P(Owner, WithoutARecordTheRunOfASlabGoesBack) {
  ASSERT_NE(rig.alloc_run(1), 0u);
  rig.os.fail(FakeOs::kReserve, 1, FakeOs::kForever);
  for (size_t bytes = HAK_META_MAX_BYTES; bytes > 0; bytes -= HAK_META_GRAIN) {
    while (hak_meta_alloc(&rig.meta, HAK_META_OTHER, bytes) != nullptr) {
    }
  }
  EXPECT_EQ(alloc(), nullptr);
  EXPECT_EQ(rig.stats().used_bytes, HAK_UNIT_BYTES);
  rig.os.heal();
  EXPECT_NE(alloc(), nullptr);
}

TEST_P(Owner, WhenTheKernelGivesNoMoreTheBlocksThereAreGoOn) {
  std::vector<void*> blocks = make_full();
  while (current_blocks.size() < row.capacity) current_blocks.push_back(alloc());
  rig.os.fail(FakeOs::kCommit, 1, FakeOs::kForever);
  rig.os.fail(FakeOs::kReserve, 1, FakeOs::kForever);
  while (void* block = alloc()) current_blocks.push_back(block);
  EXPECT_EQ(alloc(), nullptr);
  rig.check();
  for (void* block : blocks) free(block);
  for (size_t i = 0; i < blocks.size(); i++) ASSERT_NE(alloc(), nullptr);
  EXPECT_EQ(alloc(), nullptr);
  rig.check();
}

// A heap that only grew took new memory, and left an eighth of each of its slabs of small blocks unused.
TEST_P(Owner, InABinOfManySlabsTheFewFreeBlocksOfAFullOneComeBeforeANewSlab) {
  if (row.stride > 8192) GTEST_SKIP() << "not of large blocks";
  std::vector<std::vector<void*>> slabs(20);
  for (auto& blocks : slabs) blocks = rig.fill_slab(owner, GetParam());
  std::set<void*> expected;
  size_t few = std::min(row.wake - 1, 1024 / row.stride + 1);
  for (size_t i = 0; i < few; i++) {
    free(slabs[13][i]);
    expected.insert(slabs[13][i]);
  }
  ASSERT_EQ(rig.head(slabs[13][0])->state, HAK_SLAB_FULL);
  size_t others = 0;
  for (; !expected.empty(); others += expected.erase(alloc()) == 0) {
    ASSERT_LE(others, 2 * size_t{row.capacity}) << "every full slab has its turn, a few for each new slab";
  }
  EXPECT_EQ(others % row.capacity, 0u) << "once begun, they are dealt to the last one";
  rig.check();
}

// malloc said ENOMEM while blocks were free in slabs that waited for more of them.
TEST_P(Owner, WithoutMemoryTheFewFreeBlocksOfAFullSlabAreDealt) {
  std::vector<void*> blocks = make_full();
  while (current_blocks.size() < row.capacity) current_blocks.push_back(alloc());
  rig.os.fail(FakeOs::kCommit, 1, FakeOs::kForever);
  rig.os.fail(FakeOs::kReserve, 1, FakeOs::kForever);
  while (alloc() != nullptr) {
  }
  free(blocks[0]);
  EXPECT_EQ(alloc(), blocks[0]);
  EXPECT_EQ(alloc(), nullptr);
  rig.check();
}

// It did so, too, while a bin of another class had an empty slab.
TEST_P(Owner, WithoutMemoryTheEmptySlabOfAnotherClassMakesRoom) {
  void* other = rig.alloc(owner, GetParam() == 0 ? 1 : 0);
  rig.options.memory_limit_hard = rig.stats().used_bytes + units_in_arena(row.units) * HAK_UNIT_BYTES - 1;
  EXPECT_EQ(alloc(), nullptr);
  free(other);
  EXPECT_NE(alloc(), nullptr);
  rig.check();
}

INSTANTIATE_TEST_SUITE_P(Some, Owner,
                         testing::Values(0u, 2u, 6u, unsigned{HAK_TINY_CLASSES} - 1, unsigned{HAK_TINY_CLASSES},
                                         unsigned{HAK_TINY_CLASSES} + 6, unsigned{HAK_CLASSES} - 3,
                                         unsigned{HAK_CLASSES} - 1),
                         name_of_class);

TEST(OwnerOfAll, EveryClassHasABinOfItsOwn) {
  Rig rig;
  hak_owner* owner = rig.make_owner();
  std::set<hak_slab*> heads;
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    void* block = rig.alloc(owner, c);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(heads.insert(rig.head(block)).second);
    EXPECT_EQ(rig.head(block)->class_index, c);
    EXPECT_EQ(address_of(block) % HAK_ALIGNMENT, 0u);
  }
  rig.check();
}

TEST(OwnerOfAll, AClosedOwnerHasNoBlockAtHandForAnySize) {
  Rig rig;
  hak_owner* owner = rig.make_owner();
  for (unsigned c = 0; c < HAK_CLASSES; c++) hak_owner_open_window(owner, &owner->bins[c]);
  hak_owner_close(owner);
  std::set<hak_bin_offset> offsets(std::begin(owner->tiny_bins), std::end(owner->tiny_bins));
  offsets.insert(std::begin(owner->pool_bins), std::end(owner->pool_bins));
  ASSERT_EQ(offsets.size(), 1u);
  hak_bin_at bin = hak_owner_bin(owner, *offsets.begin());
  EXPECT_EQ(hak_bin_get(&bin), &owner->closed);
  EXPECT_EQ(hak_bin_take_at(&bin), nullptr);
}

TEST(OwnerOfAll, BlocksOfTwoOwnersComeFromDifferentSlabs) {
  Rig rig;
  hak_owner* a = rig.make_owner();
  hak_owner* b = rig.make_owner();
  EXPECT_NE(rig.head(rig.alloc(a, 3)), rig.head(rig.alloc(b, 3)));
  EXPECT_EQ(rig.head(rig.alloc(a, 3))->owner, a);
  EXPECT_EQ(rig.head(rig.alloc(b, 3))->owner, b);
}

TEST(OwnerOfAll, EmptySlabsOfOneClassServeAnother) {
  Rig rig;
  hak_owner* owner = rig.make_owner();
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    std::vector<void*> blocks;
    for (size_t i = 0; i < 3 * size_t{row_of(c).capacity}; i++) blocks.push_back(rig.alloc(owner, c));
    for (void* block : blocks) ASSERT_TRUE(rig.free(owner, block));
    rig.check();
    hak_owner_trim(owner);
    ASSERT_EQ(rig.stats().used_bytes, 0u);
  }
  EXPECT_LE(rig.stats().committed_bytes, 4 * HAK_CHUNK_BYTES) << "one class after the other in the same units";
}

}  // namespace
