// Each run-time option with its value, and where that came from.
#include "cli/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/options.h"

namespace hakctl {
namespace {

const char* nothing(const char*) { return nullptr; }
const char* two_k(const char*) { return "2K"; }
const char* the_default(const char*) { return "500"; }
const char* nonsense(const char*) { return "soon"; }

hak_options defaults() {
  hak_options options;
  hak_options_read(&options, nullptr);
  return options;
}

// HAKMEM_DECAY_MS as it is after the allocator has read what the environment says of it.
Setting decay(Lookup environment) {
  std::string entry = std::string("HAKMEM_DECAY_MS=") + environment("HAKMEM_DECAY_MS");
  char* entries[] = {entry.data(), nullptr};
  hak_options options;
  hak_options_read(&options, entries);
  for (const Setting& setting : settings_of(options, environment)) {
    if (setting.variable == "HAKMEM_DECAY_MS") return setting;
  }
  ADD_FAILURE() << "the option is not there";
  return {};
}

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
  EXPECT_EQ(decay(two_k).value, 2048u);
  EXPECT_EQ(decay(two_k).source, "environment");
  EXPECT_EQ(decay(the_default).value, defaults().decay_ms);
  EXPECT_EQ(decay(the_default).source, "environment");
}

TEST(Settings, SayWhichTextWasRefused) {
  EXPECT_EQ(decay(nonsense).value, defaults().decay_ms);
  EXPECT_EQ(decay(nonsense).source, "refused: soon");
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
