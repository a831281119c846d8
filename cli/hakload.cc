// hakload.cc - runs one workload on whatever malloc this process has: the C library's, or one that is preloaded.
//
// hakctl compare starts it; people need not. It says what the run took, or whose malloc it runs on:
//   hakload NAME THREADS ITERS WORKING_SET SIZE_MIN SIZE_MAX SEED IDLE   prints "SECONDS OPERATIONS", then a line
//                                                                        "NAME UNIT VALUE" for each note
//   hakload --whose-malloc   prints the path of the library that has malloc
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/workloads/workload.h"

namespace {

int print_whose_malloc() {
  Dl_info info;
  void* entry = dlsym(RTLD_DEFAULT, "malloc");
  if (entry == nullptr || dladdr(entry, &info) == 0) {
    fprintf(stderr, "hakload: malloc belongs to no library\n");
    return 1;
  }
  printf("%s\n", info.dli_fname);
  return 0;
}

uint64_t number(const char* text) { return strtoull(text, nullptr, 10); }

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--whose-malloc") == 0) return print_whose_malloc();
  const hakctl::Workload* workload = argc == 9 ? hakctl::find_workload(argv[1]) : nullptr;
  if (workload == nullptr) {
    fprintf(stderr,
            "hakload: use hakctl compare, or: hakload NAME THREADS ITERS WORKING_SET SIZE_MIN SIZE_MAX SEED IDLE\n");
    return 2;
  }
  hakctl::Params params;
  params.threads = static_cast<unsigned>(number(argv[2]));
  params.iters = number(argv[3]);
  params.working_set = number(argv[4]);
  params.size = {number(argv[5]), number(argv[6])};
  params.seed = number(argv[7]);
  params.idle_seconds = static_cast<double>(number(argv[8]));
  hakctl::Outcome outcome = hakctl::run_workload(*workload, params, nullptr);
  if (outcome.error[0] != '\0') {
    fprintf(stderr, "%s\n", outcome.error);
    return 1;
  }
  printf("%.9f %llu\n", outcome.seconds, static_cast<unsigned long long>(outcome.operations));
  for (unsigned i = 0; i < outcome.notes; ++i) {
    printf("%s %s %.9g\n", outcome.note[i].name, outcome.note[i].unit, outcome.note[i].value);
  }
  return 0;
}
