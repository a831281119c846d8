/* One byte more is written than was asked for; the block is freed. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  char* block = malloc(size);
  suspect(block);
  memset(block, 'x', size);
  BUG(block[size] ^= 0x55;)
  free(block);
  return 0;
}
