// superslab/populate.c: the memory of slabs of a growing class is taken ahead of its use.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "tests/unit/rig.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

class Populate : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    if (HAK_SEALED) GTEST_SKIP() << "seals are looked for on pages that were touched";
  }

  void alloc_bytes(size_t bytes) {
    for (size_t i = 0; i < bytes / row.stride; i++) blocks.push_back(rig.alloc(owner, GetParam()));
  }
  size_t populated_bytes() const {
    size_t bytes = 0;
    for (const auto& [start, length] : rig.os.populated()) bytes += length;
    return bytes;
  }

  Rig rig;
  hak_owner* owner = rig.make_owner();
  const hak_size_class& row = row_of(GetParam());
  std::vector<void*> blocks;
};

INSTANTIATE_TEST_SUITE_P(Classes, Populate,
                         testing::Values(class_of_stride(16), class_of_stride(48), class_of_stride(224),
                                         class_of_stride(1024), class_of_stride(4096), class_of_stride(8192)),
                         name_of_class);

TEST_P(Populate, DoesNothingForAClassOfFewBlocks) {
  alloc_bytes(120 * 1024);
  EXPECT_EQ(rig.os.calls(FakeOs::kPopulate), 0);
}

TEST_P(Populate, TakesFewPagesAtFirst) {
  if (!HAK_CHECKED && row.stride >= HAK_TINY_MAX_BYTES) GTEST_SKIP() << "takes its window as a whole";
  alloc_bytes(kMiB);
  ASSERT_GT(rig.os.calls(FakeOs::kPopulate), 2);
  EXPECT_LE(rig.os.populated().front().second, 16 * 1024u);
  EXPECT_EQ(rig.os.populated().back().second, 32 * 1024u);
}

TEST_P(Populate, TakesTheMemoryOfAGrowingClassInFewCalls) {
  alloc_bytes(64 * kMiB);
  EXPECT_GT(populated_bytes(), 48 * kMiB);
  EXPECT_LE(rig.os.calls(FakeOs::kPopulate), 64 * kMiB / (32 * 1024) + 16);
  EXPECT_EQ(rig.pool.populated_bytes, populated_bytes());
}

// Each page is asked for once, before the first block that lies on it is dealt.
TEST_P(Populate, IsAheadOfTheBlocks) {
  alloc_bytes(32 * kMiB);
  std::map<uintptr_t, uintptr_t> ranges;
  for (const auto& [start, bytes] : rig.os.populated()) ranges[start] = start + bytes;
  EXPECT_EQ(ranges.size(), rig.os.populated().size());
  uintptr_t last_end = 0;
  for (const auto& [start, end] : ranges) {
    EXPECT_GE(start, last_end) << "twice";
    last_end = end;
  }
  size_t covered = 0;
  for (void* block : blocks) {
    auto behind = ranges.upper_bound(address_of(block));
    if (behind != ranges.begin() && address_of(block) < std::prev(behind)->second) covered++;
  }
  EXPECT_GT(covered, blocks.size() / 2);
}

TEST_P(Populate, StaysInsideTheSlab) {
  alloc_bytes(32 * kMiB);
  for (const auto& [start, bytes] : rig.os.populated()) {
    const hak_slab_body* body = hak_slab_body_of(rig.head(reinterpret_cast<void*>(start)));
    EXPECT_GE(start, body->base);
    EXPECT_LE(start + bytes, body->base + row.units * HAK_UNIT_BYTES);
  }
}

// What no block comes to is a small part of what the thread has of the class.
TEST_P(Populate, TakesLittleThatIsNotUsed) {
  for (size_t step = 0; step < 64; step++) {
    alloc_bytes(kMiB / 4);
    size_t unused = 0;
    for (const auto& [start, bytes] : rig.os.populated()) {
      const hak_slab_body* body = hak_slab_body_of(rig.head(reinterpret_cast<void*>(start)));
      uintptr_t frontier = body->first_window + ((uintptr_t{64} * body->frontier - 64 + body->edge) << row.shift);
      if (start + bytes > frontier) unused += start + bytes - std::max(start, frontier);
    }
    EXPECT_LE(unused, blocks.size() * row.stride / 8 + 4096);
  }
}

TEST_P(Populate, DoesNothingForMemoryThatIsThereAlready) {
  alloc_bytes(8 * kMiB);
  for (void* block : blocks) ASSERT_TRUE(rig.free(owner, block));
  blocks.clear();
  hak_owner_trim(owner);
  int before = rig.os.calls(FakeOs::kPopulate);
  alloc_bytes(8 * kMiB);
  EXPECT_EQ(rig.os.calls(FakeOs::kPopulate), before);
}

TEST_P(Populate, DoesNothingWhereThereAreHugePages) {
  rig.options.huge_pages = HAK_HUGE_PAGES_ALWAYS;
  alloc_bytes(16 * kMiB);
  EXPECT_EQ(rig.os.calls(FakeOs::kPopulate), 0);
}

TEST_P(Populate, IsAHintThatTheKernelMayRefuse) {
  rig.os.fail(FakeOs::kPopulate, 1, FakeOs::kForever);
  alloc_bytes(8 * kMiB);
  EXPECT_EQ(rig.pool.populated_bytes, 0u);
  for (void* block : blocks) ASSERT_NE(block, nullptr);
  rig.check();
}

// Blocks of several pages: as the program has used those of the last slab, it will use those of the next.
class PopulateLarge : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    if (HAK_SEALED) GTEST_SKIP() << "seals are looked for on pages that were touched";
  }
  // Deals blocks and writes to so many bytes at both ends of each.
  void alloc_bytes(size_t bytes, size_t written) {
    for (size_t i = 0; i < bytes / row.stride; i++) {
      char* block = static_cast<char*>(rig.alloc(owner, GetParam()));
      memset(block, 1, written);
      memset(block + row.usable - written, 1, written);
      blocks.push_back(block);
    }
  }

  Rig rig;
  hak_owner* owner = rig.make_owner();
  const hak_size_class& row = row_of(GetParam());
  std::vector<void*> blocks;
};

INSTANTIATE_TEST_SUITE_P(Classes, PopulateLarge,
                         testing::Values(class_of_stride(10240), class_of_stride(16384), class_of_stride(57344),
                                         class_of_stride(65536)),
                         name_of_class);

TEST_P(PopulateLarge, TakesTheMemoryOfBlocksThatAreUsedAsAWhole) {
  alloc_bytes(128 * kMiB, row.usable / 2);
  EXPECT_GT(rig.pool.populated_bytes, 64 * kMiB);
  EXPECT_LE(rig.pool.populated_bytes, 128 * kMiB) << "each page once";
}

// 32,000 blocks of 64 KiB with both ends written to took 2,109 MiB in place of 271 when they had whole huge pages.
TEST_P(PopulateLarge, LeavesTheMiddleOfBlocksAloneOfWhichOnlyTheEndsAreUsed) {
  alloc_bytes(128 * kMiB, 1);
  EXPECT_EQ(rig.os.calls(FakeOs::kPopulate), 0);
}

TEST_P(PopulateLarge, FindsOutThatOnlyTheEndsAreUsedFromNowOn) {
  alloc_bytes(64 * kMiB, row.usable / 2);
  uint64_t before = rig.pool.populated_bytes;
  EXPECT_GT(before, 0u);
  alloc_bytes(256 * kMiB, 1);
  EXPECT_LE(rig.pool.populated_bytes - before, 34 * (row.units * HAK_UNIT_BYTES)) << "two looks, at most, were wrong";
}

// Slabs that fill up anew hold memory all over, whatever is used of their blocks now: they do not tell.
TEST_P(PopulateLarge, FindsItOutAmongSlabsThatFillUpAnew) {
  alloc_bytes(64 * kMiB, row.usable / 2);
  uint64_t before = rig.pool.populated_bytes;
  for (int round = 0; round < 60; round++) {
    size_t third = blocks.size() / 3;
    for (size_t n = 0; n < third; n++) {
      std::swap(blocks[n], blocks.back());
      ASSERT_TRUE(rig.free(owner, blocks.back()));
      blocks.pop_back();
    }
    alloc_bytes(third * row.stride + 4 * kMiB, 1);
  }
  EXPECT_LE(rig.pool.populated_bytes - before, 34 * (row.units * HAK_UNIT_BYTES));
}

TEST_P(PopulateLarge, DoesNothingWhereTheKernelDoesNotSayWhatIsUsed) {
  rig.os.fail(FakeOs::kTouched, 1, FakeOs::kForever);
  alloc_bytes(64 * kMiB, row.usable / 2);
  EXPECT_EQ(rig.os.calls(FakeOs::kPopulate), 0);
}

}  // namespace
