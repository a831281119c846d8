// settings.h - the allocator's run-time options as this process has them, and where each value came from.
//
// Purpose:      one row for each row of base/options.h; an option that is added there is in here from then on.
// Owns:         nothing; names and help texts stay the allocator's.
// Thread rule:  one thread, for the environment's sake.
// Failure rule: nothing fails. A value that the allocator has refused is reported as such.
#ifndef HAK_CLI_SETTINGS_H
#define HAK_CLI_SETTINGS_H

#include <cstdint>
#include <string>
#include <vector>

struct hak_options;  // base/options.h

namespace hakctl {

struct Setting {
  std::string variable;  // "HAKMEM_DECAY_MS"
  const char* type;      // a unit, "number" or "choice"
  uint64_t value;
  uint64_t standard;
  uint64_t low;
  uint64_t high;
  std::string source;  // "default", "environment", or "refused: TEXT" when the variable's text could not be taken
  const char* help;
  const char* const* words;  // of a choice, from low on; else nullptr

  bool is_choice() const { return words != nullptr; }
  std::string text(uint64_t of) const { return is_choice() ? words[of - low] : std::to_string(of); }
};

using Lookup = const char* (*)(const char* variable);  // getenv, or a test's own

std::vector<Setting> settings_of(const hak_options& values, Lookup environment);

// Of this process: what its allocator read when it started; where malloc is another's, what it would read.
std::vector<Setting> current_settings();

}  // namespace hakctl

#endif  // HAK_CLI_SETTINGS_H
