#include "cli/misuse/table.h"

#include <cstdlib>

namespace hakctl {

namespace {

// One way to be served, by the size that leads to it.
struct Regime {
  const char* name;
  const char* argument;
  // How lines describe a block of the size (%b).
  enum Block { kAny, kTinySlab, kPoolSlab, kLargeBlock } block = kAny;
};

const Regime kTiny = {"tiny", "100", Regime::kTinySlab};
const Regime kPool = {"pool", "20000", Regime::kPoolSlab};
const Regime kLarge = {"large", "102400", Regime::kLargeBlock};
const Regime kLarger = {"8MB", "8388608", Regime::kLargeBlock};
const Regime kMapped = {"mapped", "104857600", Regime::kLargeBlock};
// The size is the program's own, or there is none.
const Regime kOwn = {"", ""};

const std::vector<Regime> kOnce = {kOwn};
const std::vector<Regime> kTinyOnly = {kTiny};
const std::vector<Regime> kAll = {kTiny, kPool, kLarge, kLarger, kMapped};
// Those whose free memory is looked at when it is used again; larger blocks are emptied instead.
const std::vector<Regime> kLookedAt = {kTiny, kPool, kLarge};
// Not sizes, but the pointers themselves.
const std::vector<Regime> kWild = {
    {"middle_of_nowhere", "1234567890"},
    {"minus_one", "ffffffffffffffff"},
    {"minus_sixteen", "fffffffffffffff0"},
    {"not_canonical", "dead000000000000"},
    {"not_canonical_low", "0000800000000000"},
    {"last_of_user_space", "00007ffffffffff0"},
    {"first_page", "10"},
    {"one", "1"},
};

struct Row {
  const char* program;
  const std::vector<Regime>& regimes;
  const char* line;
  Needs needs = Needs::kChecks;
};

const char kDoubleFree[] = "double free of %p %b";
const char kFreedRealloc[] = "invalid realloc of %p: block was freed before %b";
const char kFreedUsableSize[] = "invalid malloc_usable_size of %p: block was freed before %b";
const char kInsideFree[] = "invalid free of %p: inside block %s %b";
const char kOverflow[] = "write behind the end of %p %b";
const char kForeignFree[] = "invalid free of %p: not a pointer of this allocator";

const std::vector<Row>& rows() {
  static const auto* table = new std::vector<Row>{
      // free, twice
      {"double_free_at_once", kAll, kDoubleFree},
      {"double_free_after_other_frees", kAll, kDoubleFree},
      // Where a run was, one of the others may have been.
      {"double_free_after_other_sizes", kAll, "double free of %p (%b|\\(large block of [0-9]+ bytes\\))"},
      {"double_free_of_the_last_block", kAll, kDoubleFree},
      {"double_free_of_calloc", kAll, kDoubleFree},
      {"double_free_of_aligned", kAll, "double free of %p .*"},
      {"double_free_after_realloc", kAll, kDoubleFree},
      {"double_free_after_realloc_to_zero", kAll, kDoubleFree},
      {"double_free_by_another_thread", kAll, kDoubleFree},
      {"double_free_after_another_thread", kAll, kDoubleFree},
      {"double_free_by_two_threads", kAll, kDoubleFree},
      {"double_free_in_another_thread", kAll, kDoubleFree},
      {"double_free_of_a_dead_threads_block", kAll, kDoubleFree},
      {"double_free_of_a_dead_threads_only_block", kAll, kDoubleFree},
      {"double_free_in_the_child", kAll, kDoubleFree},
      {"double_delete", kOnce, kDoubleFree},
      {"double_delete_of_an_array", kAll, kDoubleFree},
      {"double_delete_of_an_aligned_object", kOnce, kDoubleFree},
      {"delete_of_freed", kAll, kDoubleFree},
      // free of what is no block
      {"free_inside_by_1", kAll, kInsideFree},
      {"free_inside_by_8", kAll, kInsideFree},
      {"free_inside_by_16", kAll, kInsideFree},
      {"free_of_the_middle", kAll, "invalid free of %p: inside block %s %b"},
      {"free_inside_in_another_thread", kAll, kInsideFree},
      {"free_inside_of_a_dead_threads_block", kAll, kInsideFree},
      {"delete_inside_an_array", kOnce, "invalid delete of %p: inside block %s %b"},
      {"free_of_the_stack", kOnce, kForeignFree},
      {"free_of_the_stack_in_another_thread", kOnce, kForeignFree},
      {"free_of_a_static", kOnce, kForeignFree},
      {"free_of_a_literal", kOnce, kForeignFree},
      {"free_of_a_function", kOnce, kForeignFree},
      {"free_of_a_mapping", kOnce, kForeignFree},
      {"free_of_a_wild_pointer", kWild, kForeignFree},
      {"free_of_a_wild_pointer_first", kWild, kForeignFree},
      {"delete_of_the_stack", kOnce, "invalid delete of %p: not a pointer of this allocator"},
      // realloc and malloc_usable_size
      {"realloc_of_freed", kAll, kFreedRealloc},
      {"realloc_to_zero_of_freed", kAll, kFreedRealloc},
      {"realloc_after_another_threads_free", kAll, kFreedRealloc},
      {"realloc_of_freed_in_another_thread", kAll, kFreedRealloc},
      {"realloc_inside", kAll, "invalid realloc of %p: inside block %s %b"},
      {"realloc_of_a_static", kOnce, "invalid realloc of %p: not a pointer of this allocator"},
      {"usable_size_of_freed", kAll, kFreedUsableSize},
      {"usable_size_after_another_threads_free", kAll, kFreedUsableSize},
      {"usable_size_inside", kAll, "invalid malloc_usable_size of %p: inside block %s %b"},
      {"usable_size_of_a_static", kOnce, "invalid malloc_usable_size of %p: not a pointer of this allocator"},
      // what delete says of the block
      {"sized_delete_too_small", kAll, "delete with wrong size %h of %p %b"},
      {"sized_delete_too_large", kAll, "delete with wrong size %d of %p %b"},
      {"sized_delete_in_another_thread", kAll, "delete with wrong size %d of %p %b"},
      {"sized_delete_of_the_wrong_type", kOnce, "delete with wrong size 20 of %p %b"},
      {"aligned_delete_of_unaligned", kAll, "delete with wrong alignment %s of %p %b"},
      {"aligned_sized_delete_too_large", kAll, "delete with wrong size %s of %p .*"},
      // writes where the block is not
      {"overflow_by_one", kTinyOnly, "overwritten header of %p %b", Needs::kHeader},
      {"underflow_by_one", kTinyOnly, "overwritten header of %p %b", Needs::kHeader},
      {"overflow_of_the_size_by_one", kAll, kOverflow, Needs::kSeal},
      {"overflow_of_the_size_by_24", kAll, kOverflow, Needs::kSeal},
      {"overflow_seen_by_realloc", kAll, kOverflow, Needs::kSeal},
      // and when it is not any more
      {"write_after_free", kLookedAt, "write after free of %p, at byte %h %b", Needs::kSeal},
      {"write_after_another_threads_free", kLookedAt, "write after free of %p, at byte %h %b", Needs::kSeal},
  };
  return *table;
}

std::string value_of(const FlagValues& build, const std::string& flag) {
  for (const auto& [name, value] : build) {
    if (name == flag) return value;
  }
  return "";
}

bool has_seals(const FlagValues& build) {
  std::string checks = value_of(build, "checks");
  return checks == "hardened" || checks == "debug";
}

std::string slab_of_stride(const char* stride) {
  return std::string("\\(") + stride + "-byte class, slab [0-9]+ of superslab 0x[0-9a-f]+\\)";
}

// Whole pages, for the seal as well.
std::string large_block(const FlagValues& build, const Regime& regime) {
  constexpr uint64_t kPage = 4096, kSealBytes = 9;
  uint64_t bytes = strtoull(regime.argument, nullptr, 10) + (has_seals(build) ? kSealBytes : 0);
  return "\\(large block of " + std::to_string((bytes + kPage - 1) / kPage * kPage) + " bytes\\)";
}

std::string block_of(const FlagValues& build, const Regime& regime) {
  switch (regime.block) {
    case Regime::kAny:
      return ".*";
    case Regime::kTinySlab:
      return slab_of_stride("112");
    case Regime::kPoolSlab:
      if (value_of(build, "pool_tls_phase1") == "True") return slab_of_stride("20480");
      return large_block(build, regime);
    case Regime::kLargeBlock:
      return large_block(build, regime);
  }
  return "";
}

}  // namespace

std::vector<MisuseCase> misuse_cases(const FlagValues& build) {
  std::vector<MisuseCase> cases;
  for (const Row& row : rows()) {
    for (const Regime& regime : row.regimes) {
      cases.push_back({row.program, regime.name, regime.argument, row.line, block_of(build, regime), row.needs});
    }
  }
  return cases;
}

std::vector<std::string> misuse_programs() {
  std::vector<std::string> names;
  for (const Row& row : rows()) names.push_back(row.program);
  return names;
}

bool promises_to_find(const FlagValues& build, const MisuseCase& misuse) {
  if (value_of(build, "checks") == "fast") return false;
  switch (misuse.needs) {
    case Needs::kChecks:
      return true;
    case Needs::kHeader:
      // A seal lies between a block and the next one's header.
      return value_of(build, "header_classidx") == "True" && !has_seals(build);
    case Needs::kSeal:
      return has_seals(build);
  }
  return false;
}

}  // namespace hakctl
