// Random loads of several threads, with a look at the contents of every block.

#include <gtest/gtest.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "tests/whole/support.h"

namespace {

constexpr size_t kMost = 300000;

// A block that knows its own size and seed, so that whoever meets it can check it.
struct Head {
  size_t bytes;
  uint64_t seed;
};

void* Dress(void* block, size_t bytes, uint64_t seed) {
  Head head = {bytes, seed};
  memcpy(block, &head, sizeof head);
  Stamp(static_cast<char*>(block) + sizeof head, bytes - sizeof head, seed);
  return block;
}

bool IsWhole(const void* block) {
  Head head;
  memcpy(&head, block, sizeof head);
  return head.bytes >= sizeof head && head.bytes <= 2 * kMost &&
         malloc_usable_size(const_cast<void*>(block)) >= head.bytes &&
         Stamped(static_cast<const char*>(block) + sizeof head, head.bytes - sizeof head, head.seed);
}

size_t SizeOf(Random& random) { return std::max(sizeof(Head), random.Size(kMost)); }

// A block by one of the functions that make them.
void* Make(Random& random) {
  size_t bytes = SizeOf(random);
  uint64_t seed = random.Next();
  void* block = nullptr;
  switch (random.Below(8)) {
    case 0:
      block = calloc(1, bytes);
      EXPECT_TRUE(block != nullptr && IsZero(block, bytes)) << bytes;
      break;
    case 1: {
      size_t align = size_t{16} << random.Below(9);
      block = aligned_alloc(align, bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % align, 0u);
      break;
    }
    default:
      block = malloc(bytes);
  }
  EXPECT_NE(block, nullptr);
  return Dress(block, bytes, seed);
}

void* Resize(void* block, Random& random) {
  Head head;
  memcpy(&head, block, sizeof head);
  size_t bytes = SizeOf(random);
  block = realloc(block, bytes);
  EXPECT_NE(block, nullptr);
  EXPECT_TRUE(StampedUpTo(std::min(head.bytes, bytes) - sizeof head, static_cast<char*>(block) + sizeof head,
                          head.bytes - sizeof head, head.seed));
  return Dress(block, bytes, head.seed + 1);
}

void Release(void* block) {
  if (block == nullptr) return;
  ASSERT_TRUE(IsWhole(block));
  free(block);
}

template <typename Body>
void InThreads(uint64_t count, Body body) {
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < count; t++) threads.emplace_back(body, t);
  for (std::thread& thread : threads) thread.join();
}

TEST(Stress, ThreadsExchangeBlocksOfEverySizeThroughATable) {
  static std::atomic<void*> table[3000];
  InThreads(4, [](uint64_t t) {
    Random random(t + 1);
    for (int i = 0; i < 100000; i++) {
      std::atomic<void*>& slot = table[random.Below(3000)];
      switch (random.Below(4)) {
        case 0:
          Release(slot.exchange(nullptr));
          break;
        case 1: {
          void* block = slot.exchange(nullptr);
          if (block != nullptr) Release(slot.exchange(Resize(block, random)));
          break;
        }
        default:
          Release(slot.exchange(Make(random)));
      }
      if (testing::Test::HasFatalFailure()) return;
    }
  });
  for (auto& slot : table) Release(slot.exchange(nullptr));
  malloc_trim(0);
  EXPECT_LT(Counter("live_bytes"), uint64_t{1} << 20);
}

TEST(Stress, ProducersAllocateAndConsumersFree) {
  constexpr size_t kRing = 256;
  static std::atomic<void*> ring[2][kRing];
  InThreads(4, [](uint64_t t) {
    bool producer = t % 2 == 0;
    auto& mine = ring[t / 2];
    Random random(t);
    for (size_t i = 0; i < 100000; i++) {
      std::atomic<void*>& slot = mine[i % kRing];
      if (producer) {
        void* block = Make(random);
        while (slot.load() != nullptr) std::this_thread::yield();
        slot = block;
      } else {
        void* block;
        while ((block = slot.exchange(nullptr)) == nullptr) std::this_thread::yield();
        Release(block);
      }
      if (testing::Test::HasFailure()) return;
    }
  });
}

// After P. Larson: each thread passes its blocks on to a new one and ends.
TEST(Stress, EachThreadHandsItsBlocksToTheNext) {
  constexpr size_t kBlocks = 400;
  InThreads(3, [](uint64_t t) {
    std::vector<void*> blocks(kBlocks, nullptr);
    for (uint64_t generation = 0; generation < 40; generation++) {
      std::thread([&] {
        Random random(t * 1000 + generation);
        for (int i = 0; i < 2000; i++) {
          void*& block = blocks[random.Below(kBlocks)];
          Release(block);
          block = Make(random);
        }
      }).join();
      if (testing::Test::HasFailure()) return;
    }
    for (void* block : blocks) Release(block);
  });
}

TEST(Stress, AThreadThatOnlyFreesKeepsUpWithThreeThatAllocate) {
  constexpr size_t kSlots = 512;
  static std::atomic<void*> slots[kSlots];
  std::atomic<int> producing{3};
  uint64_t most = 0;
  std::thread consumer([&] {
    while (producing > 0) {
      for (auto& slot : slots) Release(slot.exchange(nullptr));
      most = std::max(most, Counter("used_bytes"));
    }
    for (auto& slot : slots) Release(slot.exchange(nullptr));
  });
  InThreads(3, [&](uint64_t t) {
    Random random(t);
    for (size_t i = 0; i < 60000; i++) {
      std::atomic<void*>& slot = slots[random.Below(kSlots)];
      void* nothing = nullptr;
      void* block = Make(random);
      if (!slot.compare_exchange_strong(nothing, block)) Release(block);
    }
    producing--;
  });
  consumer.join();
  /* 512 blocks of 300,000 bytes would be 150 MB. */
  EXPECT_LT(most, uint64_t{250} << 20);
}

// Slabs are left behind, taken over and given back all the time: each thread ends after a few hundred operations, and
// few classes make it likely that two threads meet in one slab.
TEST(Stress, ThreadsOfAFewOperationsPassTheirBlocksOn) {
  static std::atomic<void*> table[400];
  InThreads(4, [](uint64_t t) {
    for (uint64_t generation = 0; generation < 400; generation++) {
      std::thread([t, generation] {
        constexpr size_t kSizes[] = {48, 48, 1000, 3000, 16384, 60000};
        Random random(t * 100000 + generation);
        for (int i = 0; i < 250; i++) {
          size_t bytes = kSizes[random.Below(6)];
          Release(table[random.Below(400)].exchange(Dress(malloc(bytes), bytes, random.Next())));
        }
      }).join();
      if (testing::Test::HasFailure()) return;
    }
  });
  for (auto& slot : table) Release(slot.exchange(nullptr));
  malloc_trim(0);
  EXPECT_LT(Counter("live_bytes"), uint64_t{1} << 20);
}

// Owner and stranger free the blocks of one slab at the same time: every block comes home once.
TEST(Stress, TwoThreadsFreeTheBlocksOfOneSlabAtOnce) {
  uint64_t before = Counter("live_bytes");
  for (size_t bytes : {size_t{16}, size_t{100}, size_t{1000}, size_t{5000}, size_t{40000}, size_t{65536}}) {
    size_t count = bytes < 2000 ? 4000 : 300;
    for (int round = 0; round < 40; round++) {
      std::vector<void*> even(count), odd(count);
      for (size_t i = 0; i < count; i++) {
        Stamp(even[i] = malloc(bytes), 16, i);
        Stamp(odd[i] = malloc(bytes), 16, i + 7);
      }
      std::thread stranger([&odd] {
        for (size_t i = 0; i < odd.size(); i++) {
          ASSERT_TRUE(Stamped(odd[i], 16, i + 7));
          free(odd[i]);
        }
      });
      for (size_t i = 0; i < count; i++) {
        EXPECT_TRUE(Stamped(even[i], 16, i));
        free(even[i]);
      }
      stranger.join();
    }
  }
  malloc_trim(0);
  EXPECT_LE(Counter("live_bytes"), before + 4096);
}

TEST(Stress, TrimmingAndReportsGoOnWhileThreadsAllocate) {
  std::atomic<int> working{3};
  std::thread reader([&working] {
    while (working > 0) {
      malloc_trim(0);
      EXPECT_GT(Counter("committed_bytes"), 0u);
      EXPECT_GT(mallinfo2().arena, 0u);
      char* text = nullptr;
      size_t length = 0;
      FILE* stream = open_memstream(&text, &length);
      malloc_info(0, stream);
      fclose(stream);
      free(text);
    }
  });
  InThreads(3, [&working](uint64_t t) {
    Random random(t);
    std::vector<void*> blocks(300, nullptr);
    for (int i = 0; i < 20000; i++) {
      void*& block = blocks[random.Below(300)];
      Release(block);
      block = Make(random);
    }
    for (void* block : blocks) Release(block);
    working--;
  });
  reader.join();
}

TEST(Stress, OneBlockGrowsAndShrinksInEachThread) {
  InThreads(3, [](uint64_t t) {
    Random random(t);
    void* block = Make(random);
    for (int i = 0; i < 20000; i++) block = Resize(block, random);
    Release(block);
  });
}

}  // namespace
