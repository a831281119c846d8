/* The byte before a block is written; the block is freed. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  enum { MANY = 64 };
  char* blocks[MANY];
  size_t size = size_argument(argc, argv);
  for (int i = 0; i < MANY; i++) blocks[i] = malloc(size);
  char *low, *block;
  side_by_side(blocks, MANY, &low, &block);
  suspect(block);
  block[0] = 'x';
  BUG(block[-1] = (char)~block[-1];)
  for (int i = MANY / 2; i < MANY; i++) free(blocks[i]);
  for (int i = 0; i < MANY / 2; i++) free(blocks[i]);
  return 0;
}
