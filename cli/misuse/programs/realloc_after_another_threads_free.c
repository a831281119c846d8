/* A block that another thread has freed is given to realloc by its owner. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  BUG(in_thread(free_it, block);)
  block = realloc(block, 2 * size);
  free(block);
  free(neighbour);
  return 0;
}
