/* One byte too many is written behind a block; the neighbour is freed. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  enum { MANY = 64 };
  char* blocks[MANY];
  size_t size = size_argument(argc, argv);
  for (int i = 0; i < MANY; i++) blocks[i] = malloc(size);
  char *low, *high;
  side_by_side(blocks, MANY, &low, &high);
  size_t usable = malloc_usable_size(low);
  if (high - low > (ptrdiff_t)(usable + 32)) return 3;
  suspect(high);
  memset(low, 'x', usable BUG(+1));
  for (int i = MANY - 1; i >= 0; i--) free(blocks[i]);
  return 0;
}
