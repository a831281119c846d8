/* A static variable is given to realloc. */
#include "cli/misuse/programs/misuse.h"

static _Alignas(16) char variable[64] = "some";

int main(void) {
  void* block = malloc(64);
  suspect(variable);
  BUG(block = realloc(variable, 128);)
  TWIN(block = realloc(block, 128);)
  free(block);
  return 0;
}
