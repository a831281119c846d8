/* The address of a function is freed. */
#include "cli/misuse/programs/misuse.h"

int main(void) {
  void* block = malloc(100);
  void* code = (void*)(uintptr_t)&main;
  suspect(code);
  BUG(free(code);)
  free(block);
  return 0;
}
