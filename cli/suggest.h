// suggest.h - "did you mean": the nearest of the words that would have been right.
#ifndef HAK_CLI_SUGGEST_H
#define HAK_CLI_SUGGEST_H

#include <string>
#include <vector>

namespace hakctl {

// Letters to insert, delete or replace to turn one word into the other.
size_t edit_distance(const std::string& a, const std::string& b);

// The nearest word, or "" when none is near enough to have been meant.
std::string nearest_word(const std::string& typed, const std::vector<std::string>& words);

// "; did you mean X?" when some word is near, else "; one of A, B, C".
std::string suggestion(const std::string& typed, const std::vector<std::string>& words, const std::string& prefix = "");

std::string join(const std::vector<std::string>& words, const std::string& separator);

}  // namespace hakctl

#endif  // HAK_CLI_SUGGEST_H
