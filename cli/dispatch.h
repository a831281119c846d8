// dispatch.h - from the words on the command line to a command, and from its errors to one line and a status.
#ifndef HAK_CLI_DISPATCH_H
#define HAK_CLI_DISPATCH_H

#include <string>
#include <vector>

#include "cli/command.h"

namespace hakctl {

// arguments are without the program's name. Returns the exit status: 0, 1 (what was run failed) or 2 (wrong usage).
int dispatch(const std::vector<std::string>& arguments, const Streams& streams);

}  // namespace hakctl

#endif  // HAK_CLI_DISPATCH_H
