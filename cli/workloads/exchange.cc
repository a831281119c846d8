// exchange.cc - batches of blocks change hands: each thread fills one, leaves it for anybody, and frees another's.
#include <array>
#include <atomic>
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

using Batch = std::vector<Block>;

// Where batches wait. Who takes one leaves one: there are as many as places and threads.
struct Counter {
  std::array<std::atomic<Batch*>, 8> places;
};

uint64_t fill(Run& run, Batch* batch, const SizePicker& sizes, Rng* rng) {
  uint64_t made = 0;
  for (Block& block : *batch) {
    uint64_t random = rng->next();
    size_t size = sizes.pick(random);
    if (!block.take(size, random)) {
      run.fail_allocation(size);
      break;
    }
    ++made;
  }
  return made;
}

uint64_t empty(Run& run, Batch* batch) {
  uint64_t freed = 0;
  for (Block& block : *batch) {
    if (block.bytes == nullptr) continue;
    if (!block.give_back()) run.fail_corrupt(block.size);
    ++freed;
  }
  return freed;
}

uint64_t trade(Run& run, Counter* counter, Batch** in_hand, unsigned thread) {
  const Params& params = run.params();
  Rng rng(params.seed, thread);
  SizePicker sizes(params.size, SizePicker::kUniform);
  uint64_t steps = 0;
  while (steps < params.iters && !run.failed()) {
    steps += fill(run, *in_hand, sizes, &rng);
    std::atomic<Batch*>& place = counter->places[rng.below(counter->places.size())];
    *in_hand = place.exchange(*in_hand, std::memory_order_acq_rel);
    steps += empty(run, *in_hand);
  }
  return steps;
}

}  // namespace

void run_exchange(Run& run) {
  const Params& params = run.params();
  Counter counter;
  std::vector<Batch> batches(counter.places.size() + params.threads, Batch(params.working_set));
  std::vector<Batch*> in_hand;
  for (unsigned i = 0; i < params.threads; i++) in_hand.push_back(&batches[i]);
  for (size_t i = 0; i < counter.places.size(); i++) counter.places[i] = &batches[params.threads + i];
  Phases phases;
  phases.work = [&](unsigned i) { return trade(run, &counter, &in_hand[i], i); };
  run.parallel(params.threads, phases);
  for (Batch& batch : batches) empty(run, &batch);
}

}  // namespace hakctl
