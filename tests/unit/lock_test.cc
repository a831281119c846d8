// base/lock.h
#include "base/lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <thread>
#include <vector>

namespace {

TEST(Lock, OneThreadAtATimeIsInside) {
  hak_lock lock = HAK_LOCK_INIT(HAK_RANK_ARENA);
  int inside = 0;
  int most = 0;
  int count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20000; i++) {
        hak_lock_acquire(&lock);
        inside++;
        if (inside > most) most = inside;
        count++;
        inside--;
        hak_lock_release(&lock);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(count, 80000);
  EXPECT_EQ(lock.state, 0u);
}

TEST(Lock, AReleaseWakesAThreadThatSleeps) {
  hak_lock lock = HAK_LOCK_INIT(HAK_RANK_ARENA);
  bool passed = false;
  hak_lock_acquire(&lock);
  std::thread waiter([&] {
    hak_lock_acquire(&lock);
    passed = true;
    hak_lock_release(&lock);
  });
  // 2: held, and somebody has asked the kernel to be woken (or is about to).
  while (hak_load_relaxed(&lock.state) != 2) std::this_thread::yield();
  hak_lock_release(&lock);
  waiter.join();
  EXPECT_TRUE(passed);
}

TEST(Lock, WaitingLeavesErrnoAsItWas) {
  hak_lock lock = HAK_LOCK_INIT(HAK_RANK_ARENA);
  int seen = 0;
  hak_lock_acquire(&lock);
  std::thread waiter([&] {
    errno = 77;
    hak_lock_acquire(&lock);
    hak_lock_release(&lock);
    seen = errno;
  });
  while (hak_load_relaxed(&lock.state) != 2) std::this_thread::yield();
  hak_lock_release(&lock);
  waiter.join();
  EXPECT_EQ(seen, 77);
}

TEST(Lock, AResetLockCanBeTakenAgain) {
  hak_lock lock = HAK_LOCK_INIT(HAK_RANK_ARENA);
  hak_lock_acquire(&lock);
  hak_lock_reset(&lock);
  EXPECT_EQ(lock.state, 0u);
  hak_lock_acquire(&lock);
  hak_lock_release(&lock);
}

TEST(Lock, LocksNestInTheOrderOfTheirRanks) {
  hak_lock process = HAK_LOCK_INIT(HAK_RANK_PROCESS);
  hak_lock abandoned = HAK_LOCK_INIT(HAK_RANK_ABANDONED);
  hak_lock arena = HAK_LOCK_INIT(HAK_RANK_ARENA);
  hak_lock meta = HAK_LOCK_INIT(HAK_RANK_META);
  for (int i = 0; i < 2; i++) {
    hak_lock_acquire(&process);
    hak_lock_acquire(&abandoned);
    hak_lock_acquire(&arena);
    hak_lock_acquire(&meta);
    hak_lock_release(&meta);
    hak_lock_release(&arena);
    hak_lock_release(&abandoned);
    hak_lock_release(&process);
  }
}

void take_in_wrong_order() {
  hak_lock meta = HAK_LOCK_INIT(HAK_RANK_META);
  hak_lock arena = HAK_LOCK_INIT(HAK_RANK_ARENA);
  hak_lock_acquire(&meta);
  hak_lock_acquire(&arena);
}

void take_two_of_one_rank() {
  hak_lock one = HAK_LOCK_INIT(HAK_RANK_ARENA);
  hak_lock two = HAK_LOCK_INIT(HAK_RANK_ARENA);
  hak_lock_acquire(&one);
  hak_lock_acquire(&two);
}

TEST(LockDeathTest, DebugBuildsRefuseALowerRankUnderAHigherOne) {
  if (!HAK_DEBUG) GTEST_SKIP() << "ranks are checked in debug builds";
  EXPECT_EXIT(take_in_wrong_order(), testing::KilledBySignal(SIGABRT), testing::StartsWith("hakmem: broken: "));
}

TEST(LockDeathTest, DebugBuildsRefuseTwoLocksOfOneRank) {
  if (!HAK_DEBUG) GTEST_SKIP() << "ranks are checked in debug builds";
  EXPECT_EXIT(take_two_of_one_rank(), testing::KilledBySignal(SIGABRT), testing::StartsWith("hakmem: broken: "));
}

}  // namespace
