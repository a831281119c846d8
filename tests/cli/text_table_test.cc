#include "cli/text_table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/stats.h"

namespace hakctl {
namespace {

TEST(TextTable, AlignsNamesLeftAndFiguresRight) {
  TextTable table({"name", "ns"});
  table.add({"a", "1"});
  table.add({"longer", "12.5"});
  std::ostringstream out;
  table.write_aligned(out);
  EXPECT_EQ(out.str(),
            "name      ns\n"
            "a          1\n"
            "longer  12.5\n");
}

TEST(TextTable, LeavesNoSpacesAtTheEndOfALine) {
  TextTable table({"name", "mark"});
  table.add({"a", ""});
  std::ostringstream out;
  table.write_aligned(out);
  EXPECT_EQ(out.str(), "name  mark\na\n");
}

TEST(TextTable, AlignsWordsLeft) {
  TextTable table({"name", "ns", "help"}, 2);
  table.add({"a", "100", "x"});
  table.add({"b", "1", "longer"});
  std::ostringstream out;
  table.write_aligned(out);
  EXPECT_EQ(out.str(),
            "name   ns  help\n"
            "a     100  x\n"
            "b       1  longer\n");
}

TEST(CsvTable, QuotesWhatWouldBreakARow) {
  TextTable table({"command", "n"});
  table.add({"echo \"a,b\"", "1"});
  std::ostringstream out;
  table.write_csv(out);
  EXPECT_EQ(out.str(), "command,n\n\"echo \"\"a,b\"\"\",1\n");
}

TEST(Figures, HaveThreeDigitsOrGroupsOfThree) {
  EXPECT_EQ(format_figure(0), "0");
  EXPECT_EQ(format_figure(3), "3");
  EXPECT_EQ(format_figure(1.234), "1.23");
  EXPECT_EQ(format_figure(12.34), "12.3");
  EXPECT_EQ(format_figure(123.4), "123");
  EXPECT_EQ(format_figure(1234567), "1,234,567");
  EXPECT_EQ(format_figure(-1234), "-1,234");
  EXPECT_EQ(format_figure(0.00123), "0.0012");
}

TEST(ExactFigures, KeepWholeNumbersWhole) {
  EXPECT_EQ(format_exact(4294967296.0), "4294967296");
  EXPECT_EQ(format_exact(0.5), "0.5");
}

TEST(Summaries, TakeTheMiddleAndTheEnds) {
  Summary odd = summarize({3, 1, 2});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.max, 3);
  EXPECT_EQ(summarize({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(summarize({}).median, 0);
}

TEST(GeometricMeans, TreatHalfAndDoubleAlike) { EXPECT_DOUBLE_EQ(geometric_mean({0.5, 2.0}), 1.0); }

}  // namespace
}  // namespace hakctl
