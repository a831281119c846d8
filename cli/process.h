// process.h - other programs, run with a changed environment: their output, exit and resource use.
//
// Purpose:      the only place of the tool that starts programs.
// Owns:         nothing after it returns; a child is always waited for.
// Thread rule:  one thread.
// Failure rule: a program that cannot be started has exit status 127, as in a shell; what it said is in `errors`.
#ifndef HAK_CLI_PROCESS_H
#define HAK_CLI_PROCESS_H

#include <string>
#include <utility>
#include <vector>

namespace hakctl {

using Environment = std::vector<std::pair<std::string, std::string>>;  // added to our own; an empty value takes it out

struct ProcessResult {
  int exit_status = 0;  // 128 + signal for one that a signal ended
  std::string output;
  std::string errors;
  double wall_seconds = 0;
  double cpu_seconds = 0;
  double peak_bytes = 0;
  double minor_faults = 0;
  double major_faults = 0;
  double context_switches = 0;
};

// Runs a program (looked up in PATH) to its end, with nothing to read, and keeps what it writes.
ProcessResult run_captured(const std::vector<std::string>& command, const Environment& environment);

// The same for a program that may hang or crash: it leaves no core file, and after that many seconds it and what it has
// started are killed.
ProcessResult run_limited(const std::vector<std::string>& command, const Environment& environment, unsigned seconds);

// As run_captured, with its output thrown away and its errors kept: for programs that are timed.
ProcessResult run_silently(const std::vector<std::string>& command, const Environment& environment);

// Replaces this program; returns only when that fails.
void replace_program(const std::vector<std::string>& command, const Environment& environment);

// Runs a program that writes to our own streams.
int run_visibly(const std::vector<std::string>& command, const Environment& environment);

// The program's path as PATH gives it; "" when there is none.
std::string find_program(const std::string& name);

}  // namespace hakctl

#endif  // HAK_CLI_PROCESS_H
