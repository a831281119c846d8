// fork while other threads are in the middle of malloc and free: the child finds the heap whole and its locks free.

#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/whole/support.h"

namespace {

// Four threads that allocate and free in every regime but the mapped one, through a table that they share, so that
// frees of other threads' blocks are always under way. They come and go: thread exit is in the race as well.
class BusyThreads {
 public:
  BusyThreads() {
    for (uint64_t t = 0; t < 4; t++) {
      threads_.emplace_back([this, t] { Work(t); });
    }
  }
  ~BusyThreads() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    for (auto& slot : table_) free(slot.exchange(nullptr));
  }

  // In a child: frees what lay in the table when it was forked.
  void FreeTable() {
    for (auto& slot : table_) free(slot.exchange(nullptr));
  }

 private:
  void Work(uint64_t seed) {
    while (!stop_) {
      std::thread([this, seed] {
        /* Behind the forking thread and the children in the queue for a processor: always running, never in the way. */
        setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 10);
        Random random(seed);
        for (int i = 0; i < 3000 && !stop_; i++) {
          /* Few of the larger ones: fork copies the tables of all pages that the process has touched. */
          size_t bytes = random.Size(i % 64 == 0 ? 150000 : 3000);
          void* block = malloc(bytes);
          *static_cast<volatile char*>(block) = 1;
          free(table_[random.Below(kSlots)].exchange(block));
        }
      }).join();
    }
  }

  static constexpr size_t kSlots = 512;
  std::atomic<void*> table_[kSlots] = {};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

// Allocates and frees in every regime; says what was wrong with the blocks. Cheap, because it is done thousands of
// times: of the large blocks little is touched.
std::string UseTheHeap(uint64_t seed) {
  constexpr size_t kBlocks = 40;
  void* blocks[kBlocks];
  size_t bytes[kBlocks];
  Random random(seed);
  for (size_t i = 0; i < kBlocks; i++) {
    bytes[i] = i == 0 ? size_t{65} << 20 : random.Size(200000);
    blocks[i] = malloc(bytes[i]);
    if (blocks[i] == nullptr) return "malloc returned NULL";
    Stamp(blocks[i], std::min<size_t>(bytes[i], 4096), i);
  }
  for (size_t i = 0; i < kBlocks; i++) {
    if (!Stamped(blocks[i], std::min<size_t>(bytes[i], 4096), i)) return "a block lost its contents";
    free(blocks[i]);
  }
  return "";
}

TEST(Fork, AThousandChildrenAllocateWhileFourThreadsOfTheParentDo) {
  BusyThreads busy;
  for (uint64_t i = 0; i < 1200; i++) {
    std::string wrong = InChild([&] {
      if (i % 4 == 0) busy.FreeTable();
      return UseTheHeap(i);
    });
    ASSERT_EQ(wrong, "") << "fork " << i;
  }
}

TEST(Fork, WorksFromEveryThreadAtOnce) {
  BusyThreads busy;
  std::vector<std::thread> forkers;
  std::atomic<int> forks{0};
  for (uint64_t t = 0; t < 3; t++) {
    forkers.emplace_back([&forks, t] {
      for (uint64_t i = 0; i < 120; i++) {
        void* own = malloc(100);
        Stamp(own, 100, i);
        std::string wrong = InChild([&]() -> std::string {
          if (!Stamped(own, 100, i)) return "a block of the forking thread lost its contents";
          free(own);
          return UseTheHeap(t * 1000 + i);
        });
        if (wrong != "") ADD_FAILURE() << wrong;
        free(own);
        forks++;
      }
    });
  }
  for (std::thread& thread : forkers) thread.join();
  EXPECT_EQ(forks, 360);
}

// A thread of the parent had the list of what is to be given back in its hands: the child never gave that back.
TEST(Fork, TheChildGivesBackWhatAThreadOfTheParentWasAt) {
  std::atomic<bool> stop{false};
  std::thread purger([&stop] {
    while (!stop) {
      void* blocks[8];
      for (void*& block : blocks) {
        block = malloc(size_t{3} << 20);
        memset(block, 1, size_t{3} << 20);
      }
      for (void* block : blocks) free(block);
      malloc_trim(0);
    }
  });
  for (int i = 0; i < 200; i++) {
    std::string wrong = InChild([] {
      malloc_trim(0);
      return Counter("dirty_bytes") == 0 ? "" : "memory is dirty behind malloc_trim";
    });
    EXPECT_EQ(wrong, "") << "fork " << i;
    if (wrong != "") break;
  }
  stop = true;
  purger.join();
}

// The threads that the child starts may get the stacks, and with them the control blocks, of threads that only the
// parent has.
TEST(Fork, TheChildStartsThreadsOfItsOwn) {
  BusyThreads busy;
  for (uint64_t i = 0; i < 250; i++) {
    std::string wrong = InChild([&] {
      std::string found[4];
      std::vector<std::thread> threads;
      for (uint64_t t = 0; t < 4; t++) {
        threads.emplace_back([&, t] {
          for (uint64_t round = 0; round < 4 && found[t].empty(); round++)
            found[t] = UseTheHeap(i * 16 + t * 4 + round);
        });
      }
      for (std::thread& thread : threads) thread.join();
      busy.FreeTable();
      return found[0] + found[1] + found[2] + found[3];
    });
    ASSERT_EQ(wrong, "") << "fork " << i;
  }
}

TEST(Fork, TheChildForksInItsTurn) {
  BusyThreads busy;
  for (uint64_t i = 0; i < 100; i++) {
    std::string wrong = InChild([&] {
      std::string heap = UseTheHeap(i);
      if (!heap.empty()) return heap;
      return InChild([&] { return InChild([&] { return UseTheHeap(i + 1); }) + UseTheHeap(i + 2); });
    });
    ASSERT_EQ(wrong, "") << "fork " << i;
  }
}

TEST(Fork, BlocksOfEveryRegimeAreTheChildsAsWell) {
  void* blocks[4];
  for (size_t r = 0; r < 4; r++) {
    blocks[r] = malloc(kRegimes[r].bytes);
    Stamp(blocks[r], kRegimes[r].bytes, r);
  }
  std::string wrong = InChild([&]() -> std::string {
    for (size_t r = 0; r < 4; r++) {
      if (!Stamped(blocks[r], kRegimes[r].bytes, r)) return "lost its contents";
      blocks[r] = realloc(blocks[r], kRegimes[r].bytes * 3);
      if (!Stamped(blocks[r], kRegimes[r].bytes, r)) return "lost its contents in realloc";
      Stamp(blocks[r], kRegimes[r].bytes, 77);
      free(blocks[r]);
    }
    return "";
  });
  EXPECT_EQ(wrong, "");
  for (size_t r = 0; r < 4; r++) {
    EXPECT_TRUE(Stamped(blocks[r], kRegimes[r].bytes, r)) << "the parent's block is the parent's";
    free(blocks[r]);
  }
}

// fork handlers of libraries allocate, too: those that are registered before hakmem's run on its locks.
void HandlerThatAllocates() {
  void* block = malloc(1000);
  Stamp(block, 1000, 1);
  free(block);
}

TEST(Fork, HandlersOfOthersMayAllocate) {
  ASSERT_EQ(pthread_atfork(HandlerThatAllocates, HandlerThatAllocates, HandlerThatAllocates), 0);
  BusyThreads busy;
  for (uint64_t i = 0; i < 150; i++) {
    ASSERT_EQ(InChild([&] { return UseTheHeap(i); }), "") << "fork " << i;
  }
}

TEST(Fork, TheChildEndsThroughExitWithItsHandlers) {
  BusyThreads busy;
  for (int i = 0; i < 100; i++) {
    pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      alarm(60);
      atexit([] { free(malloc(5000)); });
      /* Flushes nothing of gtest's: stdout is empty after the line before. */
      exit(UseTheHeap(1).empty() ? 7 : 8);
    }
    int status;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFEXITED(status)) << status;
    ASSERT_EQ(WEXITSTATUS(status), 7);
  }
}

TEST(Fork, OtherProgramsAreStartedWhileThreadsAllocate) {
  BusyThreads busy;
  for (int i = 0; i < 100; i++) {
    pid_t pid;
    char name[] = "/bin/true";
    char* arguments[] = {name, nullptr};
    ASSERT_EQ(posix_spawn(&pid, name, nullptr, nullptr, arguments, nullptr), 0);
    int status;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
    ASSERT_EQ(system("true"), 0);
    FILE* pipe = popen("echo said", "r");
    char line[16];
    ASSERT_NE(fgets(line, sizeof line, pipe), nullptr);
    ASSERT_EQ(pclose(pipe), 0);
  }
}

}  // namespace
