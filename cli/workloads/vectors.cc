// vectors.cc - vectors grow by half through realloc, are filled as they grow, and start anew when they are full.
#include <cstring>
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

struct Vector {
  unsigned char* bytes = nullptr;
  size_t size = 0;
  size_t limit = 0;  // where this one stops growing
  unsigned char fill = 0;

  // What realloc must have kept: the first, the middle and the last byte written.
  bool intact() const { return size == 0 || (bytes[0] == fill && bytes[size / 2] == fill && bytes[size - 1] == fill); }
};

bool grow(Run& run, Vector* vector, size_t smallest) {
  size_t size = vector->size == 0 ? smallest : std::min(vector->size + vector->size / 2 + 1, vector->limit);
  unsigned char* bytes = static_cast<unsigned char*>(realloc(vector->bytes, size));
  if (bytes == nullptr) {
    run.fail_allocation(size);
    return false;
  }
  vector->bytes = bytes;
  if (!vector->intact()) run.fail_corrupt(vector->size);
  memset(bytes + vector->size, vector->fill, size - vector->size);
  vector->size = size;
  return true;
}

void start_anew(Vector* vector, size_t limit, uint64_t random) {
  free(vector->bytes);
  *vector = Vector();
  vector->limit = limit;
  vector->fill = static_cast<unsigned char>(random);
}

uint64_t push(Run& run, std::vector<Vector>* vectors, unsigned thread) {
  const Params& params = run.params();
  Rng rng(params.seed, thread);
  SizePicker limits(params.size, SizePicker::kByPowersOfTwo);
  for (uint64_t n = 0; n < params.iters && !run.failed(); ++n) {
    Vector* vector = &(*vectors)[rng.below(vectors->size())];
    if (vector->size == vector->limit) {
      uint64_t random = rng.next();
      start_anew(vector, limits.pick(random), random);
    }
    if (!grow(run, vector, params.size.min)) return n;
  }
  return params.iters;
}

}  // namespace

void run_vectors(Run& run) {
  const Params& params = run.params();
  std::vector<std::vector<Vector>> tables(params.threads);
  Phases phases;
  phases.prepare = [&](unsigned i) { tables[i].resize(params.working_set); };
  phases.work = [&](unsigned i) { return push(run, &tables[i], i); };
  phases.cleanup = [&](unsigned i) {
    for (Vector& vector : tables[i]) {
      if (!vector.intact()) run.fail_corrupt(vector.size);
      free(vector.bytes);
    }
  };
  run.parallel(params.threads, phases);
}

}  // namespace hakctl
