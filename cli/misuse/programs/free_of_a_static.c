/* A static variable is freed. */
#include "cli/misuse/programs/misuse.h"

static _Alignas(16) char variable[64] = "some";

int main(void) {
  void* block = malloc(100);
  suspect(variable);
  BUG(free(variable);)
  free(block);
  return 0;
}
