// run.cc - the threads and the clock of a workload run.
#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <system_error>
#include <thread>

#include "cli/workloads/workload.h"

namespace hakctl {

namespace {

struct Span {
  double begin = 0;
  double end = 0;
  uint64_t operations = 0;
};

// Workers prepare, wait for the start, work, stand still with their blocks in hand, then clean up.
class Team {
 public:
  Team(unsigned threads, const Phases& phases) : phases_(phases), spans_(threads) {}

  void worker(unsigned i) {
    if (phases_.prepare) phases_.prepare(i);
    if (!arrive_and_wait(&ready_, &started_)) return;
    Span span;
    span.begin = monotonic_seconds();
    span.operations = phases_.work(i);
    span.end = monotonic_seconds();
    spans_[i] = span;
    if (!arrive_and_wait(&done_, &released_)) return;
    if (phases_.cleanup) phases_.cleanup(i);
  }
  void wait_for(const unsigned& count, unsigned wanted) {
    std::unique_lock<std::mutex> hold(lock_);
    changed_.wait(hold, [&] { return count >= wanted; });
  }
  void open(bool* gate) {
    std::lock_guard<std::mutex> hold(lock_);
    *gate = true;
    changed_.notify_all();
  }

  const Phases& phases_;
  std::vector<Span> spans_;
  unsigned ready_ = 0;
  unsigned done_ = 0;
  bool started_ = false;
  bool released_ = false;
  bool called_off_ = false;  // a thread could not be started: the others go home

 private:
  bool arrive_and_wait(unsigned* count, const bool* gate) {
    std::unique_lock<std::mutex> hold(lock_);
    ++*count;
    changed_.notify_all();
    changed_.wait(hold, [&] { return *gate || called_off_; });
    return !called_off_;
  }
  std::mutex lock_;
  std::condition_variable changed_;
};

}  // namespace

double monotonic_seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void Run::parallel(unsigned threads, const Phases& phases) {
  outcome_.threads = threads;
  if (threads == 1) {
    parallel_alone(phases);
  } else {
    parallel_team(threads, phases);
  }
}

void Run::parallel_alone(const Phases& phases) {
  if (phases.prepare) phases.prepare(0);
  if (observer_ != nullptr) observer_->begin();
  double begin = monotonic_seconds();
  outcome_.operations = phases.work(0);
  outcome_.seconds = monotonic_seconds() - begin;
  if (observer_ != nullptr) observer_->end_with_blocks_live();
  if (phases.cleanup) phases.cleanup(0);
}

void Run::parallel_team(unsigned threads, const Phases& phases) {
  Team team(threads, phases);
  std::vector<std::thread> handles;
  handles.reserve(threads);
  try {
    for (unsigned i = 0; i < threads; ++i) handles.emplace_back([&team, i] { team.worker(i); });
  } catch (const std::system_error& error) {
    fail(std::string("a thread could not be started: ") + error.what());
    team.open(&team.called_off_);
    for (std::thread& handle : handles) handle.join();
    return;
  }
  team.wait_for(team.ready_, threads);
  if (observer_ != nullptr) observer_->begin();
  team.open(&team.started_);
  team.wait_for(team.done_, threads);
  if (observer_ != nullptr) observer_->end_with_blocks_live();
  team.open(&team.released_);
  for (std::thread& handle : handles) handle.join();

  double begin = team.spans_[0].begin;
  double end = team.spans_[0].end;
  outcome_.operations = 0;
  for (const Span& span : team.spans_) {
    begin = std::min(begin, span.begin);
    end = std::max(end, span.end);
    outcome_.operations += span.operations;
  }
  outcome_.seconds = end - begin;
}

void Run::note(const char* name, const char* unit, double value) {
  if (outcome_.notes == sizeof(outcome_.note) / sizeof(outcome_.note[0])) return;
  Note& note = outcome_.note[outcome_.notes++];
  snprintf(note.name, sizeof(note.name), "%s", name);
  snprintf(note.unit, sizeof(note.unit), "%s", unit);
  note.value = value;
}

void Run::fail(const std::string& why) {
  std::lock_guard<std::mutex> hold(failure_lock_);
  if (failed()) return;
  snprintf(outcome_.error, sizeof(outcome_.error), "%s", why.c_str());
  failed_.store(true, std::memory_order_relaxed);
}

void Run::fail_allocation(size_t bytes) { fail("no memory for a block of " + std::to_string(bytes) + " bytes"); }

void Run::fail_corrupt(size_t bytes) {
  fail("a block of " + std::to_string(bytes) + " bytes no longer holds what was written to it");
}

Outcome run_workload(const Workload& workload, const Params& params, Observer* observer) {
  Run run(params, observer);
  workload.run(run);
  return run.outcome();
}

}  // namespace hakctl
