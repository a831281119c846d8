// The built hakctl, run as people run it: on the allocator that it links.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/process.h"

namespace hakctl {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// Tests start in the root of their runfiles.
ProcessResult hakctl(std::vector<std::string> arguments, const Environment& environment = {}) {
  arguments.insert(arguments.begin(), "cli/hakctl");
  return run_captured(arguments, environment);
}

ProcessResult small_bench(const std::string& format) {
  return hakctl({"bench", "--threads", "4", "--iters", "2000", "--repeats", "2", "--format", format});
}

TEST(Hakctl, RunsTheFirstBenchmarkOfTheReadme) {
  ProcessResult ran = small_bench("table");
  EXPECT_EQ(ran.exit_status, 0) << ran.errors;
  EXPECT_THAT(ran.output, StartsWith("workload"));
  EXPECT_THAT(ran.output, HasSubstr("mixed           4"));
  EXPECT_EQ(ran.errors, "");  // no progress line: this is no terminal
}

TEST(Hakctl, RunsEveryWorkloadOnItsOwnMalloc) {
  ProcessResult ran = hakctl({"bench", "all", "--threads", "1,3", "--iters", "1000", "--working-set", "40", "--size",
                              "32..2K", "--repeats", "1", "--format", "json"});
  ASSERT_EQ(ran.exit_status, 0) << ran.errors;
  auto json = nlohmann::json::parse(ran.output);
  EXPECT_GE(json["results"].size(), 28u);
  EXPECT_GT(json["machine"]["cores"], 0);
  EXPECT_THAT(json["command_line"].get<std::string>(), StartsWith("hakctl bench all --threads 1,3"));
}

TEST(Hakctl, WritesCsvForSpreadsheets) {
  ProcessResult ran = small_bench("csv");
  EXPECT_EQ(ran.exit_status, 0);
  EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 2);
}

TEST(Hakctl, AnswersWrongUsageWithOneLine) {
  ProcessResult ran = hakctl({"bench", "--thread", "4"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_EQ(ran.output, "");
  EXPECT_EQ(ran.errors, "hakctl bench: there is no flag --thread; did you mean --threads?\n");
}

TEST(Hakctl, AnswersValuesThatAbseilRejectsWithOneLine) {
  ProcessResult ran = hakctl({"bench", "--iters", "many"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_EQ(ran.errors, "hakctl bench: --iters many: give a whole number such as 4, 50000 or 64K\n");
}

TEST(Hakctl, DumpsSlabsOfTheWorkloadInHand) {
  ProcessResult ran = hakctl({"dump", "tiny", "--size", "256", "--iters", "5000", "--format", "json"});
  ASSERT_EQ(ran.exit_status, 0) << ran.errors;
  auto json = nlohmann::json::parse(ran.output);
  EXPECT_FALSE(json["superslabs"].empty());
  EXPECT_FALSE(json["counters"].empty());
  uint64_t used = 0;
  for (const auto& slab : json["slabs"]) {
    EXPECT_EQ(slab["used"].get<uint64_t>() + slab["free"].get<uint64_t>() + slab["remote"].get<uint64_t>(),
              slab["capacity"].get<uint64_t>());
    if (slab["block_bytes"].get<uint64_t>() >= 256 && slab["block_bytes"].get<uint64_t>() < 384) {
      used += slab["used"].get<uint64_t>();
    }
  }
  // Each of the thousand slots is as likely full as empty.
  EXPECT_GT(used, 300u);
}

TEST(Hakctl, DumpsATableOfSlabsAndClasses) {
  ProcessResult ran = hakctl({"dump", "--iters", "2000"});
  EXPECT_EQ(ran.exit_status, 0) << ran.errors;
  for (const char* column : {"superslab", "stride", "used", "free", "remote"}) {
    EXPECT_THAT(ran.output, HasSubstr(column));
  }
}

nlohmann::json option_named(const std::string& name, const Environment& environment) {
  const auto json = nlohmann::json::parse(hakctl({"options", "--format", "json"}, environment).output);
  for (const auto& option : json["options"]) {
    if (option["name"] == name) return option;
  }
  return nullptr;
}

TEST(Hakctl, ShowsTheOptionsThatItWasStartedWith) {
  EXPECT_EQ(option_named("HAKMEM_DECAY_MS", {})["source"], "default");
  auto given = option_named("HAKMEM_DECAY_MS", {{"HAKMEM_DECAY_MS", "2K"}});
  EXPECT_EQ(given["value"], 2048);
  EXPECT_EQ(given["source"], "environment");
  EXPECT_EQ(option_named("HAKMEM_HUGE_PAGES", {{"HAKMEM_HUGE_PAGES", "never"}})["value"], "never");
  auto refused = option_named("HAKMEM_DECAY_MS", {{"HAKMEM_DECAY_MS", "soon"}});
  EXPECT_EQ(refused["value"], refused["default"]);
  EXPECT_EQ(refused["source"], "refused: soon");
}

TEST(Hakctl, SaysHowTheLibraryInItselfWasBuilt) {
  ProcessResult ran = hakctl({"config", "show", "cli/hakctl", "--format", "json"});
  ASSERT_EQ(ran.exit_status, 0) << ran.errors;
  auto json = nlohmann::json::parse(ran.output);
  ASSERT_EQ(json["builds"].size(), 1u);
  EXPECT_EQ(json["builds"][0]["file"], "cli/hakctl");
  EXPECT_EQ(json["builds"][0]["flags"]["header_classidx"], HAK_HEADER_CLASSIDX == 1);
  EXPECT_THAT(json["builds"][0]["compiler"].get<std::string>(), HasSubstr("."));
  EXPECT_THAT(hakctl({"config", "show", "cli/hakctl"}).output, StartsWith("hakmem in          cli/hakctl\npreset "));
}

TEST(Hakctl, SaysInOneLineThatAFileHasNoHakmem) {
  ProcessResult ran = hakctl({"config", "show", "/bin/sh"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_EQ(ran.output, "");
  EXPECT_EQ(ran.errors, "hakctl config: /bin/sh carries no note of hakmem\n");
  EXPECT_EQ(hakctl({"config", "show", "/etc/passwd"}).errors, "hakctl config: /etc/passwd is not an ELF file\n");
}

class InAWorkspace : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::string(getenv("TEST_TMPDIR")) + "/workspace";
    run_captured({"mkdir", "-p", root_ + "/below"}, {});
    std::ofstream(root_ + "/.bazelrc") << "# For benchmarks.\nbuild:opt --copt=-O3\n\nbuild:plain --copt=-O1\n";
  }
  ProcessResult config(const std::vector<std::string>& words) {
    std::vector<std::string> arguments = {"config"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    return hakctl(arguments, {{"HAKCTL_WORKSPACE", root_}});
  }
  std::string root_;
};

TEST_F(InAWorkspace, ListsThePresets) {
  ProcessResult ran = config({"list"});
  EXPECT_EQ(ran.exit_status, 0) << ran.errors;
  EXPECT_EQ(ran.output, "For benchmarks.\n  opt    --copt=-O3\n\n  plain  --copt=-O1\n");
}

TEST_F(InAWorkspace, ShowsAndComparesPresets) {
  EXPECT_EQ(config({"show", "opt"}).output, "build:opt --copt=-O3\n");
  EXPECT_EQ(config({"diff", "opt", "plain"}).output, "- build --copt=-O3\n+ build --copt=-O1\n");
}

TEST_F(InAWorkspace, TakesAFileThatHasTheNameOfNoPreset) {
  std::string hakctl_path = run_captured({"readlink", "-f", "cli/hakctl"}, {}).output;
  hakctl_path.resize(hakctl_path.size() - 1);
  ProcessResult ran =
      run_captured({"sh", "-c",
                    "cd " + root_ + " && cp " + hakctl_path +
                        " plain && cp plain copy && ./copy config show plain && " + "./copy config show copy"},
                   {{"HAKCTL_WORKSPACE", root_}});
  EXPECT_THAT(ran.output, StartsWith("build:plain --copt=-O1\nhakmem in          copy\n")) << ran.errors;
}

TEST_F(InAWorkspace, SuggestsAPreset) {
  ProcessResult ran = config({"show", "plan"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_THAT(ran.errors, EndsWith("there is no preset plan; did you mean plain?\n"));
}

TEST_F(InAWorkspace, FindsTheWorkspaceUpwards) {
  std::string hakctl_path = run_captured({"readlink", "-f", "cli/hakctl"}, {}).output;
  hakctl_path.resize(hakctl_path.size() - 1);
  ProcessResult ran = run_captured({"sh", "-c", "cd " + root_ + "/below && exec " + hakctl_path + " config list"},
                                   {{"HAKCTL_WORKSPACE", ""}});
  EXPECT_THAT(ran.output, StartsWith("For benchmarks."));
}

}  // namespace
}  // namespace hakctl
