// perf_counters.h - the counters that perf_event_open has on this machine, read over a stretch of a process.
//
// Purpose:      cycles, instructions, misses, and the software events, for one process and the threads that it starts.
// Owns:         the file descriptors of the events. The counters are rows of one table.
// Thread rule:  open() before the threads to be counted are started; all calls from one thread.
// Failure rule: a counter that the machine does not have stays absent and keeps the reason; nothing fails.
#ifndef HAK_CLI_PERF_COUNTERS_H
#define HAK_CLI_PERF_COUNTERS_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace hakctl {

struct CounterSpec {
  const char* name;
  const char* unit;
  uint32_t type;    // PERF_TYPE_*
  uint64_t config;  // PERF_COUNT_*
  bool hardware;
};

constexpr size_t kCounters = 6;
extern const CounterSpec kCounterTable[kCounters];

// Plain data: it travels through a pipe.
struct CounterReading {
  bool present;
  int error;  // errno of the attempt when not present
  double value;
};

class CounterSet {
 public:
  CounterSet();
  ~CounterSet();
  CounterSet(const CounterSet&) = delete;
  CounterSet& operator=(const CounterSet&) = delete;

  void start();
  void stop();
  CounterReading read(size_t counter) const;

 private:
  int descriptors_[kCounters];
  int errors_[kCounters];
};

// Why a counter is absent, for people: "this machine (virtual, most likely) has no hardware counters".
std::string explain_absence(const CounterSpec& spec, int error);

}  // namespace hakctl

#endif  // HAK_CLI_PERF_COUNTERS_H
