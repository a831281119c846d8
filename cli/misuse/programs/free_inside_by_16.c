/* free gets a pointer 16 bytes behind the start of its block. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  char* block = malloc(size_argument(argc, argv));
  char* inside = block + 16;
  suspect(inside);
  suspect(block);
  BUG(free(inside);)
  free(block);
  return 0;
}
