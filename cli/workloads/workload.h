// workload.h - what a workload is: a row of one table, a function over a Run.
//
// Purpose:      the loads that `bench`, `compare` and `dump` put on an allocator, each explained and self-checking.
// Owns:         the table, the threads of a run, the clock around the timed part.
// Thread rule:  one Run at a time is driven from one thread; the functions given to Run::parallel run on its workers.
// Failure rule: a corrupted block, or one that could not be had, ends the run with Outcome::error set; nothing throws.
#ifndef HAK_CLI_WORKLOADS_WORKLOAD_H
#define HAK_CLI_WORKLOADS_WORKLOAD_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace hakctl {

struct SizeRange {
  size_t min = 0;
  size_t max = 0;
};

struct Params {
  unsigned threads = 1;
  uint64_t iters = 0;        // per thread
  uint64_t working_set = 0;  // live blocks (or objects) per thread
  SizeRange size;
  uint64_t seed = 42;
  double idle_seconds = 2;  // before a footprint workload looks at its memory again
};

// A figure that only one workload knows, such as the time of a walk.
struct Note {
  char name[32];
  char unit[16];
  double value;
};

// Plain data: it travels through a pipe from the process that ran the workload.
struct Outcome {
  uint64_t operations;
  double seconds;    // from the first worker that starts to the last that ends
  unsigned threads;  // those that really ran: some workloads round the number up
  unsigned notes;
  Note note[8];
  char error[160];  // empty when every block was sound
};

// Told where the timed part begins and ends. At its end every worker stands still with its blocks in hand.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void begin() {}
  virtual void end_with_blocks_live() {}
};

// What each worker does, by its number. Only `work` is timed; it returns how many operations it did.
struct Phases {
  std::function<void(unsigned)> prepare;
  std::function<uint64_t(unsigned)> work;
  std::function<void(unsigned)> cleanup;
};

class Run {
 public:
  Run(const Params& params, Observer* observer) : params_(params), observer_(observer), outcome_() {}

  const Params& params() const { return params_; }

  // One thread is the caller's own, as in a program without threads; more are started for the purpose.
  void parallel(unsigned threads, const Phases& phases);

  // After parallel(), for a workload whose work starts the threads itself.
  void count_own_threads(unsigned threads) { outcome_.threads = threads; }

  void note(const char* name, const char* unit, double value);
  // The first failure is kept. Workers look at failed() now and then and leave early.
  void fail(const std::string& why);
  void fail_allocation(size_t bytes);
  void fail_corrupt(size_t bytes);
  bool failed() const { return failed_.load(std::memory_order_relaxed); }

  Outcome outcome() const { return outcome_; }

 private:
  void parallel_alone(const Phases& phases);
  void parallel_team(unsigned threads, const Phases& phases);

  Params params_;
  Observer* observer_;
  Outcome outcome_;
  std::mutex failure_lock_;
  std::atomic<bool> failed_{false};
};

// What a workload is there to show.
enum Family { kSpeed, kFootprint };

struct Workload {
  const char* name;
  const char* operation;    // what one operation is
  const char* explanation;  // one sentence for --list
  Params defaults;          // the table says 0 threads for twice the cores
  size_t min_size;          // smaller blocks cannot hold what the workload writes
  void (*run)(Run& run);
  Family family = kSpeed;
};

const std::vector<Workload>& workloads();
const Workload* find_workload(const std::string& name);

// Runs it and returns the outcome; observer may be null.
Outcome run_workload(const Workload& workload, const Params& params, Observer* observer);

double monotonic_seconds();

}  // namespace hakctl

#endif  // HAK_CLI_WORKLOADS_WORKLOAD_H
