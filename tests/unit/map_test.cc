// arena/map.h: claiming and dropping slots, and look-ups of addresses that are ours, that were, and that never were.
#include "arena/map.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/rig.h"

namespace {

constexpr size_t kSlots = 1024;
constexpr uintptr_t kWindow = kSlots * HAK_CHUNK_BYTES;
constexpr uintptr_t kBase = UINT64_C(0x7f0000000000);
static_assert(kBase % kWindow == 0, "kBase is in slot 0");

constexpr uintptr_t chunk_at(size_t n) { return kBase + n * HAK_CHUNK_BYTES; }

// Claims need addresses, not memory: nothing is mapped where these tests claim.
class Map : public testing::Test {
 protected:
  Map() {
    os.set_memory_bytes(size_t{1} << 30);
    EXPECT_TRUE(hak_map_init(&map, os.table()));
  }
  FakeOs os;
  hak_map map = HAK_MAP_EMPTY;
};

TEST(MapEmpty, OwnsNoAddressAtAll) {
  hak_map map = HAK_MAP_EMPTY;
  for (uintptr_t address : {uintptr_t{0}, uintptr_t{1}, kBase, kBase + 12345, UINTPTR_MAX}) {
    EXPECT_EQ(hak_map_find(&map, address), nullptr);
    EXPECT_EQ(hak_map_cell(&map, address)->kind, HAK_CELL_NONE);
    EXPECT_EQ(hak_map_cell(&map, address)->key, 0u);
  }
}

TEST(MapInit, FailsWithoutAddressSpace) {
  FakeOs os;
  hak_map map = HAK_MAP_EMPTY;
  os.fail(FakeOs::kReserveReadable);
  EXPECT_FALSE(hak_map_init(&map, os.table()));
}

size_t slots_for(size_t memory, size_t limit) {
  FakeOs os;
  hak_map map = HAK_MAP_EMPTY;
  os.set_memory_bytes(memory);
  os.set_address_limit(limit);
  EXPECT_TRUE(hak_map_init(&map, os.table()));
  return map.slot_mask + 1;
}

TEST(MapInit, CoversSeveralTimesTheMemoryOfTheMachine) {
  EXPECT_EQ(slots_for(size_t{1} << 20, SIZE_MAX), 1024u);
  EXPECT_GE(slots_for(size_t{16} << 30, SIZE_MAX) * HAK_CHUNK_BYTES, size_t{32} << 30);
  EXPECT_TRUE(hak_is_power_of_two(slots_for(size_t{3} << 30, SIZE_MAX)));
}

TEST(MapInit, IsSmallWhereAddressSpaceIsLimited) {
  FakeOs os;
  hak_map map = HAK_MAP_EMPTY;
  os.set_memory_bytes(size_t{256} << 30);
  os.set_address_limit(size_t{1000000} << 10);
  EXPECT_TRUE(hak_map_init(&map, os.table()));
  EXPECT_LT(os.reserved_bytes(), size_t{32} << 20);
}

TEST_F(Map, AClaimedChunkIsFoundInAllItsUnitsAndItsNeighboursAreNot) {
  ASSERT_TRUE(hak_map_claim(&map, chunk_at(5), 1));
  std::set<hak_cell*> cells;
  for (size_t unit = 0; unit < HAK_CHUNK_UNITS; unit++) {
    uintptr_t address = chunk_at(5) + unit * HAK_UNIT_BYTES;
    hak_cell* cell = hak_map_find(&map, address);
    ASSERT_NE(cell, nullptr);
    EXPECT_TRUE(cells.insert(cell).second);
    EXPECT_EQ(hak_map_find(&map, address + 1), cell);
    EXPECT_EQ(hak_map_find(&map, address + HAK_UNIT_BYTES - 1), cell);
  }
  EXPECT_EQ(hak_map_find(&map, chunk_at(5) - 1), nullptr);
  EXPECT_EQ(hak_map_find(&map, chunk_at(6)), nullptr);
}

TEST_F(Map, ADroppedChunkIsNobodysAgain) {
  ASSERT_TRUE(hak_map_claim(&map, chunk_at(5), 3));
  hak_map_drop(&map, chunk_at(6), 1);
  EXPECT_NE(hak_map_find(&map, chunk_at(5)), nullptr);
  EXPECT_EQ(hak_map_find(&map, chunk_at(6)), nullptr);
  EXPECT_NE(hak_map_find(&map, chunk_at(7)), nullptr);
  EXPECT_TRUE(hak_map_claim(&map, chunk_at(6), 1));
  EXPECT_NE(hak_map_find(&map, chunk_at(6)), nullptr);
}

TEST_F(Map, AForeignAddressOfAClaimedSlotIsNotFound) {
  ASSERT_TRUE(hak_map_claim(&map, chunk_at(5), 1));
  for (uintptr_t address : {chunk_at(5) + kWindow, chunk_at(5) - kWindow, chunk_at(5) % kWindow}) {
    EXPECT_EQ(hak_map_cell(&map, address), hak_map_cell(&map, chunk_at(5))) << "the test wants the same slot";
    EXPECT_EQ(hak_map_find(&map, address), nullptr);
  }
}

TEST_F(Map, ASlotHasOneOwnerAtMost) {
  ASSERT_TRUE(hak_map_claim(&map, chunk_at(5), 1));
  EXPECT_FALSE(hak_map_claim(&map, chunk_at(5), 1));
  EXPECT_FALSE(hak_map_claim(&map, chunk_at(5) + kWindow, 1));
  EXPECT_FALSE(hak_map_claim(&map, chunk_at(3) + kWindow, 3));
  EXPECT_EQ(hak_map_find(&map, chunk_at(3) + kWindow), nullptr) << "a refused claim takes none of its chunks";
  hak_map_drop(&map, chunk_at(5), 1);
  EXPECT_TRUE(hak_map_claim(&map, chunk_at(5) + kWindow, 1));
}

TEST_F(Map, AClaimDoesNotWrapAroundTheTable) {
  EXPECT_FALSE(hak_map_claim(&map, chunk_at(kSlots - 1), 2));
  EXPECT_TRUE(hak_map_claim(&map, chunk_at(kSlots - 1), 1));
  EXPECT_TRUE(hak_map_claim(&map, chunk_at(kSlots + 1), 1));
  EXPECT_FALSE(hak_map_claim(&map, chunk_at(2), kSlots + 1));
}

// In the fast build free(NULL) meets the cell of the null pointer and believes it.
TEST_F(Map, NobodyOwnsTheCellOfTheNullPointer) {
  EXPECT_FALSE(hak_map_claim(&map, chunk_at(0), 1));
  EXPECT_FALSE(hak_map_claim(&map, chunk_at(kSlots), 2));
  EXPECT_NE(hak_map_suggest(&map, kBase, kSlots - 1, HAK_CHUNK_BYTES), kBase);
  EXPECT_EQ(hak_map_suggest(&map, kBase, kSlots, HAK_CHUNK_BYTES), 0u);
  uint64_t rest;
  EXPECT_FALSE(hak_xor_is_thread(0, &hak_map_cell(&map, 0)->key, &rest));
}

TEST_F(Map, WithoutMemoryForTheTablesNothingIsClaimed) {
  for (int nth : {1, 2}) {
    os.fail(FakeOs::kCommit, nth);
    EXPECT_FALSE(hak_map_claim(&map, chunk_at(7), 2));
    EXPECT_EQ(hak_map_find(&map, chunk_at(7)), nullptr);
    os.heal();
  }
  EXPECT_TRUE(hak_map_claim(&map, chunk_at(7), 2));
}

TEST_F(Map, CellsThatNobodyClaimedBelongToNobody) {
  ASSERT_TRUE(hak_map_claim(&map, chunk_at(5), 1));
  for (size_t n = 0; n < kSlots; n += 17) {
    const hak_cell* cell = hak_map_cell(&map, chunk_at(n) + 3 * HAK_UNIT_BYTES);
    EXPECT_EQ(cell->kind, HAK_CELL_NONE);
    EXPECT_EQ(cell->key, 0u);
    EXPECT_EQ(cell->mask, 0u);
    uint64_t rest;
    EXPECT_FALSE(hak_xor_is_thread(chunk_at(n) & cell->mask, &cell->key, &rest));
  }
}

TEST_F(Map, ASuggestionHasFreeSlotsAndIsNear) {
  ASSERT_TRUE(hak_map_claim(&map, chunk_at(1), 9));
  ASSERT_TRUE(hak_map_claim(&map, chunk_at(12), 10));
  uintptr_t near = kBase + 7 * kWindow + 3 * HAK_CHUNK_BYTES;
  for (size_t count : {1, 2, 3, 16}) {
    uintptr_t base = hak_map_suggest(&map, near, count, HAK_CHUNK_BYTES);
    ASSERT_NE(base, 0u);
    EXPECT_EQ(base % HAK_CHUNK_BYTES, 0u);
    EXPECT_EQ(base / kWindow, near / kWindow);
    EXPECT_TRUE(hak_map_claim(&map, base, count)) << count;
  }
}

TEST_F(Map, ASuggestionIsAligned) {
  ASSERT_TRUE(hak_map_claim(&map, chunk_at(16), 1));
  for (size_t count : {1, 3, 20}) {
    uintptr_t base = hak_map_suggest(&map, kBase + kWindow, count, 16 * HAK_CHUNK_BYTES);
    EXPECT_EQ(base, kBase + kWindow + 32 * HAK_CHUNK_BYTES) << count;
  }
}

TEST_F(Map, NoSuggestionWhereNoRowOfSlotsIsLongEnough) {
  for (size_t n = 4; n < kSlots; n += 4) ASSERT_TRUE(hak_map_claim(&map, chunk_at(n), 1));
  EXPECT_NE(hak_map_suggest(&map, kBase, 3, HAK_CHUNK_BYTES), 0u);
  EXPECT_EQ(hak_map_suggest(&map, kBase, 4, HAK_CHUNK_BYTES), 0u);
  for (size_t n = 1; n < kSlots; n++) {
    if (n % 4 == 0) continue;
    ASSERT_TRUE(hak_map_claim(&map, chunk_at(n), 1));
  }
  EXPECT_EQ(hak_map_suggest(&map, kBase, 1, HAK_CHUNK_BYTES), 0u);
}

TEST_F(Map, RandomClaimsAndDropsAgreeWithAModel) {
  std::set<size_t> claimed;
  Random random(3);
  for (int step = 0; step < 5000; step++) {
    size_t slot = random.below(kSlots);
    size_t count = 1 + random.below(4);
    bool free = slot != 0 && slot + count <= kSlots;
    for (size_t i = 0; i < count; i++) free = free && claimed.count(slot + i) == 0;
    if (random.below(3) != 0) {
      ASSERT_EQ(hak_map_claim(&map, chunk_at(slot), count), free);
      for (size_t i = 0; free && i < count; i++) claimed.insert(slot + i);
    } else if (claimed.count(slot) != 0) {
      hak_map_drop(&map, chunk_at(slot), 1);
      claimed.erase(slot);
    }
    size_t other = random.below(kSlots);
    ASSERT_EQ(hak_map_find(&map, chunk_at(other) + 77) != nullptr, claimed.count(other) != 0);
  }
}

}  // namespace
