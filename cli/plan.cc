#include "cli/plan.h"

#include <unistd.h>

#include <cstdio>

#include "cli/errors.h"
#include "cli/suggest.h"

namespace hakctl {

namespace {

// Words that stand for several workloads.
struct Group {
  const char* name;
  Family family;
};

constexpr Group kGroups[] = {{"all", kSpeed}, {"footprint", kFootprint}};

const Group* find_group(const std::string& word) {
  for (const Group& group : kGroups) {
    if (word == group.name) return &group;
  }
  return nullptr;
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const Workload& workload : workloads()) names.push_back(workload.name);
  for (const Group& group : kGroups) names.push_back(group.name);
  return names;
}

std::vector<const Workload*> named_workloads(const std::vector<std::string>& words) {
  std::vector<const Workload*> chosen;
  for (const std::string& word : words) {
    if (const Group* group = find_group(word)) {
      for (const Workload& workload : workloads()) {
        if (workload.family == group->family) chosen.push_back(&workload);
      }
      continue;
    }
    const Workload* workload = find_workload(word);
    if (workload == nullptr) throw UsageError("there is no workload " + word + suggestion(word, workload_names()));
    chosen.push_back(workload);
  }
  return chosen;
}

Params params_of(const Workload& workload, const Options& options) {
  Params params = workload.defaults;
  if (options.iters) params.iters = *options.iters;
  if (options.working_set) params.working_set = *options.working_set;
  if (options.size) params.size = *options.size;
  params.seed = options.seed;
  params.idle_seconds = options.idle_seconds;
  if (params.size.min < workload.min_size) {
    throw UsageError("--size " + format_size_range(params.size) + ": " + workload.name + " needs blocks of at least " +
                     std::to_string(workload.min_size) + " bytes");
  }
  return params;
}

}  // namespace

std::vector<PlannedRun> plan_runs(const Options& options, const std::string& preset) {
  std::vector<PlannedRun> plan;
  std::vector<std::string> words = options.words.empty() ? std::vector<std::string>{preset} : options.words;
  for (const Workload* workload : named_workloads(words)) {
    Params params = params_of(*workload, options);
    std::vector<unsigned> threads = options.threads;
    if (threads.empty()) threads.push_back(params.threads);
    for (unsigned count : threads) {
      params.threads = count;
      plan.push_back({workload, params});
    }
  }
  return plan;
}

void write_workload_list(std::ostream& out) {
  for (const Workload& workload : workloads()) {
    const Params& d = workload.defaults;
    out << workload.name << "\n  " << workload.explanation << "\n  operation: " << workload.operation
        << "\n  defaults: --threads " << d.threads << " --iters " << d.iters << " --working-set " << d.working_set
        << " --size " << format_size_range(d.size) << "\n";
  }
}

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_) fputs("\r\033[K", stderr);
}

void Progress::show(const std::string& text) {
  if (!terminal_) return;
  fprintf(stderr, "\r\033[K%s", text.c_str());
  fflush(stderr);
  shown_ = true;
}

}  // namespace hakctl
