// What the tests of the frontend share. They know nothing but its public headers (and the size classes).
#ifndef HAKMEM_TESTS_UNIT_HEAP_H_
#define HAKMEM_TESTS_UNIT_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "frontend/introspect.h"

// The helper thread gives memory back when it likes; these tests count. Call it before the first request.
void switch_helper_off();

// A value of hak_counters; a failure of the test if there is no counter of the name.
uint64_t counter(const std::string& name);

std::vector<hak_slab_info> all_slabs();
std::vector<hak_chunk_info> all_chunks();
// The slab that the address lies in; a failure of the test if there is none.
hak_slab_info slab_of(const void* address);

// Sizes where the way of a request changes, and those beside them: 0, every class's last byte, pages and units, the
// largest run, the smallest mapping.
std::vector<size_t> border_sizes();

// "0x7f00..." as the allocator writes it.
std::string hex(uintptr_t address);
inline std::string hex(const void* address) { return hex(reinterpret_cast<uintptr_t>(address)); }
// " (64-byte class, slab 3 of superslab 0x...)"
std::string described(const hak_slab_info& slab);

// Expects that the statement ends the process with exactly this line.
#define EXPECT_FATAL_LINE(statement, line) \
  EXPECT_EXIT(statement, testing::KilledBySignal(SIGABRT), testing::Eq("hakmem: " + (line) + "\n"))

#endif  // HAKMEM_TESTS_UNIT_HEAP_H_
