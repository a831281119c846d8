// Signals that land anywhere in malloc and free, and handlers that run between two calls and allocate themselves.

#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/whole/support.h"

namespace {

class SignalScope {
 public:
  SignalScope(int number, void (*handler)(int), int flags = SA_RESTART) : number_(number) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigaction(number, &action, &before_);
  }
  ~SignalScope() { sigaction(number_, &before_, nullptr); }

 private:
  int number_;
  struct sigaction before_;
};

// A timer that sends SIGALRM so often that some land inside the allocator.
class TimerScope {
 public:
  TimerScope() { Set(200); }
  ~TimerScope() { Set(0); }

 private:
  static void Set(int microseconds) {
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }
};

std::atomic<int> signals{0};

void CountSignal(int) { signals++; }

// One round of blocks of all regimes with a check of their contents.
void Churn(uint64_t seed) {
  constexpr size_t kBlocks = 100;
  void* blocks[kBlocks];
  size_t bytes[kBlocks];
  Random random(seed);
  for (size_t i = 0; i < kBlocks; i++) {
    bytes[i] = random.Size(i % 50 == 0 ? 500000 : 5000);
    blocks[i] = i % 3 == 0 ? calloc(1, bytes[i]) : malloc(bytes[i]);
    Stamp(blocks[i], bytes[i], i);
    if (i % 4 == 1) {
      blocks[i] = realloc(blocks[i], bytes[i] * 2);
      ASSERT_TRUE(Stamped(blocks[i], bytes[i], i)) << bytes[i];
    }
  }
  for (size_t i = 0; i < kBlocks; i++) {
    ASSERT_TRUE(Stamped(blocks[i], bytes[i], i)) << bytes[i];
    free(blocks[i]);
  }
}

TEST(Signal, HandlersThatLandAnywhereDoNoHarm) {
  SignalScope scope(SIGALRM, CountSignal);
  signals = 0;
  TimerScope timer;
  for (uint64_t i = 0; signals < 1500; i++) Churn(i);
}

TEST(Signal, HandlersOnAStackOfTheirOwnDoNoHarm) {
  std::vector<char> stack(64 << 10);
  stack_t mine = {};
  mine.ss_sp = stack.data();
  mine.ss_size = stack.size();
  stack_t before;
  ASSERT_EQ(sigaltstack(&mine, &before), 0);
  {
    SignalScope scope(SIGALRM, CountSignal, SA_ONSTACK);
    signals = 0;
    TimerScope timer;
    for (uint64_t i = 0; signals < 500; i++) Churn(i);
  }
  ASSERT_EQ(sigaltstack(&before, nullptr), 0);
}

TEST(Signal, ThreadsAreInterruptedWhileTheyFreeEachOthersBlocks) {
  SignalScope scope(SIGUSR1, CountSignal);
  static std::atomic<void*> table[64];
  std::atomic<bool> stop{false};
  std::vector<pthread_t> ids;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 3; t++) {
    threads.emplace_back([&stop, t] {
      Random random(t);
      while (!stop) free(table[random.Below(64)].exchange(malloc(random.Size(100000))));
    });
    ids.push_back(threads.back().native_handle());
  }
  signals = 0;
  for (int i = 0; i < 20000; i++) pthread_kill(ids[static_cast<size_t>(i) % 3], SIGUSR1);
  while (signals < 1000) pthread_kill(ids[0], SIGUSR1);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  for (auto& slot : table) free(slot.exchange(nullptr));
}

// Between two calls of the program a handler may do what it likes; raise makes it so.
TEST(Signal, AHandlerThatRunsBetweenTwoCallsAllocates) {
  static void* left;
  SignalScope scope(SIGUSR2, [](int) {
    free(left);
    left = malloc(1000);
    Stamp(left, 1000, 1);
    Churn(7);
  });
  for (uint64_t i = 0; i < 200; i++) {
    Churn(i);
    raise(SIGUSR2);
    ASSERT_TRUE(Stamped(left, 1000, 1));
  }
  free(left);
  left = nullptr;
}

sigjmp_buf back;

TEST(Signal, AHandlerThatRunsBetweenTwoCallsLeavesThroughAJump) {
  SignalScope scope(SIGSEGV, [](int) {
    free(malloc(100));
    siglongjmp(back, 1);
  });
  void* closed = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(closed, MAP_FAILED);
  for (volatile int i = 0; i < 200; i++) {
    Churn(static_cast<uint64_t>(i));
    if (sigsetjmp(back, 1) == 0) {
      *static_cast<volatile int*>(closed) = i;
      FAIL() << "the fault went unnoticed";
    }
  }
  munmap(closed, 4096);
}

}  // namespace
