#include "cli/compare_run.h"

#include <cstdio>
#include <sstream>

#include "cli/errors.h"
#include "cli/process.h"
#include "cli/suggest.h"

namespace hakctl {

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string end_of(const ProcessResult& result) {
  std::string said = first_line(result.errors);
  std::string how = result.exit_status > 128 ? "was ended by signal " + std::to_string(result.exit_status - 128)
                                             : "ended with status " + std::to_string(result.exit_status);
  return said.empty() ? how : how + ": " + said;
}

// hakload's lines after the first.
std::vector<Note> read_notes(const std::string& output) {
  std::vector<Note> notes;
  std::istringstream lines(output);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    Note note;
    if (sscanf(line.c_str(), "%31s %15s %lf", note.name, note.unit, &note.value) == 3) notes.push_back(note);
  }
  return notes;
}

Sample take_sample(const Load& load, const Allocator& allocator, int* expected_status) {
  Environment environment = environment_of(allocator);
  ProcessResult result =
      load.reports_seconds ? run_captured(load.command, environment) : run_silently(load.command, environment);
  // A command may end with a status of its own, as grep does; but with the same one under every allocator.
  if (*expected_status < 0 && !load.reports_seconds) *expected_status = result.exit_status;
  int expected = load.reports_seconds ? 0 : *expected_status;
  if (result.exit_status != expected || result.exit_status > 125) {
    throw RunError(load.label + " on " + allocator.name + " " + end_of(result));
  }
  double seconds = result.wall_seconds;
  if (load.reports_seconds && sscanf(result.output.c_str(), "%lf", &seconds) != 1) {
    throw RunError(load.label + " on " + allocator.name + " reported no time");
  }
  return {seconds,
          result.cpu_seconds,
          result.peak_bytes,
          result.minor_faults,
          result.major_faults,
          load.reports_seconds ? read_notes(result.output) : std::vector<Note>{}};
}

}  // namespace

Load load_of_workload(const PlannedRun& planned) {
  const Params& p = planned.params;
  Load load;
  load.label = std::string(planned.workload->name) + " x" + std::to_string(p.threads);
  load.command = {
      sibling_program("hakload"), planned.workload->name,        std::to_string(p.threads),
      std::to_string(p.iters),    std::to_string(p.working_set), std::to_string(p.size.min),
      std::to_string(p.size.max), std::to_string(p.seed),        std::to_string(static_cast<unsigned>(p.idle_seconds))};
  load.reports_seconds = true;
  return load;
}

Load load_of_command(const std::vector<std::string>& command) {
  if (find_program(command[0]).empty()) throw UsageError("there is no program " + command[0]);
  return {join(command, " "), command, false};
}

Comparison compare(const Load& load, const std::vector<Allocator>& allocators, unsigned rounds, Progress* progress) {
  Comparison comparison{load, {}};
  for (const Allocator& allocator : allocators) comparison.contenders.push_back({allocator, {}});
  int expected_status = -1;
  for (unsigned round = 0; round <= rounds; ++round) {
    for (Contender& contender : comparison.contenders) {
      progress->show(load.label + ": round " + std::to_string(round) + " of " + std::to_string(rounds) + ", " +
                     contender.allocator.name);
      Sample sample = take_sample(load, contender.allocator, &expected_status);
      if (round > 0) contender.samples.push_back(sample);
    }
  }
  return comparison;
}

std::vector<Note> notes_of(const Contender& contender) {
  if (contender.samples.empty()) return {};
  std::vector<Note> notes = contender.samples[0].notes;
  for (size_t i = 0; i < notes.size(); ++i) {
    std::vector<double> values;
    for (const Sample& sample : contender.samples) {
      if (i < sample.notes.size()) values.push_back(sample.notes[i].value);
    }
    notes[i].value = summarize(values).median;
  }
  return notes;
}

std::vector<double> values_of(const Contender& contender, double Sample::*field) {
  std::vector<double> values;
  for (const Sample& sample : contender.samples) values.push_back(sample.*field);
  return values;
}

Summary ratio_to(const Contender& contender, const Contender& baseline, double Sample::*field) {
  std::vector<double> ratios;
  for (size_t round = 0; round < contender.samples.size(); ++round) {
    double base = baseline.samples[round].*field;
    if (base > 0) ratios.push_back(contender.samples[round].*field / base);
  }
  return summarize(ratios);
}

size_t find_baseline(const Comparison& comparison, const std::string& name) {
  size_t best = 0;
  double best_seconds = 0;
  for (size_t i = 0; i < comparison.contenders.size(); ++i) {
    const Contender& contender = comparison.contenders[i];
    if (contender.allocator.name == name) return i;
    double seconds = summarize(values_of(contender, &Sample::seconds)).median;
    if (i == 0 || seconds < best_seconds) {
      best = i;
      best_seconds = seconds;
    }
  }
  return best;
}

}  // namespace hakctl
