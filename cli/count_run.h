// count_run.h - instructions of malloc and its kin, counted by callgrind on the probe program.
//
// Purpose:      exact figures: the same library gives the same counts.
// Owns:         the order of the rows and the goals of each; a folder in TMPDIR while it counts.
// Thread rule:  one thread.
// Failure rule: no valgrind, or no probe beside hakctl, throws MissingError; a run without counts throws RunError.
#ifndef HAK_CLI_COUNT_RUN_H
#define HAK_CLI_COUNT_RUN_H

#include <map>
#include <string>
#include <vector>

#include "cli/allocators.h"

namespace hakctl {

struct CountRow {
  const char* name;  // "pair:16", as in the probe's dumps
  const char* explanation;
  double goal_default;  // instructions a call of the case; 0: none set
  double goal_fast;
};

const std::vector<CountRow>& count_rows();

using Counts = std::map<std::string, double>;  // row name to instructions

// As callgrind saw them, with the loop and the calls themselves.
Counts count_gross(const Allocator& allocator);

// The malloc that does nothing.
Allocator empty_allocator();

// Gross minus those of the empty malloc.
Counts net_of(const Counts& gross, const Counts& empty);

// Reads one dump of callgrind: false when it is not one that the probe asked for.
bool parse_dump(const std::string& text, std::string* row, double* instructions);

void require_valgrind();

}  // namespace hakctl

#endif  // HAK_CLI_COUNT_RUN_H
