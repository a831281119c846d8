// hak_realloc and hak_reallocarray: contents and sizes across every border.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <vector>

#include "frontend/hakmem.h"
#include "tests/unit/heap.h"
#include "tests/unit/rig.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

class Realloc : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    switch_helper_off();
    use_every_class();
  }

  // Both ends of a block, which is where copies go wrong.
  static void fill_ends(char* block, size_t bytes, uint32_t tag) {
    size_t some = std::min<size_t>(bytes / 2, 4096);
    fill_block(block, some, tag);
    fill_block(block + bytes - some, some, tag + 1);
  }
  static bool front_holds(const char* block, size_t bytes, size_t old_bytes, uint32_t tag) {
    return block_holds(block, std::min(bytes, std::min<size_t>(old_bytes / 2, 4096)), tag);
  }
  static bool back_holds(const char* block, size_t old_bytes, uint32_t tag) {
    size_t some = std::min<size_t>(old_bytes / 2, 4096);
    return block_holds(block + old_bytes - some, some, tag + 1);
  }
  static void resize_and_check(size_t from, size_t to) {
    auto* block = static_cast<char*>(hak_malloc(from));
    ASSERT_NE(block, nullptr);
    fill_ends(block, from, 3);
    auto* resized = static_cast<char*>(hak_realloc(block, to));
    ASSERT_NE(resized, nullptr) << from << " to " << to;
    ASSERT_TRUE(front_holds(resized, to, from, 3)) << from << " to " << to;
    ASSERT_TRUE(to < from || back_holds(resized, from, 3)) << from << " to " << to;
    ASSERT_GE(hak_usable_size(resized), to);
    if (to > 0) resized[hak_usable_size(resized) - 1] = 1;
    hak_free(resized);
  }
};

TEST_F(Realloc, KeepsTheContentsFromEveryBorderToTheNext) {
  std::vector<size_t> sizes = border_sizes();
  for (size_t i = 1; i + 1 < sizes.size(); i++) {
    if (sizes[i] == 0 || sizes[i + 1] == 0) continue;
    resize_and_check(sizes[i], sizes[i + 1]);
    resize_and_check(sizes[i + 1], sizes[i]);
  }
}

TEST_F(Realloc, KeepsTheContentsOverEveryPairOfRegimes) {
  std::vector<size_t> sizes = {1,     16,     200,      1024,     1025,      9000,      65536,
                               65537, 300000, 2 * kMiB, 5 * kMiB, 63 * kMiB, 64 * kMiB, 90 * kMiB};
  for (size_t from : sizes) {
    for (size_t to : sizes) resize_and_check(from, to);
  }
}

TEST_F(Realloc, KeepsTheContentsOfABlockThatGrowsStepByStep) {
  size_t bytes = 1;
  auto* block = static_cast<uint8_t*>(hak_malloc(bytes));
  block[0] = 0;
  while (bytes < 3 * kMiB) {
    size_t more = bytes + 1 + bytes / 9;
    block = static_cast<uint8_t*>(hak_realloc(block, more));
    ASSERT_NE(block, nullptr);
    for (size_t i = 0; i < bytes; i += 1 + bytes / 1000) ASSERT_EQ(block[i], i % 251) << bytes;
    for (size_t i = 0; i < more; i++) block[i] = static_cast<uint8_t>(i % 251);
    bytes = more;
  }
  while (bytes > 1) {
    bytes -= 1 + bytes / 7;
    block = static_cast<uint8_t*>(hak_realloc(block, std::max<size_t>(bytes, 1)));
    for (size_t i = 0; i < bytes; i += 1 + bytes / 1000) ASSERT_EQ(block[i], i % 251) << bytes;
  }
  hak_free(block);
}

TEST_F(Realloc, OfNullIsMalloc) {
  for (size_t bytes : {0, 1, 100, 9000, 100000}) {
    void* block = hak_realloc(nullptr, bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(hak_owns(block));
    hak_free(block);
  }
}

TEST_F(Realloc, ToNoBytesFrees) {
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{9000}, size_t{100000}, 70 * kMiB}) {
    void* keep = hak_malloc(bytes);
    void* block = hak_malloc(bytes);
    EXPECT_EQ(hak_realloc(block, 0), nullptr);
    EXPECT_FALSE(hak_owns(block)) << bytes;
    hak_free(keep);
  }
}

TEST_F(Realloc, ToASizeThatNobodyHasLeavesTheBlockAsItWas) {
  for (size_t bytes : {size_t{100}, size_t{9000}, size_t{100000}, 70 * kMiB}) {
    auto* block = static_cast<char*>(hak_malloc(bytes));
    fill_ends(block, bytes, 5);
    for (size_t to : {SIZE_MAX, SIZE_MAX - 4095, size_t{PTRDIFF_MAX} + 1, size_t{1} << 62}) {
      errno = 0;
      EXPECT_EQ(hak_realloc(block, to), nullptr) << to;
      EXPECT_EQ(errno, ENOMEM);
    }
    EXPECT_TRUE(hak_owns(block));
    EXPECT_TRUE(front_holds(block, bytes, bytes, 5));
    EXPECT_TRUE(back_holds(block, bytes, 5));
    hak_free(block);
  }
}

TEST_F(Realloc, WithinTheUsableBytesStaysInPlace) {
  for (size_t bytes : {20, 100, 1000, 5000, 60000}) {
    void* block = hak_malloc(bytes);
    size_t room = block_bytes_for(bytes);
    EXPECT_EQ(hak_realloc(block, askable(room)), block);
    EXPECT_EQ(hak_usable_size(block), askable(room));
    EXPECT_EQ(hak_realloc(block, askable(room / 2 + 1)), block);
    hak_free(block);
  }
}

// A buffer that grows a few bytes at a time is moved for each quarter that it grows by, not for each size class.
TEST_F(Realloc, ByLittleMoreLeavesRoomForMore) {
  if (kSealBytes != 0) GTEST_SKIP() << "sealed blocks have the size that was asked for";
  for (size_t bytes : {size_t{20}, size_t{300}, size_t{800}, size_t{5000}, size_t{20000}}) {
    void* block = hak_malloc(bytes);
    size_t room = hak_usable_size(block);
    if (!is_in_slab(2 * room)) break;
    block = hak_realloc(block, room + 1);
    EXPECT_GE(hak_usable_size(block), room + room / 4);
    EXPECT_EQ(hak_realloc(block, room + room / 4), block);
    hak_free(block);
    EXPECT_EQ(hak_usable_size(block = hak_realloc(hak_malloc(bytes), 2 * room)), block_bytes_for(2 * room));
    hak_free(block);
  }
}

// It became a large block, which the next realloc copied back.
TEST_F(Realloc, ByLittleMoreABlockStaysInTheSlabs) {
  if (kSealBytes != 0) GTEST_SKIP() << "sealed blocks have the size that was asked for";
  constexpr size_t kMost = HAK_POOL_TLS ? HAK_POOL_MAX_BYTES : HAK_TINY_MAX_BYTES;
  void* block = hak_malloc(kMost - kMost / 8 - 100);
  block = hak_realloc(block, hak_usable_size(block) + 1);
  EXPECT_EQ(hak_usable_size(block), kMost);
  EXPECT_EQ(hak_realloc(block, kMost), block);
  hak_free(block);
}

TEST_F(Realloc, WithoutMemoryForTheRoomTheBlockGetsWhatWasAskedFor) {
  if (kSealBytes != 0) GTEST_SKIP() << "sealed blocks have the size that was asked for";
  void* block = hak_malloc(800);
  size_t exact = hak_usable_size(block) + 1;
  size_t roomy = hak_usable_size(block) + hak_usable_size(block) / 4;
  ASSERT_LT(block_bytes_for(exact), block_bytes_for(roomy));
  void* place = hak_malloc(exact);
  void* beside = hak_malloc(exact); /* or the slab is empty without `place`, and goes */
  NoMoreMemory limit;
  std::vector<void*> roomy_blocks;
  while (void* other = hak_malloc(roomy)) roomy_blocks.push_back(other);
  hak_free(place);
  block = hak_realloc(block, exact);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(hak_usable_size(block), usable_for(exact));
  hak_free(block);
  hak_free(beside);
  for (void* other : roomy_blocks) hak_free(other);
}

TEST_F(Realloc, ToMuchLessGivesMemoryBack) {
  void* block = hak_malloc(1000);
  void* small = hak_realloc(block, 20);
  EXPECT_LT(hak_usable_size(small), 100u);
  hak_free(small);
}

TEST_F(Realloc, ByAnotherThreadIsLikeByTheOwner) {
  for (size_t bytes : {size_t{50}, size_t{9000}, size_t{100000}, 70 * kMiB}) {
    auto* block = static_cast<char*>(hak_malloc(bytes));
    fill_ends(block, bytes, 7);
    char* resized = nullptr;
    std::thread([&] { resized = static_cast<char*>(hak_realloc(block, 3 * bytes)); }).join();
    ASSERT_NE(resized, nullptr);
    EXPECT_TRUE(front_holds(resized, 3 * bytes, bytes, 7));
    EXPECT_TRUE(back_holds(resized, bytes, 7));
    hak_free(resized);
  }
}

TEST_F(Realloc, ReallocarrayMultipliesAndSeesAnOverflow) {
  void* block = hak_reallocarray(nullptr, 10, 30);
  EXPECT_GE(hak_usable_size(block), 300u);
  fill_block(block, 300, 1);
  for (size_t count : {SIZE_MAX, SIZE_MAX / 2 + 1}) {
    errno = 0;
    EXPECT_EQ(hak_reallocarray(block, count, 2), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
  EXPECT_TRUE(block_holds(block, 300, 1));
  block = hak_reallocarray(block, 1000, 30);
  EXPECT_TRUE(block_holds(block, 300, 1));
  EXPECT_EQ(hak_reallocarray(block, 0, 30), nullptr);
  EXPECT_FALSE(hak_owns(block));
}

}  // namespace
