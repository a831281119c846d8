// frontend/sample.h and arena/guarded.h: guarded blocks in place of one request in N, and what each misuse of one says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "arena/guarded.h"
#include "frontend/entry.h"
#include "frontend/hakmem.h"
#include "tests/unit/heap.h"
#include "tests/unit/rig.h"

namespace {

using testing::HasSubstr;
using testing::KilledBySignal;

// Every request of this program is sampled.
class Sample : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    switch_helper_off();
    setenv("HAKMEM_GUARD_SAMPLE", "1", 1);
  }
};
using SampleDeathTest = Sample;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SKIP_UNDER_SANITIZERS() GTEST_SKIP() << "the sanitizer has a handler for SIGSEGV of its own"
#else
#define SKIP_UNDER_SANITIZERS() (void)0
#endif

constexpr size_t kPage = 4096;

// Its last byte, or the slack behind it, is followed by the guard.
char* beyond(void* block, size_t bytes) {
  return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(block) + bytes + kPage - 1) & ~(kPage - 1));
}

TEST_F(Sample, BlocksAreAsOthersAre) {
  for (size_t bytes : {1, 15, 16, 17, 100, 1024, 5000, 65000}) {
    auto* block = static_cast<char*>(hak_malloc(bytes));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % HAK_ALIGNMENT, 0u);
    EXPECT_EQ(hak_usable_size(block), bytes);
    EXPECT_TRUE(hak_owns(block));
    memset(block, 7, bytes);
    block = static_cast<char*>(hak_realloc(block, 2 * bytes));
    EXPECT_EQ(block[bytes - 1], 7);
    std::thread([&] { hak_free(block); }).join();
    EXPECT_FALSE(hak_owns(block));
    auto* clear = static_cast<char*>(hak_calloc(bytes, 1));
    for (size_t i = 0; i < bytes; i++) ASSERT_EQ(clear[i], 0);
    hak_free(clear);
  }
}

// Containers delete with the size they asked for, which is no multiple of a page: that was a wrong size.
TEST_F(Sample, BlocksAreDeletedWithTheirSizes) {
  for (size_t bytes : {0, 1, 15, 16, 17, 100, 1024, 5000, 65000}) hak_entry_free_sized(hak_malloc(bytes), bytes);
}

TEST_F(Sample, AlignedBlocksAreAligned) {
  for (size_t align = 16; align <= 65536; align *= 2) {
    for (size_t bytes : {size_t{1}, align, 3 * align / 2, size_t{5000}}) {
      void* block = hak_aligned_alloc(align, bytes);
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % align, 0u) << bytes;
      hak_free(block);
    }
  }
}

TEST_F(Sample, WhenAllPlacesAreTakenRequestsAreServedAsEver) {
  std::set<void*> blocks;
  for (int i = 0; i < 2 * HAK_GUARDED_PLACES; i++) {
    void* block = hak_malloc(100);
    memset(block, 1, 100);
    EXPECT_TRUE(blocks.insert(block).second);
  }
  for (void* block : blocks) hak_free(block);
}

TEST_F(Sample, ABlockThatGrowsOutOfASlabHasTheBytesAskedFor) {
  std::vector<void*> blocks;
  for (int i = 0; i <= HAK_GUARDED_PLACES; i++) blocks.push_back(hak_malloc(100));
  auto* in_slab = static_cast<char*>(blocks.back());
  size_t bytes = hak_usable_size(in_slab);
  memset(in_slab, 5, bytes);
  hak_free(blocks.front());
  blocks.front() = hak_realloc(in_slab, bytes + 1);
  blocks.pop_back();
  EXPECT_EQ(hak_usable_size(blocks.front()), bytes + 1);
  for (size_t i = 0; i < bytes; i++) ASSERT_EQ(static_cast<char*>(blocks.front())[i], 5);
  for (void* block : blocks) hak_free(block);
}

TEST_F(SampleDeathTest, AWriteBehindTheBlockIsNamedWithItsStack) {
  SKIP_UNDER_SANITIZERS();
  auto* block = static_cast<char*>(hak_malloc(100));
  auto line = testing::AllOf(HasSubstr("hakmem: access behind the end of " + hex(block) + ", at byte "),
                             HasSubstr("the block was allocated here:\n"), HasSubstr("sample_test"));
  EXPECT_EXIT(*beyond(block, 100) = 1, KilledBySignal(SIGABRT), line);
  hak_free(block);
}

TEST_F(SampleDeathTest, AReadAfterFreeIsNamedWithBothStacks) {
  SKIP_UNDER_SANITIZERS();
  auto* block = static_cast<volatile char*>(hak_malloc(100));
  hak_free(const_cast<char*>(block));
  auto line = testing::AllOf(HasSubstr("hakmem: use after free of "), HasSubstr(", at byte 3 (guarded block of "),
                             HasSubstr("the block was allocated here:\n"), HasSubstr("and freed here:\n"));
  EXPECT_EXIT((void)block[3], KilledBySignal(SIGABRT), line);
}

TEST_F(SampleDeathTest, AWriteIntoTheSlackIsNamedAtFree) {
  auto* block = static_cast<char*>(hak_malloc(100));
  EXPECT_EXIT(
      {
        block[100] ^= 1;
        hak_free(block);
      },
      KilledBySignal(SIGABRT), HasSubstr("hakmem: write behind the end of " + hex(block)));
  hak_free(block);
}

TEST_F(SampleDeathTest, ADoubleFreeIsNamed) {
  void* block = hak_malloc(100);
  hak_free(block);
  EXPECT_EXIT(hak_free(block), KilledBySignal(SIGABRT), HasSubstr("hakmem: double free of " + hex(block)));
}

TEST_F(SampleDeathTest, ASignalThatWasSentEndsTheProcessAsEver) {
  SKIP_UNDER_SANITIZERS();
  EXPECT_EXIT(
      {
        hak_free(hak_malloc(10));
        kill(getpid(), SIGSEGV);
        _exit(0);
      },
      KilledBySignal(SIGSEGV), "");
}

TEST_F(SampleDeathTest, AFaultThatIsAnothersEndsTheProcessAsEver) {
  SKIP_UNDER_SANITIZERS();
  volatile uintptr_t nobodys = 8;  // the compiler must not know it
  EXPECT_EXIT(*reinterpret_cast<volatile int*>(nobodys) = 1, KilledBySignal(SIGSEGV), "");
}

TEST(Guarded, WithoutMemoryThereIsNoPoolAndNoBlock) {
  Rig rig;
  rig.os.fail(FakeOs::kReserve);
  EXPECT_EQ(hak_guarded_create(&rig.arena), nullptr);
  rig.os.fail(FakeOs::kCommit);
  EXPECT_EQ(hak_guarded_create(&rig.arena), nullptr);
  hak_guarded_pool* pool = hak_guarded_create(&rig.arena);
  ASSERT_NE(pool, nullptr);
  hak_stack stack = {};
  uint64_t used = rig.stats().used_bytes;
  rig.os.fail(FakeOs::kClose);
  EXPECT_EQ(hak_guarded_alloc(pool, 100, &stack), 0u);
  EXPECT_EQ(rig.stats().used_bytes, used);
  uintptr_t block = hak_guarded_alloc(pool, 100, &stack);
  ASSERT_NE(block, 0u);
  hak_cell* cell = hak_map_cell(&rig.map, block);
  EXPECT_EQ(hak_guarded_free(pool, cell, &stack), HAK_GUARDED_DONE);
  EXPECT_EQ(hak_guarded_free(pool, cell, &stack), HAK_GUARDED_TWICE);
  hak_arena_check(&rig.arena);
}

TEST(Guarded, TheBlockFreedFirstGivesItsPlaceUpFirst) {
  Rig rig;
  hak_guarded_pool* pool = hak_guarded_create(&rig.arena);
  hak_stack stack = {};
  std::vector<uintptr_t> blocks;
  for (int i = 0; i < HAK_GUARDED_PLACES; i++) blocks.push_back(hak_guarded_alloc(pool, 10, &stack));
  EXPECT_EQ(hak_guarded_alloc(pool, 10, &stack), 0u) << "all places hold live blocks";
  for (uintptr_t block : {blocks[7], blocks[3]}) hak_guarded_free(pool, hak_map_cell(&rig.map, block), &stack);
  EXPECT_EQ(hak_guarded_find(pool, blocks[7])->state, HAK_GUARDED_FREED);
  ASSERT_NE(hak_guarded_alloc(pool, 10, &stack), 0u);
  EXPECT_EQ(hak_guarded_find(pool, blocks[3])->state, HAK_GUARDED_FREED) << "still there for a late use";
  hak_arena_check(&rig.arena);
}

}  // namespace
