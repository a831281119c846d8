// base/fatal.h: the exact form of every line that the allocator writes.
#include "base/fatal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace {

std::string printed(const hak_line& line) {
  testing::internal::CaptureStderr();
  hak_line_print(&line);
  return testing::internal::GetCapturedStderr();
}

TEST(Line, HasAPrefixAndANewline) {
  hak_line line{};
  EXPECT_EQ(printed(line), "hakmem: \n");
  hak_line_text(&line, "one");
  hak_line_text(&line, "");
  hak_line_text(&line, " two");
  EXPECT_EQ(printed(line), "hakmem: one two\n");
}

TEST(Line, WritesNumbersInDecimal) {
  for (uint64_t value : {UINT64_C(0), UINT64_C(9), UINT64_C(10), UINT64_C(12345), UINT64_MAX}) {
    hak_line line{};
    hak_line_number(&line, value);
    EXPECT_EQ(printed(line), "hakmem: " + std::to_string(value) + "\n");
  }
}

TEST(Line, WritesAddressesInHexadecimal) {
  hak_line line{};
  hak_line_address(&line, 0x7f00abcdef10);
  hak_line_text(&line, " ");
  hak_line_address(&line, 0);
  hak_line_text(&line, " ");
  hak_line_address(&line, UINTPTR_MAX);
  EXPECT_EQ(printed(line), "hakmem: 0x7f00abcdef10 0x0 0xffffffffffffffff\n");
}

TEST(Line, CutsTextThatDoesNotFit) {
  hak_line line{};
  for (int i = 0; i < 40; i++) hak_line_text(&line, "0123456789");
  hak_line_number(&line, UINT64_MAX);
  hak_line_address(&line, UINTPTR_MAX);
  EXPECT_EQ(line.length, sizeof line.text);
  std::string out = printed(line);
  EXPECT_EQ(out.size(), strlen("hakmem: ") + sizeof line.text + 1);
  EXPECT_THAT(out, testing::EndsWith("012345\n"));
}

TEST(Line, LeavesErrnoAsItWas) {
  hak_line line{};
  int saved = dup(STDERR_FILENO);
  close(STDERR_FILENO);
  errno = 77;
  hak_line_print(&line);
  int seen = errno;
  dup2(saved, STDERR_FILENO);
  close(saved);
  EXPECT_EQ(seen, 77);
}

TEST(FatalDeathTest, ALineEndsTheProcess) {
  hak_line line{};
  hak_line_text(&line, "double free of ");
  hak_line_address(&line, 0x1234);
  EXPECT_EXIT(hak_line_abort(&line), testing::KilledBySignal(SIGABRT), testing::Eq("hakmem: double free of 0x1234\n"));
}

TEST(FatalDeathTest, AFaultIsNamedWithItsAddress) {
  EXPECT_EXIT(hak_fatal("slab: not a head", 0x7f0000010000), testing::KilledBySignal(SIGABRT),
              testing::Eq("hakmem: slab: not a head at 0x7f0000010000\n"));
}

TEST(FatalDeathTest, DebugBuildsStopAtABrokenInvariant) {
  int two = 2;
  HAK_ASSERT(two == 2, &two);
  if (!HAK_DEBUG) {
    HAK_ASSERT(two == 3, &two);
    GTEST_SKIP() << "only debug builds look at invariants";
  }
  EXPECT_EXIT(HAK_ASSERT(two == 3, 0x10), testing::KilledBySignal(SIGABRT),
              testing::Eq("hakmem: broken: two == 3 at 0x10\n"));
}

}  // namespace
