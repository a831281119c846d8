// dump.cc - `hakctl dump`: the allocator's insides while a workload holds its blocks.
#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "cli/plan.h"
#include "cli/snapshot.h"

namespace hakctl {

namespace {

constexpr const char* kHelp =
    "Runs a workload in this process, stops it at the end of its work with every block still in hand, and shows what\n"
    "the allocator holds: the superslabs (chunks of address space), the slabs cut from them, the same summed up for\n"
    "each size class, and the allocator's counters. Columns of a slab:\n"
    "\n"
    "  stride    from one block to the next      capacity  blocks that the slab holds\n"
    "  block     bytes that a program may use    used      blocks in the program's hands\n"
    "  remote    freed by another thread, on their way home; free is the rest\n"
    "\n"
    "Examples:\n"
    "  hakctl dump\n"
    "  hakctl dump mid_large_mt --threads 2 --iters 10000\n"
    "  hakctl dump producer_consumer --format json\n";

class SnapshotTaker : public Observer {
 public:
  void end_with_blocks_live() override { snapshot = take_snapshot(); }
  Snapshot snapshot;
};

void write_json(std::ostream& out, const Options& options, const PlannedRun& planned, const Snapshot& snapshot) {
  nlohmann::ordered_json json;
  json["version"] = kVersion;
  json["command_line"] = options.command_line;
  json["machine"] = machine_json(describe_machine());
  json["run"] = params_json(planned);
  json.update(snapshot_json(snapshot));
  out << json.dump(2) << "\n";
}

int run_dump(const Options& options, const Streams& streams) {
  std::vector<PlannedRun> plan = plan_runs(options, "mixed");
  if (plan.size() != 1)
    throw UsageError("one workload with one number of threads at a time, as in hakctl dump mixed --threads 2");
  PlannedRun planned = plan[0];
  planned.params.idle_seconds = 0;  // the snapshot is taken before
  SnapshotTaker taker;
  Outcome outcome = run_workload(*planned.workload, planned.params, &taker);
  if (outcome.error[0] != '\0') throw RunError(std::string(planned.workload->name) + ": " + outcome.error);
  if (options.format == Format::kJson) {
    write_json(streams.out, options, planned, taker.snapshot);
  } else {
    write_snapshot_tables(streams.out, taker.snapshot);
  }
  return kExitSuccess;
}

}  // namespace

Command dump_command() {
  return {"dump",
          "show superslabs, slabs and counters while a workload holds its blocks",
          "hakctl dump [WORKLOAD] [flags]",
          {{"threads", "iters", "working-set", "size", "seed", "format=table|json"}, true, false},
          kHelp,
          run_dump};
}

}  // namespace hakctl
