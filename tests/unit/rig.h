// The layers of the core put together over a FakeOs, and what the frontend does with them, for any number of owners
// that one test thread plays (or that real threads are).
#ifndef TESTS_UNIT_RIG_H_
#define TESTS_UNIT_RIG_H_

#include <cstring>
#include <memory>
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

  // malloc for a size class: the bin's block at hand, or a refill.
  void* alloc(hak_owner* owner, unsigned class_index);
  // free as the frontend routes it, by the owner `self` (or a thread without one): false if the block is not live or no
  // block begins there.
  bool free(hak_owner* self, void* block);

  hak_cell* cell(const void* address) const { return hak_map_cell(&map, reinterpret_cast<uintptr_t>(address)); }
  hak_slab* head(const void* address) const { return cell(address)->head; }

  hak_arena_stats stats() { return hak_arena_read_stats(&arena); }
  // Validates every owner made here.
  void check() const;

 private:
  std::vector<std::unique_ptr<hak_owner>> owners_;
};

inline uintptr_t address_of(const void* block) { return reinterpret_cast<uintptr_t>(block); }
inline const hak_size_class& row_of(unsigned class_index) { return hak_size_classes[class_index]; }

// Class whose stride it is.
unsigned class_of_stride(size_t stride);

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

#endif  // TESTS_UNIT_RIG_H_
