// What the tests of the frontend share. They know nothing but its public headers (and the size classes).
#ifndef HAKMEM_TESTS_UNIT_HEAP_H_
#define HAKMEM_TESTS_UNIT_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/size_class.h"
#include "frontend/introspect.h"
#include "frontend/sealed.h"

// The helper thread gives memory back when it likes; these tests count. Call it before the first request.
void switch_helper_off();

// Each class serves its own requests, as in a thread that has many blocks of all of them. For the calling thread.
void use_every_class();

// The arena has no run to give as long as one of these is there (memory_limit_hard).
class NoMoreMemory {
 public:
  NoMoreMemory();
  ~NoMoreMemory();
};

// A value of hak_counters; a failure of the test if there is no counter of the name.
uint64_t counter(const std::string& name);

std::vector<hak_slab_info> all_slabs();
std::vector<hak_chunk_info> all_chunks();
bool is_of_slab(const void* block);
// The slab that the address lies in; a failure of the test if there is none.
hak_slab_info slab_of(const void* address);

// Bytes of each block that the build keeps for itself, and what a request can have of a block with so many bytes.
constexpr size_t kSealBytes = HAK_SEALED ? HAK_SEAL_BYTES : 0;
constexpr size_t askable(size_t block_bytes) { return block_bytes - kSealBytes; }
// The largest request that the class serves.
inline size_t largest_of(const hak_size_class& row) { return askable(row.usable); }
// The way there: how many bytes the block has that serves a request, and how many of them the program may use.
size_t block_bytes_for(size_t bytes);
bool is_in_slab(size_t bytes);
// The first classes of the table: those that malloc has from slabs.
constexpr unsigned kSlabClasses = !HAK_POOL_TLS ? HAK_TINY_CLASSES
                                  : HAK_SEALED  ? HAK_TINY_CLASSES + HAK_POOL_CLASSES
                                                : HAK_CLASSES;
inline size_t usable_for(size_t bytes) { return HAK_SEALED ? bytes : block_bytes_for(bytes); }

// Sizes where the way of a request changes, and those beside them: 0, every class's last byte, pages and units, the
// largest run, the smallest mapping.
std::vector<size_t> border_sizes();

// "0x7f00..." as the allocator writes it.
std::string hex(uintptr_t address);
inline std::string hex(const void* address) { return hex(reinterpret_cast<uintptr_t>(address)); }
// " (64-byte class, slab 3 of superslab 0x...)"
std::string described(const hak_slab_info& slab);

// The same of a live block of any size: " (large block of 102400 bytes)".
std::string described(const void* block, size_t bytes_asked_for);

// Expects that the statement ends the process with exactly this line.
#define EXPECT_FATAL_LINE(statement, line) \
  EXPECT_EXIT(statement, testing::KilledBySignal(SIGABRT), testing::Eq("hakmem: " + (line) + "\n"))

#endif  // HAKMEM_TESTS_UNIT_HEAP_H_
