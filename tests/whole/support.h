// What the tests of the whole allocator share: size regimes, counters, contents of blocks, child processes.
//
// Nothing here allocates behind a test's back except where a std::string says so.

#ifndef HAKMEM_TESTS_WHOLE_SUPPORT_H_
#define HAKMEM_TESTS_WHOLE_SUPPORT_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <ostream>
#include <string>

// One size for each way that the allocator serves a request.
struct Regime {
  const char* name;
  size_t bytes;
};
constexpr Regime kRegimes[] = {
    {"tiny", 100},
    {"pool", 20000},
    {"large", 300000},
    {"mapped", size_t{70} << 20},
};

// For gtest's names of parameterized tests.
inline std::ostream& operator<<(std::ostream& out, const Regime& regime) { return out << regime.name; }

// A value of frontend/introspect.h; aborts if there is no counter of the name.
uint64_t Counter(const char* name);

// Memory of the process that is in use now, from /proc/self/statm; without an allocation.
size_t ResidentBytes();
// Address space of the process.
size_t VirtualBytes();

// What the compiler must not know about a pointer: that it was freed, or never used.
inline void* Hide(void* block) {
  asm volatile("" : "+r"(block));
  return block;
}

// xorshift64*: the same numbers in each run.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
  }
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  // From 1 to most, small numbers as often as large ones of each power of two.
  size_t Size(size_t most) {
    size_t bytes = 1 + Below(size_t{1} << (1 + Below(64 - static_cast<unsigned>(__builtin_clzll(most)))));
    return bytes < most ? bytes : most;
  }

 private:
  uint64_t state_;
};

// Writes a pattern made of seed and position over a block: all of a small one, the ends and a word a page of others.
void Stamp(void* block, size_t bytes, uint64_t seed);
// The pattern is still there.
bool Stamped(const void* block, size_t bytes, uint64_t seed);
// The part of it that lies in the first `kept` bytes is still there: after a realloc.
bool StampedUpTo(size_t kept, const void* block, size_t bytes, uint64_t seed);

// Every byte is 0.
bool IsZero(const void* block, size_t bytes);

// Runs `body` in a forked child. Returns what went wrong: the text that body returned, or how the child ended if not
// with exit status 0; empty when all is well. A child that hangs is ended by its alarm.
std::string InChild(const std::function<std::string()>& body);

#endif  // HAKMEM_TESTS_WHOLE_SUPPORT_H_
