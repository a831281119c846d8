#include "cli/settings.h"

#include <cstdlib>

#include "base/options.h"
#include "frontend/introspect.h"

namespace hakctl {

namespace {

uint64_t field_of(const hak_options& options, const hak_option_info& info) {
  return *reinterpret_cast<const uint64_t*>(reinterpret_cast<const char*>(&options) + info.offset);
}

std::string source_of(const char* text, bool given) {
  if (given) return "environment";
  return text == nullptr ? "default" : std::string("refused: ") + text;
}

const char* environment_text(const char* variable) { return getenv(variable); }

}  // namespace

std::vector<Setting> settings_of(const hak_options& values, Lookup environment) {
  std::vector<Setting> settings;
  for (size_t i = 0; i < hak_option_count; ++i) {
    const hak_option_info& info = hak_option_table[i];
    std::string variable = std::string("HAKMEM_") + info.name;
    bool given = (values.given >> i & 1) != 0;
    settings.push_back({variable, info.type, field_of(values, info), info.standard, info.low, info.high,
                        source_of(environment(variable.c_str()), given), info.help, info.words});
  }
  return settings;
}

std::vector<Setting> current_settings() {
  hak_options values;
  hak_read_options(&values);
  return settings_of(values, environment_text);
}

}  // namespace hakctl
