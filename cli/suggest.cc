#include "cli/suggest.h"

#include <algorithm>

namespace hakctl {

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string nearest_word(const std::string& typed, const std::vector<std::string>& words) {
  std::string best;
  size_t best_distance = 0;
  for (const std::string& word : words) {
    size_t distance = edit_distance(typed, word);
    // Half the word may be wrong at most, except that a beginning such as "mid" may stand for the whole.
    bool beginning = typed.size() >= 2 && word.compare(0, typed.size(), typed) == 0;
    if (beginning) distance = 1;
    if (2 * distance > std::max(word.size(), typed.size()) && !beginning) continue;
    if (best.empty() || distance < best_distance) {
      best = word;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(const std::string& typed, const std::vector<std::string>& words, const std::string& prefix) {
  std::string near = nearest_word(typed, words);
  if (!near.empty()) return "; did you mean " + prefix + near + "?";
  std::vector<std::string> all;
  for (const std::string& word : words) all.push_back(prefix + word);
  return "; use one of " + join(all, ", ");
}

std::string join(const std::vector<std::string>& words, const std::string& separator) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

}  // namespace hakctl
