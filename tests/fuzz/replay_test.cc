// What the fuzzer has found worth keeping, and as many inputs made by chance, under whatever preset the tests run.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/api.h"
#include "tests/unit/rig.h"

namespace {

TEST(Replay, TheWholeCorpus) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator("tests/fuzz/corpus")) {
    std::ifstream stream(file.path(), std::ios::binary);
    std::string input((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
    files++;
  }
  EXPECT_GT(files, 0);
}

TEST(Replay, InputsMadeByChance) {
  Random random(7);
  for (int i = 0; i < 100 / kSlowdown; i++) {
    std::vector<uint8_t> input(2000);
    for (uint8_t& byte : input) byte = static_cast<uint8_t>(random.below(256));
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
}

}  // namespace
