#include "cli/text_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace hakctl {

namespace {

using Row = std::vector<std::string>;

void widen(const Row& row, std::vector<size_t>* widths) {
  if (widths->size() < row.size()) widths->resize(row.size(), 0);
  for (size_t i = 0; i < row.size(); ++i) (*widths)[i] = std::max((*widths)[i], row[i].size());
}

void write_row(std::ostream& out, const Row& row, const std::vector<size_t>& widths, size_t words_from) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    std::string gap(widths[i] - row[i].size(), ' ');
    if (i > 0) line += "  ";
    line += i == 0 || i >= words_from ? row[i] + gap : gap + row[i];
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  out << line << "\n";
}

std::string csv_cell(const std::string& cell) {
  if (cell.find_first_of(",\"\n\r") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (char c : cell) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void write_csv_row(std::ostream& out, const Row& row) {
  for (size_t i = 0; i < row.size(); ++i) out << (i == 0 ? "" : ",") << csv_cell(row[i]);
  out << "\n";
}

}  // namespace

void TextTable::write_aligned(std::ostream& out) const {
  std::vector<size_t> widths;
  widen(header_, &widths);
  for (const Row& row : rows_) widen(row, &widths);
  write_row(out, header_, widths, words_from_);
  for (const Row& row : rows_) write_row(out, row, widths, words_from_);
}

void TextTable::write_csv(std::ostream& out) const {
  write_csv_row(out, header_);
  for (const Row& row : rows_) write_csv_row(out, row);
}

std::string format_figure(double value) {
  double size = std::fabs(value);
  char text[64];
  if (size >= 1000) {
    snprintf(text, sizeof(text), "%.0f", value);
    std::string digits = text;
    for (int at = static_cast<int>(digits.size()) - 3; at > (digits[0] == '-' ? 1 : 0); at -= 3) {
      digits.insert(static_cast<size_t>(at), ",");
    }
    return digits;
  }
  bool whole = value == std::floor(value);
  snprintf(text, sizeof(text),
           whole || size >= 100 ? "%.0f"
           : size >= 10         ? "%.1f"
           : size >= 0.01       ? "%.2f"
                                : "%.2g",
           value);
  return text;
}

std::string format_exact(double value) {
  char text[64];
  bool whole = std::fabs(value) < 1e15 && value == std::floor(value);
  snprintf(text, sizeof(text), whole ? "%.0f" : "%.9g", value);
  return text;
}

}  // namespace hakctl
