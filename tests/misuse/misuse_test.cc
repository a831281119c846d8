// Misuse on libhakmem.so: each ends its program with one line on stderr and SIGABRT; its twin without the fault runs
// through in silence. The programs, and what must be said of each, are those of cli/misuse.
//
// HAK_TEST_LIBRARY names another build of the library.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "cli/build_note.h"
#include "cli/misuse/run.h"
#include "cli/misuse/table.h"

namespace hakctl {

// For gtest's names and messages.
std::ostream& operator<<(std::ostream& out, const MisuseCase& misuse) {
  return out << misuse.program << " " << misuse.argument;
}

namespace {

const std::string kPrograms = "cli/misuse/built";

std::string Library() {
  const char* other = getenv("HAK_TEST_LIBRARY");
  return std::filesystem::canonical(other != nullptr ? other : "frontend/libhakmem.so").string();
}

const FlagValues& Build() {
  static const auto* flags = new FlagValues(read_build_note(Library()).flags);
  return *flags;
}

std::string CaseName(const testing::TestParamInfo<MisuseCase>& info) {
  return info.param.program + (info.param.size.empty() ? "" : "_" + info.param.size);
}

class Misuse : public testing::TestWithParam<MisuseCase> {};

INSTANTIATE_TEST_SUITE_P(Programs, Misuse, testing::ValuesIn(misuse_cases(Build())), CaseName);

TEST_P(Misuse, IsNamedInOneLineAndEndsTheProcess) {
  if (!promises_to_find(Build(), GetParam())) GTEST_SKIP() << "this build does not look for it";
  MisuseOutcome outcome = run_misuse(GetParam(), kPrograms, Library());
  EXPECT_STREQ(name_of(outcome.finding), "found")
      << "exit status " << outcome.ran.exit_status << "\nexpected: " << outcome.expected
      << "     got: " << outcome.ran.errors;
}

class Twin : public Misuse {};

INSTANTIATE_TEST_SUITE_P(Programs, Twin, testing::ValuesIn(misuse_cases(Build())), CaseName);

TEST_P(Twin, RunsThroughInSilence) {
  ProcessResult ran = run_twin(GetParam(), kPrograms, Library());
  EXPECT_EQ(ran.exit_status, 0);
  EXPECT_EQ(ran.errors, "");
}

bool IsTwin(const std::string& program) {
  const std::string mark = "_twin";
  return program.size() > mark.size() && program.compare(program.size() - mark.size(), mark.size(), mark) == 0;
}

TEST(MisuseTable, HasOneRowForEachProgram) {
  std::vector<std::string> rows = misuse_programs();
  std::set<std::string> programs;
  for (const auto& entry : std::filesystem::directory_iterator(kPrograms)) {
    std::string program = entry.path().filename().string();
    if (!IsTwin(program)) programs.insert(program);
  }
  EXPECT_EQ(std::set<std::string>(rows.begin(), rows.end()), programs);
  EXPECT_EQ(rows.size(), programs.size());
}

// A script in the place of a program.
MisuseOutcome RunScript(const std::string& script) {
  std::string folder = std::string(getenv("TEST_TMPDIR"));
  std::string path = folder + "/script";
  FILE* file = fopen(path.c_str(), "w");
  fprintf(file, "#!/bin/sh\necho 0x10\n%s\n", script.c_str());
  fclose(file);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  MisuseCase misuse = {"script", "", "", "double free of %p", "", Needs::kChecks};
  return run_misuse(misuse, folder, "");
}

TEST(Finding, IsToldByTheLineAndTheSignal) {
  EXPECT_EQ(RunScript("echo hakmem: double free of 0x10 >&2; kill -ABRT $$").finding, Finding::kFound);
  EXPECT_EQ(RunScript("echo hakmem: double free of 0x20 >&2; kill -ABRT $$").finding, Finding::kOtherwise);
  EXPECT_EQ(RunScript("echo hakmem: double free of 0x10 >&2; echo more >&2; kill -ABRT $$").finding,
            Finding::kOtherwise);
  EXPECT_EQ(RunScript("echo hakmem: double free of 0x10 >&2; kill -SEGV $$").finding, Finding::kCrashed);
  EXPECT_EQ(RunScript("kill -ABRT $$").finding, Finding::kCrashed);
  EXPECT_EQ(RunScript("echo hakmem: double free of 0x10 >&2").finding, Finding::kMissed);
}

TEST(ALimitedProgram, IsKilledWithWhatItStartedWhenItHangs) {
  ProcessResult ran = run_limited({"sh", "-c", "sleep 100 & echo here; sleep 100"}, {}, 1);
  EXPECT_EQ(ran.exit_status, 128 + SIGKILL);
  EXPECT_EQ(ran.output, "here\n");
  EXPECT_LT(ran.wall_seconds, 60);
}

}  // namespace
}  // namespace hakctl
