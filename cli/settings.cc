#include "cli/settings.h"

#include <cstdlib>

#include "base/options.h"
#include "frontend/introspect.h"

namespace hakctl {

namespace {

uint64_t field_of(const hak_options& options, const hak_option_info& info) {
  return *reinterpret_cast<const uint64_t*>(reinterpret_cast<const char*>(&options) + info.offset);
}

// Whether the text stands for the number: the allocator reads digits and K, M or G.
bool says(const std::string& text, uint64_t value) {
  char* end = nullptr;
  uint64_t number = strtoull(text.c_str(), &end, 10);
  std::string unit = end;
  unsigned shift = unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : 0;
  return end != text.c_str() && (unit.empty() || shift != 0) && number << shift == value;
}

std::string source_of(const char* text, uint64_t value) {
  if (text == nullptr) return "default";
  return says(text, value) ? "environment" : std::string("refused: ") + text;
}

const char* environment_text(const char* variable) { return getenv(variable); }

}  // namespace

std::vector<Setting> settings_of(const hak_options& values, Lookup environment) {
  std::vector<Setting> settings;
  for (size_t i = 0; i < hak_option_count; ++i) {
    const hak_option_info& info = hak_option_table[i];
    std::string variable = std::string("HAKMEM_") + info.name;
    uint64_t value = field_of(values, info);
    settings.push_back({variable, value, info.standard, info.low, info.high,
                        source_of(environment(variable.c_str()), value), info.help});
  }
  return settings;
}

std::vector<Setting> current_settings() {
  hak_options values;
  hak_read_options(&values);
  return settings_of(values, environment_text);
}

}  // namespace hakctl
