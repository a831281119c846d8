#include "cli/misuse/table.h"

namespace hakctl {

namespace {

// One way to be served, by the size that leads to it, and how lines describe a block of the size (%b): as most builds
// do, without the pool, and with a seal behind each block, which makes some of them a page larger.
struct Regime {
  const char* name;
  const char* argument;
  const char* block;
  const char* block_without_pool = block;
  const char* sealed_block = block;
};

#define SLAB(stride) "\\(" stride "-byte class, slab [0-9]+ of superslab 0x[0-9a-f]+\\)"
#define LARGE(bytes) "\\(large block of " bytes " bytes\\)"

const Regime kTiny = {"tiny", "113", SLAB("128")};
const Regime kPool = {"pool", "20000", SLAB("20480"), LARGE("20480")};
const Regime kLarge = {"large", "409600", LARGE("409600"), LARGE("409600"), LARGE("413696")};
const Regime kLarger = {"8MB", "8388608", LARGE("8388608"), LARGE("8388608"), LARGE("8392704")};
const Regime kMapped = {"mapped", "104857600", LARGE("104857600"), LARGE("104857600"), LARGE("104861696")};
// The size is the program's own, or there is none.
const Regime kOwn = {"", "", ".*"};

const std::vector<Regime> kOnce = {kOwn};
const std::vector<Regime> kTinyOnly = {kTiny};
const std::vector<Regime> kAll = {kTiny, kPool, kLarge, kLarger, kMapped};
// Those whose memory is used again; a mapping is gone after its free.
const std::vector<Regime> kUsedAgain = {kTiny, kPool, kLarge, kLarger};
// Not sizes, but the pointers themselves.
const std::vector<Regime> kWild = {
    {"middle_of_nowhere", "1234567890", ""},
    {"minus_one", "ffffffffffffffff", ""},
    {"minus_sixteen", "fffffffffffffff0", ""},
    {"not_canonical", "dead000000000000", ""},
    {"not_canonical_low", "0000800000000000", ""},
    {"last_of_user_space", "00007ffffffffff0", ""},
    {"first_page", "10", ""},
    {"one", "1", ""},
};

struct Row {
  const char* program;
  const std::vector<Regime>& regimes;
  const char* line;
  Needs needs = Needs::kChecks;
  const char* line_without_pool = line;
  const char* sealed_line = line;
};

const char kDoubleFree[] = "double free of %p %b";
const char kFreedRealloc[] = "invalid realloc of %p: block was freed before %b";
const char kFreedUsableSize[] = "invalid malloc_usable_size of %p: block was freed before %b";
const char kInsideFree[] = "invalid free of %p: inside block %s %b";
const char kForeignFree[] = "invalid free of %p: not a pointer of this allocator";

const char kOverwrittenHeader[] = "overwritten header of %p %b";
// The block whose end it is: the neighbour of the one that the program names.
const char kOverwrittenSeal[] = "write behind the end of 0x[0-9a-f]+ %b";

const char kOverflow[] = "write behind the end of %p %b";
const char kWriteAfterFree[] = "write after free of %p, at byte %h %b";

const Row kRows[] = {
    // free, twice
    {"double_free_at_once", kAll, kDoubleFree},
    {"double_free_after_other_frees", kAll, kDoubleFree},
    // The other blocks may be runs, as the first one is, and one of them may have been there after it: without the
    // pool, and in the largest size where a seal makes them larger.
    {"double_free_after_other_sizes", kAll, kDoubleFree, Needs::kChecks, "double free of %p .*",
     "double free of %p .*"},
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
    {"overflow_by_one", kTinyOnly, kOverwrittenHeader, Needs::kMark, kOverwrittenHeader, kOverwrittenSeal},
    {"underflow_by_one", kTinyOnly, kOverwrittenHeader, Needs::kMark, kOverwrittenHeader,
     "(overwritten header of %p|write behind the end of 0x[0-9a-f]+) %b"},
    {"overflow_of_the_size_by_one", kAll, kOverflow, Needs::kSeal},
    {"overflow_of_the_size_by_24", kAll, kOverflow, Needs::kSeal},
    {"overflow_seen_by_realloc", kAll, kOverflow, Needs::kSeal},
    // and when it is not any more
    {"write_after_free", kUsedAgain, kWriteAfterFree, Needs::kSeal},
    {"write_after_another_threads_free", kUsedAgain, kWriteAfterFree, Needs::kSeal},
};

std::string value_of(const FlagValues& build, const std::string& flag) {
  for (const auto& [name, value] : build) {
    if (name == flag) return value;
  }
  return "";
}

// Blocks have a seal behind them.
bool is_sealed(const FlagValues& build) {
  std::string checks = value_of(build, "checks");
  return checks == "hardened" || checks == "debug";
}

}  // namespace

std::vector<MisuseCase> misuse_cases(const FlagValues& build) {
  bool pool = value_of(build, "pool_tls_phase1") == "True";
  bool sealed = is_sealed(build);
  std::vector<MisuseCase> cases;
  for (const Row& row : kRows) {
    const char* line = pool ? row.line : row.line_without_pool;
    if (sealed && row.sealed_line != row.line) line = row.sealed_line;
    for (const Regime& regime : row.regimes) {
      const char* block = pool ? regime.block : regime.block_without_pool;
      if (sealed && regime.sealed_block != regime.block) block = regime.sealed_block;
      cases.push_back({row.program, regime.name, regime.argument, line, block, row.needs});
    }
  }
  return cases;
}

std::vector<std::string> misuse_programs() {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.push_back(row.program);
  return names;
}

bool promises_to_find(const FlagValues& build, const MisuseCase& misuse) {
  if (value_of(build, "checks") == "fast") return false;
  switch (misuse.needs) {
    case Needs::kChecks:
      return true;
    case Needs::kMark:
      return is_sealed(build) || value_of(build, "header_classidx") == "True";
    case Needs::kSeal:
      return is_sealed(build);
  }
  return false;
}

}  // namespace hakctl
