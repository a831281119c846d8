// bench_report.h - the results of `bench` as a table, as JSON and as CSV. Nothing is measured here.
#ifndef HAK_CLI_BENCH_REPORT_H
#define HAK_CLI_BENCH_REPORT_H

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "cli/machine.h"
#include "cli/measure.h"
#include "cli/options.h"
#include "cli/plan.h"

namespace hakctl {

struct BenchRow {
  PlannedRun planned;
  std::vector<Measurement> repeats;
};

struct BenchReport {
  Machine machine;
  std::string command_line;
  std::vector<BenchRow> rows;
};

void write_bench_report(std::ostream& out, const BenchReport& report, Format format);

nlohmann::ordered_json machine_json(const Machine& machine);
nlohmann::ordered_json params_json(const PlannedRun& planned);

}  // namespace hakctl

#endif  // HAK_CLI_BENCH_REPORT_H
