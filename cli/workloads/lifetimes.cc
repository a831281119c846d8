// lifetimes.cc - many small objects: most die young, some later, a few live long.
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

// Written into the object itself: objects that die at the same step form a list.
struct Object {
  Object* next;
  uint32_t size;
  uint32_t mark;
};

uint32_t mark_of(const Object* object) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(object) >> 4) ^ (object->size * 0x9e3779b9u);
}

// A wheel of death days. Its length is the longest life.
class Wheel {
 public:
  explicit Wheel(uint64_t days) : days_(days, nullptr) {}
  void put(uint64_t day, Object* object) {
    Object** list = &days_[day % days_.size()];
    object->next = *list;
    *list = object;
  }
  // Frees all that dies on that day and counts it.
  uint64_t reap(Run& run, uint64_t day) {
    Object** list = &days_[day % days_.size()];
    uint64_t dead = 0;
    while (*list != nullptr) {
      Object* object = *list;
      if (object->mark != mark_of(object)) {
        run.fail_corrupt(object->size);
        *list = nullptr;  // its link cannot be trusted either
        break;
      }
      *list = object->next;
      free(object);
      ++dead;
    }
    return dead;
  }
  uint64_t days() const { return days_.size(); }

 private:
  std::vector<Object*> days_;
};

uint64_t life_of(Rng* rng, uint64_t longest) {
  uint64_t kind = rng->below(100);
  uint64_t bound = kind < 80 ? 16 : kind < 95 ? 1024 : longest - 1;
  if (bound > longest - 1) bound = longest - 1;
  return 1 + rng->below(bound);
}

uint64_t live_and_die(Run& run, Wheel* wheel, unsigned thread) {
  const Params& params = run.params();
  Rng rng(params.seed, thread);
  SizePicker sizes(params.size, SizePicker::kByPowersOfTwo);
  uint64_t operations = 0;
  for (uint64_t day = 0; day < params.iters && !run.failed(); ++day) {
    operations += wheel->reap(run, day);
    size_t size = sizes.pick(rng.next());
    Object* object = static_cast<Object*>(malloc(size));
    if (object == nullptr) {
      run.fail_allocation(size);
      break;
    }
    object->size = static_cast<uint32_t>(size);
    object->mark = mark_of(object);
    wheel->put(day + life_of(&rng, wheel->days()), object);
    ++operations;
  }
  return operations;
}

}  // namespace

void run_lifetimes(Run& run) {
  const Params& params = run.params();
  std::vector<Wheel> wheels(params.threads, Wheel(params.working_set + 2));
  Phases phases;
  phases.work = [&](unsigned i) { return live_and_die(run, &wheels[i], i); };
  phases.cleanup = [&](unsigned i) {
    for (uint64_t day = 0; day < wheels[i].days(); ++day) wheels[i].reap(run, day);
  };
  run.parallel(params.threads, phases);
}

}  // namespace hakctl
