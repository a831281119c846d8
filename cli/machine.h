// machine.h - what a result must say about where it was had.
#ifndef HAK_CLI_MACHINE_H
#define HAK_CLI_MACHINE_H

#include <string>

namespace hakctl {

constexpr const char* kVersion = "0.1.0";

struct Machine {
  std::string cpu;
  std::string kernel;
  unsigned cores = 0;
  std::string huge_pages;  // mode of transparent huge pages
  std::string commit;      // of the workspace; "" when not known
};

Machine describe_machine();

// The root of the checkout: what the wrapper exports, else the nearest folder upwards that has a .bazelrc; "" if none.
std::string find_workspace();

// The folder of the running program.
std::string program_folder();

}  // namespace hakctl

#endif  // HAK_CLI_MACHINE_H
