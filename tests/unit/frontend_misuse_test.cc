// Misuse in the process of a test, with the exact line that each must end with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "frontend/entry.h"
#include "frontend/hakmem.h"
#include "tests/unit/heap.h"
#include "tests/unit/rig.h"

namespace {

using std::string;

class MisuseDeathTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { switch_helper_off(); }
  void SetUp() override {
    if (!HAK_CHECKED) GTEST_SKIP() << "the fast build trusts its pointers";
  }
  static void free_in_thread(void* block) {
    std::thread([block] { hak_free(block); }).join();
  }
};

TEST_F(MisuseDeathTest, ADoubleFreeIsNamedForEveryClass) {
  for (unsigned c = 0; c < kSlabClasses; c++) {
    void* keep = hak_malloc(largest_of(row_of(c)));
    void* block = hak_malloc(largest_of(row_of(c)));
    string line = "double free of " + hex(block) + described(slab_of(block));
    hak_free(block);
    EXPECT_FATAL_LINE(hak_free(block), line);
    hak_free(keep);
  }
}

TEST_F(MisuseDeathTest, ADoubleFreeIsNamedWhoeverMakesIt) {
  void* keep = hak_malloc(100);
  void* block = hak_malloc(100);
  string line = "double free of " + hex(block) + described(slab_of(block));
  EXPECT_FATAL_LINE(
      {
        free_in_thread(block);
        hak_free(block);
      },
      line);
  EXPECT_FATAL_LINE(
      {
        hak_free(block);
        free_in_thread(block);
      },
      line);
  EXPECT_FATAL_LINE(
      {
        free_in_thread(block);
        free_in_thread(block);
      },
      line);
  hak_free(block);
  hak_free(keep);
}

TEST_F(MisuseDeathTest, ADoubleFreeIsNamedWhenOtherBlocksWereFreedBetween) {
  std::vector<void*> blocks;
  for (int i = 0; i < 3000; i++) blocks.push_back(hak_malloc(48));
  string line = "double free of " + hex(blocks[0]) + described(slab_of(blocks[0]));
  for (size_t i = 0; i + 1 < blocks.size(); i++) hak_free(blocks[i]);
  EXPECT_FATAL_LINE(hak_free(blocks[0]), line);
  hak_free(blocks.back());
}

TEST_F(MisuseDeathTest, ADoubleFreeOfALargeBlockIsNamed) {
  for (size_t bytes : {size_t{400000}, size_t{3} << 20, size_t{80} << 20}) {
    void* block = hak_malloc(bytes);
    string line =
        "double free of " + hex(block) + " (large block of " + std::to_string(block_bytes_for(bytes)) + " bytes)";
    hak_free(block);
    EXPECT_FATAL_LINE(hak_free(block), line);
    EXPECT_FATAL_LINE(free_in_thread(block), line);
  }
}

TEST_F(MisuseDeathTest, APointerIntoABlockIsNamedWithTheBlock) {
  for (size_t bytes : {size_t{40}, size_t{70}, size_t{1000}, size_t{5000}}) {
    auto* block = static_cast<char*>(hak_malloc(bytes));
    string what = ": inside block " + hex(block) + described(slab_of(block));
    for (size_t offset : {size_t{1}, size_t{8}, size_t{15}, size_t{16}, size_t{32}, bytes - 1}) {
      if (offset >= bytes) continue;
      EXPECT_FATAL_LINE(hak_free(block + offset), "invalid free of " + hex(block + offset) + what);
    }
    EXPECT_FATAL_LINE(free_in_thread(block + 16), "invalid free of " + hex(block + 16) + what);
    hak_free(block);
  }
}

// Fault: one bit of the unit's key said that other threads free into it, and a pointer with the same bit set took the
// mark away in the comparison.
TEST_F(MisuseDeathTest, APointerIntoABlockIsNamedInASlabThatOthersFreeInto) {
  auto* shared = static_cast<char*>(hak_malloc(64));
  auto* block = static_cast<char*>(hak_malloc(64));
  free_in_thread(shared);
  string what = ": inside block " + hex(block) + described(slab_of(block));
  for (size_t offset : {1, 8, 15, 16, 63}) {
    EXPECT_FATAL_LINE(hak_free(block + offset), "invalid free of " + hex(block + offset) + what);
  }
  for (int bit = 47; bit < 64; bit++) {
    auto* tagged = reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(block) ^ (uintptr_t{1} << bit));
    EXPECT_FATAL_LINE(hak_free(tagged), "invalid free of " + hex(tagged) + ": not a pointer of this allocator");
  }
  hak_free(block);
}

TEST_F(MisuseDeathTest, APointerIntoALargeBlockIsNamed) {
  auto* block = static_cast<char*>(hak_malloc(300000));
  string size = " (large block of " + std::to_string(block_bytes_for(300000)) + " bytes)";
  for (size_t offset : {1, 16, 65536, 299999}) {
    EXPECT_FATAL_LINE(hak_free(block + offset),
                      "invalid free of " + hex(block + offset) + ": inside block " + hex(block) + size);
  }
  hak_free(block);
}

TEST_F(MisuseDeathTest, APointerBesideTheBlocksOfASlabIsNamed) {
  auto* block = static_cast<char*>(hak_malloc(600));
  hak_slab_info slab = slab_of(block);
  string what = ": no live block begins there" + described(slab);
  uintptr_t last = slab.address + slab.bytes - 16;
  ASSERT_LT(slab.capacity * slab.stride + 32, slab.bytes) << "the class has a tail";
  EXPECT_FATAL_LINE(hak_free(reinterpret_cast<void*>(last)), "invalid free of " + hex(last) + what);
  if (HAK_HEADER_CLASSIDX) {
    EXPECT_FATAL_LINE(hak_free(reinterpret_cast<void*>(slab.address)), "invalid free of " + hex(slab.address) + what);
  }
  hak_free(block);
}

TEST_F(MisuseDeathTest, APointerThatWasNeverOursIsNamed) {
  void* keep = hak_malloc(1);
  int on_stack = 0;
  static int in_data = 0;
  auto on_other_heap = std::make_unique<int[]>(100);
  auto not_ours = [](const void* p) { return "invalid free of " + hex(p) + ": not a pointer of this allocator"; };
  for (void* p : {static_cast<void*>(&on_stack), static_cast<void*>(&in_data), static_cast<void*>(on_other_heap.get()),
                  reinterpret_cast<void*>(8), reinterpret_cast<void*>(uintptr_t{1} << 46),
                  reinterpret_cast<void*>(UINTPTR_MAX - 15)}) {
    EXPECT_FATAL_LINE(hak_free(p), not_ours(p));
  }
  EXPECT_FATAL_LINE(hak_realloc(&on_stack, 10),
                    "invalid realloc of " + hex(&on_stack) + ": not a pointer of this allocator");
  EXPECT_FATAL_LINE(hak_usable_size(&on_stack),
                    "invalid malloc_usable_size of " + hex(&on_stack) + ": not a pointer of this allocator");
  hak_free(keep);
}

TEST_F(MisuseDeathTest, AFreedBlockGivenToOtherFunctionsIsNamed) {
  void* keep = hak_malloc(100);
  void* block = hak_malloc(100);
  string what = ": block was freed before" + described(slab_of(block));
  hak_free(block);
  EXPECT_FATAL_LINE(hak_realloc(block, 10), "invalid realloc of " + hex(block) + what);
  EXPECT_FATAL_LINE(hak_realloc(block, 0), "invalid realloc of " + hex(block) + what);
  EXPECT_FATAL_LINE(hak_usable_size(block), "invalid malloc_usable_size of " + hex(block) + what);
  hak_free(keep);
}

TEST_F(MisuseDeathTest, APointerIntoABlockGivenToReallocIsNamed) {
  auto* block = static_cast<char*>(hak_malloc(100));
  string what = ": inside block " + hex(block) + described(slab_of(block));
  EXPECT_FATAL_LINE(hak_realloc(block + 16, 50), "invalid realloc of " + hex(block + 16) + what);
  EXPECT_FATAL_LINE(hak_realloc(block + 16, 500), "invalid realloc of " + hex(block + 16) + what);
  EXPECT_FATAL_LINE(hak_usable_size(block + 3), "invalid malloc_usable_size of " + hex(block + 3) + what);
  hak_free(block);
}

// The cell of a wide block does not say which sizes its class serves.
TEST_F(MisuseDeathTest, ADeleteOfAWideBlockWithAWrongSizeIsNamed) {
  if (kSealBytes != 0) GTEST_SKIP() << "sealed blocks say so in other words";
  if (!HAK_POOL_TLS) GTEST_SKIP() << "these are large blocks in this build";
  void* block = hak_malloc(100000);
  string what = hex(block) + described(slab_of(block));
  for (size_t wrong : {0, 60000, 90000, 120000}) {
    EXPECT_FATAL_LINE(hak_entry_free_sized(block, wrong),
                      "delete with wrong size " + std::to_string(wrong) + " of " + what);
  }
  hak_entry_free_sized(block, 100000);
  EXPECT_FATAL_LINE(hak_entry_free_sized(block, 100000), "double free of " + what);
}

// By its owner, by another thread, and by its owner where others free into the slab as well.
TEST_F(MisuseDeathTest, ADeleteWithAWrongSizeIsNamedWhoeverMakesIt) {
  if (kSealBytes != 0) GTEST_SKIP() << "sealed blocks say so in other words";
  void* shared = hak_malloc(100);
  void* block = hak_malloc(100);
  string what = hex(block) + described(slab_of(block));
  const auto delete_with = [](void* it, size_t bytes) { hak_entry_free_sized(it, bytes); };
  const auto all_see = [&](size_t bytes, const string& line) {
    EXPECT_FATAL_LINE(delete_with(block, bytes), line);
    EXPECT_FATAL_LINE(std::thread(delete_with, block, bytes).join(), line);
  };
  const auto all_see_wrong_sizes = [&] {
    for (size_t wrong : {80, 130, 5000})
      all_see(wrong, "delete with wrong size " + std::to_string(wrong) + " of " + what);
  };
  all_see_wrong_sizes();
  std::thread(delete_with, shared, 100).join();
  all_see_wrong_sizes();
  delete_with(block, 100);
  all_see(100, "double free of " + what);
}

TEST_F(MisuseDeathTest, AnOverwrittenHeaderIsNamed) {
  if (!HAK_HEADER_CLASSIDX) GTEST_SKIP() << "blocks have no headers in this build";
  auto* block = static_cast<char*>(hak_malloc(100));
  string line = "overwritten header of " + hex(block) + described(slab_of(block));
  EXPECT_FATAL_LINE(
      {
        block[-1] = 'x';
        hak_free(block);
      },
      line);
  EXPECT_FATAL_LINE(
      {
        block[-1] = 0;
        free_in_thread(block);
      },
      line);
  hak_free(block);
}

TEST_F(MisuseDeathTest, AByteTooMuchIsSeenAtTheNeighboursFree) {
  if (!HAK_HEADER_CLASSIDX) GTEST_SKIP() << "blocks have no headers in this build";
  std::vector<char*> blocks;
  for (int i = 0; i < 100; i++) blocks.push_back(static_cast<char*>(hak_malloc(askable(47))));
  char *left = nullptr, *right = nullptr;
  std::sort(blocks.begin(), blocks.end());
  for (size_t i = 1; i < blocks.size(); i++) {
    if (blocks[i] == blocks[i - 1] + 48) left = blocks[i - 1], right = blocks[i];
  }
  ASSERT_NE(right, nullptr) << "blocks allocated together lie together";
  EXPECT_FATAL_LINE(
      {
        left[47] = 0;
        hak_free(right);
      },
      "overwritten header of " + hex(right) + described(slab_of(right)));
  for (char* block : blocks) hak_free(block);
}

}  // namespace
