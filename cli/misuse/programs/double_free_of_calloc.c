/* A zeroed block is freed twice. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  void* block = calloc(1, size_argument(argc, argv));
  suspect(block);
  free(block);
  BUG(free(block);)
  return 0;
}
