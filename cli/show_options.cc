// show_options.cc - `hakctl options`: the allocator's run-time options.
#include <nlohmann/json.hpp>

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
    "came from. An option is an environment variable, of hakctl here and of any program that runs on hakmem; sizes\n"
    "may be written with K, M or G. HAKMEM_OPTIONS=help makes any such program print its own.\n"
    "\n"
    "Examples:\n"
    "  hakctl options\n"
    "  HAKMEM_DECAY_MS=0 hakctl options --format json\n";

std::string range_of(const Setting& setting) {
  std::string low = std::to_string(setting.low);
  return setting.high == UINT64_MAX ? low + " or more" : low + ".." + std::to_string(setting.high);
}

void write_table(std::ostream& out, const std::vector<Setting>& settings) {
  constexpr size_t kFirstColumnOfWords = 4;
  TextTable table({"option", "value", "default", "range", "from", "what it says"}, kFirstColumnOfWords);
  for (const Setting& setting : settings) {
    table.add({setting.variable, std::to_string(setting.value), std::to_string(setting.standard), range_of(setting),
               setting.source, setting.help});
  }
  table.write_aligned(out);
}

void write_json(std::ostream& out, const std::vector<Setting>& settings) {
  Json json = {{"version", kVersion}, {"options", Json::array()}};
  for (const Setting& setting : settings) {
    json["options"].push_back({{"name", setting.variable},
                               {"value", setting.value},
                               {"default", setting.standard},
                               {"min", setting.low},
                               {"max", setting.high},
                               {"source", setting.source},
                               {"help", setting.help}});
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
