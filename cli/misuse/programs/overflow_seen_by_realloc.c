/* One byte more is written than was asked for; the block is given to realloc. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  char* block = malloc(size);
  suspect(block);
  memset(block, 'x', size);
  BUG(block[size] ^= 0x55;)
  block = realloc(block, 2 * size);
  free(block);
  return 0;
}
