// stress.cc - mixed sizes with migration: threads, more than there are cores, swap blocks through a shared table.
#include <atomic>
#include <memory>
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

constexpr size_t kShared = 1024;
constexpr size_t kHugeFactor = 64;  // one block in a thousand is this much larger

// Whoever receives the block knows only its address: it must say itself what it is.
struct Parcel {
  uint32_t size;
  uint32_t mark;
};

uint32_t mark_of(uint32_t size) { return size * 0x85ebca6bu ^ 0x5bd1e995u; }

Parcel* make_parcel(Run& run, size_t size) {
  Parcel* parcel = static_cast<Parcel*>(malloc(size));
  if (parcel == nullptr) {
    run.fail_allocation(size);
    return nullptr;
  }
  parcel->size = static_cast<uint32_t>(size);
  parcel->mark = mark_of(parcel->size);
  if (size > sizeof(Parcel)) reinterpret_cast<unsigned char*>(parcel)[size - 1] = static_cast<unsigned char>(size);
  return parcel;
}

void open_parcel(Run& run, Parcel* parcel) {
  if (parcel == nullptr) return;
  size_t size = parcel->size;
  bool sound = parcel->mark == mark_of(parcel->size);
  if (sound && size > sizeof(Parcel)) {
    sound = reinterpret_cast<unsigned char*>(parcel)[size - 1] == static_cast<unsigned char>(size);
  }
  if (!sound) {
    run.fail_corrupt(size);
    return;
  }
  free(parcel);
}

struct Shared {
  std::atomic<Parcel*> parcels[kShared];
};

uint64_t juggle(Run& run, Shared* shared, std::vector<Parcel*>* own, unsigned thread) {
  const Params& params = run.params();
  Rng rng(params.seed, thread);
  SizePicker sizes(params.size, SizePicker::kByPowersOfTwo);
  for (uint64_t n = 0; n < params.iters && !run.failed(); ++n) {
    uint64_t random = rng.next();
    Parcel** place = &(*own)[rng.below(own->size())];
    uint64_t dice = (random >> 8) & 1023;
    if (dice < 128) {
      *place = shared->parcels[rng.below(kShared)].exchange(*place, std::memory_order_acq_rel);
    } else if (*place != nullptr) {
      open_parcel(run, *place);
      *place = nullptr;
    } else {
      size_t size = sizes.pick(rng.next()) * (dice == 128 ? kHugeFactor : 1);
      *place = make_parcel(run, size);
    }
  }
  return params.iters;
}

}  // namespace

void run_stress(Run& run) {
  const Params& params = run.params();
  auto shared = std::make_unique<Shared>();
  for (auto& parcel : shared->parcels) parcel.store(nullptr, std::memory_order_relaxed);
  std::vector<std::vector<Parcel*>> tables(params.threads);
  Phases phases;
  phases.prepare = [&](unsigned i) { tables[i].resize(params.working_set); };
  phases.work = [&](unsigned i) { return juggle(run, shared.get(), &tables[i], i); };
  phases.cleanup = [&](unsigned i) {
    for (Parcel* parcel : tables[i]) open_parcel(run, parcel);
  };
  run.parallel(params.threads, phases);
  for (auto& parcel : shared->parcels) open_parcel(run, parcel.load(std::memory_order_relaxed));
}

}  // namespace hakctl
