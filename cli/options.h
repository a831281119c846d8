// options.h - the one struct that a command line becomes, and the one place where command lines are parsed.
//
// Purpose:      command word, flags, words and the part after `--`, parsed and validated before anything runs.
// Owns:         the flags of all commands: their abseil definitions, limits and help. A command lists those it takes.
// Thread rule:  one thread; abseil's flags are set while parsing and read at once.
// Failure rule: anything wrong throws UsageError with one line that says what would be right.
#ifndef HAK_CLI_OPTIONS_H
#define HAK_CLI_OPTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/workloads/workload.h"

namespace hakctl {

enum class Format { kTable, kJson, kCsv };

struct NamedLibrary {
  std::string name;
  std::string path;  // "-" is the program's own malloc
};

struct Options {
  std::string command_line;  // as typed, for reports
  std::vector<std::string> words;
  std::vector<std::string> tail;  // what follows `--`
  bool has_tail = false;
  bool help = false;
  bool list = false;
  std::vector<unsigned> threads;  // empty: what each workload prefers
  std::optional<uint64_t> iters;
  std::optional<uint64_t> working_set;
  std::optional<SizeRange> size;
  uint64_t seed = 42;
  unsigned idle_seconds = 2;
  unsigned repeats = 5;
  unsigned rounds = 10;
  Format format = Format::kTable;
  std::string goal;      // "", "default" or "fast"
  std::string baseline;  // the allocator that ratios refer to
  std::vector<NamedLibrary> with;
  std::vector<std::string> presets;  // empty: those that the command has as its own
};

// What a command accepts.
struct Accepts {
  std::vector<std::string> flags;  // without the dashes; --help is always there
  bool words = true;
  bool tail = false;
};

// Parses the arguments after the command word.
Options parse_options(const std::string& command, const Accepts& accepts, const std::vector<std::string>& arguments);

// The lines of a command's help that explain its flags.
std::string describe_flags(const Accepts& accepts);

// "8K..52K", "256", "4K..25M". False with a reason in *error.
bool parse_size_range(const std::string& text, SizeRange* range, std::string* error);
// "50000", "64K", "1M". False for anything else, and for what does not fit.
bool parse_number(const std::string& text, uint64_t* number);
// "8K..52K" again.
std::string format_size_range(const SizeRange& range);
std::string format_bytes(uint64_t bytes);

// "NAME=PATH", or "-" as the path for the program's own malloc.
NamedLibrary parse_named_library(const std::string& text);

}  // namespace hakctl

#endif  // HAK_CLI_OPTIONS_H
