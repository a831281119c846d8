// Builds of hakmem that nobody runs every day: the programs beside this test, on each build of the library beside it.
//
// A build is a folder with libhakmem.so and core_walk, a program of that build. Nothing is listed here: a combination
// or a program that the build file adds is found in its folder.

#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Job {
  fs::path build;
  fs::path program;
  // Else the program finds the build for itself: misuse_test by HAK_TEST_LIBRARY, core_walk has it inside.
  bool preload;
};

std::ostream& operator<<(std::ostream& out, const Job& job) {
  return out << job.program.filename().string() << " on " << job.build.string();
}

bool IsBuild(const fs::path& folder) { return fs::exists(folder / "libhakmem.so"); }

// Folders NAME.builds/COMBINATION.
std::vector<fs::path> Builds() {
  std::vector<fs::path> builds;
  for (const auto& entry : fs::recursive_directory_iterator("tests/toggles")) {
    if (entry.is_directory() && IsBuild(entry.path())) builds.push_back(fs::absolute(entry.path()));
  }
  std::sort(builds.begin(), builds.end());
  return builds;
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::vector<Job> JobsOn(const fs::path& build) {
  std::vector<Job> jobs = {{build, fs::absolute("tests/toggles/churn"), true},
                           {build, fs::absolute("tests/misuse/misuse_test"), false},
                           {build, build / "core_walk", false}};
  if (!fs::exists("tests/whole")) return jobs;
  for (const auto& entry : fs::directory_iterator("tests/whole")) {
    if (EndsWith(entry.path().string(), "_on_library")) jobs.push_back({build, fs::absolute(entry.path()), true});
  }
  return jobs;
}

std::vector<Job> Jobs() {
  std::vector<Job> jobs;
  for (const fs::path& build : Builds()) {
    for (const Job& job : JobsOn(build)) jobs.push_back(job);
  }
  return jobs;
}

std::string NameOf(const testing::TestParamInfo<Job>& info) {
  std::string name = info.param.build.filename().string() + "_" + info.param.program.filename().string();
  for (char& c : name) c = isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

class Combination : public ::testing::TestWithParam<Job> {};

TEST_P(Combination, Passes) {
  const Job& job = GetParam();
  std::string library = (job.build / "libhakmem.so").string();
  // What Bazel tells this test is not for the programs, which have tests of their own inside.
  std::string command =
      "unset XML_OUTPUT_FILE TESTBRIDGE_TEST_ONLY TEST_PREMATURE_EXIT_FILE; HAK_TEST_LIBRARY='" + library + "' ";
  if (job.preload) command += "LD_PRELOAD='" + library + "' LD_LIBRARY_PATH='" + job.build.string() + "' ";
  command += "'" + job.program.string() + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  for (int c; (c = fgetc(pipe)) != EOF;) output += static_cast<char>(c);
  int status = pclose(pipe);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status << ":\n" << output;
}

INSTANTIATE_TEST_SUITE_P(Flags, Combination, ::testing::ValuesIn(Jobs()), NameOf);

TEST(Combinations, AreThere) { EXPECT_FALSE(Jobs().empty()); }

}  // namespace
