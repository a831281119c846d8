#include "cli/misuse/run.h"

#include <regex.h>
#include <signal.h>

#include <cstdlib>
#include <sstream>

namespace hakctl {

namespace {

// A program takes some milliseconds; a broken heap may make it spin.
constexpr unsigned kMostSeconds = 20;

constexpr int kSignalled = 128;  // exit_status of ProcessResult

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// The whole text is what the extended regular expression says.
bool matches(const std::string& text, const std::string& expression) {
  regex_t compiled;
  // REG_NEWLINE: a dot is not the end of the line.
  if (regcomp(&compiled, ("^" + expression + "$").c_str(), REG_EXTENDED | REG_NEWLINE) != 0) return false;
  regmatch_t all;
  bool found = regexec(&compiled, text.c_str(), 1, &all, 0) == 0 && all.rm_so == 0 &&
               static_cast<size_t>(all.rm_eo) == text.size();
  regfree(&compiled);
  return found;
}

// With what the program said of its pointer. "" for one that said nothing.
std::string expected_line(const MisuseCase& misuse, const std::string& output) {
  std::istringstream said(output);
  std::string pointer, second;
  if (!std::getline(said, pointer)) return "";
  std::getline(said, second);
  uint64_t bytes = strtoull(misuse.argument.c_str(), nullptr, 10);
  std::string line = replaced(misuse.line, "%b", misuse.block);
  line = replaced(line, "%p", pointer);
  line = replaced(line, "%s", second);
  line = replaced(line, "%h", std::to_string(bytes / 2));
  line = replaced(line, "%d", std::to_string(bytes * 2));
  return "hakmem: " + line + "\n";
}

ProcessResult run_program(const std::string& path, const std::string& argument, const std::string& library) {
  std::vector<std::string> command = {path};
  if (!argument.empty()) command.push_back(argument);
  return run_limited(command, {{"LD_PRELOAD", library}}, kMostSeconds);
}

Finding judged(const ProcessResult& ran, const std::string& expected) {
  if (ran.exit_status < kSignalled) return Finding::kMissed;
  bool spoke = ran.exit_status == kSignalled + SIGABRT && ran.errors.compare(0, 8, "hakmem: ") == 0;
  if (!spoke) return Finding::kCrashed;
  return !expected.empty() && matches(ran.errors, expected) ? Finding::kFound : Finding::kOtherwise;
}

}  // namespace

const char* name_of(Finding finding) {
  switch (finding) {
    case Finding::kFound:
      return "found";
    case Finding::kOtherwise:
      return "found otherwise";
    case Finding::kCrashed:
      return "crashed";
    case Finding::kMissed:
      return "not found";
  }
  return "";
}

MisuseOutcome run_misuse(const MisuseCase& misuse, const std::string& programs, const std::string& library) {
  MisuseOutcome outcome;
  outcome.ran = run_program(programs + "/" + misuse.program, misuse.argument, library);
  outcome.expected = expected_line(misuse, outcome.ran.output);
  outcome.finding = judged(outcome.ran, outcome.expected);
  return outcome;
}

ProcessResult run_twin(const MisuseCase& misuse, const std::string& programs, const std::string& library) {
  return run_program(programs + "/" + misuse.program + "_twin", misuse.argument, library);
}

}  // namespace hakctl
