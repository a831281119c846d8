/* realloc has moved the block; the old pointer is freed. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  char* old = malloc(size);
  /* So that it cannot grow where it is. */
  void* behind = malloc(size);
  suspect(old);
  char* grown = realloc(old, 3 * size);
  if (grown == old) return 3;
  BUG(free(old);)
  free(grown);
  free(behind);
  return 0;
}
