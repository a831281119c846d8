// command.h - what a command is: a row of the table in commands.cc.
#ifndef HAK_CLI_COMMAND_H
#define HAK_CLI_COMMAND_H

#include <ostream>
#include <string>
#include <vector>

#include "cli/options.h"

namespace hakctl {

struct Streams {
  std::ostream& out;
  std::ostream& err;
};

struct Command {
  const char* name;
  const char* summary;  // one line for `hakctl help`
  const char* usage;    // "hakctl bench [WORKLOAD...] [flags]"
  Accepts accepts;
  const char* help;  // what it does, and examples; the flags are listed by describe_flags
  // Returns the exit status. Throws the errors of errors.h; validates everything before it writes anything.
  int (*run)(const Options& options, const Streams& streams);
};

const std::vector<Command>& commands();
const Command* find_command(const std::string& name);

// One function a file; only commands.cc refers to them.
Command bench_command();
Command dump_command();
Command config_command();
Command compare_command();
Command count_command();
Command options_command();
Command misuse_command();

}  // namespace hakctl

#endif  // HAK_CLI_COMMAND_H
