// Builds of hakmem that nobody runs every day: each flag flipped alone, and all of them at once.

#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <filesystem>
#include <string>
#include <vector>

namespace {

constexpr const char* kFolder = "tests/toggles";

// The names of the combinations, from the libraries that the build has laid beside this test.
std::vector<std::string> Combinations() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".so") names.push_back(entry.path().stem().string().substr(3));
  }
  return names;
}

class Combination : public ::testing::TestWithParam<std::string> {};

TEST_P(Combination, RunsThreadsThatAllocateGrowAndFreeBlocksOfAllSizes) {
  std::string folder = std::filesystem::absolute(kFolder).string();
  std::string command = "LD_PRELOAD=" + folder + "/lib" + GetParam() + ".so " + folder + "/churn 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  for (int c; (c = fgetc(pipe)) != EOF;) output += static_cast<char>(c);
  int status = pclose(pipe);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  EXPECT_EQ(output, "ok\n");
}

INSTANTIATE_TEST_SUITE_P(Flags, Combination, ::testing::ValuesIn(Combinations()),
                         [](const auto& combination) { return combination.param; });

}  // namespace
