/* A static variable is given to malloc_usable_size. */
#include "cli/misuse/programs/misuse.h"

static _Alignas(16) char variable[64] = "some";

int main(void) {
  void* block = malloc(64);
  size_t usable = malloc_usable_size(block);
  suspect(variable);
  BUG(usable = malloc_usable_size(variable);)
  free(block);
  return usable < 64;
}
