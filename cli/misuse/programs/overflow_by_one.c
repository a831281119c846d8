/* One byte too many is written behind a block; the neighbour is freed. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  enum { MANY = 64 };
  char* blocks[MANY];
  size_t size = size_argument(argc, argv);
  for (int i = 0; i < MANY; i++) blocks[i] = malloc(size);
  /* Two that lie side by side. */
  char *low = NULL, *high = NULL;
  size_t usable = malloc_usable_size(blocks[0]);
  for (int i = 0; i < MANY * MANY; i++) {
    low = blocks[i / MANY];
    high = blocks[i % MANY];
    if (low < high && high - low <= (ptrdiff_t)(usable + 16)) break;
  }
  if (low >= high || high - low > (ptrdiff_t)(usable + 16)) return 3;
  suspect(high);
  memset(low, 'x', usable BUG(+1));
  free(high);
  for (int i = MANY - 1; i >= 0; i--) {
    if (blocks[i] != high) free(blocks[i]);
  }
  return 0;
}
