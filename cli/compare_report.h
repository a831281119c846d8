// compare_report.h - comparisons as tables, JSON and CSV.
#ifndef HAK_CLI_COMPARE_REPORT_H
#define HAK_CLI_COMPARE_REPORT_H

#include <ostream>
#include <string>
#include <vector>

#include "cli/compare_run.h"
#include "cli/machine.h"
#include "cli/options.h"

namespace hakctl {

struct CompareReport {
  Machine machine;
  std::string command_line;
  std::string baseline;  // a name, or "best"
  unsigned rounds = 0;
  std::vector<Comparison> comparisons;
};

void write_compare_report(std::ostream& out, const CompareReport& report, Format format);

}  // namespace hakctl

#endif  // HAK_CLI_COMPARE_REPORT_H
