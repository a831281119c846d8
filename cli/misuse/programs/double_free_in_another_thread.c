/* Another thread than the owner frees a block twice, at once. */
#include "cli/misuse/programs/misuse.h"

static void* free_twice(void* block) {
  free(block);
  BUG(free(block);)
  return NULL;
}

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  in_thread(free_twice, block);
  free(neighbour);
  return 0;
}
