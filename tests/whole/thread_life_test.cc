// Threads that come and go in any number and order, with and without live blocks: nothing is lost, and nothing piles
// up.

#include <gtest/gtest.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/whole/support.h"

namespace {

struct Block {
  void* address = nullptr;
  size_t bytes = 0;
  uint64_t seed = 0;
};

Block Make(Random& random, size_t most) {
  Block block;
  block.bytes = random.Size(most);
  block.seed = random.Next();
  block.address = malloc(block.bytes);
  EXPECT_NE(block.address, nullptr);
  Stamp(block.address, block.bytes, block.seed);
  return block;
}

void Release(const Block& block) {
  EXPECT_TRUE(Stamped(block.address, block.bytes, block.seed)) << block.bytes << " bytes";
  free(block.address);
}

// What the process holds for blocks, whether they are live or not, and for records.
uint64_t Held() { return Counter("used_bytes") + Counter("record_bytes"); }

constexpr uint64_t kMiB = 1 << 20;

// Blocks in a list that several threads fill and empty; std::vector under a mutex, so that nothing else is tested.
class Box {
 public:
  void Put(const Block& block) {
    std::lock_guard<std::mutex> lock(mutex_);
    blocks_.push_back(block);
  }
  // A block from anywhere in the list; address NULL if there is none.
  Block Take(uint64_t random) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (blocks_.empty()) return Block();
    std::swap(blocks_[random % blocks_.size()], blocks_.back());
    Block block = blocks_.back();
    blocks_.pop_back();
    return block;
  }
  void ReleaseAll() {
    for (Block block; (block = Take(0)).address != nullptr;) Release(block);
  }

 private:
  std::mutex mutex_;
  std::vector<Block> blocks_;
};

TEST(ThreadLife, ThreeThousandThreadsOneAfterAnotherLeaveNothingBehind) {
  uint64_t early = 0;
  for (uint64_t i = 0; i < 3000; i++) {
    std::thread([i] {
      Random random(i);
      std::vector<Block> blocks(20);
      for (Block& block : blocks) block = Make(random, 30000);
      for (const Block& block : blocks) Release(block);
    }).join();
    if (i == 500) early = Held();
  }
  EXPECT_LE(Held(), early + 2 * kMiB);
  EXPECT_LE(Counter("threads_now"), 2u);
}

struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  bool open = false;
};

struct Crowd {
  Gate gate;
  Block blocks[500];
};

TEST(ThreadLife, FiveHundredThreadsLiveAtOnce) {
  Crowd crowd;
  pthread_attr_t small;
  pthread_attr_init(&small);
  ASSERT_EQ(pthread_attr_setstacksize(&small, 256 << 10), 0);
  struct Member {
    Crowd* crowd;
    size_t number;
  };
  std::vector<Member> members(500);
  std::vector<pthread_t> threads(500);
  for (size_t i = 0; i < 500; i++) {
    members[i] = {&crowd, i};
    ASSERT_EQ(pthread_create(
                  &threads[i], &small,
                  [](void* arg) -> void* {
                    Member* self = static_cast<Member*>(arg);
                    Gate& gate = self->crowd->gate;
                    Random random(self->number);
                    self->crowd->blocks[self->number] = Make(random, 40000);
                    std::unique_lock<std::mutex> lock(gate.mutex);
                    gate.inside++;
                    gate.changed.notify_all();
                    gate.changed.wait(lock, [&] { return gate.open; });
                    lock.unlock();
                    /* A neighbour's, which may have exited or not. */
                    Release(self->crowd->blocks[(self->number * 7 + 3) % 500]);
                    return nullptr;
                  },
                  &members[i]),
              0);
  }
  {
    std::unique_lock<std::mutex> lock(crowd.gate.mutex);
    crowd.gate.changed.wait(lock, [&] { return crowd.gate.inside == 500; });
    EXPECT_GE(Counter("threads_now"), 500u);
    crowd.gate.open = true;
    crowd.gate.changed.notify_all();
  }
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  pthread_attr_destroy(&small);
  EXPECT_LE(Counter("threads_now"), 2u);
}

TEST(ThreadLife, BlocksOutliveTheThreadThatMadeThem) {
  uint64_t live = Counter("live_bytes");
  Box box;
  for (uint64_t t = 0; t < 20; t++) {
    std::thread([&box, t] {
      Random random(t);
      for (int i = 0; i < 1000; i++) box.Put(Make(random, 80000));
    }).join();
  }
  box.ReleaseAll();
  malloc_trim(0);
  EXPECT_LE(Counter("live_bytes"), live + kMiB);
}

TEST(ThreadLife, BlocksOfDeadThreadsAreFreedByOtherThreadsWhileTheyDie) {
  uint64_t early = 0;
  Box box;
  for (uint64_t round = 0; round < 60; round++) {
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 8; t++) {
      threads.emplace_back([&box, round, t] {
        Random random(round * 100 + t);
        /* Each round some threads only free, some only allocate, and each does its share, so that they end in any
         * order. */
        for (uint64_t i = 0; i < 100 * (1 + random.Below(5)); i++) {
          if (t != 0) {
            Block block = box.Take(random.Next());
            if (block.address != nullptr) Release(block);
          }
          if (t < 5) box.Put(Make(random, 20000));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    while (true) {
      /* What is left over stays for the next round, up to a bound. */
      Block block = box.Take(round);
      if (block.address == nullptr) break;
      Release(block);
      if (Counter("live_bytes") < 4 * kMiB) break;
    }
    if (round == 20) early = Held();
  }
  /* An empty slab of each class may be kept for later; lost ones would add up to hundreds of megabytes. */
  EXPECT_LE(Held(), early + 64 * kMiB);
  box.ReleaseAll();
  malloc_trim(0);
  EXPECT_LE(Counter("live_bytes"), 2 * kMiB);
}

TEST(ThreadLife, HundredsOfRoundsOfThreadsWithLiveBlocksHoldNoMoreMemoryThanAFew) {
  uint64_t early = 0;
  size_t early_resident = 0;
  std::vector<Block> previous;
  for (uint64_t round = 0; round < 400; round++) {
    std::mutex mutex;
    std::vector<Block> left;
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 6; t++) {
      threads.emplace_back([&, t] {
        Random random(round * 8 + t);
        std::vector<Block> mine(100);
        for (Block& block : mine) block = Make(random, 10000);
        /* Half of them at home, the rest is the next round's. */
        for (size_t i = 0; i < mine.size(); i += 2) Release(mine[i]);
        for (size_t i = t; i < previous.size(); i += 6) Release(previous[i]);
        std::lock_guard<std::mutex> lock(mutex);
        for (size_t i = 1; i < mine.size(); i += 2) left.push_back(mine[i]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    previous.swap(left);
    if (round == 50) {
      early = Held();
      early_resident = ResidentBytes();
    }
  }
  EXPECT_LE(Held(), early + early / 2 + 4 * kMiB);
  EXPECT_LE(ResidentBytes(), early_resident + 32 * kMiB);
  for (const Block& block : previous) Release(block);
}

TEST(ThreadLife, LargeAndMappedBlocksOutliveTheirThreadsToo) {
  for (int round = 0; round < 20; round++) {
    std::vector<Block> blocks;
    std::thread([&] {
      for (size_t bytes : {size_t{65537}, size_t{300000}, size_t{5} << 20, size_t{70} << 20}) {
        blocks.push_back({malloc(bytes), bytes, bytes});
        Stamp(blocks.back().address, bytes, bytes);
      }
    }).join();
    std::thread([&] {
      for (const Block& block : blocks) Release(block);
    }).join();
  }
}

TEST(ThreadLife, DetachedThreadsEndByThemselves) {
  std::atomic<int> done{0};
  for (uint64_t i = 0; i < 300; i++) {
    std::thread([&done, i] {
      Random random(i);
      std::vector<Block> blocks(10);
      for (Block& block : blocks) block = Make(random, 5000);
      for (const Block& block : blocks) Release(block);
      done++;
    }).detach();
  }
  while (done < 300) usleep(1000);
}

TEST(ThreadLife, ACancelledThreadLeavesItsBlocksUsable) {
  for (int i = 0; i < 50; i++) {
    Box box;
    pthread_t thread;
    ASSERT_EQ(pthread_create(
                  &thread, nullptr,
                  [](void* arg) -> void* {
                    Random random(3);
                    for (int k = 0; k < 50; k++) static_cast<Box*>(arg)->Put(Make(random, 3000));
                    pause();
                    return nullptr;
                  },
                  &box),
              0);
    pthread_cancel(thread);
    pthread_join(thread, nullptr);
    box.ReleaseAll();
  }
}

// The first thread of a process ends, and the process goes on until the last one is done. The child's first thread is
// the one that forks: here one that pthread_exit can leave without gtest's frames in its way.
TEST(ThreadLife, TheFirstThreadMayEndBeforeTheOthers) {
  std::string wrong;
  std::thread([&wrong] {
    wrong = InChild([]() -> std::string {
      static Box box;
      Random random(1);
      for (int i = 0; i < 1000; i++) box.Put(Make(random, 50000));
      std::thread([first = pthread_self()] {
        pthread_join(first, nullptr);
        box.ReleaseAll();
        Random more(2);
        for (int i = 0; i < 1000; i++) box.Put(Make(more, 50000));
        box.ReleaseAll();
        _exit(testing::Test::HasFailure() ? 1 : 0);
      }).detach();
      pthread_exit(nullptr);
    });
  }).join();
  EXPECT_EQ(wrong, "");
}

// ---- malloc at the very end of a thread ----

constexpr int kKeys = 4;
pthread_key_t late_keys[kKeys];
std::atomic<int> late_runs{0};
std::atomic<int> late_rounds_wanted{0};

struct Late {
  int key;
  int round;
};

// Allocates in each of the rounds that POSIX gives to destructors, after the allocator's own may have run.
void LateDestructor(void* arg) {
  Late* late = static_cast<Late*>(arg);
  Random random(static_cast<uint64_t>(late->key));
  for (int i = 0; i < 20; i++) Release(Make(random, 70000));
  late_runs++;
  if (++late->round < late_rounds_wanted) {
    Late* next = static_cast<Late*>(malloc(sizeof(Late)));
    *next = *late;
    pthread_setspecific(late_keys[late->key], next);
  }
  free(late);
}

void RunThreadWithLateDestructors(int rounds) {
  late_rounds_wanted = rounds;
  std::thread([] {
    Random random(5);
    Release(Make(random, 1000));
    for (int k = 0; k < kKeys; k++) {
      Late* late = static_cast<Late*>(malloc(sizeof(Late)));
      *late = {k, 0};
      pthread_setspecific(late_keys[k], late);
    }
  }).join();
}

TEST(ThreadEnd, KeyDestructorsAllocateInEveryRound) {
  for (pthread_key_t& key : late_keys) ASSERT_EQ(pthread_key_create(&key, LateDestructor), 0);
  uint64_t early = 0;
  for (int i = 0; i < 600; i++) {
    int rounds = 1 + i % PTHREAD_DESTRUCTOR_ITERATIONS;
    late_runs = 0;
    RunThreadWithLateDestructors(rounds);
    ASSERT_EQ(late_runs, kKeys * rounds);
    if (i == 99) early = Held();
  }
  EXPECT_LE(Held(), early + 2 * kMiB);
  for (pthread_key_t key : late_keys) pthread_key_delete(key);
}

TEST(ThreadEnd, ManyThreadsAllocateInTheirLastDestructorsAtOnce) {
  for (pthread_key_t& key : late_keys) ASSERT_EQ(pthread_key_create(&key, LateDestructor), 0);
  late_runs = 0;
  late_rounds_wanted = PTHREAD_DESTRUCTOR_ITERATIONS;
  uint64_t early = 0;
  for (int round = 0; round < 40; round++) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 10; t++) {
      threads.emplace_back([] {
        for (int k = 0; k < kKeys; k++) {
          Late* late = static_cast<Late*>(malloc(sizeof(Late)));
          *late = {k, 0};
          pthread_setspecific(late_keys[k], late);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    if (round == 10) early = Held();
  }
  EXPECT_EQ(late_runs, 40 * 10 * kKeys * PTHREAD_DESTRUCTOR_ITERATIONS);
  /* Ten threads may hold a few slabs of each class where a round ends in another order than the one before. */
  EXPECT_LE(Held(), early + early / 2 + 64 * kMiB);
  for (pthread_key_t key : late_keys) pthread_key_delete(key);
}

struct ThreadLocalOwner {
  std::vector<Block> blocks;
  ~ThreadLocalOwner() {
    Random random(9);
    for (int i = 0; i < 10; i++) Release(Make(random, 40000));
    for (const Block& block : blocks) Release(block);
  }
};

TEST(ThreadEnd, ThreadLocalObjectsAllocateAndFreeInTheirDestructors) {
  static thread_local ThreadLocalOwner owner;
  for (uint64_t i = 0; i < 300; i++) {
    std::thread([i] {
      Random random(i);
      for (int k = 0; k < 10; k++) owner.blocks.push_back(Make(random, 20000));
    }).join();
  }
}

}  // namespace
