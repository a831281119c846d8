// RLIMIT_AS reached: NULL, ENOMEM and bad_alloc, for each regime and each function; and the process goes on.

#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <condition_variable>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include "tests/whole/support.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

// Lets the process have so much address space more than it has now.
void LimitAddressSpace(size_t more) {
  struct rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = VirtualBytes() + more;
  if (setrlimit(RLIMIT_AS, &limit) != 0) abort();
}

// Blocks in a chain through their own first words, so that holding them needs no memory.
class Chain {
 public:
  // Allocates until there is nothing more; the number of blocks, 0 if NULL came without ENOMEM.
  size_t Fill(size_t bytes) {
    size_t count = 0;
    errno = 0;
    while (void* block = malloc(bytes)) {
      *static_cast<void**>(block) = first_;
      memset(static_cast<char*>(block) + 8, static_cast<int>(count % 251), 32);
      first_ = block;
      count++;
      errno = 0;
    }
    if (errno != ENOMEM) return 0;
    count_ += count;
    return count;
  }

  // Frees every block, or every second one; false if the contents of one are not what Fill wrote.
  bool Drain(bool half = false) {
    void** link = &first_;
    bool whole = true;
    for (size_t i = count_; i-- > 0;) {
      char* block = static_cast<char*>(*link);
      for (int k = 8; k < 40; k++) whole &= static_cast<unsigned char>(block[k]) == i % 251;
      if (half && i % 2 == 0) {
        link = reinterpret_cast<void**>(block);
      } else {
        *link = *reinterpret_cast<void**>(block);
        free(block);
      }
    }
    if (!half) count_ = 0;
    return whole;
  }

  void* first() const { return first_; }
  // Frees what is left without a look at the contents.
  void Clear() {
    while (first_ != nullptr) {
      void* next = *static_cast<void**>(first_);
      free(first_);
      first_ = next;
    }
    count_ = 0;
  }

 private:
  void* first_ = nullptr;
  size_t count_ = 0;
};

// Takes what there is: the largest first, so that it comes back in one piece, then each size that a request for `bytes`
// could be served from.
void FillEverything(Chain& chain, size_t bytes) {
  for (size_t large : {100 * kMiB, 70 * kMiB, 10 * kMiB, kMiB, size_t{65537}}) chain.Fill(large);
  for (size_t b = 65536; b > 128; b -= b / 8) chain.Fill(b);
  for (size_t b = 128; b > 32; b -= 16) chain.Fill(b);
  chain.Fill(bytes);
}

class Exhaustion : public testing::TestWithParam<Regime> {};

INSTANTIATE_TEST_SUITE_P(Regimes, Exhaustion, testing::ValuesIn(kRegimes),
                         [](const testing::TestParamInfo<Regime>& regime) { return regime.param.name; });

TEST_P(Exhaustion, IsNullAndENOMEMAndMemoryComesBackWithTheBlocks) {
  size_t bytes = GetParam().bytes;
  EXPECT_EQ(InChild([&]() -> std::string {
              LimitAddressSpace(320 * kMiB);
              Chain chain;
              size_t count = chain.Fill(bytes);
              if (count == 0) return "NULL without ENOMEM, or no block at all";
              if (!chain.Drain()) return "a block lost its contents";
              size_t again = chain.Fill(bytes);
              chain.Clear();
              if (again < count - count / 8) {
                return "only " + std::to_string(again) + " of " + std::to_string(count) + " blocks the second time";
              }
              return "";
            }),
            "");
}

TEST_P(Exhaustion, HalfOfTheBlocksFreedAreHalfOfTheBlocksAgain) {
  size_t bytes = GetParam().bytes;
  EXPECT_EQ(InChild([&]() -> std::string {
              LimitAddressSpace(320 * kMiB);
              Chain chain;
              size_t count = chain.Fill(bytes);
              if (count == 0) return "NULL without ENOMEM, or no block at all";
              if (!chain.Drain(true)) return "a block lost its contents";
              Chain second;
              size_t again = second.Fill(bytes);
              second.Clear();
              chain.Clear();
              if (again < count / 2 - count / 8) {
                return "only " + std::to_string(again) + " of " + std::to_string(count) + " blocks the second time";
              }
              return "";
            }),
            "");
}

TEST_P(Exhaustion, IsToldByEveryFunctionInItsWay) {
  size_t bytes = GetParam().bytes;
  EXPECT_EQ(InChild([&]() -> std::string {
              void* small = malloc(bytes / 2);
              memset(small, 0x5a, bytes / 2);
              LimitAddressSpace(128 * kMiB);
              Chain chain;
              /* First what is large, so that no other size finds room. */
              FillEverything(chain, bytes);
              std::string wrong;
              errno = 0;
              if (calloc(1, bytes) != nullptr || errno != ENOMEM) wrong += "calloc ";
              errno = 0;
              if (realloc(Hide(small), bytes) != nullptr || errno != ENOMEM) wrong += "realloc ";
              errno = 0;
              if (reallocarray(Hide(small), bytes, 1) != nullptr || errno != ENOMEM) wrong += "reallocarray ";
              errno = 0;
              if (aligned_alloc(64, bytes) != nullptr || errno != ENOMEM) wrong += "aligned_alloc ";
              errno = 0;
              if (aligned_alloc(8 * kMiB, bytes) != nullptr || errno != ENOMEM) wrong += "aligned_alloc(8 MiB) ";
              void* block = &block;
              errno = 4711;
              if (posix_memalign(&block, 64, bytes) != ENOMEM || errno != 4711 || block != &block) wrong += "memalign ";
              if (::operator new(bytes, std::nothrow) != nullptr) wrong += "new(nothrow) ";
              try {
                block = ::operator new(bytes);
                wrong += "new ";
              } catch (const std::bad_alloc&) {
              }
              for (size_t i = 0; i < bytes / 2; i++) {
                if (static_cast<char*>(small)[i] != 0x5a) return "realloc lost the contents";
              }
              chain.Clear();
              if ((small = realloc(small, bytes)) == nullptr) wrong += "realloc after all was freed ";
              free(small);
              return wrong;
            }),
            "");
}

Chain handler_reserve;

TEST_P(Exhaustion, ANewHandlerThatFreesMemoryLetsNewGoOn) {
  size_t bytes = GetParam().bytes;
  EXPECT_EQ(InChild([&]() -> std::string {
              LimitAddressSpace(256 * kMiB);
              if (handler_reserve.Fill(bytes) == 0) return "nothing to reserve";
              std::set_new_handler([] {
                handler_reserve.Clear();
                std::set_new_handler(nullptr);
              });
              void* block = ::operator new(bytes);
              bool called = std::get_new_handler() == nullptr;
              ::operator delete(block);
              return called ? "" : "the handler was not called";
            }),
            "");
}

// Threads that exist when memory runs out, but have not allocated yet: their first request needs records as well.
TEST_P(Exhaustion, OfThreadsThatHaveNotAllocatedYetIsNullAndPasses) {
  size_t bytes = GetParam().bytes;
  EXPECT_EQ(InChild([&]() -> std::string {
              std::mutex mutex;
              std::condition_variable changed;
              int phase = 0, answers = 0;
              bool wrong = false;
              auto body = [&] {
                std::unique_lock<std::mutex> lock(mutex);
                changed.wait(lock, [&] { return phase == 1; });
                errno = 0;
                void* block = malloc(bytes);
                if (block == nullptr && errno != ENOMEM) wrong = true;
                free(block);
                answers++;
                changed.notify_all();
                changed.wait(lock, [&] { return phase == 2; });
                block = malloc(bytes);
                if (block == nullptr) wrong = true;
                free(block);
              };
              std::thread one(body), two(body), three(body);
              LimitAddressSpace(200 * kMiB);
              Chain chain;
              FillEverything(chain, bytes);
              {
                std::unique_lock<std::mutex> lock(mutex);
                phase = 1;
                changed.notify_all();
                changed.wait(lock, [&] { return answers == 3; });
                chain.Clear();
                phase = 2;
                changed.notify_all();
              }
              one.join();
              two.join();
              three.join();
              return wrong ? "a thread was not served as it should be" : "";
            }),
            "");
}

TEST(ExhaustionOfAll, AddressSpaceOfSmallBlocksServesAMappedOne) {
  EXPECT_EQ(InChild([]() -> std::string {
              LimitAddressSpace(300 * kMiB);
              Chain chain;
              chain.Fill(1000);
              chain.Clear();
              void* block = malloc(70 * kMiB);
              free(block);
              return block == nullptr ? "not to be had" : "";
            }),
            "");
}

TEST(ExhaustionOfAll, ThreadsThatShareTheLastMemoryGoOn) {
  EXPECT_EQ(InChild([]() -> std::string {
              bool wrong[4] = {};
              {
                std::thread threads[4];
                LimitAddressSpace(400 * kMiB);
                for (size_t t = 0; t < 4; t++) {
                  threads[t] = std::thread([t, &wrong] {
                    for (int round = 0; round < 5; round++) {
                      Chain chain;
                      chain.Fill(kRegimes[(t + static_cast<size_t>(round)) % 3].bytes);
                      chain.Clear();
                    }
                    void* block = malloc(100);
                    wrong[t] = block == nullptr;
                    free(block);
                  });
                }
                for (std::thread& thread : threads) thread.join();
              }
              return wrong[0] || wrong[1] || wrong[2] || wrong[3] ? "nothing left for 100 bytes" : "";
            }),
            "");
}

}  // namespace
