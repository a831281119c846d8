// measure.h - one workload, run once in a process of its own, and everything that was seen of it.
//
// Purpose:      figures that do not depend on what ran before: each run forks, so that its peak memory is its own.
// Owns:         the child process, until it is waited for. The figures are rows of one table, metrics().
// Thread rule:  one thread, and no other thread in this process: the child goes on from here.
// Failure rule: a corrupted block or a crash in the child throws RunError with the workload's name.
#ifndef HAK_CLI_MEASURE_H
#define HAK_CLI_MEASURE_H

#include <optional>
#include <string>
#include <vector>

#include "cli/perf_counters.h"
#include "cli/workloads/workload.h"

namespace hakctl {

// All of it covers the timed part alone, but for the peak memory, which includes what was there before.
struct Measurement {
  Outcome outcome;
  double peak_bytes;
  double minor_faults;
  double major_faults;
  double context_switches;
  double cpu_seconds;
  CounterReading counters[kCounters];
};

struct Metric {
  const char* key;     // in JSON and CSV
  const char* header;  // in the table
  const char* unit;
  double (*value)(const Measurement& m);
};

const std::vector<Metric>& metrics();

Measurement measure(const Workload& workload, const Params& params);

}  // namespace hakctl

#endif  // HAK_CLI_MEASURE_H
