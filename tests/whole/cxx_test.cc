// operator new and operator delete in all their forms. This program has hakmem among its deps, not as its malloc.

#include <gtest/gtest.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "frontend/hakmem.h"
#include "tests/whole/support.h"

namespace {

using std::align_val_t;
using std::nothrow;

volatile size_t kImpossible[] = {SIZE_MAX, SIZE_MAX - 100, PTRDIFF_MAX, size_t{1} << 62, size_t{1} << 48};
constexpr align_val_t k64{64};

// Stands for the program's use of a block that it does not expect to get.
void Keep(void*) {}

// Puts the handler of before back.
class HandlerScope {
 public:
  explicit HandlerScope(std::new_handler handler) : before_(std::set_new_handler(handler)) {}
  ~HandlerScope() { std::set_new_handler(before_); }

 private:
  std::new_handler before_;
};

// Calls `use(block)` with a block of each form of new and gives it back through each form of delete that fits.
template <typename Use>
void EachForm(size_t bytes, Use use) {
  auto plain = [&](void* block, void (*give)(void*, size_t)) {
    use(block, size_t{16});
    give(block, bytes);
  };
  plain(::operator new(bytes), [](void* p, size_t) { ::operator delete(p); });
  plain(::operator new(bytes), [](void* p, size_t n) { ::operator delete(p, n); });
  plain(::operator new(bytes), [](void* p, size_t) { ::operator delete(p, nothrow); });
  plain(::operator new[](bytes), [](void* p, size_t) { ::operator delete[](p); });
  plain(::operator new[](bytes), [](void* p, size_t n) { ::operator delete[](p, n); });
  plain(::operator new[](bytes), [](void* p, size_t) { ::operator delete[](p, nothrow); });
  plain(::operator new(bytes, nothrow), [](void* p, size_t n) { ::operator delete(p, n); });
  plain(::operator new[](bytes, nothrow), [](void* p, size_t n) { ::operator delete[](p, n); });
  for (size_t align : {size_t{1}, size_t{16}, size_t{32}, size_t{64}, size_t{256}, size_t{4096}, size_t{1} << 17}) {
    align_val_t a{align};
    auto aligned = [&](void* block, void (*give)(void*, size_t, align_val_t)) {
      use(block, align);
      give(block, bytes, a);
    };
    aligned(::operator new(bytes, a), [](void* p, size_t, align_val_t al) { ::operator delete(p, al); });
    aligned(::operator new(bytes, a), [](void* p, size_t n, align_val_t al) { ::operator delete(p, n, al); });
    aligned(::operator new(bytes, a), [](void* p, size_t, align_val_t al) { ::operator delete(p, al, nothrow); });
    aligned(::operator new[](bytes, a), [](void* p, size_t, align_val_t al) { ::operator delete[](p, al); });
    aligned(::operator new[](bytes, a), [](void* p, size_t n, align_val_t al) { ::operator delete[](p, n, al); });
    aligned(::operator new[](bytes, a), [](void* p, size_t, align_val_t al) { ::operator delete[](p, al, nothrow); });
    aligned(::operator new(bytes, a, nothrow), [](void* p, size_t n, align_val_t al) { ::operator delete(p, n, al); });
    aligned(::operator new[](bytes, a, nothrow),
            [](void* p, size_t n, align_val_t al) { ::operator delete[](p, n, al); });
  }
}

void CheckForms(size_t bytes) {
  EachForm(bytes, [bytes](void* block, size_t align) {
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % align, 0u);
    ASSERT_TRUE(hak_owns(block));
    ASSERT_GE(malloc_usable_size(block), bytes);
    Stamp(block, bytes, bytes);
    ASSERT_TRUE(Stamped(block, bytes, bytes));
  });
}

TEST(NewAndDelete, WorkInEveryFormForEverySize) {
  for (size_t bytes = 0; bytes <= 70000; bytes += bytes < 1100 ? 13 : 997) CheckForms(bytes);
  for (size_t bytes : {size_t{1024}, size_t{65536}, size_t{300000}, size_t{5} << 20, size_t{70} << 20}) {
    CheckForms(bytes);
  }
}

TEST(NewAndDelete, WorkInEveryFormInSeveralThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([t] {
      for (int round = 0; round < 40; round++) CheckForms(static_cast<size_t>(t * 1000 + round * 37));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(NewAndDelete, OfZeroBytesIsABlockOfItsOwn) {
  void* one = ::operator new(0);
  void* two = ::operator new[](0);
  EXPECT_NE(one, nullptr);
  EXPECT_NE(one, two);
  ::operator delete(one);
  ::operator delete[](two);
}

TEST(NewAndDelete, DeleteOfNullDoesNothingInEveryForm) {
  void* volatile null = nullptr;
  ::operator delete(null);
  ::operator delete[](null);
  ::operator delete (null, size_t{8});
  ::operator delete[](null, size_t{8});
  ::operator delete(null, nothrow);
  ::operator delete[](null, nothrow);
  ::operator delete(null, k64);
  ::operator delete[](null, k64);
  ::operator delete (null, size_t{8}, k64);
  ::operator delete[](null, size_t{8}, k64);
  ::operator delete(null, k64, nothrow);
  ::operator delete[](null, k64, nothrow);
}

// What a compiler makes of new expressions: sizes, alignments and cookies as it passes them.
TEST(NewAndDelete, ServeTheExpressionsOfTheLanguage) {
  struct Base {
    virtual ~Base() = default;
    char name[20];
  };
  struct Derived : Base {
    std::string text = std::string(100, 'x');
    char more[3000];
  };
  struct alignas(128) Wide {
    ~Wide() { bytes[0] = 0; }
    char bytes[200];
  };
  for (int i = 0; i < 100; i++) {
    std::unique_ptr<Base> base(new Derived);
    std::unique_ptr<Derived[]> many(new Derived[i + 1]);
    std::unique_ptr<Wide> wide(new Wide);
    std::unique_ptr<Wide[]> wides(new Wide[i + 1]);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(wides.get()) % 128, 0u);
    std::vector<Wide> vector(i + 1);
    auto shared = std::make_shared<Wide>();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(shared.get()) % 128, 0u);
  }
}

// ---- failure ----

TEST(NewOfAnImpossibleSize, ThrowsBadAlloc) {
  HandlerScope none(nullptr);
  for (size_t bytes : kImpossible) {
    EXPECT_THROW(Keep(::operator new(bytes)), std::bad_alloc) << bytes;
    EXPECT_THROW(Keep(::operator new[](bytes)), std::bad_alloc) << bytes;
    EXPECT_THROW(Keep(::operator new(bytes, k64)), std::bad_alloc) << bytes;
    EXPECT_THROW(Keep(::operator new[](bytes, k64)), std::bad_alloc) << bytes;
  }
}

TEST(NewOfAnImpossibleSize, IsNullInTheNothrowForms) {
  HandlerScope none(nullptr);
  for (size_t bytes : kImpossible) {
    EXPECT_EQ(::operator new(bytes, nothrow), nullptr) << bytes;
    EXPECT_EQ(::operator new[](bytes, nothrow), nullptr) << bytes;
    EXPECT_EQ(::operator new(bytes, k64, nothrow), nullptr) << bytes;
    EXPECT_EQ(::operator new[](bytes, k64, nothrow), nullptr) << bytes;
  }
}

TEST(NewOfAnImpossibleSize, ThrowsThroughTheFramesBetween) {
  HandlerScope none(nullptr);
  static int unwound;
  unwound = 0;
  struct Guard {
    ~Guard() { unwound++; }
  };
  struct Deep {
    static void Go(int depth, size_t bytes) {
      Guard guard;
      if (depth == 0) ::operator delete(::operator new(bytes));
      if (depth > 0) Go(depth - 1, bytes);
    }
  };
  EXPECT_THROW(Deep::Go(20, kImpossible[0]), std::bad_alloc);
  EXPECT_EQ(unwound, 21);
}

TEST(NewOfAnImpossibleSize, ThrowsInEachThreadForItself) {
  HandlerScope none(nullptr);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([] {
      for (int i = 0; i < 500; i++) {
        EXPECT_THROW(Keep(::operator new(kImpossible[i % 5])), std::bad_alloc);
        std::unique_ptr<char[]> fine(new char[100]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

int handler_calls;

// Gives up at its third call.
void CountingHandler() {
  if (++handler_calls == 3) std::set_new_handler(nullptr);
}

TEST(NewHandler, IsCalledUntilThereIsNoneAnyMore) {
  HandlerScope scope(CountingHandler);
  for (size_t bytes : kImpossible) {
    handler_calls = 0;
    std::set_new_handler(CountingHandler);
    EXPECT_THROW(Keep(::operator new(bytes)), std::bad_alloc);
    EXPECT_EQ(handler_calls, 3);
    handler_calls = 0;
    std::set_new_handler(CountingHandler);
    EXPECT_THROW(Keep(::operator new[](bytes, k64)), std::bad_alloc);
    EXPECT_EQ(handler_calls, 3);
    handler_calls = 0;
    std::set_new_handler(CountingHandler);
    EXPECT_EQ(::operator new(bytes, nothrow), nullptr);
    EXPECT_EQ(handler_calls, 3);
    handler_calls = 0;
    std::set_new_handler(CountingHandler);
    EXPECT_EQ(::operator new[](bytes, k64, nothrow), nullptr);
    EXPECT_EQ(handler_calls, 3);
  }
}

struct Refused {
  int code;
};

TEST(NewHandler, MayThrowWhatItLikes) {
  HandlerScope scope([] { throw Refused{42}; });
  for (size_t bytes : kImpossible) {
    try {
      ::operator delete(::operator new(bytes));
      FAIL() << "nothing was thrown";
    } catch (const Refused& refused) {
      EXPECT_EQ(refused.code, 42);
    }
    EXPECT_THROW(Keep(::operator new(bytes, k64)), Refused);
  }
}

// The standard: the nothrow forms return null where the others throw bad_alloc, whoever threw it.
TEST(NewHandler, ThatThrowsBadAllocMakesTheNothrowFormsReturnNull) {
  HandlerScope scope([] { throw std::bad_alloc(); });
  for (size_t bytes : kImpossible) {
    EXPECT_EQ(::operator new(bytes, nothrow), nullptr);
    EXPECT_EQ(::operator new[](bytes, nothrow), nullptr);
    EXPECT_EQ(::operator new(bytes, k64, nothrow), nullptr);
    EXPECT_EQ(::operator new[](bytes, k64, nothrow), nullptr);
  }
}

TEST(NewHandler, IsNotCalledByMalloc) {
  HandlerScope scope([] { handler_calls++; });
  handler_calls = 0;
  void* block = malloc(kImpossible[0]);
  EXPECT_EQ(block, nullptr);
  free(block);
  EXPECT_EQ(handler_calls, 0);
}

}  // namespace
