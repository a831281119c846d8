// errors.h - the two ways a command ends early. Both become one line on stderr; dispatch.cc alone catches them.
#ifndef HAK_CLI_ERRORS_H
#define HAK_CLI_ERRORS_H

#include <stdexcept>
#include <string>

namespace hakctl {

constexpr int kExitSuccess = 0;
constexpr int kExitFailure = 1;  // the allocator, or what was measured, failed
constexpr int kExitUsage = 2;    // the command line is wrong, or the machine lacks what it asks for

// What was typed is wrong. The text says what would be right.
class UsageError : public std::runtime_error {
 public:
  explicit UsageError(const std::string& text) : std::runtime_error(text) {}
};

// The command line is right, but a tool, a file or a library that it needs is not there.
class MissingError : public std::runtime_error {
 public:
  explicit MissingError(const std::string& text) : std::runtime_error(text) {}
};

// What was run failed: a corrupted block, a child that died.
class RunError : public std::runtime_error {
 public:
  explicit RunError(const std::string& text) : std::runtime_error(text) {}
};

}  // namespace hakctl

#endif  // HAK_CLI_ERRORS_H
