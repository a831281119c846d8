/* A block is freed twice; between, blocks of other sizes come and go. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  free(block);
  for (size_t other = size / 16; other <= size / 2; other += size / 16) free(malloc(other));
  BUG(free(block);)
  free(neighbour);
  return 0;
}
