// HAKMEM_REPORT_LIVE=2: who allocated what is live at exit.

#include <gtest/gtest.h>

#include <string>

#include "cli/process.h"

namespace {

std::string ErrorsOf(const std::string& program, const std::string& option) {
  hakctl::ProcessResult ran = hakctl::run_limited({program}, {{"HAKMEM_REPORT_LIVE", option}}, 60);
  EXPECT_EQ(ran.exit_status, 0) << program;
  return ran.errors;
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
    static const std::string report = ErrorsOf("tests/whole/leaks_debug", "2");
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
  EXPECT_EQ(ErrorsOf("tests/whole/leaks_debug", "0"), "");
  EXPECT_EQ(ErrorsOf("tests/whole/leaks_debug", "1").find("allocated"), std::string::npos);
}

TEST_F(Origins, AreNotKeptByOtherBuilds) {
  std::string report = ErrorsOf("tests/whole/leaks_hardened", "2");
  EXPECT_NE(report.find("live at exit: a build with checks=debug knows who allocated them\n"), std::string::npos)
      << report;
}

}  // namespace
