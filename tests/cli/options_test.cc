// What is typed: flags become fields, and each mistake becomes one sentence that says what would be right.
#include "cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/errors.h"

namespace hakctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Accepts kBench = {{"threads", "iters", "working-set", "size", "seed", "repeats", "format", "list"}, true, false};
const Accepts kCompare = {{"rounds", "with", "baseline"}, true, true};
const Accepts kCount = {{"goal", "format=table|json"}, false, false};

Options parse(const std::vector<std::string>& arguments) { return parse_options("bench", kBench, arguments); }

std::string error_of(const Accepts& accepts, const std::vector<std::string>& arguments) {
  try {
    parse_options("bench", accepts, arguments);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

std::string error_of(const std::vector<std::string>& arguments) { return error_of(kBench, arguments); }

TEST(BenchOptions, TakesFlagsWithAnEqualsSignOrASpace) {
  Options options = parse({"--threads", "4", "--iters=50000", "mixed"});
  EXPECT_THAT(options.threads, ElementsAre(4u));
  EXPECT_EQ(options.iters, 50000u);
  EXPECT_THAT(options.words, ElementsAre("mixed"));
}

TEST(BenchOptions, LeavesUnsetWhatWasNotGiven) {
  Options options = parse({});
  EXPECT_TRUE(options.threads.empty());
  EXPECT_FALSE(options.iters.has_value());
  EXPECT_FALSE(options.size.has_value());
  EXPECT_EQ(options.seed, 42u);
  EXPECT_EQ(options.format, Format::kTable);
}

TEST(BenchOptions, ForgetsTheFlagsOfAnEarlierCommandLine) {
  parse({"--seed", "7", "--threads", "2"});
  Options options = parse({});
  EXPECT_EQ(options.seed, 42u);
  EXPECT_TRUE(options.threads.empty());
}

TEST(BenchOptions, TakesSeveralNumbersOfThreads) {
  EXPECT_THAT(parse({"--threads", "1,2,4"}).threads, ElementsAre(1u, 2u, 4u));
}

TEST(BenchOptions, KeepsTheCommandLineForReports) {
  EXPECT_EQ(parse({"--seed", "7", "tiny"}).command_line, "hakctl bench --seed 7 tiny");
}

TEST(BenchOptions, RejectsAThreadCountOfZero) {
  EXPECT_EQ(error_of({"--threads", "0"}), "--threads 0: must be 1 to 4096");
}

TEST(BenchOptions, RejectsAThreadCountThatIsNoNumber) {
  EXPECT_EQ(error_of({"--threads", "four"}), "--threads four: give a whole number such as 4, or several as in 1,2,4");
  EXPECT_EQ(error_of({"--threads", "1,,2"}), "--threads 1,,2: give a whole number such as 4, or several as in 1,2,4");
}

TEST(BenchOptions, RejectsANegativeNumber) {
  EXPECT_EQ(error_of({"--iters", "-5"}), "--iters -5: give a whole number such as 4, 50000 or 64K");
}

TEST(BenchOptions, RejectsANumberThatDoesNotFit) {
  EXPECT_THAT(error_of({"--iters", "99999999999999999999999"}), HasSubstr("give a whole number"));
  EXPECT_THAT(error_of({"--working-set", "4096M"}), HasSubstr("must be 1 to"));
}

TEST(BenchOptions, SuggestsTheNearestFlag) {
  EXPECT_EQ(error_of({"--thread", "4"}), "there is no flag --thread; did you mean --threads?");
  EXPECT_EQ(error_of({"--working_set", "4"}), "there is no flag --working_set; did you mean --working-set?");
}

TEST(BenchOptions, NamesTheFlagsWhenNoneIsNear) {
  EXPECT_THAT(error_of({"--zzzzzzzzz"}), HasSubstr("use one of --help, --threads"));
}

TEST(BenchOptions, RejectsAFlagOfAnotherCommand) {
  EXPECT_THAT(error_of({"--goal", "fast"}), HasSubstr("--goal is a flag of other commands; bench takes --help"));
}

TEST(BenchOptions, RejectsAbseilsOwnFlags) {
  EXPECT_THAT(error_of({"--flagfile=x"}), HasSubstr("there is no flag --flagfile"));
}

TEST(BenchOptions, RejectsAFlagWithoutItsValue) {
  EXPECT_EQ(error_of({"--seed"}), "--seed needs a value: --seed N");
  EXPECT_EQ(error_of({"--seed", "--list"}), "--seed needs a value: --seed N");
}

TEST(BenchOptions, RejectsAValueForAFlagThatTakesNone) { EXPECT_EQ(error_of({"--list=yes"}), "--list takes no value"); }

TEST(BenchOptions, RejectsAnUnknownFormat) {
  EXPECT_EQ(error_of({"--format", "xml"}), "--format xml: must be table or json or csv");
}

TEST(BenchOptions, RejectsAnEmptyNumberOfRepeats) {
  EXPECT_EQ(error_of({"--repeats", "0"}), "--repeats 0: must be 1 to 1000");
}

TEST(BenchOptions, RejectsACommandAfterTwoDashes) {
  EXPECT_EQ(error_of({"--", "ls"}), "bench runs no command of yours: nothing can follow --");
}

TEST(CountOptions, OffersOnlyTheFormatsThatTheCommandHas) {
  EXPECT_EQ(error_of(kCount, {"--format", "csv"}), "--format csv: must be table or json");
}

TEST(CountOptions, RejectsWordsWhereNoneBelong) {
  EXPECT_THAT(error_of(kCount, {"something"}), HasSubstr("takes no words"));
}

TEST(CompareOptions, CutsAtTwoDashesBeforeReadingFlags) {
  Options options = parse_options("compare", kCompare, {"--rounds", "3", "--", "ls", "--rounds", "--", "-l"});
  EXPECT_EQ(options.rounds, 3u);
  EXPECT_THAT(options.tail, ElementsAre("ls", "--rounds", "--", "-l"));
}

TEST(CompareOptions, WantsACommandAfterTwoDashes) { EXPECT_EQ(error_of(kCompare, {"--"}), "a command must follow --"); }

TEST(CompareOptions, SplitsNamedLibraries) {
  Options options = parse_options("compare", kCompare, {"--with", "glibc,mine=/tmp/lib.so,own=-"});
  ASSERT_EQ(options.with.size(), 3u);
  EXPECT_EQ(options.with[0].name, "glibc");
  EXPECT_EQ(options.with[0].path, "");
  EXPECT_EQ(options.with[1].name, "mine");
  EXPECT_EQ(options.with[1].path, "/tmp/lib.so");
  EXPECT_EQ(options.with[2].path, "-");
}

TEST(CompareOptions, RejectsALibraryWithoutANameOrAPath) {
  EXPECT_THAT(error_of(kCompare, {"--with", "=x.so"}), HasSubstr("names no library"));
  EXPECT_THAT(error_of(kCompare, {"--with", "mine="}), HasSubstr("names no library"));
}

TEST(MisuseOptions, SplitsThePresets) {
  Options options = parse_options("misuse", {{"presets"}, true, false}, {"--presets", "default,fast", "double_delete"});
  EXPECT_THAT(options.presets, ElementsAre("default", "fast"));
  EXPECT_THAT(options.words, ElementsAre("double_delete"));
}

TEST(AnyOptions, AsksForHelpWithEitherSpelling) {
  EXPECT_TRUE(parse({"--help"}).help);
  EXPECT_TRUE(parse({"-h"}).help);
}

TEST(AnyOptions, ExplainsEveryAcceptedFlagInTheHelp) {
  std::string text = describe_flags(kCount);
  EXPECT_THAT(text, HasSubstr("--goal default|fast"));
  EXPECT_THAT(text, HasSubstr("--format table|json "));
  EXPECT_THAT(text, HasSubstr("--help"));
}

struct SizeCase {
  const char* text;
  size_t min;
  size_t max;
};

class SizeRanges : public testing::TestWithParam<SizeCase> {};

TEST_P(SizeRanges, AreReadAsPeopleWriteThem) {
  SizeRange range;
  std::string error;
  ASSERT_TRUE(parse_size_range(GetParam().text, &range, &error)) << error;
  EXPECT_EQ(range.min, GetParam().min);
  EXPECT_EQ(range.max, GetParam().max);
}

INSTANTIATE_TEST_SUITE_P(Typed, SizeRanges,
                         testing::Values(SizeCase{"256", 256, 256}, SizeCase{"8K..52K", 8192, 53248},
                                         SizeCase{"4k..25m", 4096, 26214400}, SizeCase{"1..1", 1, 1},
                                         SizeCase{"1024M", 1073741824, 1073741824}));

struct BadSize {
  const char* text;
  const char* error;
};

class BadSizeRanges : public testing::TestWithParam<BadSize> {};

TEST_P(BadSizeRanges, SayWhatWouldBeRight) {
  EXPECT_EQ(error_of({"--size", GetParam().text}), std::string("--size ") + GetParam().text + ": " + GetParam().error);
}

constexpr const char* kReadable = "give one size such as 256, or a range such as 8K..52K";

INSTANTIATE_TEST_SUITE_P(Typed, BadSizeRanges,
                         testing::Values(BadSize{"big", kReadable}, BadSize{"8K..", kReadable},
                                         BadSize{"..8K", kReadable}, BadSize{"8KB", kReadable},
                                         BadSize{"8-52", kReadable}, BadSize{"0", "the smallest block has 1 byte"},
                                         BadSize{"52K..8K", "the smaller size comes first, as in 8K..52K"},
                                         BadSize{"1..1025M", "the largest block has 1024M"}));

TEST(SizeRangeText, IsShortAgain) {
  EXPECT_EQ(format_size_range({8192, 53248}), "8K..52K");
  EXPECT_EQ(format_size_range({256, 256}), "256");
  EXPECT_EQ(format_size_range({1000, 26214400}), "1000..25M");
}

}  // namespace
}  // namespace hakctl
