// config.cc - `hakctl config`: the build presets of this checkout.
#include <algorithm>
#include <fstream>

#include "cli/bazelrc.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "cli/machine.h"
#include "cli/process.h"
#include "cli/suggest.h"

namespace hakctl {

namespace {

constexpr const char* kHelp =
    "The presets are the build:NAME lines of .bazelrc; each can be given to Bazel as --config=NAME.\n"
    "\n"
    "  list                     each preset and what it is for\n"
    "  show PRESET              its lines\n"
    "  diff PRESET PRESET       the lines that only one of the two has\n"
    "  build PRESET             build libhakmem.so with it\n"
    "  run PRESET -- COMMAND    build it, then run a command on that library\n"
    "\n"
    "Examples:\n"
    "  hakctl config list\n"
    "  hakctl config diff fast hardened\n"
    "  hakctl config run hardened -- python3 -c 'print(1)'\n";

constexpr const char* kLibraryTarget = "//frontend:libhakmem.so";
constexpr const char* kLibrary = "bazel-bin/frontend/libhakmem.so";

struct Presets {
  std::string workspace;
  std::vector<Preset> all;

  const Preset& named(const std::string& name) const {
    std::vector<std::string> names;
    for (const Preset& preset : all) {
      if (preset.name == name) return preset;
      names.push_back(preset.name);
    }
    throw UsageError("there is no preset " + name + suggestion(name, names));
  }
};

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

// What the preset sets: its lines without the words before the first flag.
std::string summary_of(const Preset& preset) {
  std::string text;
  for (const std::string& line : preset.lines) text += line.substr(std::min(line.find(' '), line.size()));
  return text;
}

// Presets that stand together in the file share the comment above them: it is written once.
int list(const Presets& presets, const Options&, const Streams& streams) {
  size_t widest = 0;
  for (const Preset& preset : presets.all) widest = std::max(widest, preset.name.size());
  const std::string* heading = nullptr;
  for (const Preset& preset : presets.all) {
    if (heading == nullptr || *heading != preset.comment) {
      streams.out << (heading == nullptr ? "" : "\n") << preset.comment << (preset.comment.empty() ? "" : "\n");
    }
    heading = &preset.comment;
    std::string name = preset.name;
    name.resize(widest, ' ');
    streams.out << "  " << name << " " << summary_of(preset) << "\n";
  }
  return kExitSuccess;
}

int show(const Presets& presets, const Options& options, const Streams& streams) {
  for (const std::string& line : presets.named(options.words[1]).lines) streams.out << line << "\n";
  return kExitSuccess;
}

// What a line sets, without the preset's name, so that two presets can be compared.
std::vector<std::string> settings_of(const Preset& preset) {
  std::vector<std::string> settings;
  for (const std::string& line : preset.lines) {
    settings.push_back(line.substr(0, line.find(':')) + line.substr(std::min(line.find(' '), line.size())));
  }
  return settings;
}

void write_missing(std::ostream& out, const char* mark, const std::vector<std::string>& from,
                   const std::vector<std::string>& in) {
  for (const std::string& setting : from) {
    if (std::find(in.begin(), in.end(), setting) == in.end()) out << mark << setting << "\n";
  }
}

int diff(const Presets& presets, const Options& options, const Streams& streams) {
  std::vector<std::string> left = settings_of(presets.named(options.words[1]));
  std::vector<std::string> right = settings_of(presets.named(options.words[2]));
  write_missing(streams.out, "- ", left, right);
  write_missing(streams.out, "+ ", right, left);
  return kExitSuccess;
}

std::vector<std::string> build_command(const Presets& presets, const Preset& preset) {
  return {presets.workspace + "/bazelw", "build", "--config=" + preset.name, kLibraryTarget};
}

int build(const Presets& presets, const Options& options, const Streams& streams) {
  const Preset& preset = presets.named(options.words[1]);
  streams.out.flush();
  return run_visibly(build_command(presets, preset), {}) == 0 ? kExitSuccess : kExitFailure;
}

int run(const Presets& presets, const Options& options, const Streams&) {
  const Preset& preset = presets.named(options.words[1]);
  ProcessResult built = run_captured(build_command(presets, preset), {});
  if (built.exit_status != 0) throw RunError("the build failed:\n" + built.errors);
  replace_program(options.tail, {{"LD_PRELOAD", presets.workspace + "/" + kLibrary}});
  throw MissingError("there is no program " + options.tail[0]);
}

struct Verb {
  const char* name;
  const char* operands;
  size_t words;  // with the verb itself
  bool tail;
  int (*run)(const Presets& presets, const Options& options, const Streams& streams);
};

const std::vector<Verb>& verbs() {
  static const auto* table = new std::vector<Verb>{
      {"list", "", 1, false, list},
      {"show", " PRESET", 2, false, show},
      {"diff", " PRESET PRESET", 3, false, diff},
      {"build", " PRESET", 2, false, build},
      {"run", " PRESET -- COMMAND", 2, true, run},
  };
  return *table;
}

int run_config(const Options& options, const Streams& streams) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) names.push_back(verb.name);
  if (options.words.empty()) throw UsageError("what about the presets? use one of " + join(names, ", "));
  for (const Verb& verb : verbs()) {
    if (options.words[0] != verb.name) continue;
    if (options.words.size() != verb.words || options.has_tail != verb.tail) {
      throw UsageError("write: hakctl config " + std::string(verb.name) + verb.operands);
    }
    return verb.run(load_presets(), options, streams);
  }
  throw UsageError("config cannot " + options.words[0] + suggestion(options.words[0], names));
}

}  // namespace

Command config_command() {
  return {"config",
          "show, compare, build and run the presets of .bazelrc",
          "hakctl config list | show PRESET | diff PRESET PRESET | build PRESET | run PRESET -- COMMAND",
          {{}, true, true},
          kHelp,
          run_config};
}

}  // namespace hakctl
