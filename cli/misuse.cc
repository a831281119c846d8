// misuse.cc - `hakctl misuse`: what each preset finds of each misuse.
#include <unistd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/build_note.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "cli/machine.h"
#include "cli/misuse/run.h"
#include "cli/misuse/table.h"
#include "cli/presets.h"
#include "cli/suggest.h"
#include "cli/text_table.h"

namespace hakctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHelp =
    "Runs each misuse program of cli/misuse/programs, in each size that it is made for, on hakmem as each preset "
    "builds\n"
    "it, and shows what comes of it:\n"
    "\n"
    "  found            the line that names this misuse, and SIGABRT\n"
    "  found otherwise  SIGABRT after another line of hakmem\n"
    "  crashed          ended by a signal without a word, or hung\n"
    "  not found        ran to its end\n"
    "\n"
    "The table has a row for each program and counts its sizes where they differ; json and csv have a row for each "
    "size,\n"
    "and json what was said. The presets are those of .bazelrc; default is opt, the optimised library with the "
    "default\n"
    "flags. They are built first, which takes a while.\n"
    "\n"
    "Examples:\n"
    "  hakctl misuse\n"
    "  hakctl misuse double_free_at_once free_of_the_stack --presets default,hardened\n"
    "  hakctl misuse --presets fast --format csv\n";

constexpr const char* kProgramsTarget = "//cli/misuse:built";
constexpr const char* kPrograms = "cli/misuse/built";

struct BuiltPreset {
  std::string name;
  std::string library;
  std::string programs;
  FlagValues flags;
};

struct MisuseRow {
  MisuseCase misuse;
  std::vector<MisuseOutcome> outcomes;  // one for each preset
};

BuiltPreset build_preset(const Presets& presets, const std::string& name) {
  BuiltPreset built;
  built.name = name;
  built.library = build_library(presets, presets.named(name == "default" ? "opt" : name), {kProgramsTarget});
  built.programs = built_file(built.library, kPrograms);
  built.flags = read_build_note(built.library).flags;
  return built;
}

std::vector<BuiltPreset> build_presets(const Options& options, const Streams& streams) {
  std::vector<std::string> names = options.presets;
  if (names.empty()) names = {"default", "hardened", "debug", "fast", "header"};
  const Presets presets = load_presets();
  for (const std::string& name : names) {
    if (name != "default") presets.named(name);
  }
  std::vector<BuiltPreset> built;
  bool show = isatty(STDERR_FILENO) != 0;
  for (const std::string& name : names) {
    if (show) streams.err << "\rbuilding " << name << "          " << std::flush;
    built.push_back(build_preset(presets, name));
  }
  if (show) streams.err << "\r                              \r" << std::flush;
  return built;
}

void check_programs(const Options& options) {
  std::vector<std::string> known = misuse_programs();
  for (const std::string& word : options.words) {
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    std::string near = nearest_word(word, known);
    throw UsageError("there is no misuse program " + word +
                     (near.empty() ? "; cli/misuse/programs has them" : "; did you mean " + near + "?"));
  }
}

// The cases of all presets are the same, but for the lines that they ask for.
std::vector<MisuseRow> run_rows(const Options& options, const std::vector<BuiltPreset>& presets) {
  std::vector<MisuseRow> rows;
  for (const BuiltPreset& preset : presets) {
    std::vector<MisuseCase> cases = misuse_cases(preset.flags);
    rows.resize(cases.size());
    for (size_t i = 0; i < cases.size(); ++i) {
      const std::vector<std::string>& words = options.words;
      rows[i].misuse = cases[i];
      if (!words.empty() && std::find(words.begin(), words.end(), cases[i].program) == words.end()) continue;
      rows[i].outcomes.push_back(run_misuse(cases[i], preset.programs, preset.library));
    }
  }
  rows.erase(std::remove_if(rows.begin(), rows.end(), [](const MisuseRow& row) { return row.outcomes.empty(); }),
             rows.end());
  return rows;
}

using Counts = std::map<Finding, size_t>;

// "found" when all sizes end so, else "3 found, 2 crashed".
std::string cell_of(const Counts& counts) {
  if (counts.size() == 1) return name_of(counts.begin()->first);
  std::string text;
  for (const auto& [finding, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + name_of(finding);
  }
  return text;
}

std::vector<std::string> header_of(std::vector<std::string> columns, const std::vector<BuiltPreset>& presets) {
  for (const BuiltPreset& preset : presets) columns.push_back(preset.name);
  return columns;
}

void write_table(std::ostream& out, const std::vector<BuiltPreset>& presets, const std::vector<MisuseRow>& rows) {
  constexpr size_t kFirstColumnOfWords = 1;
  TextTable table(header_of({"misuse"}, presets), kFirstColumnOfWords);
  std::vector<size_t> found(presets.size());
  for (size_t at = 0; at < rows.size();) {
    const std::string& program = rows[at].misuse.program;
    std::vector<Counts> counts(presets.size());
    for (; at < rows.size() && rows[at].misuse.program == program; ++at) {
      for (size_t i = 0; i < presets.size(); ++i) {
        ++counts[i][rows[at].outcomes[i].finding];
        found[i] += rows[at].outcomes[i].finding == Finding::kFound;
      }
    }
    std::vector<std::string> line = {program};
    for (const Counts& one : counts) line.push_back(cell_of(one));
    table.add(line);
  }
  std::vector<std::string> sums = {"found, of all sizes"};
  for (size_t count : found) sums.push_back(std::to_string(count) + " of " + std::to_string(rows.size()));
  table.add(sums);
  table.write_aligned(out);
}

void write_csv(std::ostream& out, const std::vector<BuiltPreset>& presets, const std::vector<MisuseRow>& rows) {
  TextTable table(header_of({"misuse", "size"}, presets));
  for (const MisuseRow& row : rows) {
    std::vector<std::string> line = {row.misuse.program, row.misuse.size};
    for (const MisuseOutcome& outcome : row.outcomes) line.push_back(name_of(outcome.finding));
    table.add(line);
  }
  table.write_csv(out);
}

// What a broken program says may be any bytes.
std::string first_line(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  for (char& c : line) c = c >= ' ' && c <= '~' ? c : '?';
  return line;
}

void write_json(std::ostream& out, const std::vector<BuiltPreset>& presets, const std::vector<MisuseRow>& rows) {
  Json json = {{"version", kVersion}, {"presets", Json::array()}, {"rows", Json::array()}};
  for (const BuiltPreset& preset : presets) {
    json["presets"].push_back({{"name", preset.name}, {"library", preset.library}});
  }
  for (const MisuseRow& row : rows) {
    Json results = Json::object();
    for (size_t i = 0; i < presets.size(); ++i) {
      const MisuseOutcome& outcome = row.outcomes[i];
      results[presets[i].name] = {{"finding", name_of(outcome.finding)},
                                  {"said", first_line(outcome.ran.errors)},
                                  {"exit_status", outcome.ran.exit_status}};
    }
    json["rows"].push_back({{"misuse", row.misuse.program}, {"size", row.misuse.size}, {"results", results}});
  }
  out << json.dump(2) << "\n";
}

int run_misuse_command(const Options& options, const Streams& streams) {
  check_programs(options);
  std::vector<BuiltPreset> presets = build_presets(options, streams);
  std::vector<MisuseRow> rows = run_rows(options, presets);
  if (options.format == Format::kJson) {
    write_json(streams.out, presets, rows);
  } else if (options.format == Format::kCsv) {
    write_csv(streams.out, presets, rows);
  } else {
    write_table(streams.out, presets, rows);
  }
  return kExitSuccess;
}

}  // namespace

Command misuse_command() {
  return {"misuse",
          "show which misuse of the heap each preset finds, and how it is named",
          "hakctl misuse [PROGRAM...] [flags]",
          {{"presets", "format"}, true, false},
          kHelp,
          run_misuse_command};
}

}  // namespace hakctl
