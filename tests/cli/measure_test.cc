// A run in a process of its own: its figures come back, and so does the way it failed.
#include "cli/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "cli/errors.h"
#include "cli/process.h"

namespace hakctl {
namespace {

using testing::HasSubstr;

Params small_tiny() {
  Params params = find_workload("tiny")->defaults;
  params.iters = 5000;
  params.threads = 2;
  return params;
}

using RunBody = void (*)(hakctl::Run&);

Workload made_up(RunBody run) { return {"made_up", "a step", "for tests", Params(), 1, run}; }

void fill_64_mib(hakctl::Run& run) {
  Phases phases;
  phases.work = [](unsigned) -> uint64_t {
    char* big = static_cast<char*>(malloc(64 << 20));
    memset(big, 1, 64 << 20);
    volatile char seen = big[12345];
    free(big);
    return static_cast<uint64_t>(seen);
  };
  run.parallel(1, phases);
}

void damage_a_block(hakctl::Run& run) { run.fail_corrupt(48); }

void crash(hakctl::Run&) { abort(); }

std::string failure_of(RunBody run) {
  try {
    measure(made_up(run), Params());
  } catch (const RunError& error) {
    return error.what();
  }
  return "";
}

TEST(Measurement, BringsTheOutcomeBackFromTheOtherProcess) {
  Measurement m = measure(*find_workload("tiny"), small_tiny());
  EXPECT_EQ(m.outcome.operations, 10000u);
  EXPECT_EQ(m.outcome.threads, 2u);
  EXPECT_GT(m.outcome.seconds, 0);
  EXPECT_GT(m.peak_bytes, 0);
}

TEST(Measurement, GivesEachCounterAValueOrAReason) {
  Measurement m = measure(*find_workload("tiny"), small_tiny());
  for (size_t i = 0; i < kCounters; ++i) {
    if (m.counters[i].present) continue;
    EXPECT_NE(explain_absence(kCounterTable[i], m.counters[i].error), "") << kCounterTable[i].name;
  }
}

TEST(Measurement, SeesThePeakMemoryOfItsOwnRunOnly) {
  double large = measure(made_up(fill_64_mib), Params()).peak_bytes;
  double small = measure(*find_workload("tiny"), small_tiny()).peak_bytes;
  EXPECT_GT(large, 64 << 20);
  EXPECT_LT(small, large);
}

TEST(Measurement, TurnsADamagedBlockIntoAnError) {
  EXPECT_EQ(failure_of(damage_a_block), "made_up: a block of 48 bytes no longer holds what was written to it");
}

TEST(Measurement, TurnsACrashIntoAnError) {
  EXPECT_THAT(failure_of(crash), HasSubstr("made_up: the process that ran it ended"));
}

TEST(Process, KeepsOutputErrorsAndStatus) {
  ProcessResult result = run_captured({"sh", "-c", "echo out; echo err >&2; exit 3"}, {});
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.errors, "err\n");
  EXPECT_EQ(result.exit_status, 3);
}

TEST(Process, ChangesTheEnvironmentOfTheChildAlone) {
  ProcessResult result = run_captured({"sh", "-c", "echo $HAKCTL_TEST_VALUE"}, {{"HAKCTL_TEST_VALUE", "seven"}});
  EXPECT_EQ(result.output, "seven\n");
  EXPECT_EQ(getenv("HAKCTL_TEST_VALUE"), nullptr);
}

TEST(Process, ReportsAProgramThatIsNotThereAsAShellDoes) {
  EXPECT_EQ(run_captured({"/nonexistent/program"}, {}).exit_status, 127);
}

TEST(Process, NamesTheSignalThatEndedAChild) {
  EXPECT_EQ(run_captured({"sh", "-c", "kill -9 $$"}, {}).exit_status, 128 + 9);
}

TEST(Process, FindsProgramsInThePath) {
  EXPECT_NE(find_program("sh"), "");
  EXPECT_EQ(find_program("no-such-program-here"), "");
}

}  // namespace
}  // namespace hakctl
