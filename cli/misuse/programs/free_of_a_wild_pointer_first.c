/* The first call that the allocator ever gets is the free of a number that is no address. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  /* Read by hand: strtoul would do, but what libc allocates is its own business. */
  uintptr_t wild = 0;
  for (const char* p = argc > 1 ? argv[1] : "1234567890"; *p != '\0'; p++) {
    wild = wild * 16 + (uintptr_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
  }
  suspect((void*)wild);
  BUG(free((void*)wild);)
  free(NULL);
  return 0;
}
