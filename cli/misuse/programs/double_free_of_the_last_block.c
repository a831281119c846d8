/* The last block of many is freed twice, when nothing else lives that could keep its memory in place. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  enum { MANY = 3000 };
  static void* blocks[MANY];
  size_t size = size_argument(argc, argv);
  size_t count = size > 65536 ? 3 : MANY;
  for (size_t i = 0; i < count; i++) blocks[i] = malloc(size);
  suspect(blocks[count - 1]);
  for (size_t i = 0; i < count; i++) free(blocks[i]);
  BUG(free(blocks[count - 1]);)
  return 0;
}
