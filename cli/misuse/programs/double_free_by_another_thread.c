/* The owner frees a block, then another thread does. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  waiting_thread other;
  start_waiting_thread(&other, free_it);
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  free(block);
  BUG(run_waiting_thread(&other, block);)
  TWIN(run_waiting_thread(&other, NULL);)
  free(neighbour);
  return 0;
}
