// base/options.h: values, ranges and the exact text of every warning.
#include "base/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

struct Read {
  hak_options options;
  std::string said;
};

Read read_environment(std::vector<std::string> entries) {
  std::vector<char*> environment;
  for (auto& entry : entries) environment.push_back(entry.data());
  environment.push_back(nullptr);
  Read read;
  testing::internal::CaptureStderr();
  hak_options_read(&read.options, environment.data());
  read.said = testing::internal::GetCapturedStderr();
  return read;
}

uint64_t value_of(const hak_options& options, const hak_option_info& info) {
  return *reinterpret_cast<const uint64_t*>(reinterpret_cast<const char*>(&options) + info.offset);
}

TEST(Options, WithoutAnEnvironmentEachHasItsDefault) {
  hak_options options;
  hak_options_read(&options, nullptr);
  for (size_t i = 0; i < hak_option_count; i++) {
    EXPECT_EQ(value_of(options, hak_option_table[i]), hak_option_table[i].standard) << hak_option_table[i].name;
  }
  EXPECT_EQ(options.decay_ms, 500u);
  EXPECT_EQ(options.huge_pages, 1u);
  EXPECT_EQ(options.memory_limit, 0u);
  EXPECT_EQ(options.memory_limit_hard, 0u);
}

TEST(Options, EveryRowIsWellFormed) {
  for (size_t i = 0; i < hak_option_count; i++) {
    const hak_option_info& info = hak_option_table[i];
    EXPECT_EQ(std::string(info.name).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), std::string::npos);
    EXPECT_LE(info.low, info.standard);
    EXPECT_LE(info.standard, info.high);
    EXPECT_GT(std::string(info.help).size(), 10u);
    EXPECT_LT(info.offset, sizeof(hak_options));
    for (size_t k = 0; k < i; k++) EXPECT_STRNE(info.name, hak_option_table[k].name);
  }
}

TEST(Options, AValueOfTheEnvironmentIsTaken) {
  Read read = read_environment({"PATH=/bin", "HAKMEM_DECAY_MS=25", "HAKMEM_HUGE_PAGES=always", "HOME=/"});
  EXPECT_EQ(read.options.decay_ms, 25u);
  EXPECT_EQ(read.options.huge_pages, 2u);
  EXPECT_EQ(read.options.memory_limit, 0u);
  EXPECT_EQ(read.said, "");
}

TEST(Options, EveryOptionTakesTheEndsOfItsRange) {
  for (size_t i = 0; i < hak_option_count; i++) {
    const hak_option_info& info = hak_option_table[i];
    for (uint64_t value : {info.low, info.high}) {
      Read read = read_environment({"HAKMEM_" + std::string(info.name) + "=" + std::to_string(value)});
      EXPECT_EQ(value_of(read.options, info), value) << info.name;
      EXPECT_EQ(read.said, "");
    }
  }
}

TEST(Options, AChoiceIsAWordOrItsNumber) {
  for (size_t i = 0; i < hak_option_count; i++) {
    const hak_option_info& info = hak_option_table[i];
    EXPECT_EQ(info.words != nullptr, std::string(info.type) == "choice") << info.name;
    for (uint64_t value = info.low; info.words != nullptr && value <= info.high; value++) {
      std::string name = "HAKMEM_" + std::string(info.name) + "=";
      EXPECT_EQ(value_of(read_environment({name + std::to_string(value)}).options, info), value) << info.name;
      EXPECT_EQ(value_of(read_environment({name + info.words[value - info.low]}).options, info), value) << info.name;
    }
  }
  EXPECT_EQ(read_environment({"HAKMEM_HUGE_PAGES=never"}).options.huge_pages, 0u);
  EXPECT_EQ(read_environment({"HAKMEM_BACKGROUND=off"}).options.background, 0u);
}

TEST(Options, AWordThatIsNoChoiceIsOneWarningLineThatSaysWhichThereAre) {
  for (std::string text : {"", "alwaysx", "alway", "Auto", "-1"}) {
    Read read = read_environment({"HAKMEM_HUGE_PAGES=" + text});
    EXPECT_EQ(read.options.huge_pages, 1u) << text;
    EXPECT_EQ(read.said, "hakmem: ignored HAKMEM_HUGE_PAGES=" + text + ": not one of never, auto, always\n");
  }
}

TEST(Options, SizesHaveSuffixes) {
  EXPECT_EQ(read_environment({"HAKMEM_MEMORY_LIMIT=3K"}).options.memory_limit, 3u << 10);
  EXPECT_EQ(read_environment({"HAKMEM_MEMORY_LIMIT=3M"}).options.memory_limit, 3u << 20);
  EXPECT_EQ(read_environment({"HAKMEM_MEMORY_LIMIT=3G"}).options.memory_limit, UINT64_C(3) << 30);
  EXPECT_EQ(read_environment({"HAKMEM_MEMORY_LIMIT=17179869183G"}).options.memory_limit, UINT64_C(17179869183) << 30);
}

TEST(Options, AValueOutOfRangeIsOneWarningLineAndTheDefaultStays) {
  Read read = read_environment({"HAKMEM_HUGE_PAGES=3"});
  EXPECT_EQ(read.options.huge_pages, 1u);
  EXPECT_EQ(read.said, "hakmem: ignored HAKMEM_HUGE_PAGES=3: out of range\n");
  read = read_environment({"HAKMEM_DECAY_MS=3600001"});
  EXPECT_EQ(read.options.decay_ms, 500u);
  EXPECT_EQ(read.said, "hakmem: ignored HAKMEM_DECAY_MS=3600001: out of range\n");
}

TEST(Options, WhatIsNotANumberIsOneWarningLineAndTheDefaultStays) {
  for (std::string text : {"", "x", "-1", "+1", " 1", "1 ", "0x10", "1.5", "1KB", "1k", "K", "1KK",
                           "18446744073709551616", "18446744073709551615K", "17179869184G"}) {
    Read read = read_environment({"HAKMEM_MEMORY_LIMIT=" + text});
    EXPECT_EQ(read.options.memory_limit, 0u) << text;
    EXPECT_EQ(read.said, "hakmem: ignored HAKMEM_MEMORY_LIMIT=" + text + ": not a number\n");
  }
}

TEST(Options, AnUnknownNameIsOneWarningLine) {
  EXPECT_EQ(read_environment({"HAKMEM_DECAY=5"}).said,
            "hakmem: ignored HAKMEM_DECAY=5: no such option; HAKMEM_OPTIONS=help lists them\n");
  EXPECT_EQ(read_environment({"HAKMEM_DECAY_MSX=5"}).said,
            "hakmem: ignored HAKMEM_DECAY_MSX=5: no such option; HAKMEM_OPTIONS=help lists them\n");
  EXPECT_EQ(read_environment({"HAKMEM_=5"}).said,
            "hakmem: ignored HAKMEM_=5: no such option; HAKMEM_OPTIONS=help lists them\n");
  EXPECT_EQ(read_environment({"HAKMEM_decay_ms=5"}).said,
            "hakmem: ignored HAKMEM_decay_ms=5: no such option; HAKMEM_OPTIONS=help lists them\n");
  EXPECT_EQ(read_environment({"HAKMEM_OPTIONS=show"}).said,
            "hakmem: ignored HAKMEM_OPTIONS=show: the one value is help\n");
}

TEST(Options, EachFaultHasALineOfItsOwnAndTheGoodValuesCount) {
  Read read = read_environment({"HAKMEM_A=1", "HAKMEM_DECAY_MS=7", "HAKMEM_HUGE_PAGES=x"});
  EXPECT_EQ(read.options.decay_ms, 7u);
  EXPECT_EQ(read.said,
            "hakmem: ignored HAKMEM_A=1: no such option; HAKMEM_OPTIONS=help lists them\n"
            "hakmem: ignored HAKMEM_HUGE_PAGES=x: not one of never, auto, always\n");
}

TEST(Options, OtherVariablesAreNoneOfOurs) {
  EXPECT_EQ(read_environment({"HAKMEMORY=1", "XHAKMEM_A=2", "HAKMEM=3", "HAKMEM_NO_EQUALS_SIGN"}).said, "");
}

TEST(Options, HelpListsEachOptionWithItsValueAndWhereItCameFrom) {
  Read read = read_environment({"HAKMEM_OPTIONS=help", "HAKMEM_DECAY_MS=25", "HAKMEM_BACKGROUND=1"});
  std::string expected;
  for (size_t i = 0; i < hak_option_count; i++) {
    const hak_option_info& info = hak_option_table[i];
    std::string name = info.name;
    std::string value = name == "DECAY_MS" ? "25" : std::to_string(info.standard);
    std::string choices;
    if (info.words != nullptr) {
      value = info.words[info.standard - info.low];
      for (uint64_t k = info.low; k <= info.high; k++) {
        choices += info.words[k - info.low] + std::string(k == info.high ? ": " : ", ");
      }
    }
    bool given = name == "DECAY_MS" || name == "BACKGROUND";
    expected += "hakmem: HAKMEM_" + name + "=" + value + (given ? " (environment)  " : " (default)  ") + choices +
                info.help + "\n";
  }
  EXPECT_EQ(read.said, expected);
  EXPECT_EQ(read.options.decay_ms, 25u);
}

TEST(Options, ALongEntryIsCutNotOverrun) {
  std::string entry = "HAKMEM_" + std::string(1000, 'X') + "=1";
  std::string said = read_environment({entry}).said;
  EXPECT_THAT(said, testing::StartsWith("hakmem: ignored HAKMEM_XXX"));
  EXPECT_THAT(said, testing::EndsWith("\n"));
  EXPECT_LT(said.size(), 300u);
}

}  // namespace
