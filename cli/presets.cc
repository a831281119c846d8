#include "cli/presets.h"

#include <limits.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "cli/errors.h"
#include "cli/machine.h"
#include "cli/process.h"
#include "cli/suggest.h"

namespace hakctl {

namespace {

constexpr const char* kLibraryTarget = "//frontend:libhakmem.so";
constexpr const char* kLibrary = "frontend/libhakmem.so";

std::vector<std::string> build_command(const Presets& presets, const Preset& preset,
                                       const std::vector<std::string>& other_targets) {
  std::vector<std::string> command = {presets.workspace + "/bazelw", "build", "--config=" + preset.name,
                                      kLibraryTarget};
  command.insert(command.end(), other_targets.begin(), other_targets.end());
  return command;
}

// Bazel's link shows the latest build; the folder behind it is the preset's own.
std::string behind_link(const std::string& path) {
  char buffer[PATH_MAX];
  if (realpath(path.c_str(), buffer) == nullptr) throw RunError("the build has left no " + path);
  return buffer;
}

}  // namespace

bool Presets::has(const std::string& name) const {
  return std::any_of(all.begin(), all.end(), [&](const Preset& preset) { return preset.name == name; });
}

const Preset& Presets::named(const std::string& name) const {
  std::vector<std::string> names;
  if (name.empty()) throw UsageError("the name of a preset is missing");
  for (const Preset& preset : all) {
    if (preset.name == name) return preset;
    names.push_back(preset.name);
  }
  throw UsageError("there is no preset " + name + suggestion(name, names));
}

Presets load_presets() {
  Presets presets;
  presets.workspace = find_workspace();
  std::ifstream file(presets.workspace + "/.bazelrc");
  if (presets.workspace.empty() || !file) {
    throw MissingError("no .bazelrc here or above; run it inside the checkout, or set HAKCTL_WORKSPACE to its root");
  }
  presets.all = parse_bazelrc(file);
  return presets;
}

std::string build_library(const Presets& presets, const Preset& preset, const std::vector<std::string>& other_targets) {
  ProcessResult built = run_captured(build_command(presets, preset, other_targets), {});
  if (built.exit_status != 0) throw RunError("the build failed:\n" + built.errors);
  return behind_link(presets.workspace + "/bazel-bin/" + kLibrary);
}

std::string built_file(const std::string& library, const std::string& path) {
  return library.substr(0, library.size() - std::string(kLibrary).size()) + path;
}

bool build_visibly(const Presets& presets, const Preset& preset) {
  return run_visibly(build_command(presets, preset, {}), {}) == 0;
}

}  // namespace hakctl
