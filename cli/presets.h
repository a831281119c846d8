// presets.h - the presets of this checkout, and the library built with one of them.
//
// Purpose:      what `hakctl config` and every command that builds hakmem share.
// Owns:         nothing; Bazel keeps what it builds, each preset in a folder of its own.
// Thread rule:  one thread.
// Failure rule: a checkout or a preset that is not there throws MissingError or UsageError, a build that fails
// RunError.
#ifndef HAK_CLI_PRESETS_H
#define HAK_CLI_PRESETS_H

#include <string>
#include <vector>

#include "cli/bazelrc.h"

namespace hakctl {

struct Presets {
  std::string workspace;
  std::vector<Preset> all;

  bool has(const std::string& name) const;
  const Preset& named(const std::string& name) const;
};

// Those of .bazelrc.
Presets load_presets();

// Builds libhakmem.so with the preset, and the other targets with it, in silence; the path of the library. Other files
// of the build are beside it, under the same folder: see built_file.
std::string build_library(const Presets& presets, const Preset& preset, const std::vector<std::string>& other_targets);

// "cli/misuse/built" in the build that the library is from.
std::string built_file(const std::string& library, const std::string& path);

// The same with Bazel's output on our own streams. False when it fails.
bool build_visibly(const Presets& presets, const Preset& preset);

}  // namespace hakctl

#endif  // HAK_CLI_PRESETS_H
