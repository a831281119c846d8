// bazelrc.h - the presets of a .bazelrc: names, the lines that make them, and what the comment above says.
#ifndef HAK_CLI_BAZELRC_H
#define HAK_CLI_BAZELRC_H

#include <istream>
#include <string>
#include <vector>

namespace hakctl {

struct Preset {
  std::string name;
  std::string comment;             // of the paragraph that the preset first stands in; "" when it has none
  std::vector<std::string> lines;  // whole, as in "build:opt --copt=-O3"
};

// In the order of the file. Lines without a preset, and imports, are not there.
std::vector<Preset> parse_bazelrc(std::istream& file);

}  // namespace hakctl

#endif  // HAK_CLI_BAZELRC_H
