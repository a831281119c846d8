// options.cc - every flag of every command, and how an argument becomes a field of Options.
#include "cli/options.h"

#include <absl/flags/flag.h>
#include <absl/flags/reflection.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>

#include "cli/errors.h"
#include "cli/suggest.h"

namespace hakctl {

// Types that abseil's flags are parsed into. Each says itself, in one clause, what it takes.
struct Count {
  uint64_t value = 0;
};
bool AbslParseFlag(absl::string_view text, Count* count, std::string* error) {
  if (parse_number(std::string(text), &count->value)) return true;
  *error = "give a whole number such as 4, 50000 or 64K";
  return false;
}
std::string AbslUnparseFlag(const Count& count) { return std::to_string(count.value); }

struct CountList {
  std::vector<uint64_t> values;
};
bool AbslParseFlag(absl::string_view text, CountList* list, std::string* error) {
  list->values.clear();
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    uint64_t value = 0;
    if (!parse_number(std::string(part), &value)) {
      *error = "give a whole number such as 4, or several as in 1,2,4";
      return false;
    }
    list->values.push_back(value);
  }
  return true;
}
std::string AbslUnparseFlag(const CountList& list) { return absl::StrJoin(list.values, ","); }

// The text makes this a type that abseil guards with a lock. Two plain words it would guard with fences, which the
// thread sanitizer does not understand.
struct Sizes {
  SizeRange range;
  std::string text;
};
bool AbslParseFlag(absl::string_view text, Sizes* sizes, std::string* error) {
  sizes->text = std::string(text);
  return parse_size_range(sizes->text, &sizes->range, error);
}
std::string AbslUnparseFlag(const Sizes& sizes) { return sizes.text; }

// One word out of a few. The flag table knows which.
struct Choice {
  std::string word;
};
bool AbslParseFlag(absl::string_view text, Choice* choice, std::string* /*error*/) {
  choice->word = std::string(text);
  return true;
}
std::string AbslUnparseFlag(const Choice& choice) { return choice.word; }

}  // namespace hakctl

ABSL_FLAG(hakctl::CountList, threads, {},
          "threads that run the workload; bench and compare take several, as in 1,2,4: a row for each");
ABSL_FLAG(hakctl::Count, iters, {}, "iterations of each thread (K and M are 1024 and 1024 * 1024)");
ABSL_FLAG(hakctl::Count, working_set, {}, "blocks or objects that each thread keeps alive");
ABSL_FLAG(hakctl::Sizes, size, {}, "sizes of the blocks in bytes: one number, or a range as in 8K..52K");
ABSL_FLAG(hakctl::Count, seed, hakctl::Count{42}, "start of the random numbers; the same seed makes the same requests");
ABSL_FLAG(hakctl::Count, idle, hakctl::Count{2}, "seconds without a call before a footprint workload looks again");
ABSL_FLAG(hakctl::Count, repeats, hakctl::Count{5}, "how often each row is measured, each time in a new process");
ABSL_FLAG(hakctl::Count, rounds, hakctl::Count{10}, "how often each allocator has its turn");
ABSL_FLAG(hakctl::Choice, format, hakctl::Choice{"table"}, "how results are written");
ABSL_FLAG(bool, list, false, "explain each workload and stop");
ABSL_FLAG(hakctl::Choice, goal, {}, "compare the first library with the goals of this build");
ABSL_FLAG(hakctl::Choice, baseline, {}, "the allocator that ratios refer to, or best");
ABSL_FLAG(hakctl::Choice, with, {}, "allocators to run instead of those found: names, or NAME=LIBRARY");
ABSL_FLAG(hakctl::Choice, presets, {}, "presets to build and to run on");

namespace hakctl {

namespace {

struct FlagRow {
  const char* typed;       // as on the command line
  const char* registered;  // abseil's name: no dashes inside
  const char* value;       // as in the help; nullptr: takes none
  uint64_t min;
  uint64_t max;
  std::vector<std::string> choices;
};

const std::vector<FlagRow>& flag_rows() {
  static const auto* rows = new std::vector<FlagRow>{
      {"threads", "threads", "N", 1, 4096, {}},
      {"iters", "iters", "N", 1, uint64_t{1} << 40, {}},
      {"working-set", "working_set", "N", 1, uint64_t{1} << 28, {}},
      {"size", "size", "MIN..MAX", 0, 0, {}},
      {"seed", "seed", "N", 0, UINT64_MAX, {}},
      {"idle", "idle", "SECONDS", 0, 3600, {}},
      {"repeats", "repeats", "N", 1, 1000, {}},
      {"rounds", "rounds", "N", 1, 1000, {}},
      {"format", "format", "FORMAT", 0, 0, {"table", "json", "csv"}},
      {"list", "list", nullptr, 0, 0, {}},
      {"goal", "goal", "BUILD", 0, 0, {"default", "fast"}},
      {"baseline", "baseline", "NAME", 0, 0, {}},
      {"with", "with", "NAME[=LIB],...", 0, 0, {}},
      {"presets", "presets", "NAME,...", 0, 0, {}},
  };
  return *rows;
}

const FlagRow* find_row(const std::string& typed) {
  for (const FlagRow& row : flag_rows()) {
    if (typed == row.typed) return &row;
  }
  return nullptr;
}

// A choice in a command's list is written "format=table|json" when the command takes fewer than all.
std::string flag_name(const std::string& accepted) { return accepted.substr(0, accepted.find('=')); }

std::vector<std::string> choices_of(const std::string& accepted, const FlagRow& row) {
  size_t equals = accepted.find('=');
  if (equals == std::string::npos) return row.choices;
  return absl::StrSplit(accepted.substr(equals + 1), '|');
}

const std::string* find_accepted(const Accepts& accepts, const std::string& typed) {
  for (const std::string& accepted : accepts.flags) {
    if (flag_name(accepted) == typed) return &accepted;
  }
  return nullptr;
}

[[noreturn]] void reject_flag(const std::string& command, const Accepts& accepts, const std::string& typed) {
  std::vector<std::string> names = {"help"};
  for (const std::string& accepted : accepts.flags) names.push_back(flag_name(accepted));
  if (find_row(typed) != nullptr) {
    throw UsageError("--" + typed + " is a flag of other commands; " + command + " takes --" + join(names, ", --"));
  }
  throw UsageError("there is no flag --" + typed + suggestion(typed, names, "--"));
}

void check_limits(const FlagRow& row, uint64_t value) {
  if (value >= row.min && value <= row.max) return;
  throw UsageError("--" + std::string(row.typed) + " " + std::to_string(value) + ": must be " +
                   std::to_string(row.min) + " to " + std::to_string(row.max));
}

void check_choice(const FlagRow& row, const std::vector<std::string>& choices, const std::string& word) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), word) != choices.end()) return;
  throw UsageError("--" + std::string(row.typed) + " " + word + ": must be " + join(choices, " or "));
}

// abseil parses the value; its message is cut down to the clause that the flag's type gave.
void set_flag(const FlagRow& row, const std::string& value) {
  absl::CommandLineFlag* flag = absl::FindCommandLineFlag(row.registered);
  std::string error;
  if (flag != nullptr && flag->ParseFrom(value, &error)) return;
  size_t clause = error.rfind("; ");
  std::string reason = clause == std::string::npos ? "cannot be read" : error.substr(clause + 2);
  throw UsageError("--" + std::string(row.typed) + " " + value + ": " + reason);
}

std::vector<unsigned> to_threads(const std::vector<uint64_t>& values) {
  std::vector<unsigned> threads;
  for (uint64_t value : values) {
    check_limits(*find_row("threads"), value);
    threads.push_back(static_cast<unsigned>(value));
  }
  return threads;
}

std::vector<NamedLibrary> to_libraries(const std::string& list) {
  std::vector<NamedLibrary> libraries;
  for (absl::string_view part : absl::StrSplit(list, ',')) libraries.push_back(parse_named_library(std::string(part)));
  return libraries;
}

uint64_t checked(const char* typed, const Count& count) {
  check_limits(*find_row(typed), count.value);
  return count.value;
}

// Copies one flag that was just set into its field. Flags that were not given keep what Options says, whatever an
// earlier command line left in abseil's.
void keep_flag(const std::string& typed, const std::vector<std::string>& choices, Options* options) {
  if (typed == "threads") options->threads = to_threads(absl::GetFlag(FLAGS_threads).values);
  if (typed == "iters") options->iters = checked("iters", absl::GetFlag(FLAGS_iters));
  if (typed == "working-set") options->working_set = checked("working-set", absl::GetFlag(FLAGS_working_set));
  if (typed == "size") options->size = absl::GetFlag(FLAGS_size).range;
  if (typed == "seed") options->seed = checked("seed", absl::GetFlag(FLAGS_seed));
  if (typed == "idle") options->idle_seconds = static_cast<unsigned>(checked("idle", absl::GetFlag(FLAGS_idle)));
  if (typed == "repeats") options->repeats = static_cast<unsigned>(checked("repeats", absl::GetFlag(FLAGS_repeats)));
  if (typed == "rounds") options->rounds = static_cast<unsigned>(checked("rounds", absl::GetFlag(FLAGS_rounds)));
  if (typed == "list") options->list = absl::GetFlag(FLAGS_list);
  if (typed == "baseline") options->baseline = absl::GetFlag(FLAGS_baseline).word;
  if (typed == "with") options->with = to_libraries(absl::GetFlag(FLAGS_with).word);
  if (typed == "presets") options->presets = absl::StrSplit(absl::GetFlag(FLAGS_presets).word, ',');
  if (typed == "goal") {
    options->goal = absl::GetFlag(FLAGS_goal).word;
    check_choice(*find_row(typed), choices, options->goal);
  }
  if (typed == "format") {
    std::string word = absl::GetFlag(FLAGS_format).word;
    check_choice(*find_row(typed), choices, word);
    options->format = word == "json" ? Format::kJson : word == "csv" ? Format::kCsv : Format::kTable;
  }
}

// Handles arguments[*at], a flag, and its value when that is the next argument.
void take_flag(const std::string& command, const Accepts& accepts, const std::vector<std::string>& arguments,
               size_t* at, Options* options) {
  std::string body = arguments[*at].substr(arguments[*at].compare(0, 2, "--") == 0 ? 2 : 1);
  size_t equals = body.find('=');
  std::string typed = body.substr(0, equals);
  if (typed == "help" || typed == "h") {
    options->help = true;
    return;
  }
  const std::string* accepted = find_accepted(accepts, typed);
  const FlagRow* row = find_row(typed);
  if (accepted == nullptr || row == nullptr) reject_flag(command, accepts, typed);
  std::string value = equals == std::string::npos ? "" : body.substr(equals + 1);
  if (row->value == nullptr) {
    if (equals != std::string::npos) throw UsageError("--" + typed + " takes no value");
    value = "true";
  } else if (equals == std::string::npos) {
    if (*at + 1 >= arguments.size() || arguments[*at + 1].compare(0, 2, "--") == 0) {
      throw UsageError("--" + typed + " needs a value: --" + typed + " " + row->value);
    }
    value = arguments[++*at];
  }
  set_flag(*row, value);
  keep_flag(typed, choices_of(*accepted, *row), options);
}

}  // namespace

Options parse_options(const std::string& command, const Accepts& accepts, const std::vector<std::string>& arguments) {
  Options options;
  options.command_line = "hakctl " + command;
  for (const std::string& argument : arguments) options.command_line += " " + argument;

  auto cut = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> own(arguments.begin(), cut);
  for (size_t at = 0; at < own.size(); ++at) {
    if (own[at].size() > 1 && own[at][0] == '-') {
      take_flag(command, accepts, own, &at, &options);
    } else {
      options.words.push_back(own[at]);
    }
  }
  if (options.help) return options;
  if (!options.words.empty() && !accepts.words) {
    throw UsageError(command + " takes no words, only flags: " + options.words[0] + " is not one");
  }
  if (cut == arguments.end()) return options;
  if (!accepts.tail) throw UsageError(command + " runs no command of yours: nothing can follow --");
  options.has_tail = true;
  options.tail.assign(cut + 1, arguments.end());
  if (options.tail.empty()) throw UsageError("a command must follow --");
  return options;
}

std::string describe_flags(const Accepts& accepts) {
  std::string text;
  for (const std::string& accepted : accepts.flags) {
    const FlagRow* row = find_row(flag_name(accepted));
    if (row == nullptr) continue;
    std::vector<std::string> choices = choices_of(accepted, *row);
    std::string value = !choices.empty() ? join(choices, "|") : row->value != nullptr ? row->value : "";
    std::string left = "  --" + std::string(row->typed) + (value.empty() ? "" : " " + value);
    left.resize(std::max<size_t>(left.size() + 1, 30), ' ');
    text += left + absl::FindCommandLineFlag(row->registered)->Help() + "\n";
  }
  text += "  --help                      this text\n";
  return text;
}

}  // namespace hakctl
