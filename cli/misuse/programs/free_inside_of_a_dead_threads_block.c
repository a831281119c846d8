/* A thread makes a block and ends; a pointer 16 bytes behind its start is freed. */
#include "cli/misuse/programs/misuse.h"

static void* make(void* size) { return malloc((size_t)size); }

int main(int argc, char** argv) {
  pthread_t thread;
  void* result;
  if (pthread_create(&thread, NULL, make, (void*)size_argument(argc, argv)) != 0) return 3;
  pthread_join(thread, &result);
  char* block = result;
  suspect(block + 16);
  suspect(block);
  BUG(free(block + 16);)
  free(block);
  return 0;
}
