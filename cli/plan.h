// plan.h - which workloads a command line names, and with which figures each of them runs.
#ifndef HAK_CLI_PLAN_H
#define HAK_CLI_PLAN_H

#include <ostream>
#include <string>
#include <vector>

#include "cli/options.h"

namespace hakctl {

struct PlannedRun {
  const Workload* workload;
  Params params;
};

// The named workloads ("all" for every one, `preset` when none is named), once for each number of threads.
// Throws UsageError for an unknown name, and for sizes that a workload cannot use.
std::vector<PlannedRun> plan_runs(const Options& options, const std::string& preset);

// --list: each workload with its operation and defaults.
void write_workload_list(std::ostream& out);

// A line that is written over while work goes on; nothing unless stderr is a terminal.
class Progress {
 public:
  Progress();
  ~Progress();
  void show(const std::string& text);

 private:
  bool terminal_;
  bool shown_ = false;
};

}  // namespace hakctl

#endif  // HAK_CLI_PLAN_H
