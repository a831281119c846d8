/* A block that was freed is given to realloc with the size 0. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* block = malloc(size);
  suspect(block);
  BUG(free(block);)
  return realloc(block, 0) != NULL;
}
