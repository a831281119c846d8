// HAKMEM_REPORT_LIVE=2: who allocated what is live at exit.

#include <gtest/gtest.h>
#include <stdio.h>

#include <string>

namespace {

std::string ErrorsOf(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char chunk[4096];
  for (size_t got; (got = fread(chunk, 1, sizeof chunk, pipe)) > 0;) output.append(chunk, got);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

// The frames below the line that says so, up to the next line of hakmem's.
std::string StackUnder(const std::string& line, const std::string& output) {
  size_t start = output.find("hakmem: live at exit: " + line + " bytes, allocated here:\n");
  if (start == std::string::npos) return "no such line in:\n" + output;
  return output.substr(start, output.find("\nhakmem:", start) - start);
}

class Origins : public testing::Test {
 protected:
  static const std::string& Report() {
    static const std::string report = ErrorsOf("HAKMEM_REPORT_LIVE=2 tests/whole/leaks_debug");
    return report;
  }
};

TEST_F(Origins, AreNamedWithTheBlocksAndBytesOfEach) {
  EXPECT_NE(StackUnder("30 blocks, 9000", Report()).find("leak_small"), std::string::npos) << Report();
  EXPECT_NE(StackUnder("1 block, 83886080", Report()).find("leak_large"), std::string::npos) << Report();
  EXPECT_NE(StackUnder("1 block, 3145728", Report()).find("leak_large"), std::string::npos) << Report();
}

TEST_F(Origins, OfAResizedBlockAreThoseOfTheResize) {
  EXPECT_NE(StackUnder("1 block, 7777", Report()).find("main"), std::string::npos) << Report();
  EXPECT_EQ(Report().find("1 block, 10 bytes"), std::string::npos) << Report();
}

TEST_F(Origins, ComeWithTheLargestFirst) {
  EXPECT_LT(Report().find("83886080"), Report().find(" 3145728"));
  EXPECT_LT(Report().find(" 3145728"), Report().find("9000"));
}

TEST_F(Origins, OfFreedBlocksAreNotNamed) { EXPECT_EQ(Report().find(" 5000 bytes"), std::string::npos) << Report(); }

TEST_F(Origins, AreForTheAsking) {
  EXPECT_EQ(ErrorsOf("tests/whole/leaks_debug"), "");
  EXPECT_EQ(ErrorsOf("HAKMEM_REPORT_LIVE=1 tests/whole/leaks_debug").find("allocated"), std::string::npos);
}

TEST_F(Origins, AreNotKeptByOtherBuilds) {
  std::string report = ErrorsOf("HAKMEM_REPORT_LIVE=2 tests/whole/leaks_hardened");
  EXPECT_NE(report.find("live at exit: a build with checks=debug knows who allocated them\n"), std::string::npos)
      << report;
}

}  // namespace
