#include "cli/notes_table.h"

#include <algorithm>

#include "cli/text_table.h"

namespace hakctl {

namespace {

constexpr double kMiB = 1024.0 * 1024.0;

bool in_bytes(const Note& note) { return std::string(note.unit) == "bytes"; }

std::string title_of(const Note& note) {
  std::string title = note.name;
  std::replace(title.begin(), title.end(), '_', ' ');
  std::string unit = note.unit;
  return unit == "ratio" ? title : title + (in_bytes(note) ? " MiB" : " " + unit);
}

std::vector<std::string> header_of(const std::string& title, const NotedRow& row) {
  std::vector<std::string> header = {title};
  for (const Note& note : row.notes) header.push_back(title_of(note));
  return header;
}

}  // namespace

void write_notes_tables(std::ostream& out, const std::string& title, const std::vector<NotedRow>& rows) {
  std::vector<std::vector<std::string>> written;
  for (const NotedRow& first : rows) {
    std::vector<std::string> header = header_of(title, first);
    if (first.notes.empty() || std::find(written.begin(), written.end(), header) != written.end()) continue;
    written.push_back(header);
    TextTable table(header);
    for (const NotedRow& row : rows) {
      if (header_of(title, row) != header) continue;
      std::vector<std::string> cells = {row.label};
      for (const Note& note : row.notes)
        cells.push_back(format_figure(in_bytes(note) ? note.value / kMiB : note.value));
      table.add(cells);
    }
    out << "\n";
    table.write_aligned(out);
  }
}

std::vector<std::string> note_names(const std::vector<NotedRow>& rows) {
  std::vector<std::string> names;
  for (const NotedRow& row : rows) {
    for (const Note& note : row.notes) {
      if (std::find(names.begin(), names.end(), note.name) == names.end()) names.push_back(note.name);
    }
  }
  return names;
}

std::string note_cell(const std::vector<Note>& notes, const std::string& name) {
  for (const Note& note : notes) {
    if (name == note.name) return format_exact(note.value);
  }
  return "";
}

}  // namespace hakctl
