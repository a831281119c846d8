/* A thread makes one block and ends; the block is freed twice. */
#include "cli/misuse/programs/misuse.h"

static size_t size;
static void* block;

static void* make(void* unused) {
  block = malloc(size);
  return unused;
}

int main(int argc, char** argv) {
  size = size_argument(argc, argv);
  in_thread(make, NULL);
  suspect(block);
  free(block);
  BUG(free(block);)
  return 0;
}
