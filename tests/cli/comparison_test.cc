// Ratios, allocators by name, and what is read from callgrind; nothing here preloads a library of ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/compare_report.h"
#include "cli/count_run.h"
#include "cli/errors.h"

namespace hakctl {
namespace {

using testing::HasSubstr;

Contender made_up(const std::string& name, const std::vector<double>& seconds) {
  Contender contender{{name, ""}, {}};
  for (double s : seconds) contender.samples.push_back({s, s, 1024 * 1024, 100, 0});
  return contender;
}

Comparison made_up_comparison() {
  Comparison comparison;
  comparison.load = {"tiny x1", {"hakload"}, true};
  comparison.contenders = {made_up("hakmem", {1, 2, 4}), made_up("glibc", {2, 3, 4})};
  return comparison;
}

CompareReport made_up_report(size_t rows) {
  CompareReport report;
  report.command_line = "hakctl compare";
  report.baseline = "hakmem";
  report.rounds = 3;
  for (size_t i = 0; i < rows; ++i) report.comparisons.push_back(made_up_comparison());
  return report;
}

std::string written(const CompareReport& report, Format format) {
  std::ostringstream out;
  write_compare_report(out, report, format);
  return out.str();
}

TEST(Ratios, AreTakenRoundByRound) {
  Comparison c = made_up_comparison();
  Summary ratio = ratio_to(c.contenders[1], c.contenders[0], &Sample::seconds);
  EXPECT_EQ(ratio.median, 1.5);
  EXPECT_EQ(ratio.min, 1.0);
  EXPECT_EQ(ratio.max, 2.0);
}

TEST(Ratios, ToNothingAreLeftOut) {
  Comparison c = made_up_comparison();
  EXPECT_EQ(ratio_to(c.contenders[1], c.contenders[0], &Sample::major_faults).median, 0);
}

TEST(Baselines, AreFoundByNameOrBySpeed) {
  Comparison c = made_up_comparison();
  EXPECT_EQ(find_baseline(c, "glibc"), 1u);
  EXPECT_EQ(find_baseline(c, "best"), 0u);
}

TEST(CompareTable, ShowsTheRatioWithItsSpread) {
  EXPECT_THAT(written(made_up_report(1), Format::kTable), HasSubstr("1.500  1.000..2.000"));
}

CompareReport report_with_notes() {
  CompareReport report = made_up_report(1);
  for (Contender& contender : report.comparisons[0].contenders) {
    double mib = 1;
    for (Sample& sample : contender.samples) {
      sample.notes = {{"requested", "bytes", 3 * 1024 * 1024}, {"after_idle", "bytes", 1024 * 1024 * mib++}};
    }
  }
  return report;
}

TEST(CompareTable, ShowsTheMediansOfNotes) {
  std::string text = written(report_with_notes(), Format::kTable);
  EXPECT_THAT(text, HasSubstr("tiny x1  requested MiB  after idle MiB\nhakmem               3               2\n"));
}

TEST(CompareCsv, HasAColumnForEachNote) {
  EXPECT_THAT(written(report_with_notes(), Format::kCsv), HasSubstr(",requested,after_idle\n"));
}

TEST(CompareTable, SumsSeveralRowsUp) {
  std::string text = written(made_up_report(2), Format::kTable);
  EXPECT_THAT(text, HasSubstr("geometric mean"));
  EXPECT_THAT(text, HasSubstr("hakmem is first in 2 of 2 rows"));
}

TEST(CompareJson, KeepsEveryRound) {
  auto json = nlohmann::json::parse(written(made_up_report(1), Format::kJson));
  auto glibc = json["results"][0]["allocators"][1];
  EXPECT_EQ(glibc["name"], "glibc");
  EXPECT_TRUE(glibc["library"].is_null());
  EXPECT_EQ(glibc["seconds"]["ratio"]["median"], 1.5);
  EXPECT_EQ(glibc["seconds"]["rounds"].size(), 3u);
}

TEST(CompareCsv, HasARowForEachAllocator) {
  std::string text = written(made_up_report(1), Format::kCsv);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, HasSubstr("tiny x1,glibc,hakmem,3,3,1.5,1,2,"));
}

std::string refusal_of(const std::vector<NamedLibrary>& named) {
  try {
    named_allocators(named, "");
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

TEST(Allocators, AreSuggestedWhenTheNameIsNearlyRight) {
  EXPECT_THAT(refusal_of({{"hakmem", "-"}, {"glbc", ""}}),
              HasSubstr("no allocator is known as glbc; did you mean glibc"));
}

TEST(Allocators, ThatAreNoFilesAreRefused) {
  EXPECT_EQ(refusal_of({{"hakmem", "-"}, {"mine", "/nonexistent/lib.so"}}), "there is no library /nonexistent/lib.so");
}

TEST(Allocators, SayHowToBuildAVariantThatIsNotThere) {
  EXPECT_THAT(refusal_of({{"hakmem", "-"}, {"hakmem_nonsense", ""}}),
              HasSubstr("libhakmem_nonsense.so is not built: ./bazelw build"));
}

TEST(Allocators, PutHakmemFirst) {
  auto chosen = named_allocators({{"glibc", ""}, {"hakmem", "-"}}, "");
  ASSERT_EQ(chosen.size(), 2u);
  EXPECT_EQ(chosen[0].name, "hakmem");
  EXPECT_EQ(chosen[1].name, "glibc");
}

TEST(CallgrindDump, GivesRowAndInstructionsACall) {
  std::string row;
  double instructions = 0;
  ASSERT_TRUE(parse_dump("version: 1\ndesc: Trigger: Client Request: pair:16:20000\nsummary: 540000\ntotals: 1\n", &row,
                         &instructions));
  EXPECT_EQ(row, "pair:16");
  EXPECT_EQ(instructions, 27);
}

TEST(CallgrindDump, IsIgnoredWhenTheProbeDidNotAskForIt) {
  std::string row;
  double instructions = 0;
  EXPECT_FALSE(parse_dump("desc: Trigger: Program termination\nsummary: 7\n", &row, &instructions));
}

TEST(CountRows, HaveGoalsForThirtyCases) {
  size_t with_goal = 0;
  for (const CountRow& row : count_rows()) {
    with_goal += row.goal_default > 0 ? 1 : 0;
    EXPECT_LE(row.goal_fast, row.goal_default) << row.name;
  }
  EXPECT_EQ(with_goal, 30u);
}

TEST(NetCounts, LeaveOutRowsThatTheBaselineLacks) {
  Counts net = net_of({{"pair:16", 40}, {"pair:64", 41}}, {{"pair:16", 17}});
  EXPECT_EQ(net.size(), 1u);
  EXPECT_EQ(net["pair:16"], 23);
}

}  // namespace
}  // namespace hakctl
