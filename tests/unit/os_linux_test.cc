// base/os.h on the real kernel: what every caller of it relies on.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/bits.h"
#include "base/os.h"

namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

bool reads_as_zero(uintptr_t address, size_t bytes) {
  const auto* p = reinterpret_cast<const char*>(address);
  return std::all_of(p, p + bytes, [](char c) { return c == 0; });
}

class OsLinux : public testing::Test {
 protected:
  uintptr_t committed(size_t bytes) {
    uintptr_t p = os->reserve(bytes, os->page_bytes, 0);
    EXPECT_NE(p, 0u);
    EXPECT_TRUE(os->commit(p, bytes));
    return p;
  }
  const hak_os* os = hak_os_linux();
};

TEST_F(OsLinux, ReservesAlignedAddressSpace) {
  for (size_t align = os->page_bytes; align <= 64 * kMegabyte; align *= 4) {
    uintptr_t p = os->reserve(3 * kMegabyte, align, 0);
    ASSERT_NE(p, 0u);
    EXPECT_EQ(p % align, 0u);
    os->release(p, 3 * kMegabyte);
  }
}

TEST_F(OsLinux, AHintIsTakenOrTheCallFails) {
  uintptr_t p = os->reserve(4 * kMegabyte, os->page_bytes, 0);
  ASSERT_NE(p, 0u);
  EXPECT_EQ(os->reserve(kMegabyte, os->page_bytes, p), 0u);
  os->release(p, 4 * kMegabyte);
  EXPECT_EQ(os->reserve(kMegabyte, os->page_bytes, p), p);
  os->release(p, kMegabyte);
}

TEST_F(OsLinux, MoreThanThereIsFailsAndLeavesErrnoAsItWas) {
  errno = 77;
  EXPECT_EQ(os->reserve(SIZE_MAX & ~(os->page_bytes - 1), os->page_bytes, 0), 0u);
  EXPECT_EQ(os->reserve(size_t{1} << 62, 4 * kMegabyte, 0), 0u);
  EXPECT_EQ(os->reserve_readable(size_t{1} << 62), 0u);
  EXPECT_FALSE(os->commit(os->page_bytes, os->page_bytes));
  EXPECT_EQ(errno, 77);
}

TEST_F(OsLinux, CommittedMemoryReadsAsZeroAndCanBeWritten) {
  uintptr_t p = committed(kMegabyte);
  EXPECT_TRUE(reads_as_zero(p, kMegabyte));
  memset(reinterpret_cast<void*>(p), 1, kMegabyte);
  os->release(p, kMegabyte);
}

TEST_F(OsLinux, ReadableAddressSpaceReadsAsZeroBeforeCommit) {
  uintptr_t p = os->reserve_readable(kMegabyte);
  ASSERT_NE(p, 0u);
  EXPECT_TRUE(reads_as_zero(p, kMegabyte));
  ASSERT_TRUE(os->commit(p, os->page_bytes));
  *reinterpret_cast<char*>(p) = 1;
  EXPECT_TRUE(reads_as_zero(p + os->page_bytes, kMegabyte - os->page_bytes));
  os->release(p, kMegabyte);
}

TEST_F(OsLinux, PurgedMemoryStaysUsableAndReadsAsZero) {
  uintptr_t p = committed(kMegabyte);
  memset(reinterpret_cast<void*>(p), 1, kMegabyte);
  ASSERT_TRUE(os->purge(p, kMegabyte / 2));
  EXPECT_TRUE(reads_as_zero(p, kMegabyte / 2));
  EXPECT_EQ(*reinterpret_cast<char*>(p + kMegabyte / 2), 1);
  *reinterpret_cast<char*>(p) = 2;
  os->release(p, kMegabyte);
}

TEST_F(OsLinux, KnowsWhichPagesWereTouchedSinceThePurge) {
  size_t page = os->page_bytes;
  uintptr_t p = committed(8 * page);
  memset(reinterpret_cast<void*>(p), 1, 8 * page);
  ASSERT_TRUE(os->purge(p, 8 * page));
  reinterpret_cast<volatile uint8_t*>(p)[3 * page + 5] = 1;
  uint8_t pages[8];
  ASSERT_TRUE(os->touched(p, 8 * page, pages));
  for (int i = 0; i < 8; i++) EXPECT_EQ(pages[i] != 0, i == 3) << i;
  os->release(p, 8 * page);
}

// Store and load of two threads, of which one has no barrier of its own: one of the two sees the other's store. Without
// the call some turns in a thousand are seen by neither.
TEST_F(OsLinux, AFenceOfAllThreadsIsTheirsToo) {
  if (!os->fence_threads()) GTEST_SKIP() << "the kernel has no membarrier (before 4.14), or does not permit it";
  constexpr int kTurns = 10000;
  struct alignas(256) Number {
    std::atomic<int> value{0};
  };
  Number mine, theirs, turn;
  bool saw_mine = false;
  int seen_by_neither = 0;
  std::thread other([&] {
    for (int i = 1; i <= kTurns; i++) {
      while (turn.value.load(std::memory_order_acquire) != i) std::this_thread::yield();
      theirs.value.store(i, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      saw_mine = mine.value.load(std::memory_order_relaxed) == i;
      turn.value.store(-i, std::memory_order_release);
    }
  });
  for (int i = 1; i <= kTurns; i++) {
    turn.value.store(i, std::memory_order_release);
    for (volatile int delay = 0; delay < i % 1024; delay = delay + 1) {
    }
    mine.value.store(i, std::memory_order_relaxed);
    EXPECT_TRUE(os->fence_threads());
    bool saw_theirs = theirs.value.load(std::memory_order_relaxed) == i;
    while (turn.value.load(std::memory_order_acquire) != -i) std::this_thread::yield();
    seen_by_neither += !saw_theirs && !saw_mine;
  }
  other.join();
  EXPECT_EQ(seen_by_neither, 0);
}

TEST_F(OsLinux, MovedPagesLeaveZeroesBehind) {
  uintptr_t from = committed(kMegabyte);
  uintptr_t to = committed(kMegabyte);
  memset(reinterpret_cast<void*>(from), 5, kMegabyte);
  if (!os->move(from, to, kMegabyte)) GTEST_SKIP() << "the kernel cannot move pages and keep the range (before 5.7)";
  EXPECT_TRUE(reads_as_zero(from, kMegabyte));
  EXPECT_EQ(*reinterpret_cast<char*>(to + kMegabyte - 1), 5);
  *reinterpret_cast<char*>(from) = 1;
  os->release(from, kMegabyte);
  os->release(to, kMegabyte);
}

// The kernel unmaps the target first and may fail then: for want of address space, or (before 6.17) because the pages
// come from two mappings. It was written to all the same.
TEST_F(OsLinux, TheTargetOfAFailedMoveIsStillThere) {
  uintptr_t from = committed(2 * kMegabyte);
  uintptr_t to = committed(2 * kMegabyte);
  os->huge_pages(from, kMegabyte, true);
  os->move(from, to, 2 * kMegabyte);
  memset(reinterpret_cast<void*>(to), 5, 2 * kMegabyte);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit tight = {kMegabyte, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  bool moved = os->move(from, to, kMegabyte);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_FALSE(moved);
  memset(reinterpret_cast<void*>(to), 6, 2 * kMegabyte);
  os->release(from, 2 * kMegabyte);
  os->release(to, 2 * kMegabyte);
}

TEST_F(OsLinux, AMappingShrinksInPlaceAndMovesToATarget) {
  uintptr_t p = committed(4 * kMegabyte);
  memset(reinterpret_cast<void*>(p), 5, 4 * kMegabyte);
  EXPECT_TRUE(os->resize(p, 4 * kMegabyte, 2 * kMegabyte, 0));
  uintptr_t target = os->reserve(8 * kMegabyte, 4 * kMegabyte, 0);
  ASSERT_TRUE(os->resize(p, 2 * kMegabyte, 8 * kMegabyte, target));
  EXPECT_EQ(*reinterpret_cast<char*>(target + 2 * kMegabyte - 1), 5);
  EXPECT_TRUE(reads_as_zero(target + 2 * kMegabyte, 6 * kMegabyte));
  EXPECT_EQ(os->reserve(2 * kMegabyte, os->page_bytes, p), p) << "the old addresses are free";
  os->release(p, 2 * kMegabyte);
  os->release(target, 8 * kMegabyte);
}

TEST_F(OsLinux, TheClockNeverGoesBack) {
  uint64_t last = os->now_ms();
  for (int i = 0; i < 1000; i++) {
    uint64_t now = os->now_ms();
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST_F(OsLinux, KnowsThePageSizeTheMemoryAndTheLimit) {
  EXPECT_TRUE(hak_is_power_of_two(os->page_bytes));
  EXPECT_GE(os->memory_bytes(), 64 * kMegabyte);
  EXPECT_GE(os->address_limit(), 64 * kMegabyte);
}

}  // namespace
