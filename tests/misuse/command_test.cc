// hakctl misuse in a checkout whose builds are there already: bazelw is a script that lays out what this test has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/process.h"

namespace hakctl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class MisuseCommand : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::string(getenv("TEST_TMPDIR")) + "/workspace";
    fs::remove_all(root_);
    for (const char* preset : {"opt", "fast"}) {
      fs::path out = root_ / "out" / preset;
      fs::create_directories(out / "frontend");
      fs::create_directories(out / "cli/misuse");
      std::string library = std::string("frontend/libhakmem") + (preset == std::string("fast") ? "_fast.so" : ".so");
      fs::copy_file(fs::canonical(library), out / "frontend/libhakmem.so");
      fs::create_symlink(fs::absolute("cli/misuse/built"), out / "cli/misuse/built");
    }
    std::ofstream(root_ / ".bazelrc") << "build:opt --copt=-O3\nbuild:fast --//:checks=fast\nbuild:broken --no\n";
    std::ofstream(root_ / "bazelw") << "#!/bin/sh\n"
                                    << "[ $2 != --config=broken ] || { echo no such flag >&2; exit 1; }\n"
                                    << "[ \"$1 $3 $4\" = 'build //frontend:libhakmem.so //cli/misuse:built' ] &&\n"
                                    << "ln -sfn out/${2#--config=} " << root_.string() << "/bazel-bin\n";
    fs::permissions(root_ / "bazelw", fs::perms::owner_all);
  }

  ProcessResult misuse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"cli/hakctl", "misuse"});
    return run_captured(arguments, {{"HAKCTL_WORKSPACE", root_.string()}});
  }

  fs::path root_;
};

TEST_F(MisuseCommand, ShowsWhatEachPresetFinds) {
  ProcessResult ran = misuse({"double_free_at_once", "--presets", "default,fast", "--format", "json"});
  ASSERT_EQ(ran.exit_status, 0) << ran.errors;
  auto json = nlohmann::json::parse(ran.output);
  EXPECT_EQ(json["presets"][1]["name"], "fast");
  EXPECT_THAT(json["presets"][1]["library"].get<std::string>(), HasSubstr("out/fast/frontend/libhakmem.so"));
  ASSERT_EQ(json["rows"].size(), 5u);
  for (const auto& row : json["rows"]) {
    EXPECT_EQ(row["misuse"], "double_free_at_once");
    if (HAK_CHECK_LEVEL == 0) continue;
    EXPECT_EQ(row["results"]["default"]["finding"], "found");
    EXPECT_THAT(row["results"]["default"]["said"].get<std::string>(), StartsWith("hakmem: double free of 0x"));
  }
}

TEST_F(MisuseCommand, SumsUpTheSizesInItsTable) {
  if (HAK_CHECK_LEVEL == 0) GTEST_SKIP() << "checks=fast looks for no misuse";
  ProcessResult ran = misuse({"double_free_at_once", "free_of_the_stack", "--presets", "default"});
  EXPECT_EQ(ran.output,
            "misuse               default\n"
            "double_free_at_once  found\n"
            "free_of_the_stack    found\n"
            "found, of all sizes  6 of 6\n")
      << ran.errors;
}

TEST_F(MisuseCommand, WritesARowForEachSizeAsCsv) {
  ProcessResult ran = misuse({"double_free_at_once", "--presets", "fast", "--format", "csv"});
  EXPECT_THAT(ran.output, StartsWith("misuse,size,fast\ndouble_free_at_once,tiny,")) << ran.errors;
}

TEST_F(MisuseCommand, RefusesWhatItDoesNotKnowBeforeItBuilds) {
  ProcessResult ran = misuse({"--presets", "default,fats"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_EQ(ran.errors, "hakctl misuse: there is no preset fats; did you mean fast?\n");
  EXPECT_THAT(misuse({"double_fre"}).errors, HasSubstr("there is no misuse program double_fre"));
  EXPECT_THAT(misuse({"double_delet"}).errors, HasSubstr("did you mean double_delete?"));
  EXPECT_FALSE(fs::exists(root_ / "bazel-bin"));
}

TEST_F(MisuseCommand, FailsWhenABuildFails) {
  ProcessResult ran = misuse({"--presets", "broken"});
  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_THAT(ran.errors, HasSubstr("the build failed:\nno such flag"));
}

}  // namespace
}  // namespace hakctl
