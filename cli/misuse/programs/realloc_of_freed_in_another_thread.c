/* A block that its owner has freed is given to realloc by another thread. */
#include "cli/misuse/programs/misuse.h"

static size_t size;

static void* grow(void* block) { return realloc(block, 2 * size); }

int main(int argc, char** argv) {
  waiting_thread other;
  start_waiting_thread(&other, grow);
  size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  BUG(free(block);)
  block = run_waiting_thread(&other, block);
  free(block);
  free(neighbour);
  return 0;
}
