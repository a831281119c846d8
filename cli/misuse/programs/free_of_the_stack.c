/* A variable on the stack is freed. */
#include "cli/misuse/programs/misuse.h"

int main(void) {
  _Alignas(16) char local[64] = "";
  void* block = malloc(100);
  suspect(local);
  BUG(free(local);)
  free(block);
  return 0;
}
