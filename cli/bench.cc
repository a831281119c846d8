// bench.cc - `hakctl bench`: runs workloads on the allocator that is linked into this program.
#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/errors.h"

namespace hakctl {

namespace {

constexpr const char* kHelp =
    "Runs workloads on hakmem, which is linked into this program, and reports how fast they were, how much memory\n"
    "they took at their peak, page faults, context switches and the counters that this machine has. Each repeat is\n"
    "a forked process of its own. Every workload checks the blocks that it wrote to; a damaged one is exit status 1.\n"
    "\n"
    "Without a name the workload is mixed; `all` is every workload of speed, `footprint` every one of memory. These\n"
    "say what the process holds beyond what it held at the start: at its peak, with all blocks freed, and after some\n"
    "time without a call. Flags that are not given have a default for each workload: see --list.\n"
    "\n"
    "Examples:\n"
    "  hakctl bench --threads 4 --iters 50000\n"
    "  hakctl bench tiny --size 256\n"
    "  hakctl bench mid_large_mt --threads 1 --iters 50000 --working-set 256 --seed 42\n"
    "  hakctl bench mixed larson --threads 1,2,4 --format csv\n"
    "  hakctl bench footprint_idle --idle 12\n"
    "  hakctl bench --list\n";

int run_bench(const Options& options, const Streams& streams) {
  if (options.list) {
    if (!options.words.empty()) throw UsageError("--list explains every workload: it goes without " + options.words[0]);
    write_workload_list(streams.out);
    return kExitSuccess;
  }
  BenchReport report;
  std::vector<PlannedRun> plan = plan_runs(options, "mixed");
  report.command_line = options.command_line;
  {
    Progress progress;
    for (const PlannedRun& planned : plan) {
      BenchRow row{planned, {}};
      for (unsigned i = 0; i < options.repeats; ++i) {
        progress.show(std::string(planned.workload->name) + " x" + std::to_string(planned.params.threads) + ": " +
                      std::to_string(i + 1) + " of " + std::to_string(options.repeats));
        row.repeats.push_back(measure(*planned.workload, planned.params));
      }
      report.rows.push_back(row);
    }
  }
  report.machine = describe_machine();
  write_bench_report(streams.out, report, options.format);
  return kExitSuccess;
}

}  // namespace

Command bench_command() {
  return {"bench",
          "run workloads on hakmem: speed, memory, faults, counters",
          "hakctl bench [WORKLOAD...] [flags]",
          {{"threads", "iters", "working-set", "size", "seed", "idle", "repeats", "format", "list"}, true, false},
          kHelp,
          run_bench};
}

}  // namespace hakctl
