// frontend/sealed.h: what a block with a seal behind it finds, and that it gets in nobody's way.
#include "frontend/sealed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "frontend/hakmem.h"
#include "tests/unit/heap.h"
#include "tests/unit/rig.h"

namespace {

using std::string;

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = size_t{1} << 20;

// One size, or more, for each way to be served: with bytes to spare behind the block, with one guard byte and no more.
std::vector<size_t> sizes_of_every_way() {
  return {0,          1,        7,        100,       largest_of(row_of(6)), 1000, 20000, 102400, 16 * 4 * kKiB - 9,
          kMiB - 100, kMiB - 9, 8 * kMiB, 100 * kMiB};
}

bool all_bytes_are(const uint8_t* block, size_t bytes, uint8_t value) {
  return std::all_of(block, block + bytes, [=](uint8_t byte) { return byte == value; });
}

uint8_t* make(size_t bytes) {
  auto* block = static_cast<uint8_t*>(hak_malloc(bytes));
  EXPECT_NE(block, nullptr) << bytes;
  return block;
}

// Changes bytes, whatever they are.
void spoil(uint8_t* at, size_t bytes = 1) {
  for (size_t i = 0; i < bytes; i++) at[i] ^= 0x55;
}

class Sealed : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    switch_helper_off();
    use_every_class();
  }
  void SetUp() override {
    if (!HAK_SEALED) GTEST_SKIP() << "blocks have no seal in this build";
  }
};
using SealedDeathTest = Sealed;

TEST_F(Sealed, TheUsableSizeIsWhatWasAskedForAndEveryByteOfItMayBeWritten) {
  std::vector<size_t> sizes = sizes_of_every_way();
  for (size_t bytes = 0; bytes <= 70000; bytes += 1 + bytes / 100) sizes.push_back(bytes);
  for (size_t bytes : sizes) {
    for (uint8_t* block : {make(bytes), static_cast<uint8_t*>(hak_calloc(1, bytes)),
                           static_cast<uint8_t*>(hak_aligned_alloc(256, bytes))}) {
      ASSERT_NE(block, nullptr) << bytes;
      EXPECT_EQ(hak_usable_size(block), bytes);
      memset(block, 0xff, std::min(bytes, kMiB));
      if (bytes > 0) block[bytes - 1] = 0;
      EXPECT_EQ(hak_usable_size(block), bytes);
      hak_free(block);
    }
  }
}

TEST_F(Sealed, ReallocKeepsTheContentsAndSealsTheNewSize) {
  Random random(1);
  size_t bytes = 50;
  uint8_t* block = make(bytes);
  fill_block(block, bytes, 0);
  for (uint32_t step = 0; step < 3000 / kSlowdown; step++) {
    // Now a little up or down, now to anywhere.
    size_t to = random.below(4) == 0 ? 1 + random.below(size_t{1} << (4 + random.below(15)))
                                     : 1 + (bytes * (50 + random.below(100))) / 100;
    to = std::min(to, 2 * kMiB);
    block = static_cast<uint8_t*>(hak_realloc(block, to));
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(hak_usable_size(block), to);
    ASSERT_TRUE(block_holds(block, std::min(bytes, to), step)) << bytes << " to " << to;
    fill_block(block, to, step + 1);
    bytes = to;
  }
  hak_free(block);
}

TEST_F(Sealed, ReallocKeepsTheContentsOfLargeBlocks) {
  for (size_t from : {size_t{1000}, size_t{65000}, size_t{300000}, 3 * kMiB, 70 * kMiB}) {
    for (size_t to : {size_t{1}, size_t{100}, size_t{60000}, size_t{310000}, 4 * kMiB, 66 * kMiB, 140 * kMiB}) {
      uint8_t* block = make(from);
      size_t kept = std::min({from, to, kMiB});
      fill_block(block, kept, 7);
      block = static_cast<uint8_t*>(hak_realloc(block, to));
      ASSERT_EQ(hak_usable_size(block), to);
      ASSERT_TRUE(block_holds(block, kept, 7)) << from << " to " << to;
      block[to - 1] = 1;
      hak_free(block);
    }
  }
}

TEST_F(Sealed, CallocGivesZeroesAfterEveryKindOfUse) {
  for (size_t bytes : {size_t{1}, size_t{20}, size_t{100}, size_t{1000}, size_t{20000}, size_t{102400}, 3 * kMiB}) {
    for (int round = 0; round < 4; round++) {
      std::vector<uint8_t*> blocks;
      for (size_t i = 0; i < std::min<size_t>(1000, 8 * kMiB / bytes); i++) {
        auto* block = static_cast<uint8_t*>(hak_calloc(1, bytes));
        ASSERT_TRUE(all_bytes_are(block, bytes, 0)) << bytes;
        memset(block, 0xff, bytes);
        // What a block that shrinks leaves behind is to be cleared as well.
        if (i % 3 == 0) block = static_cast<uint8_t*>(hak_realloc(block, bytes - bytes / 4));
        blocks.push_back(block);
      }
      for (uint8_t* block : blocks) hak_free(block);
      if (round == 2) hak_trim();
    }
  }
}

TEST_F(Sealed, ADebugBuildFillsTheBlocksOfMalloc) {
  if (!HAK_DEBUG) GTEST_SKIP() << "debug builds only";
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{20000}, size_t{102400}}) {
    uint8_t* block = make(bytes);
    EXPECT_NE(block[0], 0);
    // Of a large block the first pages.
    EXPECT_TRUE(all_bytes_are(block, std::min<size_t>(bytes, 64 * kKiB), block[0])) << bytes;
    hak_free(block);
  }
}

// Each function that looks at a block, given one that was written behind.
void expect_found_by_all(uint8_t* block, size_t bytes, const std::function<void()>& write) {
  string line = "write behind the end of " + hex(block) + described(block, bytes);
  auto expect_found = [&](const std::function<void()>& look) {
    EXPECT_FATAL_LINE(
        {
          write();
          look();
        },
        line);
  };
  expect_found([=] { hak_free(block); });
  expect_found([=] { std::thread([=] { hak_free(block); }).join(); });
  expect_found([=] { hak_realloc(block, bytes + 1); });
  expect_found([=] { hak_realloc(block, 0); });
  expect_found([=] { hak_usable_size(block); });
  expect_found([=] { hak_sealed_free_sized(block, bytes); });
}

TEST_F(SealedDeathTest, AByteBehindTheBlockIsFoundWhereverItIs) {
  for (size_t bytes : sizes_of_every_way()) {
    uint8_t* block = make(bytes);
    size_t behind = block_bytes_for(bytes) - bytes;
    for (size_t at : std::set<size_t>{0, (behind - 9) / 2, behind - 9, behind - 8, behind - 4, behind - 1}) {
      EXPECT_FATAL_LINE(
          {
            spoil(block + bytes + at);
            hak_free(block);
          },
          "write behind the end of " + hex(block) + described(block, bytes))
          << bytes << " bytes, written " << at << " behind";
    }
    hak_free(block);
  }
}

TEST_F(SealedDeathTest, AnOverflowIsFoundByEveryFunctionThatTakesTheBlock) {
  for (size_t bytes : {size_t{100}, size_t{20000}, size_t{102400}, 100 * kMiB}) {
    // So that a neighbour, and not the end of the slab, is behind it.
    uint8_t* others[] = {make(bytes), make(bytes)};
    uint8_t* block = make(bytes);
    expect_found_by_all(block, bytes, [=] { spoil(block + bytes); });
    expect_found_by_all(block, bytes, [=] { spoil(block + bytes, 24); });
    expect_found_by_all(block, bytes, [=] { memset(block + bytes, 0, 24); });
    for (uint8_t* other : others) hak_free(other);
    hak_free(block);
  }
}

TEST_F(SealedDeathTest, ABlockThatGrewOrShrankInPlaceIsSealedAtItsNewEnd) {
  uint8_t* block = make(100);
  ASSERT_EQ(hak_realloc(block, 90), block);
  string line = "write behind the end of " + hex(block) + described(block, 90);
  auto write_and_free = [=](size_t at) {
    spoil(block + at);
    hak_free(block);
  };
  EXPECT_FATAL_LINE(write_and_free(90), line);
  ASSERT_EQ(hak_realloc(block, 101), block);
  EXPECT_FATAL_LINE(write_and_free(101), line);
  spoil(block + 100);
  hak_free(block);
}

TEST_F(SealedDeathTest, ASealFromAnotherBlockIsNotAccepted) {
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{20000}, size_t{102400}}) {
    std::vector<uint8_t*> blocks;
    for (int i = 0; i < 8; i++) blocks.push_back(make(bytes));
    size_t behind = block_bytes_for(bytes) - bytes;
    for (size_t i = 1; i < blocks.size(); i++) {
      EXPECT_FATAL_LINE(
          {
            memcpy(blocks[i] + bytes, blocks[0] + bytes, behind);
            hak_free(blocks[i]);
          },
          "write behind the end of " + hex(blocks[i]) + described(blocks[i], bytes));
    }
    for (uint8_t* block : blocks) hak_free(block);
  }
}

// Takes and frees blocks until the freed one must have been among them: a slab is used again when some of its blocks
// are free, not for one.
void use_all(size_t bytes) {
  std::vector<void*> blocks(is_in_slab(bytes) ? 2 * row_of(hak_size_class_for(bytes + kSealBytes)).capacity : 30);
  for (int round = 0; round < 3; round++) {
    for (void*& block : blocks) block = hak_malloc(bytes);
    for (void* block : blocks) hak_free(block);
  }
}

TEST_F(SealedDeathTest, AWriteAfterFreeIsFoundWhenTheBlockIsUsedAgain) {
  for (size_t bytes : {size_t{1}, size_t{7}, size_t{100}, size_t{1000}, size_t{20000}, size_t{65000}, size_t{102400},
                       kMiB - kSealBytes, 2 * kMiB, 20 * kMiB}) {
    uint8_t* keep = make(bytes);
    uint8_t* block = make(bytes);
    string what = described(block, bytes);
    for (size_t at : std::set<size_t>{0, bytes / 2, bytes - 1, block_bytes_for(bytes) - 1}) {
      string line = "write after free of " + hex(block) + ", at byte " + std::to_string(at) + what;
      EXPECT_FATAL_LINE(
          {
            hak_free(block);
            spoil(block + at);
            use_all(bytes);
          },
          line);
      EXPECT_FATAL_LINE(
          {
            std::thread([=] { hak_free(block); }).join();
            spoil(block + at);
            use_all(bytes);
          },
          line);
    }
    hak_free(block);
    hak_free(keep);
  }
}

TEST_F(Sealed, AReadAfterFreeSpoilsNothing) {
  for (size_t bytes : {size_t{102400}, 2 * kMiB, 8 * kMiB}) {
    uint8_t* keep = make(100000);
    uint8_t* block = make(bytes);
    hak_free(block);
    asm volatile("" : "+r"(block));
    EXPECT_TRUE(all_bytes_are(block, bytes, 0));
    for (int i = 0; i < 20; i++) {
      auto* again = static_cast<uint8_t*>(hak_calloc(1, bytes));
      ASSERT_TRUE(all_bytes_are(again, bytes, 0));
      hak_free(again);
    }
    hak_free(keep);
  }
}

TEST_F(SealedDeathTest, DeleteMustNameTheSizeToTheByte) {
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{20000}, size_t{102400}, 100 * kMiB}) {
    auto* block = static_cast<uint8_t*>(hak_aligned_alloc(64, bytes));
    for (size_t said : {bytes - 1, bytes + 1, bytes * 2}) {
      string line = "delete with wrong size " + std::to_string(said) + " of " + hex(block) + described(block, bytes);
      EXPECT_FATAL_LINE(hak_sealed_free_sized(block, said), line);
      if (said == 0) continue;  // not given
      EXPECT_FATAL_LINE(hak_sealed_free_aligned(block, said, 64), line);
    }
    if (bytes % 2 == 0) {
      hak_sealed_free_sized(block, bytes);
    } else {
      hak_sealed_free_aligned(block, bytes, 64);
    }
  }
}

TEST_F(Sealed, AFreedBlockIsNotUsedAgainWhileItsSlabHasOthers) {
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{1000}, size_t{10000}}) {
    std::set<void*> seen;
    uint32_t capacity = row_of(hak_size_class_for(bytes + kSealBytes)).capacity;
    hak_trim();
    std::thread([&] {  // whose slabs are fresh
      use_every_class();
      for (uint32_t i = 0; i < capacity; i++) {
        void* block = hak_malloc(bytes);
        EXPECT_TRUE(seen.insert(block).second) << "block " << i << " of " << capacity << ", " << bytes << " bytes";
        hak_free(block);
      }
    })
        .join();
  }
}

// Where blocks lie from the start of their slabs.
std::vector<uintptr_t> places_of(int count) {
  std::vector<void*> blocks;
  std::vector<uintptr_t> places;
  for (int i = 0; i < count; i++) {
    blocks.push_back(hak_malloc(100));
    places.push_back(address_of(blocks.back()) - slab_of(blocks.back()).address);
  }
  for (void* block : blocks) hak_free(block);
  return places;
}

class Hardened : public Sealed {
 protected:
  void SetUp() override {
    if (!HAK_HARDENED) GTEST_SKIP() << "hardened builds only";
  }
};
using HardenedDeathTest = Hardened;

TEST_F(Hardened, BlocksDoNotLieInTheOrderOfTheirRequests) {
  std::vector<uintptr_t> places = places_of(64);
  EXPECT_FALSE(std::is_sorted(places.begin(), places.end()));
  EXPECT_FALSE(std::is_sorted(places.rbegin(), places.rend()));
}

TEST_F(Hardened, TwoThreadsDrawDifferentPlaces) {
  std::vector<uintptr_t> mine, theirs;
  // Both in fresh slabs.
  std::thread([&] { mine = places_of(64); }).join();
  std::thread keep([&] { theirs = places_of(64); });
  keep.join();
  EXPECT_NE(mine, theirs);
}

TEST_F(HardenedDeathTest, BehindASlabIsNothing) {
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{1000}, size_t{20000}}) {
    void* block = hak_malloc(bytes);
    hak_slab_info slab = slab_of(block);
    auto* behind = reinterpret_cast<volatile char*>(slab.address + slab.bytes);
    EXPECT_EXIT((void)*behind, testing::KilledBySignal(SIGSEGV), "") << bytes;
    EXPECT_EXIT(*behind = 1, testing::KilledBySignal(SIGSEGV), "") << bytes;
    EXPECT_EXIT((void)behind[HAK_UNIT_BYTES - 1], testing::KilledBySignal(SIGSEGV), "") << bytes;
    hak_free(block);
  }
}

TEST_F(HardenedDeathTest, BehindTheUnitsOfALargeBlockIsNothing) {
  for (size_t bytes : {size_t{102400}, kMiB, 8 * kMiB}) {
    void* block = hak_malloc(bytes);
    auto end = address_of(block) + bytes_in_arena(block_bytes_for(bytes)) - HAK_UNIT_BYTES;
    auto* behind = reinterpret_cast<volatile char*>(end);
    EXPECT_EXIT((void)*behind, testing::KilledBySignal(SIGSEGV), "") << bytes;
    EXPECT_EXIT(*behind = 1, testing::KilledBySignal(SIGSEGV), "") << bytes;
    hak_free(block);
  }
}

TEST_F(Hardened, TheUnitsOfAGuardAreUsedAgainWhenItsRunIsFree) {
  for (int round = 0; round < 3; round++) {
    std::vector<void*> blocks;
    for (size_t i = 1; i <= 60; i++) blocks.push_back(hak_malloc((round + 1) * i * 30000));
    for (void* block : blocks) memset(block, 1, hak_usable_size(block));
    for (void* block : blocks) hak_free(block);
  }
}

}  // namespace
