// locality.cc - a list is walked that was built after heavy churn, and one that was built in a fresh heap.
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

struct Link {
  Link* next;
  uint64_t number;
};

struct Thread {
  Link* list = nullptr;
  double fresh_seconds = 0;
  double churned_seconds = 0;
  uint64_t nodes_walked = 0;
};

Link* build_list(Run& run, uint64_t nodes, Rng* rng, const SizePicker& sizes) {
  Link* list = nullptr;
  for (uint64_t i = 0; i < nodes; ++i) {
    size_t size = sizes.pick(rng->next());
    Link* link = static_cast<Link*>(malloc(size));
    if (link == nullptr) {
      run.fail_allocation(size);
      return list;
    }
    link->next = list;
    link->number = i;
    list = link;
  }
  return list;
}

void free_list(Link* list) {
  while (list != nullptr) {
    Link* next = list->next;
    free(list);
    list = next;
  }
}

void walk_once(Run& run, const Link* list) {
  uint64_t nodes = run.params().working_set;
  uint64_t sum = 0;
  for (const Link* link = list; link != nullptr; link = link->next) sum += link->number;
  if (sum != nodes * (nodes - 1) / 2) run.fail_corrupt(run.params().size.max);
}

// Walks the list as often as the iterations allow; the numbers on it must add up.
double walk(Run& run, const Link* list, uint64_t* walked) {
  uint64_t nodes = run.params().working_set;
  double begin = monotonic_seconds();
  for (*walked = 0; *walked < run.params().iters && !run.failed(); *walked += nodes) walk_once(run, list);
  return monotonic_seconds() - begin;
}

// Leaves the heap as a long run does: full of holes, with the free blocks in no order.
void churn(Run& run, Rng* rng, const SizePicker& sizes) {
  std::vector<Block> slots(2 * run.params().working_set);
  for (uint64_t n = 0; n < 8 * slots.size() && !run.failed(); ++n) {
    Block* slot = &slots[rng->below(slots.size())];
    uint64_t random = rng->next();
    if (slot->bytes != nullptr) {
      if (!slot->give_back()) run.fail_corrupt(slot->size);
    } else if (!slot->take(sizes.pick(random), random)) {
      run.fail_allocation(run.params().size.max);
    }
  }
  for (size_t i = slots.size(); i > 1; --i) std::swap(slots[i - 1], slots[rng->below(i)]);
  for (Block& slot : slots) {
    if (slot.bytes != nullptr && !slot.give_back()) run.fail_corrupt(slot.size);
  }
}

void prepare(Run& run, Thread* thread, unsigned index) {
  Rng rng(run.params().seed, index);
  SizePicker sizes(run.params().size, SizePicker::kUniform);
  thread->list = build_list(run, run.params().working_set, &rng, sizes);
  walk_once(run, thread->list);
  thread->fresh_seconds = walk(run, thread->list, &thread->nodes_walked);
  free_list(thread->list);
  churn(run, &rng, sizes);
  thread->list = build_list(run, run.params().working_set, &rng, sizes);
  walk_once(run, thread->list);
}

}  // namespace

void run_locality(Run& run) {
  const Params& params = run.params();
  std::vector<Thread> threads(params.threads);
  Phases phases;
  phases.prepare = [&](unsigned i) { prepare(run, &threads[i], i); };
  phases.work = [&](unsigned i) {
    threads[i].churned_seconds = walk(run, threads[i].list, &threads[i].nodes_walked);
    return threads[i].nodes_walked;
  };
  phases.cleanup = [&](unsigned i) { free_list(threads[i].list); };
  run.parallel(params.threads, phases);

  double fresh = 0;
  double churned = 0;
  uint64_t nodes = 0;
  for (const Thread& thread : threads) {
    fresh += thread.fresh_seconds;
    churned += thread.churned_seconds;
    nodes += thread.nodes_walked;
  }
  if (nodes == 0 || run.failed()) return;
  run.note("walk_fresh", "ns/node", fresh * 1e9 / static_cast<double>(nodes));
  run.note("walk_churned", "ns/node", churned * 1e9 / static_cast<double>(nodes));
  run.note("churned_to_fresh", "ratio", churned / fresh);
}

}  // namespace hakctl
