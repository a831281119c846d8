// From the command line to an exit status; wrong usage is one line on stderr and nothing else.
#include "cli/dispatch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "cli/errors.h"

namespace hakctl {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Ran {
  int status;
  std::string out;
  std::string err;
};

Ran run(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  int status = dispatch(arguments, {out, err});
  return {status, out.str(), err.str()};
}

TEST(Dispatcher, PrintsTheVersion) {
  Ran ran = run({"--version"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, StartsWith("hakctl "));
}

// A full disk left half a file behind exit status 0.
TEST(Dispatcher, SaysWhenItsOutputIsLost) {
  std::ostream lost(nullptr);
  std::ostringstream err;
  EXPECT_EQ(dispatch({"options"}, {lost, err}), 1);
  EXPECT_EQ(err.str(), "hakctl options: the output could not be written to its end\n");
}

TEST(Dispatcher, NamesEveryCommandInItsHelp) {
  for (const char* spelling : {"help", "--help", "-h"}) {
    Ran ran = run({spelling});
    EXPECT_EQ(ran.status, 0);
    for (const Command& command : commands()) EXPECT_THAT(ran.out, HasSubstr(command.name));
  }
}

TEST(Dispatcher, GivesEachCommandAHelpWithExamplesEitherWay) {
  for (const Command& command : commands()) {
    Ran asked = run({"help", command.name});
    EXPECT_EQ(asked.status, 0);
    EXPECT_THAT(asked.out, HasSubstr("Examples:\n  hakctl "));
    EXPECT_EQ(asked.err, "");
    EXPECT_EQ(run({command.name, "--help"}).out, asked.out);
  }
}

TEST(Dispatcher, ShowsHelpBeforeItLooksAtAnythingElse) { EXPECT_EQ(run({"bench", "nonsense", "--help"}).status, 0); }

TEST(Dispatcher, ListsTheWorkloads) {
  Ran ran = run({"bench", "--list"});
  EXPECT_EQ(ran.status, 0);
  for (const Workload& workload : workloads()) EXPECT_THAT(ran.out, HasSubstr(workload.name));
  EXPECT_EQ(run({"bench", "--list", "mixed"}).status, 2);
}

TEST(Dispatcher, RunsASmallBenchmark) {
  Ran ran = run({"bench", "tiny", "--threads", "2", "--iters", "1000", "--repeats", "1"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("tiny"));
  EXPECT_EQ(ran.err, "");
}

TEST(Dispatcher, RunsTheFootprintFamily) {
  Ran ran = run({"bench", "footprint", "--threads", "2", "--iters", "1000", "--repeats", "1", "--idle", "0"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  for (const char* word : {"footprint_idle", "footprint_start", "peak to requested", "after idle MiB", "growth"}) {
    EXPECT_THAT(ran.out, HasSubstr(word));
  }
}

TEST(Dispatcher, ShowsTheRunTimeOptions) {
  Ran ran = run({"options"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("HAKMEM_DECAY_MS "));
}

struct WrongUsage {
  std::vector<std::string> arguments;
  const char* says;
};

class WrongUsages : public testing::TestWithParam<WrongUsage> {};

TEST_P(WrongUsages, AreOneLineAndStatusTwoAndNothingOnStdout) {
  Ran ran = run(GetParam().arguments);
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  EXPECT_THAT(ran.err, StartsWith("hakctl"));
  EXPECT_THAT(ran.err, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Typed, WrongUsages,
    testing::Values(WrongUsage{{}, "a command is missing; use one of bench, "},
                    WrongUsage{{"benhc"}, "there is no command benhc; did you mean bench?"},
                    WrongUsage{{"--threads", "4"}, "the command comes before its flags: hakctl bench --threads"},
                    WrongUsage{{"help", "benhc"}, "did you mean bench?"},
                    WrongUsage{{"help", "bench", "dump"}, "help explains one command at a time"},
                    WrongUsage{{"bench", "mixd"}, "hakctl bench: there is no workload mixd; did you mean mixed?"},
                    WrongUsage{{"bench", "--threads", "0"}, "--threads 0: must be 1 to 4096"},
                    WrongUsage{{"bench", "--thread", "1"}, "did you mean --threads?"},
                    WrongUsage{{"bench", "tree", "--size", "8"}, "tree needs blocks of at least 24 bytes"},
                    WrongUsage{{"bench", "--rounds", "3"}, "--rounds is a flag of other commands"},
                    WrongUsage{{"compare", "tiny", "--", "ls"}, "either workloads or a command after --, not both"},
                    WrongUsage{{"compare", "--threads", "2", "--", "ls"}, "--threads is for workloads"},
                    WrongUsage{{"compare", "--", "no-such-program-here"}, "there is no program no-such-program-here"},
                    WrongUsage{{"count", "--goal", "slow"}, "--goal slow: must be default or fast"},
                    WrongUsage{{"count", "--format", "csv"}, "--format csv: must be table or json"},
                    WrongUsage{{"config"}, "use one of list, show, diff, build, run"},
                    WrongUsage{{"config", "lits"}, "config cannot lits; did you mean list?"},
                    WrongUsage{{"config", "show"}, "write: hakctl config show PRESET"},
                    WrongUsage{{"config", "run", "opt"}, "write: hakctl config run PRESET -- COMMAND"}));

}  // namespace
}  // namespace hakctl
