/* A block that was freed is given to malloc_usable_size. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  free(block);
  size_t usable = size;
  BUG(usable = malloc_usable_size(block);)
  free(neighbour);
  return usable < size;
}
