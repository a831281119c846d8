// superslab/slab.h: the bits of a slab, and which addresses are blocks of it.
#include "superslab/slab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "tests/unit/rig.h"

namespace {

// One slab of the class, after `shift` units that make its place another one.
class SlabOfClass : public testing::TestWithParam<unsigned> {
 protected:
  uintptr_t make_slab(size_t shift = 0) {
    for (size_t i = 0; i < shift; i++) EXPECT_NE(rig.alloc_run(1, HAK_UNIT_BYTES, nullptr, HAK_RUN_SLAB), 0u);
    owner = rig.make_owner();
    block = rig.alloc(owner, GetParam());
    EXPECT_NE(block, nullptr);
    head = rig.head(block);
    body = hak_slab_body_of(head);
    return body->base;
  }

  const hak_size_class& row = row_of(GetParam());
  Rig rig;
  hak_owner* owner = nullptr;
  void* block = nullptr;
  hak_slab* head = nullptr;
  hak_slab_body* body = nullptr;
};

TEST_P(SlabOfClass, EveryUnitKnowsItsHead) {
  uintptr_t base = make_slab();
  for (size_t i = 0; i < row.units; i++) {
    const hak_cell* cell = hak_map_find(&rig.map, base + i * HAK_UNIT_BYTES);
    ASSERT_NE(cell, nullptr);
    EXPECT_EQ(cell->kind, HAK_CELL_SLAB);
    EXPECT_EQ(cell->head, head);
    EXPECT_EQ(cell->class_index, GetParam());
    EXPECT_EQ(hak_slab_body_of(cell), body);
  }
  EXPECT_EQ(hak_map_cell(&rig.map, base), head);
}

TEST_P(SlabOfClass, ABlockBeginsWhereTheStartBitsSay) {
  for (size_t shift : {0, 1, 3, 7}) {
    uintptr_t base = make_slab(shift);
    std::set<size_t> expected;
    for (size_t i = 0; i < row.capacity; i++) {
      uintptr_t address = base + row.first + i * row.stride;
      expected.insert((address >> row.shift) - ((base >> row.shift) & ~uintptr_t{63}));
    }
    ASSERT_EQ(expected.size(), row.capacity);
    std::set<size_t> found;
    for (uint32_t w = 0; w < body->words; w++) {
      uint64_t starts = hak_slab_starts(body, &row, w);
      for (unsigned bit = 0; bit < 64; bit++) {
        if ((starts >> bit) & 1) found.insert(w * 64 + bit);
      }
    }
    EXPECT_EQ(found, expected) << "shift " << shift;
  }
}

TEST_P(SlabOfClass, EveryAddressBelongsToTheBlockAroundIt) {
  uintptr_t base = make_slab();
  size_t bytes = row.units * HAK_UNIT_BYTES;
  size_t step = row.units == 1 ? 1 : 8;
  for (size_t offset = 0; offset < bytes; offset += step) {
    uintptr_t expected = 0;
    if (offset >= row.first && (offset - row.first) / row.stride < row.capacity) {
      expected = base + row.first + (offset - row.first) / row.stride * row.stride;
    }
    const hak_cell* cell = hak_map_cell(&rig.map, base + offset);
    ASSERT_EQ(hak_slab_block_of(cell, base + offset), expected) << offset;
    ASSERT_EQ(hak_slab_is_block(cell, base + offset), expected == base + offset) << offset;
  }
}

TEST_P(SlabOfClass, NoAddressButThatOfALiveBlockIsLive) {
  if (!HAK_CHECKED) GTEST_SKIP() << "the fast build takes blocks from the bits before it deals them";
  uintptr_t base = make_slab();
  size_t grain = size_t{1} << row.shift;
  for (size_t offset = 0; offset < row.units * HAK_UNIT_BYTES; offset += grain) {
    uintptr_t address = base + row.first % grain + offset;
    if (address >= base + row.first + size_t{row.capacity} * row.stride) break;
    const hak_cell* cell = hak_map_cell(&rig.map, address);
    ASSERT_EQ(hak_slab_is_live(cell, address), address == address_of(block)) << offset;
    ASSERT_EQ(hak_slab_is_live_anywhere(cell, address), address == address_of(block)) << offset;
  }
}

TEST_P(SlabOfClass, TheKeyLetsInTheOwnersBlocksAndNoOtherAddress) {
  if (!HAK_CHECKED) GTEST_SKIP() << "the fast build trusts the address";
  uintptr_t base = make_slab();
  for (size_t i = 0; i < row.capacity; i++) {
    uintptr_t address = base + row.first + i * row.stride;
    const hak_cell* cell = hak_map_cell(&rig.map, address);
    ASSERT_TRUE(hak_slab_is_mine(cell, address));
    ASSERT_EQ(hak_slab_claimant(cell, address), owner->thread);
    // Addresses of other memory that come to the same cell.
    uintptr_t window = (rig.map.slot_mask + 1) << HAK_CHUNK_SHIFT;
    ASSERT_EQ(hak_map_cell(&rig.map, address + window), cell);
    ASSERT_FALSE(hak_slab_is_mine(cell, address + window));
    ASSERT_FALSE(hak_slab_is_mine(cell, address - window));
    ASSERT_FALSE(hak_slab_is_mine(cell, address % window));
    for (size_t inside = 1; inside < HAK_ALIGNMENT; inside++) ASSERT_FALSE(hak_slab_is_mine(cell, address + inside));
  }
}

TEST_P(SlabOfClass, TheKeyKeepsOtherThreadsOut) {
  make_slab();
  const hak_cell* cell = rig.cell(block);
  EXPECT_TRUE(hak_slab_is_mine(cell, address_of(block)));
  bool theirs = true;
  std::thread([&] { theirs = hak_slab_is_mine(cell, address_of(block)); }).join();
  EXPECT_FALSE(theirs);
}

TEST_P(SlabOfClass, HoldsAddressesOfItsOwnThatAreAlignedAsItsBlocks) {
  uintptr_t base = make_slab();
  size_t bytes = row.units * HAK_UNIT_BYTES;
  EXPECT_TRUE(hak_slab_holds(head, base + row.first));
  EXPECT_TRUE(hak_slab_holds(head, base + row.first + (row.capacity - 1) * row.stride));
  EXPECT_FALSE(hak_slab_holds(head, base + row.first + 1));
  EXPECT_FALSE(hak_slab_holds(head, base + row.first + 8));
  EXPECT_FALSE(hak_slab_holds(head, base + bytes + row.first));
  EXPECT_FALSE(hak_slab_holds(head, base - bytes + row.first));
}

INSTANTIATE_TEST_SUITE_P(All, SlabOfClass, testing::Range(0u, unsigned{HAK_CLASSES}), name_of_class);

// ---- the validator: each test breaks one field in the child of a death test ----

class SlabCheckDeathTest : public testing::Test {
 protected:
  SlabCheckDeathTest() : owner(rig.make_owner()), blocks(rig.fill_slab(owner, kClass)), head(rig.head(blocks[0])) {
    rig.alloc(owner, kClass);  // the first slab is full
    body = hak_slab_body_of(head);
  }
  void dies_with(const char* what) {
    char line[100];
    snprintf(line, sizeof line, "hakmem: slab: %s at %#zx\n", what, static_cast<size_t>(body->base));
    EXPECT_EXIT(hak_slab_check(head), testing::KilledBySignal(SIGABRT), testing::Eq(std::string(line)));
  }
  static constexpr unsigned kClass = 2;  // 48 bytes: three grains a block
  Rig rig;
  hak_owner* owner;
  std::vector<void*> blocks;
  hak_slab* head;
  hak_slab_body* body;
};

TEST_F(SlabCheckDeathTest, ASoundSlabPasses) {
  hak_owner_check(owner);
  for (size_t i = 0; i + 1 < blocks.size(); i++) {
    ASSERT_TRUE(rig.free(owner, blocks[i]));
    hak_owner_check(owner);
  }
}

TEST_F(SlabCheckDeathTest, ACellThatIsNoSlabIsNamed) {
  head->kind = HAK_CELL_LARGE;
  dies_with("not a head");
}

TEST_F(SlabCheckDeathTest, ABodyOfAnotherSlabIsNamed) {
  body->slab = head + 1;
  dies_with("body of another slab");
}

TEST_F(SlabCheckDeathTest, ACapacityThatIsNotTheStridesIsNamed) {
  body->end_grain++;
  dies_with("stride");
}

TEST_F(SlabCheckDeathTest, ALiveBitInsideABlockIsNamed) {
  body->bits[0] &= ~(UINT64_C(1) << (body->first_grain + 1));
  dies_with("live where no block begins");
}

TEST_F(SlabCheckDeathTest, AWrongCountOfAFullSlabIsNamed) {
  hak_slab_body_of(head)->countdown--;
  dies_with("countdown of a full slab");
}

TEST_F(SlabCheckDeathTest, AWrongCountOfAPartialSlabIsNamed) {
  for (size_t i = 0; head->state != HAK_SLAB_PARTIAL; i++) ASSERT_TRUE(rig.free(owner, blocks[i]));
  hak_slab_body_of(head)->countdown--;
  dies_with("countdown of a partial slab");
}

}  // namespace
