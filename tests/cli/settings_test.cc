// Each run-time option with its value, and where that came from.
#include "cli/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/options.h"

namespace hakctl {
namespace {

hak_options defaults() {
  hak_options options;
  hak_options_read(&options, nullptr);
  return options;
}

Setting decay(uint64_t value, Lookup environment) {
  hak_options options = defaults();
  options.decay_ms = value;
  for (const Setting& setting : settings_of(options, environment)) {
    if (setting.variable == "HAKMEM_DECAY_MS") return setting;
  }
  ADD_FAILURE() << "the option is not there";
  return {};
}

const char* nothing(const char*) { return nullptr; }
const char* two_k(const char*) { return "2K"; }
const char* nonsense(const char*) { return "soon"; }

TEST(Settings, HaveARowForEachOptionOfTheAllocator) {
  std::vector<Setting> settings = settings_of(defaults(), nothing);
  ASSERT_EQ(settings.size(), hak_option_count);
  for (const Setting& setting : settings) {
    EXPECT_EQ(setting.value, setting.standard) << setting.variable;
    EXPECT_LE(setting.low, setting.high) << setting.variable;
    EXPECT_EQ(setting.source, "default") << setting.variable;
  }
}

TEST(Settings, SayWhenAValueCameFromTheEnvironment) {
  EXPECT_EQ(decay(2048, two_k).value, 2048u);
  EXPECT_EQ(decay(2048, two_k).source, "environment");
}

TEST(Settings, SayWhichTextWasRefused) {
  uint64_t standard = defaults().decay_ms;
  EXPECT_EQ(decay(standard, nonsense).source, "refused: soon");
  EXPECT_EQ(decay(standard, two_k).source, "refused: 2K");
}

TEST(Settings, OfThisProcessAreThoseOfItsEnvironment) {
  ASSERT_EQ(setenv("HAKMEM_DECAY_MS", "77", 1), 0);
  for (const Setting& setting : current_settings()) {
    EXPECT_EQ(setting.value, setting.variable == "HAKMEM_DECAY_MS" ? 77u : setting.standard);
  }
  unsetenv("HAKMEM_DECAY_MS");
}

}  // namespace
}  // namespace hakctl
