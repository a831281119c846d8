// registry.cc - the table of workloads. A new workload is a row here and a function in a file of its own; those that
// report memory are rows of footprint.cc.
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "cli/workloads/bodies.h"
#include "cli/workloads/footprint.h"

namespace hakctl {

namespace {

constexpr uint64_t kSeed = 42;
constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;

// name, what an operation is, explanation, {threads, iters, working set, sizes, seed}, smallest block, function
const Workload kTable[] = {
    {"mixed",
     "a malloc, calloc, realloc or free",
     "random slots are freed when occupied, else filled; every power of two as likely as the next",
     {1, 1000000, 1000, {16, 32 * kKiB}, kSeed},
     1,
     run_mixed},
    {"tiny",
     "a malloc or free",
     "the same over small blocks of evenly spread sizes, without calloc and realloc",
     {1, 2000000, 1000, {16, 1 * kKiB}, kSeed},
     1,
     run_tiny},
    {"mid_large_mt",
     "a malloc or free",
     "the historic one: 8 to 52 KiB in a working set of slots for each thread, first and last byte touched",
     {1, 1000000, 256, {8 * kKiB, 52 * kKiB}, kSeed},
     1,
     run_mid_large_mt},
    {"buffers",
     "a malloc or free",
     "the same from 64 to 256 KiB, as programs take them for what they read and write",
     {1, 500000, 200, {64 * kKiB + 1, 256 * kKiB}, kSeed},
     1,
     run_mid_large_mt},
    {"replace",
     "a block freed and another allocated",
     "random slots of blocks of one size, all full: each block that is freed is asked for again at once",
     {1, 2000000, 1000, {4 * kKiB, 4 * kKiB}, kSeed},
     1,
     run_replace},
    {"larson",
     "a malloc or free",
     "a server: threads end and start, each replaces random blocks that other threads allocated",
     {2, 500000, 5000, {16, 512}, kSeed},
     1,
     run_larson},
    {"producer_consumer",
     "a malloc or free",
     "pairs of threads: one only allocates, the other only frees (an odd number is rounded up)",
     {2, 1000000, 1000, {16, 512}, kSeed},
     1,
     run_producer_consumer},
    {"exchange",
     "a malloc or free",
     "threads fill batches of blocks, leave them for anybody, and free those that others left",
     {2, 4000000, 128, {16, 512}, kSeed},
     1,
     run_exchange},
    {"lifetimes",
     "a malloc or free",
     "many small objects: 80 in 100 die within 16 steps, 15 within 1024, 5 live up to the working set's length",
     {1, 1000000, 100000, {16, 512}, kSeed},
     16,
     run_lifetimes},
    {"tree",
     "a node built, walked and freed",
     "balanced binary trees are built, walked and taken down, with the newest one standing",
     {1, 1000000, 50000, {32, 64}, kSeed},
     24,
     run_tree},
    {"strings",
     "an append",
     "lines grow word by word, replace older lines, and live for a while",
     {1, 1000000, 2000, {16, 2 * kKiB}, kSeed},
     1,
     run_strings},
    {"cache",
     "a lookup",
     "a cache with random replacement: three lookups in four miss and replace an entry",
     {1, 1000000, 20000, {16, 4 * kKiB}, kSeed},
     1,
     run_cache},
    {"vectors",
     "a growth by half",
     "vectors grow through realloc and are filled; the size says where they stop and start anew",
     {1, 20000, 64, {16, 4 * kMiB}, kSeed},
     1,
     run_vectors},
    {"large",
     "a malloc or free",
     "large blocks in random order, first and last byte touched",
     {1, 50000, 32, {4 * kKiB, 25 * kMiB}, kSeed},
     1,
     run_large},
    {"stress",
     "a malloc, free or swap",
     "more threads than cores with mixed sizes; one step in eight swaps a block through a table shared by all",
     {0, 500000, 500, {16, 4 * kKiB}, kSeed},
     16,
     run_stress},
    {"false_sharing",
     "a write of two bytes",
     "each thread frees a block that lies beside another thread's, takes a new one, and writes to it 256 times",
     {2, 10000000, 64, {8, 8}, kSeed},
     1,
     run_false_sharing},
    {"locality",
     "a node visited",
     "a list built after heavy churn is walked; the notes compare it with a list built in a fresh heap",
     {1, 5000000, 200000, {32, 64}, kSeed},
     16,
     run_locality},
};

unsigned twice_the_cores() {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores > 0 ? 2 * static_cast<unsigned>(cores) : 2;
}

}  // namespace

const std::vector<Workload>& workloads() {
  static const std::vector<Workload>* table = [] {
    auto* rows = new std::vector<Workload>(std::begin(kTable), std::end(kTable));
    rows->insert(rows->end(), footprint_workloads().begin(), footprint_workloads().end());
    for (Workload& row : *rows) {
      if (row.defaults.threads == 0) row.defaults.threads = std::max(4u, twice_the_cores());
    }
    return rows;
  }();
  return *table;
}

const Workload* find_workload(const std::string& name) {
  for (const Workload& workload : workloads()) {
    if (name == workload.name) return &workload;
  }
  return nullptr;
}

}  // namespace hakctl
