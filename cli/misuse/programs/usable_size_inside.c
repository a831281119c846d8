/* malloc_usable_size gets a pointer 16 bytes behind the start of its block. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  char* block = malloc(size);
  suspect(block + 16);
  suspect(block);
  size_t usable = malloc_usable_size(block);
  BUG(usable = malloc_usable_size(block + 16);)
  free(block);
  return usable < size;
}
