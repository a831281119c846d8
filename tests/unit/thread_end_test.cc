// Threads of a program: blocks outlive them, whoever frees them.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "frontend/hakmem.h"
#include "tests/unit/heap.h"
#include "tests/unit/rig.h"

namespace {

class ThreadEnd : public testing::Test {
 protected:
  static void SetUpTestSuite() { switch_helper_off(); }
  void expect_nothing_left() {
    hak_trim();
    EXPECT_EQ(counter("live_bytes"), 0u);
    EXPECT_EQ(counter("used_bytes"), 0u);
  }
};

constexpr size_t kSizes[] = {20, 100, 1000, 2000, 20000, 60000, 150000};

TEST_F(ThreadEnd, BlocksOfAThreadThatIsGoneKeepTheirContentsAndCanBeFreed) {
  std::vector<void*> blocks;
  std::thread([&] {
    for (uint32_t i = 0; i < 2000; i++) {
      size_t bytes = kSizes[i % 7];
      blocks.push_back(hak_malloc(bytes));
      fill_block(blocks.back(), bytes, i);
    }
  }).join();
  // Memory that others get now is not theirs.
  std::thread([&] {
    std::vector<void*> own;
    for (size_t i = 0; i < 2000; i++) {
      own.push_back(hak_malloc(kSizes[i % 7]));
      memset(own.back(), 0xee, kSizes[i % 7]);
    }
    for (void* block : own) hak_free(block);
  }).join();
  for (uint32_t i = 0; i < blocks.size(); i++) {
    ASSERT_TRUE(block_holds(blocks[i], kSizes[i % 7], i)) << i;
    EXPECT_TRUE(hak_owns(blocks[i]));
    hak_free(blocks[i]);
  }
  expect_nothing_left();
}

TEST_F(ThreadEnd, ManyShortLivesLeaveNothing) {
  for (int round = 0; round < 20; round++) {
    std::vector<std::vector<void*>> left(8);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < left.size(); t++) {
      threads.emplace_back([&, t] {
        for (size_t i = 0; i < 300; i++) {
          void* block = hak_malloc(kSizes[(i + t) % 7]);
          if (i % 3 == 0) {
            left[t].push_back(block);
          } else {
            hak_free(block);
          }
        }
      });
    }
    for (auto& thread : threads) thread.join();
    threads.clear();
    // Half of the rest is freed by new threads, half by this one.
    for (size_t t = 0; t < left.size(); t += 2) {
      threads.emplace_back([&, t] {
        for (void* block : left[t]) hak_free(block);
      });
    }
    for (size_t t = 1; t < left.size(); t += 2) {
      for (void* block : left[t]) hak_free(block);
    }
    for (auto& thread : threads) thread.join();
  }
  expect_nothing_left();
  EXPECT_LE(counter("record_bytes"), uint64_t{8} << 20) << "the records of threads are used again";
}

TEST_F(ThreadEnd, AThreadMayEndWhileOthersFreeItsBlocks) {
  for (int round = 0; round < 30; round++) {
    std::vector<void*> blocks(5000);
    std::atomic<size_t> made{0};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      for (void*& block : blocks) {
        block = hak_malloc(40);
        made.fetch_add(1, std::memory_order_release);
      }
    });
    std::atomic<size_t> next{0};
    for (int t = 0; t < 3; t++) {
      threads.emplace_back([&] {
        for (size_t i = next++; i < blocks.size(); i = next++) {
          while (made.load(std::memory_order_acquire) <= i) std::this_thread::yield();
          hak_free(blocks[i]);
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  expect_nothing_left();
}

}  // namespace
