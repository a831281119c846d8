/* realloc gets a pointer 16 bytes behind the start of its block. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  char* block = malloc(size);
  suspect(block + 16);
  suspect(block);
  BUG(block = realloc(block + 16, 2 * size);)
  TWIN(block = realloc(block, 2 * size);)
  free(block);
  return 0;
}
