#include "cli/bazelrc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace hakctl {
namespace {

using testing::ElementsAre;

std::vector<Preset> parsed(const std::string& text) {
  std::istringstream file(text);
  return parse_bazelrc(file);
}

TEST(Bazelrc, FindsThePresetsInTheirOrder) {
  auto presets = parsed("build --a\nbuild:opt --b\nbuild:dbg --c\nbuild:opt --d\n");
  ASSERT_EQ(presets.size(), 2u);
  EXPECT_EQ(presets[0].name, "opt");
  EXPECT_THAT(presets[0].lines, ElementsAre("build:opt --b", "build:opt --d"));
  EXPECT_EQ(presets[1].name, "dbg");
}

TEST(Bazelrc, TakesTheCommentAbove) {
  auto presets = parsed("# For benchmarks,\n# and for users.\nbuild:opt --b\n");
  EXPECT_EQ(presets[0].comment, "For benchmarks, and for users.");
}

TEST(Bazelrc, SharesTheCommentWithinAParagraph) {
  auto presets = parsed("# Checks.\nbuild:fast --x\nbuild:hardened --y\n\nbuild:plain --z\n");
  EXPECT_EQ(presets[1].comment, "Checks.");
  EXPECT_EQ(presets[2].comment, "");
}

TEST(Bazelrc, StartsAnewAtTheNextComment) {
  auto presets = parsed("# One.\nbuild:a --x\n# Two.\nbuild:b --y\n");
  EXPECT_EQ(presets[0].comment, "One.");
  EXPECT_EQ(presets[1].comment, "Two.");
}

TEST(Bazelrc, LeavesOutImportsAndPlainLines) {
  EXPECT_TRUE(parsed("build --cxxopt=-std=c++17\ntry-import %workspace%/user.bazelrc\n\n# nothing\n").empty());
}

TEST(Bazelrc, CountsTestAndRunLinesToThePreset) {
  auto presets = parsed("build:asan --x\r\n  test:asan --y  \n");
  ASSERT_EQ(presets.size(), 1u);
  EXPECT_THAT(presets[0].lines, ElementsAre("build:asan --x", "test:asan --y"));
}

}  // namespace
}  // namespace hakctl
