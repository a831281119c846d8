// footprint.cc - the loads that say how much memory an allocator holds, and how much of it it gives back.
#include "cli/workloads/footprint.h"

#include <pthread.h>

#include <algorithm>
#include <numeric>

#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

// How --iters and --working-set shape a load: so many blocks live at once, so often.
struct Shape {
  uint64_t live;
  uint64_t rounds;
};

Shape shape_of(const Params& params) {
  uint64_t live = std::min(params.working_set, params.iters);
  return {live, params.iters / live};
}

using Tables = std::vector<BlockTable>;

// One for each worker; empty, and the run failed, when there is no memory for them.
Tables tables_for(Run& run, uint64_t blocks) {
  Tables tables;
  for (unsigned i = 0; i < run.params().threads; ++i) {
    tables.emplace_back(blocks);
    if (tables.back().usable()) continue;
    run.fail("no memory for the table of blocks");
    return {};
  }
  return tables;
}

bool fill(Run& run, Block* block, size_t size, uint64_t random) {
  if (block->take(size, random)) return true;
  run.fail_allocation(size);
  return false;
}

uint64_t clear(Run& run, BlockTable* table) {
  uint64_t freed = 0;
  for (uint64_t i = 0; i < table->size(); ++i) {
    Block* block = &(*table)[i];
    if (block->bytes == nullptr) continue;
    if (!block->give_back()) run.fail_corrupt(block->size);
    ++freed;
  }
  return freed;
}

void touch_pages(const Block& block) {
  constexpr size_t kSmallestPage = 4096;
  for (size_t at = kSmallestPage; at + 1 < block.size; at += kSmallestPage) block.bytes[at] = 0;
}

// Also of blocks that have been freed in the meantime.
uint64_t bytes_in(Tables* tables) {
  uint64_t sum = 0;
  for (BlockTable& table : *tables) {
    for (uint64_t i = 0; i < table.size(); ++i) sum += table[i].size;
  }
  return sum;
}

// ---- blocks of all sizes of the range, filled and freed in turns; the last filling stands ----

uint64_t fill_in_turns(Run& run, BlockTable* table, unsigned thread, const std::vector<size_t>& sizes) {
  Shape shape = shape_of(run.params());
  Rng rng(run.params().seed, thread);
  uint64_t operations = 0;
  for (uint64_t round = 0; round < shape.rounds; ++round) {
    operations += clear(run, table);
    for (uint64_t i = 0; i < table->size(); ++i) {
      if (!fill(run, &(*table)[i], sizes[i % sizes.size()], rng.next())) return operations;
      ++operations;
    }
  }
  return operations;
}

void run_filled(Run& run, const std::vector<size_t>& sizes, bool whole_process = false) {
  uint64_t live = shape_of(run.params()).live;
  Tables tables = tables_for(run, live * sizes.size());
  if (tables.empty()) return;
  FootprintMeter meter = whole_process ? FootprintMeter::of_whole_process() : FootprintMeter();
  Phases phases;
  phases.work = [&](unsigned i) { return fill_in_turns(run, &tables[i], i, sizes); };
  phases.cleanup = [&](unsigned i) { clear(run, &tables[i]); };
  run.parallel(run.params().threads, phases);
  meter.finish(run, run.params().threads * live * std::accumulate(sizes.begin(), sizes.end(), uint64_t{0}));
}

void run_footprint_idle(Run& run) { run_filled(run, {run.params().size.max}); }

void run_footprint_start(Run& run) { run_filled(run, {run.params().size.max}, true); }

void run_footprint_exact(Run& run) {
  std::vector<size_t> sizes;
  for (size_t size = run.params().size.min; size <= run.params().size.max; size *= 2) sizes.push_back(size);
  run_filled(run, sizes);
}

// ---- short-lived threads: what one allocates, the thread of the next round frees ----

struct ShortLife {
  Run* run;
  BlockTable* table;
  const SizePicker* sizes;
  Rng rng;
  uint64_t operations;
};

void* live_shortly(void* argument) {
  ShortLife* life = static_cast<ShortLife*>(argument);
  Rng rng = life->rng;  // a copy: every round asks for the same sizes
  for (uint64_t i = 0; i < life->table->size(); ++i) {
    Block former = (*life->table)[i];
    uint64_t random = rng.next();
    // The new block comes first, as where a value is replaced by one that is made from it.
    if (!fill(*life->run, &(*life->table)[i], life->sizes->pick(random), random)) return nullptr;
    ++life->operations;
    if (former.bytes == nullptr) continue;
    if (!former.give_back()) life->run->fail_corrupt(former.size);
    ++life->operations;
  }
  return nullptr;
}

// Starts the threads of one round and sees them end.
void run_generation(Run& run, std::vector<ShortLife>* lives) {
  std::vector<pthread_t> threads(lives->size());
  size_t started = 0;
  while (started < threads.size() && pthread_create(&threads[started], nullptr, live_shortly, &(*lives)[started]) == 0)
    ++started;
  if (started < threads.size()) run.fail("a thread could not be started");
  for (size_t i = 0; i < started; ++i) pthread_join(threads[i], nullptr);
}

uint64_t run_generations(Run& run, std::vector<ShortLife>* lives, FootprintMeter* meter) {
  const uint64_t rounds = shape_of(run.params()).rounds;
  for (uint64_t round = 0; round < rounds && !run.failed(); ++round) {
    run_generation(run, lives);
    meter->note_standing();
    if (round == rounds / kEarly) meter->note_early();
  }
  uint64_t operations = 0;
  for (const ShortLife& life : *lives) operations += life.operations;
  return operations;
}

void run_footprint_threads(Run& run) {
  const Params& params = run.params();
  Tables tables = tables_for(run, shape_of(params).live);
  if (tables.empty()) return;
  SizePicker sizes(params.size, SizePicker::kUniform);
  std::vector<ShortLife> lives;
  for (unsigned i = 0; i < params.threads; ++i) lives.push_back({&run, &tables[i], &sizes, Rng(params.seed, i), 0});
  FootprintMeter meter;
  Phases phases;
  phases.work = [&](unsigned) { return run_generations(run, &lives, &meter); };
  run.parallel(1, phases);
  run.count_own_threads(params.threads);
  uint64_t requested = bytes_in(&tables);
  // By a thread that has allocated none of them.
  for (BlockTable& table : tables) clear(run, &table);
  meter.finish(run, requested);
}

// ---- one class gives way to another ----

constexpr uint64_t kKeptInAHundred = 10;

// Frees nine in ten of the first `count` blocks at random.
uint64_t thin_out(Run& run, BlockTable* table, uint64_t count, Rng* rng) {
  uint64_t freed = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (rng->below(100) < kKeptInAHundred) continue;
    if (!(*table)[i].give_back()) run.fail_corrupt((*table)[i].size);
    ++freed;
  }
  return freed;
}

uint64_t change_class(Run& run, BlockTable* table, unsigned thread, uint64_t* first_class_bytes) {
  const Params& params = run.params();
  Shape shape = shape_of(params);
  Rng rng(params.seed, thread);
  uint64_t operations = 0;
  for (uint64_t round = 0; round < shape.rounds && !run.failed(); ++round) {
    operations += clear(run, table);
    for (uint64_t i = 0; i < shape.live; ++i, ++operations) {
      if (!fill(run, &(*table)[i], params.size.min, rng.next())) return operations;
    }
    *first_class_bytes = shape.live * params.size.min;
    operations += thin_out(run, table, shape.live, &rng);
    for (uint64_t i = shape.live; i < table->size(); ++i, ++operations) {
      if (!fill(run, &(*table)[i], params.size.max, rng.next())) return operations;
    }
  }
  return operations;
}

void run_footprint_classes(Run& run) {
  const Params& params = run.params();
  // The second class asks for half as many bytes as the first.
  uint64_t first = shape_of(params).live;
  Tables tables = tables_for(run, first + first * params.size.min / params.size.max / 2);
  if (tables.empty()) return;
  std::vector<uint64_t> requested(params.threads, 0);
  FootprintMeter meter;
  Phases phases;
  phases.work = [&](unsigned i) { return change_class(run, &tables[i], i, &requested[i]); };
  phases.cleanup = [&](unsigned i) { clear(run, &tables[i]); };
  run.parallel(params.threads, phases);
  meter.finish(run, std::accumulate(requested.begin(), requested.end(), uint64_t{0}));
}

// ---- a few live blocks in each piece of memory ----

uint64_t fill_and_thin_out(Run& run, BlockTable* table, unsigned thread) {
  SizePicker sizes(run.params().size, SizePicker::kUniform);
  Rng rng(run.params().seed, thread);
  uint64_t operations = 0;
  for (uint64_t round = 0; round < shape_of(run.params()).rounds; ++round) {
    operations += clear(run, table);
    for (uint64_t i = 0; i < table->size(); ++i, ++operations) {
      uint64_t random = rng.next();
      if (!fill(run, &(*table)[i], sizes.pick(random), random)) return operations;
      touch_pages((*table)[i]);
    }
    operations += thin_out(run, table, table->size(), &rng);
  }
  return operations;
}

void run_footprint_holes(Run& run) {
  Tables tables = tables_for(run, shape_of(run.params()).live);
  if (tables.empty()) return;
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, run.params().threads);
  FootprintMeter meter;
  Phases phases;
  phases.work = [&](unsigned i) { return fill_and_thin_out(run, &tables[i], i); };
  // With what is live still in the threads' hands, and no call while the first looks.
  phases.cleanup = [&](unsigned i) {
    if (i == 0) meter.finish(run, bytes_in(&tables));
    pthread_barrier_wait(&barrier);
    clear(run, &tables[i]);
  };
  run.parallel(run.params().threads, phases);
  pthread_barrier_destroy(&barrier);
}

// ---- many threads at once, which have freed everything and wait ----

uint64_t hold_and_let_go(Run& run, BlockTable* table, unsigned thread, pthread_barrier_t* all_hold) {
  const Params& params = run.params();
  SizePicker sizes(params.size, SizePicker::kUniform);
  Rng rng(params.seed, thread);
  uint64_t operations = 0;
  for (uint64_t round = 0; round < shape_of(params).rounds; ++round) {
    for (uint64_t i = 0; i < table->size(); ++i) {
      uint64_t random = rng.next();
      if (!fill(run, &(*table)[i], sizes.pick(random), random)) break;
      ++operations;
    }
    // Also after a failure: the others wait.
    pthread_barrier_wait(all_hold);
    operations += clear(run, table);
  }
  return operations;
}

void run_footprint_parked(Run& run) {
  const unsigned threads = run.params().threads;
  Tables tables = tables_for(run, shape_of(run.params()).live);
  if (tables.empty()) return;
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, threads);
  FootprintMeter meter;
  Phases phases;
  phases.work = [&](unsigned i) { return hold_and_let_go(run, &tables[i], i, &barrier); };
  // Nobody leaves before the first has looked.
  phases.cleanup = [&](unsigned i) {
    if (i == 0) meter.finish(run, bytes_in(&tables));
    pthread_barrier_wait(&barrier);
  };
  run.parallel(threads, phases);
  pthread_barrier_destroy(&barrier);
}

// ---- threads that sleep, while one of them frees what all have allocated ----

void run_footprint_asleep(Run& run) {
  const Params& params = run.params();
  Tables tables = tables_for(run, shape_of(params).live);
  if (tables.empty()) return;
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, params.threads);
  FootprintMeter meter;
  Phases phases;
  phases.work = [&](unsigned i) { return fill_in_turns(run, &tables[i], i, {params.size.max}); };
  phases.cleanup = [&](unsigned i) {
    if (i == 0) {
      for (BlockTable& table : tables) clear(run, &table);
      meter.finish(run, bytes_in(&tables));
    }
    pthread_barrier_wait(&barrier);
  };
  run.parallel(params.threads, phases);
  pthread_barrier_destroy(&barrier);
}

// ---- large blocks, all of whose pages are written ----

uint64_t replace_at_random(Run& run, BlockTable* table, unsigned thread, uint64_t* most_live) {
  const Params& params = run.params();
  SizePicker sizes(params.size, SizePicker::kUniform);
  Rng rng(params.seed, thread);
  uint64_t live = 0;
  for (uint64_t n = 0; n < params.iters; ++n) {
    Block* block = &(*table)[rng.below(table->size())];
    uint64_t random = rng.next();
    if (block->bytes != nullptr) {
      live -= block->size;
      if (!block->give_back()) run.fail_corrupt(block->size);
      continue;
    }
    if (!fill(run, block, sizes.pick(random), random)) return n;
    touch_pages(*block);
    live += block->size;
    *most_live = std::max(*most_live, live);
  }
  return params.iters;
}

void run_footprint_large(Run& run) {
  const Params& params = run.params();
  Tables tables = tables_for(run, params.working_set);
  if (tables.empty()) return;
  std::vector<uint64_t> most_live(params.threads, 0);
  FootprintMeter meter;
  Phases phases;
  phases.work = [&](unsigned i) { return replace_at_random(run, &tables[i], i, &most_live[i]); };
  phases.cleanup = [&](unsigned i) { clear(run, &tables[i]); };
  run.parallel(params.threads, phases);
  meter.finish(run, std::accumulate(most_live.begin(), most_live.end(), uint64_t{0}));
}

}  // namespace

const std::vector<Workload>& footprint_workloads() {
  static const auto* rows = new std::vector<Workload>{
      {"footprint_idle",
       "a malloc or free",
       "many blocks of one size (the largest of --size) are live at once, then all are freed",
       {1, 3333333, 3333333, {120, 120}, 42},
       1,
       run_footprint_idle,
       kFootprint},
      {"footprint_threads",
       "a malloc or free",
       "rounds of short-lived threads, which replace the blocks of the last round; round end is the most held between "
       "two rounds, growth the peak over that of the first tenth",
       {64, 800000, 20000, {16, 215}, 42},
       1,
       run_footprint_threads,
       kFootprint},
      {"footprint_classes",
       "a malloc or free",
       "grows in blocks of the smallest size, frees 9 in 10 of them at random, allocates half as much in the largest",
       {1, 16777216, 16777216, {64, 192}, 42},
       1,
       run_footprint_classes,
       kFootprint},
      {"footprint_holes",
       "a malloc or free",
       "9 in 10 blocks of random sizes are freed at random; end and after idle are with the others live",
       {1, 12500, 12500, {4096, 60000}, 42},
       1,
       run_footprint_holes,
       kFootprint},
      {"footprint_exact",
       "a malloc or free",
       "the working set in blocks of the smallest size, and as many of each power of two times it up to the largest",
       {1, 1000000, 1000000, {16, 128}, 42},
       1,
       run_footprint_exact,
       kFootprint},
      {"footprint_handover",
       "a malloc or free",
       "pairs of threads: one only allocates, the other only frees; growth is the peak over that of the first tenth",
       {2, 20000000, 10000, {16, 512}, 42},
       1,
       run_footprint_handover,
       kFootprint},
      {"footprint_parked",
       "a malloc or free",
       "all threads hold their working sets at once, free them and wait: what idle threads keep, with their stacks",
       {1000, 100, 100, {16, 1024}, 42},
       1,
       run_footprint_parked,
       kFootprint},
      {"footprint_asleep",
       "a malloc or free",
       "all threads fill their working sets with blocks of the largest size; then one frees them all, while the others "
       "sleep",
       {4, 500000, 500000, {120, 120}, 42},
       1,
       run_footprint_asleep,
       kFootprint},
      {"footprint_large",
       "a malloc or free",
       "a random slot is freed when it holds a block, else filled with a large one, whose every page is written",
       {1, 500000, 128, {65536, 4194304}, 42},
       1,
       run_footprint_large,
       kFootprint},
      {"footprint_start",
       "a malloc or free",
       "the whole process, with next to nothing allocated: an empty program (in compare, that is)",
       {1, 1, 1, {16, 16}, 42},
       1,
       run_footprint_start,
       kFootprint},
  };
  return *rows;
}

}  // namespace hakctl
