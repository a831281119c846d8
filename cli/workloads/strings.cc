// strings.cc - lines are built from words, kept for a while, and replaced.
#include <string>
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

using Lines = std::vector<std::string>;

char letter_of(size_t length) { return static_cast<char>('a' + length % 26); }

// One line: words of one letter each, appended until the wanted length is reached. Counts the appends.
uint64_t build_line(Rng* rng, size_t wanted, std::string* line) {
  uint64_t appends = 0;
  line->push_back(letter_of(wanted));
  while (line->size() < wanted) {
    std::string word(std::min<size_t>(1 + rng->below(40), wanted - line->size()), letter_of(wanted));
    *line += word;
    ++appends;
  }
  return appends;
}

bool line_intact(const std::string& line) {
  char letter = letter_of(line.size());
  return line.empty() || (line.front() == letter && line[line.size() / 2] == letter && line.back() == letter);
}

uint64_t write_lines(Run& run, Lines* lines, unsigned thread) {
  const Params& params = run.params();
  Rng rng(params.seed, thread);
  SizePicker sizes(params.size, SizePicker::kByPowersOfTwo);
  uint64_t appends = 0;
  while (appends < params.iters && !run.failed()) {
    std::string* place = &(*lines)[rng.below(lines->size())];
    if (!line_intact(*place)) run.fail_corrupt(place->size());
    std::string line;
    appends += 1 + build_line(&rng, sizes.pick(rng.next()), &line);
    *place = std::move(line);
  }
  return appends;
}

}  // namespace

void run_strings(Run& run) {
  const Params& params = run.params();
  std::vector<Lines> tables(params.threads);
  Phases phases;
  phases.prepare = [&](unsigned i) { tables[i].resize(params.working_set); };
  phases.work = [&](unsigned i) { return write_lines(run, &tables[i], i); };
  phases.cleanup = [&](unsigned i) {
    for (const std::string& line : tables[i]) {
      if (!line_intact(line)) run.fail_corrupt(line.size());
    }
    Lines().swap(tables[i]);
  };
  run.parallel(params.threads, phases);
}

}  // namespace hakctl
