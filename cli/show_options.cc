// show_options.cc - `hakctl options`: the allocator's run-time options.
#include <nlohmann/json.hpp>

#include "absl/strings/str_join.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "cli/machine.h"
#include "cli/settings.h"
#include "cli/text_table.h"

namespace hakctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHelp =
    "Shows every run-time option of hakmem: its value in this process, its default and range, and where the value\n"
    "came from. An option is an environment variable, of hakctl here and of any program that runs on hakmem; numbers\n"
    "may be written with K, M or G. HAKMEM_OPTIONS=help makes any such program print its own.\n"
    "\n"
    "Examples:\n"
    "  hakctl options\n"
    "  HAKMEM_DECAY_MS=0 hakctl options --format json\n";

std::string range_of(const Setting& setting) {
  if (setting.is_choice()) {
    std::vector<std::string> words(setting.words, setting.words + (setting.high - setting.low + 1));
    return absl::StrJoin(words, ", ");
  }
  std::string low = std::to_string(setting.low);
  return setting.high == UINT64_MAX ? low + " or more" : low + ".." + std::to_string(setting.high);
}

void write_table(std::ostream& out, const std::vector<Setting>& settings) {
  constexpr size_t kFirstColumnOfWords = 5;
  TextTable table({"option", "type", "value", "default", "range", "from", "what it says"}, kFirstColumnOfWords);
  for (const Setting& setting : settings) {
    table.add({setting.variable, setting.type, setting.text(setting.value), setting.text(setting.standard),
               range_of(setting), setting.source, setting.help});
  }
  table.write_aligned(out);
}

void write_json(std::ostream& out, const std::vector<Setting>& settings) {
  Json json = {{"version", kVersion}, {"options", Json::array()}};
  for (const Setting& setting : settings) {
    Json option = {{"name", setting.variable}, {"type", setting.type}};
    if (setting.is_choice()) {
      option["value"] = setting.text(setting.value);
      option["default"] = setting.text(setting.standard);
      for (uint64_t value = setting.low; value <= setting.high; ++value)
        option["choices"].push_back(setting.text(value));
    } else {
      option["value"] = setting.value;
      option["default"] = setting.standard;
      option["min"] = setting.low;
      option["max"] = setting.high;
    }
    option["source"] = setting.source;
    option["help"] = setting.help;
    json["options"].push_back(option);
  }
  out << json.dump(2) << "\n";
}

int run_options(const Options& options, const Streams& streams) {
  std::vector<Setting> settings = current_settings();
  if (options.format == Format::kJson) {
    write_json(streams.out, settings);
  } else {
    write_table(streams.out, settings);
  }
  return kExitSuccess;
}

}  // namespace

Command options_command() {
  return {"options",
          "show hakmem's run-time options: value, default, range, source",
          "hakctl options [--format table|json]",
          {{"format=table|json"}, false, false},
          kHelp,
          run_options};
}

}  // namespace hakctl
