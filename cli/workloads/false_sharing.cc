// false_sharing.cc - each thread writes to blocks of its own; blocks on one cache line make the threads slow.
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

constexpr uint64_t kWrites = 256;  // to each block before it is replaced

// Volatile: the writes themselves are what is timed.
bool write_often(volatile unsigned char* bytes, size_t size) {
  unsigned char last = 0;
  for (uint64_t i = 0; i < kWrites; ++i) {
    last = static_cast<unsigned char>(bytes[0] + 1);
    bytes[0] = last;
    bytes[size - 1] = last;
  }
  return bytes[0] == last && bytes[size - 1] == last;
}

uint64_t scratch(Run& run, std::vector<unsigned char*>* handed, unsigned thread) {
  const Params& params = run.params();
  Rng rng(params.seed, thread);
  SizePicker sizes(params.size, SizePicker::kUniform);
  uint64_t writes = 0;
  // The handed blocks lie side by side, one for each thread. Freeing one must not make this thread's next block its
  // neighbour again.
  while (writes < params.iters && !run.failed()) {
    for (unsigned char*& block : *handed) {
      size_t size = sizes.pick(rng.next());
      free(block);
      block = static_cast<unsigned char*>(malloc(size));
      if (block == nullptr) {
        run.fail_allocation(size);
        return writes;
      }
      block[0] = 0;
      if (!write_often(block, size)) run.fail_corrupt(size);
      writes += kWrites;
    }
  }
  return writes;
}

}  // namespace

void run_false_sharing(Run& run) {
  const Params& params = run.params();
  std::vector<std::vector<unsigned char*>> handed(params.threads);
  for (uint64_t n = 0; n < params.working_set; ++n) {
    for (auto& blocks : handed) blocks.push_back(static_cast<unsigned char*>(malloc(params.size.min)));
  }
  Phases phases;
  phases.work = [&](unsigned i) { return scratch(run, &handed[i], i); };
  phases.cleanup = [&](unsigned i) {
    for (unsigned char* block : handed[i]) free(block);
  };
  run.parallel(params.threads, phases);
}

}  // namespace hakctl
