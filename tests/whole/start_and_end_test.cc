// malloc before main and after it: in constructors of every priority, in atexit handlers and in the destructors of
// static and thread_local objects.

#include <gtest/gtest.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "frontend/hakmem.h"
#include "tests/whole/support.h"

namespace {

// ---- before main ----

// A block of each regime and what was in it.
struct EarlyBlocks {
  void* blocks[4];

  void Make(uint64_t seed) {
    for (size_t r = 0; r < 4; r++) {
      blocks[r] = malloc(kRegimes[r].bytes);
      if (blocks[r] != nullptr) Stamp(blocks[r], kRegimes[r].bytes, seed + r);
    }
  }

  void ExpectWhole(uint64_t seed) {
    for (size_t r = 0; r < 4; r++) {
      ASSERT_NE(blocks[r], nullptr);
      EXPECT_TRUE(hak_owns(blocks[r]));
      EXPECT_TRUE(Stamped(blocks[r], kRegimes[r].bytes, seed + r)) << kRegimes[r].name;
      void* grown = realloc(blocks[r], kRegimes[r].bytes + 1000);
      EXPECT_TRUE(Stamped(grown, kRegimes[r].bytes, seed + r));
      free(grown);
    }
  }
};

EarlyBlocks preinit_blocks, first_blocks, last_blocks;
pthread_key_t lowest_key;

// Before the constructors of libc's and libstdc++'s own objects in this program; makes a key that is older than any.
void Preinit() {
  pthread_key_create(&lowest_key, nullptr);
  preinit_blocks.Make(10);
}
__attribute__((section(".preinit_array"), used)) void (*preinit_entry)() = Preinit;

__attribute__((constructor(101))) void FirstConstructor() { first_blocks.Make(20); }
__attribute__((constructor(65535))) void LastConstructor() { last_blocks.Make(30); }

struct StaticObject {
  std::vector<std::string> texts = std::vector<std::string>(100, std::string(1000, 'x'));
  std::thread thread{[this] {
    for (std::string& text : texts) text += text;
  }};
  /* Not joined by a test when gtest runs a part of them only. */
  ~StaticObject() {
    if (thread.joinable()) thread.join();
  }
} static_object;

TEST(BeforeMain, BlocksFromThePreinitArrayAreWhole) { preinit_blocks.ExpectWhole(10); }
TEST(BeforeMain, BlocksFromTheFirstConstructorAreWhole) { first_blocks.ExpectWhole(20); }
TEST(BeforeMain, BlocksFromTheLastConstructorAreWhole) { last_blocks.ExpectWhole(30); }

TEST(BeforeMain, AThreadStartedByAConstructorSharesTheHeap) {
  static_object.thread.join();
  for (const std::string& text : static_object.texts) EXPECT_EQ(text, std::string(2000, 'x'));
}

// ---- after main ----
// In a child that ends through exit, which says on stderr that its last handler came.

void UseHeap() {
  for (const Regime& regime : kRegimes) {
    void* block = malloc(regime.bytes);
    size_t looked_at = std::min(regime.bytes, size_t{1} << 20);
    Stamp(block, looked_at, 40);
    if (!Stamped(block, looked_at, 40)) abort();
    free(block);
  }
}

void Say(const char* text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) abort();
}

class AfterMain : public testing::Test {
 protected:
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

using AfterMainDeathTest = AfterMain;

TEST_F(AfterMainDeathTest, AtexitHandlersAllocateAndFreeWhatMainLeft) {
  static void* left;
  EXPECT_EXIT(
      {
        atexit([] { Say("last handler\n"); });
        atexit([] {
          free(left);
          UseHeap();
          left = malloc(100);
        });
        for (int i = 0; i < 40; i++) atexit(UseHeap); /* more than fit libc's first table */
        left = malloc(300000);
        exit(0);
      },
      testing::ExitedWithCode(0), "last handler");
}

struct UsesHeapAtTheEnd {
  std::vector<std::string> texts;
  ~UsesHeapAtTheEnd() {
    UseHeap();
    texts.push_back(std::string(100000, 'y'));
    texts.clear();
    Say("destructor\n");
  }
};

TEST_F(AfterMainDeathTest, StaticObjectsAllocateInTheirDestructors) {
  EXPECT_EXIT(
      {
        static UsesHeapAtTheEnd object;
        object.texts.resize(100);
        exit(0);
      },
      testing::ExitedWithCode(0), "destructor");
}

TEST_F(AfterMainDeathTest, ThreadLocalObjectsOfTheMainThreadAllocateInTheirDestructors) {
  EXPECT_EXIT(
      {
        static thread_local UsesHeapAtTheEnd object;
        object.texts.resize(100);
        exit(0);
      },
      testing::ExitedWithCode(0), "destructor");
}

TEST_F(AfterMainDeathTest, ExitRunsWhileOtherThreadsAllocate) {
  EXPECT_EXIT(
      {
        for (int t = 0; t < 4; t++) {
          std::thread([] {
            for (;;) UseHeap();
          }).detach();
        }
        atexit([] { Say("last handler\n"); });
        for (int i = 0; i < 30; i++) atexit(UseHeap);
        usleep(20000);
        exit(0);
      },
      testing::ExitedWithCode(0), "last handler");
}

// A key older than the allocator's own: its destructor comes before the allocator's in each round.
TEST(ThreadEnd, DestructorsOfTheLowestKeyAllocate) {
  for (int i = 0; i < 50; i++) {
    std::thread([] {
      static thread_local UsesHeapAtTheEnd* object;
      object = new UsesHeapAtTheEnd;
      pthread_setspecific(lowest_key, object);
      object->texts.resize(10);
      delete object;
      pthread_setspecific(lowest_key, malloc(10));
      free(pthread_getspecific(lowest_key));
      pthread_setspecific(lowest_key, nullptr);
    }).join();
  }
}

}  // namespace
