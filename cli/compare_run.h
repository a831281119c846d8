// compare_run.h - a load (a workload, or any command) under several allocators in interleaved rounds.
#ifndef HAK_CLI_COMPARE_RUN_H
#define HAK_CLI_COMPARE_RUN_H

#include <string>
#include <vector>

#include "cli/allocators.h"
#include "cli/plan.h"
#include "cli/stats.h"

namespace hakctl {

// What is run: hakload with a workload's figures, or the user's command.
struct Load {
  std::string label;
  std::vector<std::string> command;
  bool reports_seconds = false;  // hakload times its own work; a command is timed from outside
};

struct Sample {
  double seconds;
  double cpu_seconds;
  double peak_bytes;
  double minor_faults;
  double major_faults;
  std::vector<Note> notes = {};  // what only this workload knows; of every allocator the same ones
};

struct Contender {
  Allocator allocator;
  std::vector<Sample> samples;  // one a round
};

struct Comparison {
  Load load;
  std::vector<Contender> contenders;
};

Load load_of_workload(const PlannedRun& planned);
Load load_of_command(const std::vector<std::string>& command);

// One turn each that is not counted, then the rounds: A B C A B C ...
// Throws RunError when a run fails, or ends with another status than under the other allocators.
Comparison compare(const Load& load, const std::vector<Allocator>& allocators, unsigned rounds, Progress* progress);

// The medians over the rounds; empty for a load without notes.
std::vector<Note> notes_of(const Contender& contender);

std::vector<double> values_of(const Contender& contender, double Sample::*field);

// Of one field, round by round against the baseline, so that what slows a whole round down cancels out.
Summary ratio_to(const Contender& contender, const Contender& baseline, double Sample::*field);

// The place of the contender with that name; of the fastest one when the name is "best".
size_t find_baseline(const Comparison& comparison, const std::string& name);

}  // namespace hakctl

#endif  // HAK_CLI_COMPARE_RUN_H
