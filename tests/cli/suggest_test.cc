#include "cli/suggest.h"

#include <gtest/gtest.h>

namespace hakctl {
namespace {

const std::vector<std::string> kWords = {"mixed", "tiny", "mid_large_mt", "larson"};

TEST(EditDistance, CountsLettersPutInTakenOutAndReplaced) {
  EXPECT_EQ(edit_distance("larson", "larson"), 0u);
  EXPECT_EQ(edit_distance("larsen", "larson"), 1u);
  EXPECT_EQ(edit_distance("larso", "larson"), 1u);
  EXPECT_EQ(edit_distance("", "tiny"), 4u);
}

TEST(NearestWord, ForgivesALetterOrTwo) {
  EXPECT_EQ(nearest_word("mixd", kWords), "mixed");
  EXPECT_EQ(nearest_word("lasron", kWords), "larson");
}

TEST(NearestWord, TakesABeginningForTheWhole) { EXPECT_EQ(nearest_word("mid", kWords), "mid_large_mt"); }

TEST(NearestWord, StaysSilentWhenNothingIsNear) { EXPECT_EQ(nearest_word("quicksort", kWords), ""); }

TEST(Suggestion, ListsAllWordsWhenNoneIsNear) {
  EXPECT_EQ(suggestion("quicksort", {"a", "b"}, "--"), "; use one of --a, --b");
}

}  // namespace
}  // namespace hakctl
