#include "cli/bazelrc.h"

namespace hakctl {

namespace {

std::string trimmed(const std::string& line) {
  size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

// "opt" of "build:opt --copt=-O3"; "" for a line that applies always.
std::string preset_of(const std::string& line) {
  std::string command = line.substr(0, line.find_first_of(" \t"));
  size_t colon = command.find(':');
  return colon == std::string::npos ? "" : command.substr(colon + 1);
}

Preset* find_or_add(std::vector<Preset>* presets, const std::string& name, const std::string& comment) {
  for (Preset& preset : *presets) {
    if (preset.name == name) return &preset;
  }
  presets->push_back({name, comment, {}});
  return &presets->back();
}

}  // namespace

std::vector<Preset> parse_bazelrc(std::istream& file) {
  std::vector<Preset> presets;
  std::string comment;
  bool in_comment = false;  // the line before was one: this one goes on with it
  std::string raw;
  while (std::getline(file, raw)) {
    std::string line = trimmed(raw);
    if (line.empty()) {
      comment.clear();
      in_comment = false;
    } else if (line[0] == '#') {
      std::string text = trimmed(line.substr(1));
      comment = in_comment ? comment + " " + text : text;
      in_comment = true;
    } else {
      in_comment = false;
      std::string name = preset_of(line);
      if (!name.empty()) find_or_add(&presets, name, comment)->lines.push_back(line);
    }
  }
  return presets;
}

}  // namespace hakctl
