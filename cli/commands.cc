// commands.cc - the table of commands.
#include "cli/command.h"

namespace hakctl {

const std::vector<Command>& commands() {
  static const auto* table =
      new std::vector<Command>{bench_command(),   dump_command(),   compare_command(), count_command(),
                               options_command(), config_command(), misuse_command()};
  return *table;
}

const Command* find_command(const std::string& name) {
  for (const Command& command : commands()) {
    if (name == command.name) return &command;
  }
  return nullptr;
}

}  // namespace hakctl
