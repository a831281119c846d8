/* realloc to 0 bytes has freed the block already. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  void* block = malloc(size_argument(argc, argv));
  suspect(block);
  if (realloc(block, 0) != NULL) return 3;
  BUG(free(block);)
  return 0;
}
