// run.h - one misuse program on one library, and what came of it.
//
// Purpose:      from a case of table.h to a finding.
// Owns:         nothing.
// Thread rule:  one thread.
// Failure rule: a program that hangs is ended; nothing here throws but for want of processes.
#ifndef HAK_CLI_MISUSE_RUN_H
#define HAK_CLI_MISUSE_RUN_H

#include <string>

#include "cli/misuse/table.h"
#include "cli/process.h"

namespace hakctl {

enum class Finding {
  kFound,      // the line that the table asks for, and SIGABRT
  kOtherwise,  // SIGABRT after another line of hakmem's
  kCrashed,    // ended by a signal without a word, or hung
  kMissed,     // ran to its end
};

// "found", "found otherwise", "crashed", "not found".
const char* name_of(Finding finding);

struct MisuseOutcome {
  Finding finding = Finding::kMissed;
  std::string expected;  // the line as it had to be: a regular expression
  ProcessResult ran;
};

// The program on the library, for LD_PRELOAD. `programs` is the folder where it is.
MisuseOutcome run_misuse(const MisuseCase& misuse, const std::string& programs, const std::string& library);

// Its twin without the fault.
ProcessResult run_twin(const MisuseCase& misuse, const std::string& programs, const std::string& library);

}  // namespace hakctl

#endif  // HAK_CLI_MISUSE_RUN_H
