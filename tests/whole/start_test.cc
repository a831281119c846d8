// A program on hakmem starts where address space is scarce, and under tools that allow no huge reservation.

#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace {

struct Result {
  int status;
  std::string output;
};

Result Shell(const std::string& command) {
  FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  std::string output;
  char chunk[4096];
  for (size_t got; (got = fread(chunk, 1, sizeof chunk, pipe)) > 0;) output.append(chunk, got);
  int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output};
}

void ExpectWell(const std::string& command) {
  Result result = Shell(command);
  EXPECT_EQ(result.status, 0) << command;
  EXPECT_EQ(result.output, "all is well\n") << command;
}

TEST(Start, WithoutLimits) { ExpectWell("tests/whole/probe"); }

TEST(Start, UnderAnAddressSpaceOfOneGigabyte) { ExpectWell("ulimit -v 1000000 && tests/whole/probe"); }

// The threads' stacks are the larger part of it.
TEST(Start, UnderAnAddressSpaceOfAHundredMegabytes) {
  ExpectWell("ulimit -s 1024 && ulimit -v 100000 && tests/whole/probe 300000");
}

TEST(Start, UnderAnAddressSpaceOfThirtyMegabytes) {
  ExpectWell("ulimit -s 256 && ulimit -v 30000 && tests/whole/probe 5000");
}

// It ended the process: "no C++ runtime to throw".
TEST(Start, BeforeTheCppRuntimeThatThrows) { ExpectWell("tests/whole/late_runtime"); }

// The forms that it leaves out went past its own to hakmem, which did not know the pointers.
TEST(Start, OfAProgramWithABasicOperatorNewOfItsOwn) {
  for (const char* forms : {"", "_arrays"}) {
    ExpectWell(std::string("LD_PRELOAD=$PWD/frontend/libhakmem.so tests/whole/replaced_new") + forms);
  }
}

TEST(Start, WithRandomAddressesAndWithout) {
  for (int i = 0; i < 20; i++) ExpectWell("tests/whole/probe 5000");
  if (Shell("setarch -R true").status == 0) ExpectWell("setarch -R tests/whole/probe");
}

TEST(Options, LeaveTheProgramsResultAsItIs) {
  for (const char* option : {"DECAY_MS=0", "DECAY_MS=3600000", "DIRTY_LIMIT=0", "DIRTY_LIMIT=100K", "HUGE_PAGES=never",
                             "HUGE_PAGES=always", "BACKGROUND=0", "BACKGROUND=1", "MEMORY_LIMIT=1M", "MEMORY_LIMIT=1G",
                             "MEMORY_LIMIT_HARD=2G", "DECAY_MS=0 HAKMEM_HUGE_PAGES=2"}) {
    ExpectWell(std::string("HAKMEM_") + option + " tests/whole/probe");
  }
}

TEST(Options, ThatAreWrongAreNamedInOneLineAndIgnored) {
  for (const char* option : {"HAKMEM_DECAY_MS=soon", "HAKMEM_HUGE_PAGES=3", "HAKMEM_NO_SUCH_OPTION=1"}) {
    Result result = Shell(std::string(option) + " tests/whole/probe 100");
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.output.rfind("hakmem: ignored " + std::string(option), 0), 0u) << result.output;
    EXPECT_EQ(result.output.substr(result.output.find('\n') + 1), "all is well\n");
  }
}

TEST(Options, BlocksThatAreLiveAtExitAreReported) {
  Result result = Shell("HAKMEM_REPORT_LIVE=1 tests/whole/probe 2>&1 | cat");
  // The buffer of stdout, which libc never frees; and what libc keeps of its threads.
  EXPECT_NE(result.output.find("hakmem: live at exit: 1 of the class of "), std::string::npos) << result.output;
}

TEST(Options, AHardLimitMakesMallocReturnNull) {
  Result result = Shell("HAKMEM_MEMORY_LIMIT_HARD=16M tests/whole/probe");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.output, "malloc\n");
}

// Empty slabs that the thread had kept stood in the way of a block that had room without them.
TEST(Options, AHardLimitLeavesRoomForALargeBlockWhereSlabsWere) {
  ExpectWell("HAKMEM_MEMORY_LIMIT_HARD=48M tests/whole/probe one-for-all");
}

class Valgrind : public testing::Test {
 protected:
  void SetUp() override {
    if (Shell("command -v valgrind").status != 0) GTEST_SKIP() << "valgrind is not installed";
  }
  static void ExpectWellUnder(const std::string& options, const std::string& most = "") {
    ExpectWell("valgrind -q --error-exitcode=9 " + options + " tests/whole/probe " + most);
  }
};

TEST_F(Valgrind, RunsHakmemWithoutATool) { ExpectWellUnder("--tool=none"); }

// Valgrind keeps its hands off the malloc of the program: every access of the allocator itself is looked at.
TEST_F(Valgrind, FindsNoErrorInHakmemItself) {
  ExpectWellUnder("--soname-synonyms=somalloc=nouserintercepts", "300000");
}

TEST_F(Valgrind, CountsWithCallgrind) { ExpectWellUnder("--tool=callgrind --callgrind-out-file=/dev/null"); }

}  // namespace
