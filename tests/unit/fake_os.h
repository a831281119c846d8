// A kernel for tests: real memory behind hak_os, with every call counted, failures on demand, and a clock that stands
// still until the test moves it.
//
// The functions of hak_os take no context, so one FakeOs lives at a time. It may be called by several threads. What a
// component asks for outside its own ranges is a failure of the test.
#ifndef HAKMEM_TESTS_UNIT_FAKE_OS_H_
#define HAKMEM_TESTS_UNIT_FAKE_OS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/os.h"

class FakeOs {
 public:
  enum Call {
    kReserve,
    kReserveReadable,
    kCommit,
    kClose,
    kPurge,
    kPopulate,
    kTouched,
    kRelease,
    kMove,
    kResize,
    kHugePages,
    kName,
    kFenceThreads,
    kClock,
    kCallKinds,
  };
  static constexpr int kForever = 1 << 30;

  FakeOs();
  // Releases what is reserved still.
  ~FakeOs();
  FakeOs(const FakeOs&) = delete;
  FakeOs& operator=(const FakeOs&) = delete;

  const hak_os* table() const { return &table_; }

  int calls(Call call) const;
  int all_calls() const;

  // The nth call of this kind from now on fails, and `times` - 1 calls behind it.
  void fail(Call call, int nth = 1, int times = 1);
  void heal();

  void set_now_ms(uint64_t now);
  void advance_ms(uint64_t by);

  void set_memory_bytes(size_t bytes) { memory_bytes_ = bytes; }
  void set_address_limit(size_t bytes) { address_limit_ = bytes; }
  // From now on reserve fails where more than this would be reserved at once.
  void set_reserve_budget(size_t bytes);

  // What populate was asked for: start and size.
  std::vector<std::pair<uintptr_t, size_t>> populated() const;
  // What a byte takes in populate, in a range as large as a huge page and in a smaller one. It touches nothing.
  void set_populate_ns(uint64_t huge, uint64_t small);
  // What other threads do while one is in populate.
  void set_during_populate(std::function<void()> work) { during_populate_ = std::move(work); }

  // What other threads do while one is about to purge at this address.
  void set_during_purge(std::function<void(uintptr_t)> work) { during_purge_ = std::move(work); }

  // The next reserve without a hint gets this address (or fails, if the kernel has given it to somebody).
  void place_next_reserve_at(uintptr_t address);

  // Bytes of address space not given back, and whether all of a range is in them.
  size_t reserved_bytes() const;
  bool is_reserved(uintptr_t address, size_t bytes) const;

 private:
  struct Functions;
  friend struct Functions;

  bool passes(Call call);
  void add(uintptr_t start, size_t bytes);
  void remove(uintptr_t start, size_t bytes);
  bool holds(uintptr_t start, size_t bytes) const;
  size_t total() const;

  const hak_os* real_;
  hak_os table_;
  mutable std::mutex mutex_;
  std::array<int, kCallKinds> calls_{};
  std::array<int, kCallKinds> fail_from_{};   // number of the first call that fails, 0: none
  std::array<int, kCallKinds> fail_until_{};  // number of the first call behind it that does not
  std::map<uintptr_t, uintptr_t> ranges_;     // start -> end; neighbours may touch
  uint64_t now_ms_ = 1000;
  size_t memory_bytes_ = size_t{1} << 30;
  size_t address_limit_ = SIZE_MAX;
  size_t reserve_budget_ = SIZE_MAX;
  uintptr_t next_place_ = 0;
  uint64_t populate_huge_ns_ = 1, populate_small_ns_ = 1;
  uint64_t cpu_ns_ = 0;
  std::vector<std::pair<uintptr_t, size_t>> populated_;
  std::function<void()> during_populate_;
  std::function<void(uintptr_t)> during_purge_;
};

#endif  // HAKMEM_TESTS_UNIT_FAKE_OS_H_
