/* Two threads free a block that a third one made. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  waiting_thread first, second;
  start_waiting_thread(&first, free_it);
  start_waiting_thread(&second, free_it);
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  run_waiting_thread(&first, block);
  BUG(run_waiting_thread(&second, block);)
  TWIN(run_waiting_thread(&second, NULL);)
  free(neighbour);
  return 0;
}
