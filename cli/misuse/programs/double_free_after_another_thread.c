/* Another thread frees a block, then its owner does. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  in_thread(free_it, block);
  BUG(free(block);)
  free(neighbour);
  return 0;
}
