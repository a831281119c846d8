// table.h - the misuse programs: which there are, the sizes that they are run with, the line that must end each.
//
// Purpose:      the one table that `hakctl misuse` and //tests/misuse stand on.
// Owns:         the rows; constant data.
// Thread rule:  any thread.
// Failure rule: nothing here fails.
#ifndef HAK_CLI_MISUSE_TABLE_H
#define HAK_CLI_MISUSE_TABLE_H

#include <string>
#include <vector>

#include "cli/build_note.h"

namespace hakctl {

// What a library must have to find a misuse.
enum class Needs {
  kChecks,  // the checks of the default build
  kMark,    // something of the allocator's between two blocks: headers, or seals
  kSeal,    // a seal behind each block, and free memory that is zero: checks=hardened or debug
};

// A program with one size of its blocks.
struct MisuseCase {
  std::string program;
  std::string size;      // "tiny", "8MB"; "" where the size is the program's own
  std::string argument;  // for the program; "" is none
  // What must follow "hakmem: " on stderr: an extended regular expression, with these in it:
  // - %p, the pointer that the program names on stdout, and %s, what it says in a second line there
  // - %b, the text below
  // - %d and %h, the double and the half of the size
  std::string line;
  std::string block;  // how a block of the size is described
  Needs needs;
};

// Lines depend on how the library was built: a block of the pool's sizes is a large one where there is no pool.
std::vector<MisuseCase> misuse_cases(const FlagValues& build);

// The names of the programs, each once.
std::vector<std::string> misuse_programs();

// Whether a library that is built so has to find this one.
bool promises_to_find(const FlagValues& build, const MisuseCase& misuse);

}  // namespace hakctl

#endif  // HAK_CLI_MISUSE_TABLE_H
