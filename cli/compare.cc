// compare.cc - `hakctl compare`: the same load under several allocators, in the same minutes.
#include "cli/command.h"
#include "cli/compare_report.h"
#include "cli/errors.h"
#include "cli/suggest.h"

namespace hakctl {

namespace {

constexpr const char* kHelp =
    "Runs workloads, or the command after --, under hakmem, the C library's malloc and each installed peer (mimalloc,\n"
    "jemalloc, tcmalloc), in interleaved rounds after a first turn that is not counted. Every library is proven to be\n"
    "loaded before anything is timed. The libraries are preloaded; workloads run in hakload, a program that has no\n"
    "allocator of its own. Without a name the workload is mixed; `all` is every workload of speed, `footprint` every\n"
    "one of memory.\n"
    "\n"
    "--with NAME=LIBRARY adds an allocator; names without a library keep only hakmem and the named ones.\n"
    "\n"
    "Examples:\n"
    "  hakctl compare mixed larson --threads 1,2,4\n"
    "  hakctl compare all --baseline best --format csv\n"
    "  hakctl compare --with glibc,mimalloc --rounds 20 -- python3 -c 'print(len(str(2**100000)))'\n"
    "  hakctl compare footprint --rounds 3 --idle 12\n"
    "  hakctl compare tree --with mine=/tmp/libmine.so\n";

void reject_workload_flags(const Options& options) {
  if (!options.words.empty()) throw UsageError("either workloads or a command after --, not both");
  const char* given = !options.threads.empty()          ? "--threads"
                      : options.iters.has_value()       ? "--iters"
                      : options.working_set.has_value() ? "--working-set"
                      : options.size.has_value()        ? "--size"
                                                        : nullptr;
  if (given != nullptr) throw UsageError(std::string(given) + " is for workloads; a command after -- takes its own");
}

std::vector<Load> loads_of(const Options& options) {
  if (options.has_tail) {
    reject_workload_flags(options);
    return {load_of_command(options.tail)};
  }
  std::vector<Load> loads;
  for (const PlannedRun& planned : plan_runs(options, "mixed")) loads.push_back(load_of_workload(planned));
  return loads;
}

// Checked before the first run: a misspelt name must not cost the time of all rounds.
std::string checked_baseline(const Options& options, const std::vector<Allocator>& allocators) {
  if (options.baseline.empty()) return allocators[0].name;
  std::vector<std::string> names = {"best"};
  for (const Allocator& allocator : allocators) names.push_back(allocator.name);
  for (const std::string& name : names) {
    if (name == options.baseline) return name;
  }
  throw UsageError("--baseline " + options.baseline + " does not take part" + suggestion(options.baseline, names));
}

int run_compare(const Options& options, const Streams& streams) {
  std::vector<Load> loads = loads_of(options);
  std::vector<Allocator> allocators = choose_allocators(options.with);
  CompareReport report;
  report.baseline = checked_baseline(options, allocators);
  report.command_line = options.command_line;
  report.rounds = options.rounds;
  for (const Allocator& allocator : allocators) {
    verify_loads(allocator);
    if (options.has_tail) verify_loads_into(allocator, options.tail);
  }
  {
    Progress progress;
    for (const Load& load : loads) report.comparisons.push_back(compare(load, allocators, options.rounds, &progress));
  }
  report.machine = describe_machine();
  write_compare_report(streams.out, report, options.format);
  return kExitSuccess;
}

}  // namespace

Command compare_command() {
  return {
      "compare",
      "run workloads or a command under several allocators, in turns",
      "hakctl compare [WORKLOAD...] [flags] | hakctl compare [flags] -- COMMAND",
      {{"with", "rounds", "baseline", "threads", "iters", "working-set", "size", "seed", "idle", "format"}, true, true},
      kHelp,
      run_compare};
}

}  // namespace hakctl
