/* A block is freed twice, at once. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  void* block = malloc(size_argument(argc, argv));
  suspect(block);
  free(block);
  BUG(free(block);)
  return 0;
}
