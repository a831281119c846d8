#include "tests/unit/fake_os.h"

#include <gtest/gtest.h>

#include <utility>

namespace {

FakeOs* current = nullptr;

}  // namespace

// The members of hak_os: each counts, fails where it was told to, and then asks the real kernel.
struct FakeOs::Functions {
  using Lock = std::lock_guard<std::mutex>;

  static uintptr_t reserve(size_t bytes, size_t align, uintptr_t hint) {
    Lock lock(current->mutex_);
    if (!current->passes(kReserve) || current->total() + bytes > current->reserve_budget_) return 0;
    if (hint == 0) hint = std::exchange(current->next_place_, 0);
    uintptr_t p = current->real_->reserve(bytes, align, hint);
    EXPECT_EQ(p % align, 0u);
    if (p != 0) current->add(p, bytes);
    return p;
  }

  static uintptr_t reserve_readable(size_t bytes) {
    Lock lock(current->mutex_);
    if (!current->passes(kReserveReadable)) return 0;
    uintptr_t p = current->real_->reserve_readable(bytes);
    if (p != 0) current->add(p, bytes);
    return p;
  }

  static bool commit(uintptr_t address, size_t bytes) {
    Lock lock(current->mutex_);
    EXPECT_TRUE(current->holds(address, bytes)) << "commit outside any reservation";
    return current->passes(kCommit) && current->real_->commit(address, bytes);
  }

  static bool close(uintptr_t address, size_t bytes) {
    Lock lock(current->mutex_);
    EXPECT_TRUE(current->holds(address, bytes)) << "close outside any reservation";
    return current->passes(kClose) && current->real_->close(address, bytes);
  }

  static bool purge(uintptr_t address, size_t bytes) {
    if (current->during_purge_) current->during_purge_(address);
    Lock lock(current->mutex_);
    EXPECT_TRUE(current->holds(address, bytes)) << "purge outside any reservation";
    return current->passes(kPurge) && current->real_->purge(address, bytes);
  }

  static bool populate(uintptr_t address, size_t bytes) {
    if (current->during_populate_) current->during_populate_();
    Lock lock(current->mutex_);
    EXPECT_TRUE(current->holds(address, bytes)) << "populate outside any reservation";
    if (!current->passes(kPopulate)) return false;
    current->populated_.emplace_back(address, bytes);
    current->cpu_ns_ += bytes * (bytes >= size_t{2} << 20 ? current->populate_huge_ns_ : current->populate_small_ns_);
    return true;
  }

  static bool touched(uintptr_t address, size_t bytes, uint8_t* pages) {
    Lock lock(current->mutex_);
    EXPECT_TRUE(current->holds(address, bytes)) << "a look outside any reservation";
    return current->passes(kTouched) && current->real_->touched(address, bytes, pages);
  }

  static void release(uintptr_t address, size_t bytes) {
    Lock lock(current->mutex_);
    EXPECT_TRUE(current->holds(address, bytes)) << "release outside any reservation";
    current->passes(kRelease);
    current->remove(address, bytes);
    current->real_->release(address, bytes);
  }

  static bool move(uintptr_t from, uintptr_t to, size_t bytes) {
    Lock lock(current->mutex_);
    EXPECT_TRUE(current->holds(from, bytes) && current->holds(to, bytes)) << "move outside any reservation";
    return current->passes(kMove) && current->real_->move(from, to, bytes);
  }

  static bool resize(uintptr_t address, size_t old_bytes, size_t new_bytes, uintptr_t target) {
    Lock lock(current->mutex_);
    EXPECT_TRUE(current->holds(address, old_bytes)) << "resize outside any reservation";
    if (!current->passes(kResize) || !current->real_->resize(address, old_bytes, new_bytes, target)) return false;
    current->remove(address, old_bytes);
    if (target == 0) current->add(address, new_bytes);
    return true;
  }

  static void huge_pages(uintptr_t address, size_t bytes, bool on) {
    Lock lock(current->mutex_);
    EXPECT_TRUE(current->holds(address, bytes)) << "huge pages outside any reservation";
    if (current->passes(kHugePages)) current->real_->huge_pages(address, bytes, on);
  }

  static void name(uintptr_t address, size_t bytes, const char* text) {
    Lock lock(current->mutex_);
    if (current->passes(kName)) current->real_->name(address, bytes, text);
  }

  static bool fence_threads() {
    Lock lock(current->mutex_);
    return current->passes(kFenceThreads) && current->real_->fence_threads();
  }

  static uint64_t cpu_ns() {
    Lock lock(current->mutex_);
    return current->cpu_ns_;
  }

  static uint64_t now_ms() {
    Lock lock(current->mutex_);
    current->passes(kClock);
    return current->now_ms_;
  }

  static size_t memory_bytes() { return current->memory_bytes_; }
  static size_t address_limit() { return current->address_limit_; }
};

FakeOs::FakeOs() : real_(hak_os_linux()), table_(*real_) {
  EXPECT_EQ(current, nullptr) << "two FakeOs at once";
  current = this;
  table_.reserve = Functions::reserve;
  table_.reserve_readable = Functions::reserve_readable;
  table_.commit = Functions::commit;
  table_.close = Functions::close;
  table_.purge = Functions::purge;
  table_.populate = Functions::populate;
  table_.touched = Functions::touched;
  table_.fence_threads = Functions::fence_threads;
  table_.release = Functions::release;
  table_.move = Functions::move;
  table_.resize = Functions::resize;
  table_.huge_pages = Functions::huge_pages;
  table_.name = Functions::name;
  table_.now_ms = Functions::now_ms;
  table_.cpu_ns = Functions::cpu_ns;
  table_.memory_bytes = Functions::memory_bytes;
  table_.address_limit = Functions::address_limit;
}

FakeOs::~FakeOs() {
  for (const auto& [start, end] : ranges_) real_->release(start, end - start);
  current = nullptr;
}

int FakeOs::calls(Call call) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return calls_[call];
}

int FakeOs::all_calls() const {
  std::lock_guard<std::mutex> lock(mutex_);
  int sum = 0;
  for (int n : calls_) sum += n;
  return sum;
}

void FakeOs::fail(Call call, int nth, int times) {
  std::lock_guard<std::mutex> lock(mutex_);
  fail_from_[call] = calls_[call] + nth;
  fail_until_[call] = fail_from_[call] + times;
}

void FakeOs::heal() {
  std::lock_guard<std::mutex> lock(mutex_);
  fail_from_.fill(0);
  fail_until_.fill(0);
  reserve_budget_ = SIZE_MAX;
}

void FakeOs::set_now_ms(uint64_t now) {
  std::lock_guard<std::mutex> lock(mutex_);
  now_ms_ = now;
}

void FakeOs::advance_ms(uint64_t by) {
  std::lock_guard<std::mutex> lock(mutex_);
  now_ms_ += by;
}

void FakeOs::set_reserve_budget(size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  reserve_budget_ = bytes;
}

std::vector<std::pair<uintptr_t, size_t>> FakeOs::populated() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return populated_;
}

void FakeOs::set_populate_ns(uint64_t huge, uint64_t small) {
  std::lock_guard<std::mutex> lock(mutex_);
  populate_huge_ns_ = huge;
  populate_small_ns_ = small;
}

void FakeOs::place_next_reserve_at(uintptr_t address) {
  std::lock_guard<std::mutex> lock(mutex_);
  next_place_ = address;
}

size_t FakeOs::reserved_bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return total();
}

bool FakeOs::is_reserved(uintptr_t address, size_t bytes) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return holds(address, bytes);
}

// Counts the call; false if it is one that is to fail.
bool FakeOs::passes(Call call) {
  int number = ++calls_[call];
  return number < fail_from_[call] || number >= fail_until_[call];
}

void FakeOs::add(uintptr_t start, size_t bytes) { ranges_[start] = start + bytes; }

void FakeOs::remove(uintptr_t start, size_t bytes) {
  uintptr_t end = start + bytes;
  auto it = ranges_.upper_bound(start);
  if (it != ranges_.begin()) --it;
  while (it != ranges_.end() && it->first < end) {
    auto [from, to] = *it;
    if (to <= start) {
      ++it;
      continue;
    }
    it = ranges_.erase(it);
    if (from < start) ranges_[from] = start;
    if (to > end) it = ranges_.emplace(end, to).first;
  }
}

bool FakeOs::holds(uintptr_t start, size_t bytes) const {
  uintptr_t end = start + bytes;
  while (start < end) {
    auto it = ranges_.upper_bound(start);
    if (it == ranges_.begin() || (--it)->second <= start) return false;
    start = it->second;
  }
  return true;
}

size_t FakeOs::total() const {
  size_t sum = 0;
  for (const auto& [start, end] : ranges_) sum += end - start;
  return sum;
}
