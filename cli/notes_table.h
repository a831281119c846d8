// notes_table.h - what only some workloads know, beside one another: a table for each set of notes.
#ifndef HAK_CLI_NOTES_TABLE_H
#define HAK_CLI_NOTES_TABLE_H

#include <ostream>
#include <string>
#include <vector>

#include "cli/workloads/workload.h"

namespace hakctl {

struct NotedRow {
  std::string label;
  std::vector<Note> notes;
};

// Rows with the same notes share a table, rows without notes are in none. Bytes are written as MiB.
void write_notes_tables(std::ostream& out, const std::string& title, const std::vector<NotedRow>& rows);

// Every name, in the order in which it comes first; and one note by its name, "" when it is not there: for CSV.
std::vector<std::string> note_names(const std::vector<NotedRow>& rows);
std::string note_cell(const std::vector<Note>& notes, const std::string& name);

}  // namespace hakctl

#endif  // HAK_CLI_NOTES_TABLE_H
