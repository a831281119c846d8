// slots.cc - the loads over a table of slots: a random slot is freed when it holds a block, else filled.
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

struct SlotsOptions {
  SizePicker::Law law;
  bool all_calls;  // one allocation in sixteen through calloc, one free in sixteen becomes a realloc
  bool replaces;   // what is freed is allocated again in the same step
};

using Slots = std::vector<Block>;

bool fill(Run& run, Block* slot, size_t size, uint64_t random, bool cleared) {
  if (cleared ? slot->take_cleared(size, random) : slot->take(size, random)) return true;
  if (slot->bytes == nullptr) {
    run.fail_allocation(size);
  } else {
    run.fail_corrupt(size);
  }
  return false;
}

bool step(Run& run, Block* slot, uint64_t random, const SizePicker& sizes, const SlotsOptions& options) {
  bool rare = options.all_calls && (random >> 60) == 0;
  if (slot->bytes == nullptr) return fill(run, slot, sizes.pick(random), random, rare);
  if (rare) {
    if (slot->resize(sizes.pick(random), random)) return true;
    run.fail("realloc lost the contents of a block");
    return false;
  }
  if (!slot->give_back()) {
    run.fail_corrupt(slot->size);
    return false;
  }
  return !options.replaces || fill(run, slot, sizes.pick(random), random, false);
}

void run_slots(Run& run, const SlotsOptions& options) {
  const Params& params = run.params();
  std::vector<Slots> tables(params.threads);
  Phases phases;
  phases.prepare = [&](unsigned i) { tables[i].resize(params.working_set); };
  phases.work = [&](unsigned i) -> uint64_t {
    Rng rng(params.seed, i);
    SizePicker sizes(params.size, options.law);
    Block* slots = tables[i].data();
    for (uint64_t n = 0; n < params.iters; ++n) {
      Block* slot = &slots[rng.below(params.working_set)];
      if (!step(run, slot, rng.next(), sizes, options)) return n;
    }
    return params.iters;
  };
  phases.cleanup = [&](unsigned i) {
    for (Block& slot : tables[i]) {
      if (slot.bytes != nullptr && !slot.give_back()) run.fail_corrupt(slot.size);
    }
  };
  run.parallel(params.threads, phases);
}

}  // namespace

void run_mixed(Run& run) { run_slots(run, {SizePicker::kByPowersOfTwo, true, false}); }
void run_tiny(Run& run) { run_slots(run, {SizePicker::kUniform, false, false}); }
void run_mid_large_mt(Run& run) { run_slots(run, {SizePicker::kUniform, false, false}); }
void run_large(Run& run) { run_slots(run, {SizePicker::kByPowersOfTwo, false, false}); }
void run_replace(Run& run) { run_slots(run, {SizePicker::kUniform, false, true}); }

}  // namespace hakctl
