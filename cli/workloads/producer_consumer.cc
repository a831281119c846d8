// producer_consumer.cc - pairs of threads: one only allocates, the other only frees.
#include <array>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"
#include "cli/workloads/footprint.h"

namespace hakctl {

namespace {

struct Batch {
  std::array<Block, 64> blocks;
  size_t count = 0;
};

// A bounded queue in which whole batches change hands, so that its lock is not what is measured. It lives in an array:
// the queue itself allocates nothing.
class Channel {
 public:
  void send(const Batch& batch) {
    std::unique_lock<std::mutex> hold(lock_);
    changed_.wait(hold, [&] { return filled_ < ring_.size(); });
    ring_[(first_ + filled_++) % ring_.size()] = batch;
    changed_.notify_one();
  }
  Batch receive() {
    std::unique_lock<std::mutex> hold(lock_);
    changed_.wait(hold, [&] { return filled_ > 0; });
    Batch batch = ring_[first_];
    first_ = (first_ + 1) % ring_.size();
    --filled_;
    changed_.notify_one();
    return batch;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::array<Batch, 16> ring_;
  size_t first_ = 0;
  size_t filled_ = 0;
};

struct Pair {
  Channel channel;
  std::vector<Block> held;  // received, not yet freed: a ring as long as the working set
  size_t oldest = 0;
};

// The meter may be null.
uint64_t produce(Run& run, Channel* channel, unsigned seed_index, FootprintMeter* meter) {
  const Params& params = run.params();
  Rng rng(params.seed, seed_index);
  SizePicker sizes(params.size, SizePicker::kUniform);
  uint64_t made = 0;
  while (made < params.iters) {
    Batch batch;
    while (batch.count < batch.blocks.size() && made < params.iters) {
      uint64_t random = rng.next();
      size_t size = sizes.pick(random);
      if (!batch.blocks[batch.count].take(size, random)) {
        run.fail_allocation(size);
        break;
      }
      ++batch.count;
      ++made;
    }
    channel->send(batch);
    if (run.failed()) break;
    if (meter != nullptr && made >= params.iters / kEarly) {
      meter->note_early();
      meter = nullptr;
    }
  }
  channel->send(Batch());  // an empty batch is the end
  return made;
}

uint64_t consume(Run& run, Pair* pair) {
  uint64_t freed = 0;
  for (;;) {
    Batch batch = pair->channel.receive();
    if (batch.count == 0) return freed;
    for (size_t i = 0; i < batch.count; ++i) {
      Block* place = &pair->held[pair->oldest];
      pair->oldest = pair->oldest + 1 == pair->held.size() ? 0 : pair->oldest + 1;
      if (place->bytes != nullptr) {
        if (!place->give_back()) run.fail_corrupt(place->size);
        ++freed;
      }
      *place = batch.blocks[i];
    }
  }
}

std::vector<Pair> pairs_for(const Params& params) {
  std::vector<Pair> pairs((params.threads + 1) / 2);
  for (Pair& pair : pairs) pair.held.resize(params.working_set);
  return pairs;
}

void run_pairs(Run& run, std::vector<Pair>* pairs, FootprintMeter* meter) {
  Phases phases;
  phases.work = [&](unsigned i) -> uint64_t {
    Pair* pair = &(*pairs)[i / 2];
    return i % 2 == 0 ? produce(run, &pair->channel, i, i == 0 ? meter : nullptr) : consume(run, pair);
  };
  phases.cleanup = [&](unsigned i) {
    if (i % 2 == 0) return;
    for (Block& block : (*pairs)[i / 2].held) {
      if (block.bytes != nullptr && !block.give_back()) run.fail_corrupt(block.size);
    }
  };
  run.parallel(2 * static_cast<unsigned>(pairs->size()), phases);
}

}  // namespace

void run_producer_consumer(Run& run) {
  std::vector<Pair> pairs = pairs_for(run.params());
  run_pairs(run, &pairs, nullptr);
}

void run_footprint_handover(Run& run) {
  std::vector<Pair> pairs = pairs_for(run.params());
  FootprintMeter meter;
  run_pairs(run, &pairs, &meter);
  uint64_t requested = 0;
  for (const Pair& pair : pairs) {
    for (const Block& block : pair.held) requested += block.size;
  }
  meter.finish(run, requested);
}

}  // namespace hakctl
