/* A thread makes two blocks and ends; one of them is freed twice. */
#include "cli/misuse/programs/misuse.h"

static size_t size;
static void *block, *neighbour;

static void* make(void* unused) {
  block = malloc(size);
  neighbour = malloc(size);
  return unused;
}

int main(int argc, char** argv) {
  size = size_argument(argc, argv);
  in_thread(make, NULL);
  suspect(block);
  free(block);
  BUG(free(block);)
  free(neighbour);
  return 0;
}
