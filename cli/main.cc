// main.cc - hakctl: see dispatch.h.
#include <iostream>

#include "cli/dispatch.h"

int main(int argc, char** argv) {
  return hakctl::dispatch(std::vector<std::string>(argv + 1, argv + argc), {std::cout, std::cerr});
}
