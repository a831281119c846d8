// The three forms of a report, from measurements that are made up here.
#include "cli/bench_report.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace hakctl {
namespace {

using testing::HasSubstr;

Measurement made_up(double seconds, uint64_t operations) {
  Measurement m = {};
  m.outcome.seconds = seconds;
  m.outcome.operations = operations;
  m.outcome.threads = 2;
  m.outcome.notes = 1;
  m.outcome.note[0] = {"walk", "ns/node", 1.5};
  m.peak_bytes = 3 * 1024 * 1024;
  m.minor_faults = 1200;
  for (size_t i = 0; i < kCounters; ++i) {
    bool present = !kCounterTable[i].hardware;
    m.counters[i] = {present, present ? 0 : ENOENT, present ? static_cast<double>(operations) : 0};
  }
  return m;
}

BenchReport made_up_report() {
  BenchReport report;
  report.command_line = "hakctl bench tiny";
  report.machine.cpu = "Imagined 9000";
  report.machine.cores = 2;
  const Workload* tiny = find_workload("tiny");
  Params params = tiny->defaults;
  params.threads = 2;
  report.rows.push_back({{tiny, params}, {made_up(0.001, 100000), made_up(0.003, 100000), made_up(0.002, 100000)}});
  return report;
}

std::string written(Format format) {
  std::ostringstream out;
  write_bench_report(out, made_up_report(), format);
  return out.str();
}

TEST(BenchTable, ShowsMedianAndSpread) {
  // 100,000 operations by 2 threads in 2 ms: 50 million a second, 40 ns for each thread's operation.
  EXPECT_THAT(written(Format::kTable), HasSubstr("tiny            2      50     40    20..60"));
}

TEST(BenchTable, PrintsAbsentCountersAsNotAvailableAndSaysWhyOnce) {
  std::string text = written(Format::kTable);
  EXPECT_THAT(text, HasSubstr("n/a           n/a"));
  size_t first = text.find("n/a: this machine offers no hardware counters");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("n/a: ", first + 1), std::string::npos);
}

TEST(BenchTable, GivesTheNotesOfAWorkload) {
  EXPECT_THAT(written(Format::kTable), HasSubstr("walk ns/node\ntiny x2           1.50\n"));
}

TEST(BenchJson, HasMachineCommandLineAndFigures) {
  auto json = nlohmann::json::parse(written(Format::kJson));
  EXPECT_EQ(json["command_line"], "hakctl bench tiny");
  EXPECT_EQ(json["machine"]["cpu"], "Imagined 9000");
  EXPECT_TRUE(json["machine"]["commit"].is_null());
  auto row = json["results"][0];
  EXPECT_EQ(row["workload"], "tiny");
  EXPECT_EQ(row["metrics"]["ns_per_op"]["median"], 40.0);
  EXPECT_EQ(row["metrics"]["ns_per_op"]["min"], 20.0);
  EXPECT_EQ(row["repeats"].size(), 3u);
  EXPECT_EQ(row["notes"]["walk"]["median"], 1.5);
}

TEST(BenchJson, HasNullAndAReasonForAnAbsentCounter) {
  auto counters = nlohmann::json::parse(written(Format::kJson))["results"][0]["counters"];
  EXPECT_TRUE(counters["cycles"]["median"].is_null());
  EXPECT_THAT(counters["cycles"]["reason"].get<std::string>(), HasSubstr("no hardware counters"));
  EXPECT_EQ(counters["page-faults"]["median"], 100000.0);
}

TEST(BenchCsv, HasAHeaderAndARowOfTheSameLength) {
  std::istringstream lines(written(Format::kCsv));
  std::string header;
  std::string row;
  std::string more;
  ASSERT_TRUE(std::getline(lines, header));
  ASSERT_TRUE(std::getline(lines, row));
  EXPECT_FALSE(std::getline(lines, more));
  EXPECT_EQ(std::count(header.begin(), header.end(), ','), std::count(row.begin(), row.end(), ','));
  EXPECT_THAT(header, testing::StartsWith("workload,threads,iters,"));
  EXPECT_THAT(row, testing::StartsWith("tiny,2,"));
  EXPECT_THAT(row, testing::EndsWith(",n/a,n/a,n/a,n/a,1.5"));
}

}  // namespace
}  // namespace hakctl
