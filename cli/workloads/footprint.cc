// footprint.cc - the loads that say how much memory an allocator holds, and how much of it it gives back.
#include "cli/workloads/footprint.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <numeric>

namespace hakctl {

namespace {

// Without stdio, which would call the malloc that is measured.
double resident_bytes() {
  char text[128] = "";
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, text, sizeof(text) - 1);
  close(file);
  unsigned long pages = 0;
  if (length <= 0 || sscanf(text, "%*u %lu", &pages) != 1) return 0;
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double peak_resident_bytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

void stand_idle(double seconds) {
  timespec left = {static_cast<time_t>(seconds),
                   static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
  while (nanosleep(&left, &left) != 0) {
  }
}

size_t bytes_of(uint64_t blocks) { return static_cast<size_t>(std::max<uint64_t>(blocks, 1)) * sizeof(Block); }

}  // namespace

BlockTable::BlockTable(uint64_t blocks) : blocks_(nullptr), count_(blocks) {
  void* memory =
      mmap(nullptr, bytes_of(blocks), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return;
  blocks_ = static_cast<Block*>(memory);
  for (uint64_t i = 0; i < blocks; ++i) new (&blocks_[i]) Block();
}

BlockTable::~BlockTable() {
  if (blocks_ != nullptr) munmap(blocks_, bytes_of(count_));
}

BlockTable::BlockTable(BlockTable&& other) noexcept : blocks_(other.blocks_), count_(other.count_) {
  other.blocks_ = nullptr;
}

FootprintMeter::FootprintMeter() : base_(resident_bytes()) {}

void FootprintMeter::finish(Run& run, uint64_t requested) {
  auto beyond = [this](double bytes) { return std::max(0.0, bytes - base_); };
  double wanted = static_cast<double>(requested);
  double end = beyond(resident_bytes());
  // The kernel brings its peak up to date now and then only.
  double peak = std::max(end, beyond(peak_resident_bytes()));
  stand_idle(run.params().idle_seconds);
  double idle = beyond(resident_bytes());
  run.note("requested", "bytes", wanted);
  run.note("peak", "bytes", peak);
  run.note("peak_to_requested", "ratio", wanted > 0 ? peak / wanted : 0);
  run.note("end", "bytes", end);
  run.note("after_idle", "bytes", idle);
}

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

void run_filled(Run& run, const std::vector<size_t>& sizes) {
  uint64_t live = shape_of(run.params()).live;
  Tables tables = tables_for(run, live * sizes.size());
  if (tables.empty()) return;
  FootprintMeter meter;
  Phases phases;
  phases.work = [&](unsigned i) { return fill_in_turns(run, &tables[i], i, sizes); };
  phases.cleanup = [&](unsigned i) { clear(run, &tables[i]); };
  run.parallel(run.params().threads, phases);
  meter.finish(run, run.params().threads * live * std::accumulate(sizes.begin(), sizes.end(), uint64_t{0}));
}

void run_footprint_idle(Run& run) { run_filled(run, {run.params().size.max}); }

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
  for (uint64_t i = 0; i < life->table->size(); ++i) {
    Block former = (*life->table)[i];
    uint64_t random = life->rng.next();
    // The new block comes first, as where a value is replaced by one that is made from it.
    if (!fill(*life->run, &(*life->table)[i], life->sizes->pick(random), random)) return nullptr;
    ++life->operations;
    if (former.bytes == nullptr) continue;
    if (!former.give_back()) life->run->fail_corrupt(former.size);
    ++life->operations;
  }
  return nullptr;
}

uint64_t run_generations(Run& run, BlockTable* table, unsigned lane) {
  const Params& params = run.params();
  SizePicker sizes(params.size, SizePicker::kUniform);
  ShortLife life = {&run, table, &sizes, Rng(params.seed, lane), 0};
  for (uint64_t round = 0; round < shape_of(params).rounds && !run.failed(); ++round) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, live_shortly, &life) != 0) {
      run.fail("a thread could not be started");
      break;
    }
    pthread_join(thread, nullptr);
  }
  return life.operations;
}

void run_footprint_threads(Run& run) {
  Tables tables = tables_for(run, shape_of(run.params()).live);
  if (tables.empty()) return;
  FootprintMeter meter;
  Phases phases;
  phases.work = [&](unsigned lane) { return run_generations(run, &tables[lane], lane); };
  run.parallel(run.params().threads, phases);
  uint64_t requested = 0;
  for (BlockTable& table : tables) {
    for (uint64_t i = 0; i < table.size(); ++i) requested += table[i].size;
  }
  // By a thread that has allocated none of them.
  for (BlockTable& table : tables) clear(run, &table);
  meter.finish(run, requested);
}

// ---- one class gives way to another ----

constexpr uint64_t kKeptInAHundred = 10;

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
    for (uint64_t i = 0; i < shape.live; ++i) {
      if (rng.below(100) < kKeptInAHundred) continue;
      if (!(*table)[i].give_back()) run.fail_corrupt(params.size.min);
      ++operations;
    }
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
  uint64_t sum = 0;
  for (uint64_t bytes : requested) sum += bytes;
  meter.finish(run, sum);
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
       "rounds of short-lived threads: each replaces the blocks that the thread before it has left, one by one",
       {64, 800000, 20000, {16, 215}, 42},
       1,
       run_footprint_threads,
       kFootprint},
      {"footprint_classes",
       "a malloc or free",
       "grows in blocks of the smallest size, frees 9 in 10 of them at random, allocates half as much in the largest",
       {1, 4194304, 4194304, {64, 192}, 42},
       1,
       run_footprint_classes,
       kFootprint},
      {"footprint_exact",
       "a malloc or free",
       "the working set in blocks of the smallest size, and as many of each power of two times it up to the largest",
       {1, 1000000, 1000000, {16, 128}, 42},
       1,
       run_footprint_exact,
       kFootprint},
  };
  return *rows;
}

}  // namespace hakctl
