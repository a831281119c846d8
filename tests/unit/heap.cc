#include "tests/unit/heap.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "frontend/process.h"

void switch_helper_off() { setenv("HAKMEM_BACKGROUND", "0", 1); }

void use_every_class() { hak_owner_split_bins(hak_thread_attach()); }

// The process itself is hidden in the library.
static void limit_memory(uint64_t bytes) {
  const hak_options* options = hak_thread_attach()->pool->arena->options;
  const_cast<hak_options*>(options)->memory_limit_hard = bytes;
}
NoMoreMemory::NoMoreMemory() { limit_memory(1); }
NoMoreMemory::~NoMoreMemory() { limit_memory(0); }

uint64_t counter(const std::string& name) {
  hak_counter counters[HAK_MOST_COUNTERS];
  size_t count = hak_counters(counters, HAK_MOST_COUNTERS);
  for (size_t i = 0; i < count; i++) {
    if (counters[i].name == name) return counters[i].value;
  }
  ADD_FAILURE() << "no counter " << name;
  return 0;
}

namespace {

template <typename Info>
bool add(const Info* info, void* all) {
  static_cast<std::vector<Info>*>(all)->push_back(*info);
  return true;
}

}  // namespace

std::vector<hak_slab_info> all_slabs() {
  std::vector<hak_slab_info> slabs;
  hak_visit_slabs(add<hak_slab_info>, &slabs);
  return slabs;
}

std::vector<hak_chunk_info> all_chunks() {
  std::vector<hak_chunk_info> chunks;
  hak_visit_chunks(add<hak_chunk_info>, &chunks);
  return chunks;
}

bool is_of_slab(const void* block) {
  auto at = reinterpret_cast<uintptr_t>(block);
  bool inside = false;
  for (const hak_slab_info& slab : all_slabs()) inside |= at >= slab.address && at < slab.address + slab.bytes;
  return inside;
}

hak_slab_info slab_of(const void* address) {
  auto at = reinterpret_cast<uintptr_t>(address);
  for (const hak_slab_info& slab : all_slabs()) {
    if (at >= slab.address && at < slab.address + slab.bytes) return slab;
  }
  ADD_FAILURE() << address << " is in no slab";
  return {};
}

bool is_in_slab(size_t bytes) { return bytes + kSealBytes <= hak_size_classes[kSlabClasses - 1].usable; }

size_t block_bytes_for(size_t bytes) {
  size_t total = bytes + kSealBytes;
  if (is_in_slab(bytes)) return hak_size_classes[hak_size_class_for(total)].usable;
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (total + page - 1) / page * page;
}

std::vector<size_t> border_sizes() {
  std::vector<size_t> sizes = {0, 1};
  auto around = [&](size_t bytes) {
    for (size_t near : {bytes - 1, bytes, bytes + 1}) sizes.push_back(near);
  };
  for (const hak_size_class& row : hak_size_classes) {
    around(row.usable);
    if (HAK_SEALED) around(largest_of(row));
  }
  for (size_t bytes = 2 * 65536; bytes <= (size_t{128} << 20); bytes *= 2) around(bytes);
  return sizes;
}

std::string hex(uintptr_t address) {
  char text[32];
  snprintf(text, sizeof text, "0x%zx", static_cast<size_t>(address));
  return text;
}

std::string described(const hak_slab_info& slab) {
  return " (" + std::to_string(slab.stride) + "-byte class, slab " + std::to_string(slab.index) + " of superslab " +
         hex(slab.superslab) + ")";
}

std::string described(const void* block, size_t bytes_asked_for) {
  if (is_in_slab(bytes_asked_for)) return described(slab_of(block));
  return " (large block of " + std::to_string(block_bytes_for(bytes_asked_for)) + " bytes)";
}
