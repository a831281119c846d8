/* A block that was freed is given to realloc. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  BUG(free(block);)
  block = realloc(block, 2 * size);
  free(block);
  free(neighbour);
  return 0;
}
