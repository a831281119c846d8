// config.cc - `hakctl config`: the build presets of this checkout, and what a built library says of itself.
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/build_note.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "cli/machine.h"
#include "cli/presets.h"
#include "cli/process.h"
#include "cli/suggest.h"
#include "cli/text_table.h"

namespace hakctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHelp =
    "The presets are the build:NAME lines of .bazelrc; each can be given to Bazel as --config=NAME.\n"
    "\n"
    "  list                     each preset and what it is for\n"
    "  show PRESET              its lines\n"
    "  show FILE                how the hakmem in a library or program was built: its flags, the preset that has the\n"
    "                           same ones, the compiler\n"
    "  show PID                 the same of a running process, for each of its files that has hakmem in it\n"
    "  diff PRESET PRESET       the lines that only one of the two has\n"
    "  build PRESET             build libhakmem.so with it\n"
    "  run PRESET -- COMMAND    build it, then run a command on that library\n"
    "\n"
    "Examples:\n"
    "  hakctl config list\n"
    "  hakctl config diff fast hardened\n"
    "  hakctl config show bazel-bin/frontend/libhakmem.so --format json\n"
    "  hakctl config show $$\n"
    "  hakctl config run hardened -- python3 -c 'print(1)'\n";

// What the preset sets: its lines without the words before the first flag.
std::string summary_of(const Preset& preset) {
  std::string text;
  for (const std::string& line : preset.lines) text += line.substr(std::min(line.find(' '), line.size()));
  return text;
}

// Presets that stand together in the file share the comment above them: it is written once.
int list(const Options&, const Streams& streams) {
  const Presets presets = load_presets();
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

int show_preset(const Presets& presets, const Options& options, const Streams& streams) {
  if (options.format != Format::kTable) throw UsageError("--format json is for show with a FILE or a PID");
  for (const std::string& line : presets.named(options.words[1]).lines) streams.out << line << "\n";
  return kExitSuccess;
}

void write_note_table(std::ostream& out, const BuildNote& note) {
  constexpr size_t kFirstColumnOfWords = 1;
  std::string preset = preset_with(note.flags);
  TextTable table({"hakmem in", note.file}, kFirstColumnOfWords);
  table.add({"preset", preset.empty() ? "none of " + join(presets_with_flags(), ", ") : preset});
  for (const auto& [flag, value] : note.flags) table.add({flag, value});
  table.add({"compiler", note.compiler});
  table.write_aligned(out);
}

Json note_json(const BuildNote& note) {
  std::string preset = preset_with(note.flags);
  Json json = {{"file", note.file}, {"preset", preset.empty() ? Json() : Json(preset)}, {"flags", Json::object()}};
  for (const auto& [flag, value] : note.flags) {
    json["flags"][flag] = value == "True" ? Json(true) : value == "False" ? Json(false) : Json(value);
  }
  json["compiler"] = note.compiler;
  return json;
}

int show_notes(const std::vector<BuildNote>& notes, const Options& options, const Streams& streams) {
  if (options.format == Format::kJson) {
    Json json = {{"version", kVersion}, {"builds", Json::array()}};
    for (const BuildNote& note : notes) json["builds"].push_back(note_json(note));
    streams.out << json.dump(2) << "\n";
    return kExitSuccess;
  }
  for (const BuildNote& note : notes) {
    if (&note != &notes.front()) streams.out << "\n";
    write_note_table(streams.out, note);
  }
  return kExitSuccess;
}

// A word with a slash is a file and a number is a process, whatever presets there are; a file without a slash counts
// when no preset has its name.
int show(const Options& options, const Streams& streams) {
  const std::string& what = options.words[1];
  if (what.find_first_not_of("0123456789") == std::string::npos) {
    return show_notes(build_notes_of_process(what), options, streams);
  }
  if (what.find('/') != std::string::npos) return show_notes({read_build_note(what)}, options, streams);
  if (access(what.c_str(), F_OK) != 0) return show_preset(load_presets(), options, streams);
  Presets presets = find_workspace().empty() ? Presets() : load_presets();
  if (presets.has(what)) return show_preset(presets, options, streams);
  return show_notes({read_build_note(what)}, options, streams);
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

int diff(const Options& options, const Streams& streams) {
  const Presets presets = load_presets();
  std::vector<std::string> left = settings_of(presets.named(options.words[1]));
  std::vector<std::string> right = settings_of(presets.named(options.words[2]));
  write_missing(streams.out, "- ", left, right);
  write_missing(streams.out, "+ ", right, left);
  return kExitSuccess;
}

int build(const Options& options, const Streams& streams) {
  const Presets presets = load_presets();
  const Preset& preset = presets.named(options.words[1]);
  streams.out.flush();
  return build_visibly(presets, preset) ? kExitSuccess : kExitFailure;
}

int run(const Options& options, const Streams&) {
  const Presets presets = load_presets();
  std::string library = build_library(presets, presets.named(options.words[1]), {});
  replace_program(options.tail, {{"LD_PRELOAD", library}});
  throw MissingError("there is no program " + options.tail[0]);
}

struct Verb {
  const char* name;
  const char* operands;
  size_t words;  // with the verb itself
  bool tail;
  int (*run)(const Options& options, const Streams& streams);
};

const std::vector<Verb>& verbs() {
  static const auto* table = new std::vector<Verb>{
      {"list", "", 1, false, list},
      {"show", " PRESET|FILE|PID", 2, false, show},
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
    if (options.format != Format::kTable && verb.run != show) {
      throw UsageError("--format json is for show with a FILE or a PID");
    }
    return verb.run(options, streams);
  }
  throw UsageError("config cannot " + options.words[0] + suggestion(options.words[0], names));
}

}  // namespace

Command config_command() {
  return {"config",
          "show, compare, build and run the presets of .bazelrc; tell how a library was built",
          "hakctl config list | show PRESET|FILE|PID | diff PRESET PRESET | build PRESET | run PRESET -- COMMAND",
          {{"format=table|json"}, true, true},
          kHelp,
          run_config};
}

}  // namespace hakctl
