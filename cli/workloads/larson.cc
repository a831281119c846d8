// larson.cc - a server: threads end and start, and each frees what another allocated.
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

using Table = std::vector<Block>;

// Tables that wait for their next thread. The oldest goes first, so that tables wander between the lanes.
class Shelf {
 public:
  void put(Table table) {
    std::lock_guard<std::mutex> hold(lock_);
    tables_.push_back(std::move(table));
  }
  Table take() {
    std::lock_guard<std::mutex> hold(lock_);
    Table table = std::move(tables_.front());
    tables_.erase(tables_.begin());
    return table;
  }
  std::vector<Table>& tables() { return tables_; }

 private:
  std::mutex lock_;
  std::vector<Table> tables_;
};

// One thread's life: replace random blocks of the table that it was given, then leave the table to others.
void serve(Run& run, Shelf* shelf, unsigned lane, uint64_t round, uint64_t replacements) {
  const Params& params = run.params();
  Rng rng(params.seed + round, lane);
  SizePicker sizes(params.size, SizePicker::kUniform);
  Table table = shelf->take();
  for (uint64_t n = 0; n < replacements && !run.failed(); ++n) {
    Block* slot = &table[rng.below(params.working_set)];
    if (slot->bytes != nullptr && !slot->give_back()) run.fail_corrupt(slot->size);
    uint64_t random = rng.next();
    size_t size = sizes.pick(random);
    if (!slot->take(size, random)) run.fail_allocation(size);
  }
  shelf->put(std::move(table));
}

uint64_t run_lane(Run& run, Shelf* shelf, unsigned lane) {
  const Params& params = run.params();
  // Twice the working set a life: most of what a thread frees came from others, and threads change often.
  uint64_t left = params.iters;
  uint64_t round = 0;
  std::thread former;
  try {
    while (left > 0 && !run.failed()) {
      uint64_t replacements = std::min<uint64_t>(left, 2 * params.working_set);
      std::thread next([&run, shelf, lane, round, replacements] { serve(run, shelf, lane, round, replacements); });
      if (former.joinable()) former.join();
      former = std::move(next);
      left -= replacements;
      ++round;
    }
  } catch (const std::system_error& error) {
    run.fail(std::string("a thread could not be started: ") + error.what());
  }
  if (former.joinable()) former.join();
  return 2 * (params.iters - left);
}

}  // namespace

void run_larson(Run& run) {
  const Params& params = run.params();
  Shelf shelf;
  // A lane's new thread starts while its former one ends: each lane needs a second table.
  for (unsigned i = 0; i < 2 * params.threads; ++i) shelf.put(Table(params.working_set));
  Phases phases;
  phases.work = [&](unsigned lane) { return run_lane(run, &shelf, lane); };
  run.parallel(params.threads, phases);
  for (Table& table : shelf.tables()) {
    for (Block& slot : table) {
      if (slot.bytes != nullptr && !slot.give_back()) run.fail_corrupt(slot.size);
    }
  }
}

}  // namespace hakctl
