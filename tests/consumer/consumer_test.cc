// A project of its own that depends on hakmem: builds examples/bazel_consumer with the Bazel at hand and runs it.

#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <filesystem>
#include <string>

namespace {

// The example's folder in the source tree, to which the runfiles link.
std::filesystem::path ExampleFolder() {
  return std::filesystem::canonical("examples/bazel_consumer/WORKSPACE").parent_path();
}

struct Result {
  int status;
  std::string output;
};

Result Shell(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  std::string output;
  char chunk[4096];
  for (size_t got; (got = fread(chunk, 1, sizeof chunk, pipe)) > 0;) output.append(chunk, got);
  int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

// Bazel keeps its output under TEST_TMPDIR when it finds that variable, and leaves no links in the source tree here.
Result Bazel(const std::string& arguments) {
  return Shell("cd '" + ExampleFolder().string() + "' && bazel " + arguments + " 2>$TEST_TMPDIR/log; status=$?; " +
               "[ $status = 0 ] || cat $TEST_TMPDIR/log; exit $status");
}

class Consumer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    Result built = Bazel("build --symlink_prefix=/ //:all");
    ASSERT_EQ(built.status, 0) << built.output;
  }

  static void TearDownTestSuite() { Bazel("shutdown"); }

  static std::string Run(const std::string& target, const std::string& flags = "") {
    return Bazel("run --symlink_prefix=/ " + flags + " //:" + target).output;
  }
};

TEST_F(Consumer, HasItsOwnMallocWithoutHakmem) {
  EXPECT_EQ(Run("without").rfind("malloc(100) by the C library", 0), 0u) << Run("without");
}

TEST_F(Consumer, RunsOnHakmemWhenTheMallocAttributeNamesIt) {
  EXPECT_EQ(Run("with_malloc").rfind("malloc(100) by hakmem", 0), 0u) << Run("with_malloc");
}

TEST_F(Consumer, RunsOnHakmemAsAPlainDependency) {
  EXPECT_EQ(Run("with_deps").rfind("malloc(100) by hakmem", 0), 0u) << Run("with_deps");
}

// The byte of the header is missing from what the program may use.
TEST_F(Consumer, ReachesAnotherLayoutThroughAVariantAndThroughAFlag) {
  std::string variant = Run("with_variant");
  EXPECT_NE(variant, Run("with_malloc"));
  EXPECT_EQ(variant, Run("with_malloc", "--@hakmem//:header_classidx"));
}

}  // namespace
