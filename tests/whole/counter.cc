#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/introspect.h"
#include "tests/whole/support.h"

uint64_t Counter(const char* name) {
  hak_counter counters[HAK_MOST_COUNTERS];
  size_t count = hak_counters(counters, HAK_MOST_COUNTERS);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(counters[i].name, name) == 0) return counters[i].value;
  }
  fprintf(stderr, "no counter %s\n", name);
  abort();
}
