// hakctl compare and hakctl count with the library that was built: it must really be loaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/process.h"

namespace hakctl {
namespace {

using testing::HasSubstr;

ProcessResult hakctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "cli/hakctl");
  return run_captured(arguments, {});
}

TEST(Compare, RunsAWorkloadOnHakmemAndGlibc) {
  ProcessResult ran = hakctl({"compare", "tiny", "--threads", "1,2", "--iters", "5000", "--rounds", "2", "--with",
                              "glibc", "--format", "json"});
  ASSERT_EQ(ran.exit_status, 0) << ran.errors;
  auto json = nlohmann::json::parse(ran.output);
  ASSERT_EQ(json["results"].size(), 2u);
  auto row = json["results"][0];
  EXPECT_EQ(row["baseline"], "hakmem");
  EXPECT_EQ(row["allocators"][0]["name"], "hakmem");
  EXPECT_THAT(row["allocators"][0]["library"].get<std::string>(), HasSubstr("libhakmem.so"));
  EXPECT_EQ(row["allocators"][0]["seconds"]["ratio"]["median"], 1.0);
  EXPECT_GT(row["allocators"][1]["peak_bytes"]["median"], 0);
}

TEST(Compare, ShowsTheFootprintBesideThatOfOthers) {
  ProcessResult ran = hakctl({"compare", "footprint_idle", "--iters", "100000", "--idle", "0", "--rounds", "1",
                              "--with", "glibc", "--format", "json"});
  ASSERT_EQ(ran.exit_status, 0) << ran.errors;
  const auto json = nlohmann::json::parse(ran.output);
  for (const auto& allocator : json["results"][0]["allocators"]) {
    EXPECT_EQ(allocator["notes"]["requested"]["median"], 100000 * 120);
    EXPECT_GT(allocator["notes"]["peak"]["median"], 100000 * 120);
  }
}

TEST(Compare, RunsACommand) {
  ProcessResult ran = hakctl({"compare", "--with", "glibc", "--rounds", "2", "--", "sh", "-c", "exit 3"});
  EXPECT_EQ(ran.exit_status, 0) << ran.errors;
  EXPECT_THAT(ran.output, HasSubstr("sh -c exit 3"));
}

TEST(Compare, RefusesALibraryThatIsNoAllocator) {
  ProcessResult ran = hakctl({"compare", "tiny", "--with", "glibc,wrong=/etc/passwd"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_THAT(ran.errors, HasSubstr("/etc/passwd was not loaded"));
  EXPECT_EQ(ran.output, "");
}

TEST(Compare, NamesTheCommandThatACrashEnded) {
  ProcessResult ran = hakctl({"compare", "--with", "glibc", "--rounds", "1", "--", "sh", "-c", "kill -9 $$"});
  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_THAT(ran.errors, HasSubstr("was ended by signal 9"));
}

TEST(Count, CountsEveryRow) {
  if (find_program("valgrind").empty()) GTEST_SKIP() << "valgrind is not installed";
  ProcessResult ran = hakctl({"count", "glibc", "--format", "json"});
  ASSERT_EQ(ran.exit_status, 0) << ran.errors;
  auto json = nlohmann::json::parse(ran.output);
  EXPECT_EQ(json["rows"].size(), 32u);
  for (const auto& row : json["rows"]) {
    EXPECT_GT(row["counts"]["hakmem"], 0) << row["row"];
    EXPECT_GT(row["counts"]["glibc"], 0) << row["row"];
  }
}

}  // namespace
}  // namespace hakctl
