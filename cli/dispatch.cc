#include "cli/dispatch.h"

#include <exception>

#include "cli/errors.h"
#include "cli/machine.h"
#include "cli/suggest.h"

namespace hakctl {

namespace {

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.push_back(command.name);
  names.push_back("help");
  return names;
}

const Command& command_named(const std::string& name) {
  const Command* command = find_command(name);
  if (command == nullptr) throw UsageError("there is no command " + name + suggestion(name, command_names()));
  return *command;
}

void write_overview(std::ostream& out) {
  out << "hakctl measures and shows the hakmem allocator.\n\nUsage: hakctl COMMAND [flags]\n\nCommands:\n";
  for (const Command& command : commands()) {
    std::string name = command.name;
    name.resize(10, ' ');
    out << "  " << name << command.summary << "\n";
  }
  out << "  help      this text, or the help of a command: hakctl help bench\n"
      << "\nExamples:\n"
      << "  hakctl bench --threads 4 --iters 50000\n"
      << "  hakctl compare mixed larson --threads 2\n"
      << "  hakctl help compare\n";
}

void write_help(std::ostream& out, const Command& command) {
  out << "Usage: " << command.usage << "\n\n" << command.help << "\nFlags:\n" << describe_flags(command.accepts);
}

int run_command(const Command& command, const std::vector<std::string>& arguments, const Streams& streams) {
  Options options = parse_options(command.name, command.accepts, arguments);
  if (options.help) {
    write_help(streams.out, command);
    return kExitSuccess;
  }
  return command.run(options, streams);
}

int run_help(const std::vector<std::string>& names, const Streams& streams) {
  if (names.empty()) {
    write_overview(streams.out);
    return kExitSuccess;
  }
  if (names.size() > 1) throw UsageError("help explains one command at a time: hakctl help " + names[0]);
  if (names[0] == "help") {
    write_overview(streams.out);
  } else {
    write_help(streams.out, command_named(names[0]));
  }
  return kExitSuccess;
}

int dispatch_word(const std::vector<std::string>& arguments, const Streams& streams) {
  if (arguments.empty()) throw UsageError("a command is missing; use one of " + join(command_names(), ", "));
  const std::string& word = arguments[0];
  std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (word == "help" || word == "--help" || word == "-h") return run_help(rest, streams);
  if (word == "--version" || word == "version") {
    streams.out << "hakctl " << kVersion << "\n";
    return kExitSuccess;
  }
  if (word[0] == '-') {
    throw UsageError("the command comes before its flags: hakctl bench " + word + "; commands are " +
                     join(command_names(), ", "));
  }
  return run_command(command_named(word), rest, streams);
}

// Errors name the command, so that the line makes sense at the end of a long log.
int report(const std::vector<std::string>& arguments, const std::string& text, int status, const Streams& streams) {
  bool known = !arguments.empty() && find_command(arguments[0]) != nullptr;
  streams.err << "hakctl" << (known ? " " + arguments[0] : "") << ": " << text << "\n";
  return status;
}

}  // namespace

int dispatch(const std::vector<std::string>& arguments, const Streams& streams) {
  try {
    int status = dispatch_word(arguments, streams);
    if (!streams.out.flush()) throw RunError("the output could not be written to its end");
    return status;
  } catch (const UsageError& error) {
    return report(arguments, error.what(), kExitUsage, streams);
  } catch (const MissingError& error) {
    return report(arguments, error.what(), kExitUsage, streams);
  } catch (const std::exception& error) {
    return report(arguments, error.what(), kExitFailure, streams);
  }
}

}  // namespace hakctl
