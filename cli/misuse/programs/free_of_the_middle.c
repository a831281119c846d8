/* free gets a pointer to the middle of its block. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  char* block = malloc(size);
  char* inside = block + size / 2 / 16 * 16;
  suspect(inside);
  suspect(block);
  BUG(free(inside);)
  free(block);
  return 0;
}
