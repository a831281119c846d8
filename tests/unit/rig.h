// The layers of the core put together over a FakeOs, and what the frontend does with them, for any number of owners
// that one test thread plays (or that real threads are).
#ifndef HAKMEM_TESTS_UNIT_RIG_H_
#define HAKMEM_TESTS_UNIT_RIG_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "arena/large.h"
#include "base/options.h"
#include "superslab/owner.h"
#include "tests/unit/fake_os.h"

class Rig {
 public:
  // An address map with 1024 slots, 4 GiB of address space; huge pages off, so that calls can be counted.
  Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  FakeOs os;
  hak_options options;
  hak_meta meta;
  hak_map map = HAK_MAP_EMPTY;
  hak_arena arena;
  hak_slab_pool pool;

  // An owner for the calling thread; it lives as long as the rig.
  hak_owner* make_owner();

  // A run of units from the arena, 0 if there is none.
  uintptr_t alloc_run(size_t units, size_t align = HAK_UNIT_BYTES, bool* zeroed = nullptr,
                      hak_run_use use = HAK_RUN_LARGE);

  // malloc for a size class: the bin's block at hand, or a refill.
  void* alloc(hak_owner* owner, unsigned class_index);
  // free as the frontend routes it, by the owner `self` (or a thread without one): false if the block is not live or no
  // block begins there.
  bool free(hak_owner* self, void* block);

  // All blocks of one slab; the owner's bin is at the end of a slab, or has none yet.
  std::vector<void*> fill_slab(hak_owner* owner, unsigned class_index);

  // The fast build takes a window's blocks all at once; this gives back those it has at hand, so that the slabs' bits
  // can be compared with what the test has.
  void settle();

  hak_cell* cell(const void* address) const { return hak_map_cell(&map, reinterpret_cast<uintptr_t>(address)); }
  hak_slab* head(const void* address) const { return cell(address)->head; }

  hak_arena_stats stats() { return hak_arena_read_stats(&arena); }
  // Validates every owner made here.
  void check() const;

 private:
  std::vector<std::unique_ptr<hak_owner>> owners_;
};

// Blocks are dealt from the lowest address up; else from places drawn at random.
constexpr bool kDealsInOrder = !HAK_HARDENED;
// Units that the run of a slab or of a large block takes in the arena, with the guard behind it.
constexpr size_t units_in_arena(size_t units) { return units + HAK_GUARD_UNITS; }
constexpr size_t bytes_in_arena(size_t bytes) {
  return units_in_arena((bytes + HAK_UNIT_BYTES - 1) / HAK_UNIT_BYTES) * HAK_UNIT_BYTES;
}

inline uintptr_t address_of(const void* block) { return reinterpret_cast<uintptr_t>(block); }
inline const hak_size_class& row_of(unsigned class_index) { return hak_size_classes[class_index]; }

// Of a new slab, with p0_batch_refill: one a word; of large blocks one for each 8 KiB, or each block.
inline size_t most_refills(const hak_slab_body* body, const hak_size_class& row) {
  size_t parts = !HAK_CHECKED || HAK_HARDENED ? 0 : (size_t{64} << row.shift) / 8192;
  return std::min<size_t>(row.capacity, body->words * std::max<size_t>(1, parts));
}

// Class whose stride it is; and its name in a test of each class.
unsigned class_of_stride(size_t stride);
std::string name_of_class(const testing::TestParamInfo<unsigned>& parameter);

// Writes a pattern that belongs to this tag over a whole block, and finds it again.
void fill_block(void* block, size_t bytes, uint32_t tag);
bool block_holds(const void* block, size_t bytes, uint32_t tag);

// A generator of small numbers, the same in every run.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252u) {}
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  size_t below(size_t n) { return static_cast<size_t>(next() >> 11) % n; }

 private:
  uint64_t state_;
};

// Fewer rounds where each costs a hundred times as much.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kSlowdown = 10;
#else
constexpr int kSlowdown = 1;
#endif

#endif  // HAKMEM_TESTS_UNIT_RIG_H_
