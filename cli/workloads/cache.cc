// cache.cc - a cache with random replacement: a miss evicts whatever stands in the key's place.
#include <cstring>
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

struct Entry {
  uint64_t key = 0;
  Block value;
};

using Table = std::vector<Entry>;

bool replace(Run& run, Entry* entry, uint64_t key, size_t size, uint64_t random) {
  if (entry->value.bytes != nullptr && !entry->value.give_back()) run.fail_corrupt(entry->value.size);
  if (!entry->value.take(size, random)) {
    run.fail_allocation(size);
    return false;
  }
  // A real cache copies the value in; the first bytes stand for it, between the two marks.
  if (size > 2) memset(entry->value.bytes + 1, static_cast<int>(key & 0xff), std::min<size_t>(size - 2, 64));
  entry->key = key;
  return true;
}

uint64_t look_up(Run& run, Table* table, unsigned thread) {
  const Params& params = run.params();
  Rng rng(params.seed, thread);
  SizePicker sizes(params.size, SizePicker::kByPowersOfTwo);
  for (uint64_t n = 0; n < params.iters; ++n) {
    // Four keys for each place: about three lookups in four miss once the cache is warm.
    uint64_t key = 1 + rng.below(4 * params.working_set);
    Entry* entry = &(*table)[(key * 0x9e3779b97f4a7c15u >> 32) % params.working_set];
    if (entry->key == key) {
      if (!entry->value.intact()) run.fail_corrupt(entry->value.size);
      continue;
    }
    uint64_t random = rng.next();
    if (!replace(run, entry, key, sizes.pick(random), random)) return n;
  }
  return params.iters;
}

}  // namespace

void run_cache(Run& run) {
  const Params& params = run.params();
  std::vector<Table> tables(params.threads);
  Phases phases;
  phases.prepare = [&](unsigned i) { tables[i].resize(params.working_set); };
  phases.work = [&](unsigned i) { return look_up(run, &tables[i], i); };
  phases.cleanup = [&](unsigned i) {
    for (Entry& entry : tables[i]) {
      if (entry.value.bytes != nullptr && !entry.value.give_back()) run.fail_corrupt(entry.value.size);
    }
  };
  run.parallel(params.threads, phases);
}

}  // namespace hakctl
