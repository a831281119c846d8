// text_table.h - rows of cells, written as an aligned table or as comma-separated values.
#ifndef HAK_CLI_TEXT_TABLE_H
#define HAK_CLI_TEXT_TABLE_H

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace hakctl {

class TextTable {
 public:
  // Columns from words_from on hold words, not figures.
  explicit TextTable(std::vector<std::string> header, size_t words_from = SIZE_MAX)
      : header_(std::move(header)), words_from_(words_from) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }

  // The first column and those of words are left-aligned, all others (figures) right-aligned.
  void write_aligned(std::ostream& out) const;
  // Quoted where RFC 4180 asks for it.
  void write_csv(std::ostream& out) const;

 private:
  std::vector<std::string> header_;
  size_t words_from_;
  std::vector<std::vector<std::string>> rows_;
};

// "12.3", "1,234": few digits, as a reader of a table wants them.
std::string format_figure(double value);
// With as many digits as programs want.
std::string format_exact(double value);

}  // namespace hakctl

#endif  // HAK_CLI_TEXT_TABLE_H
