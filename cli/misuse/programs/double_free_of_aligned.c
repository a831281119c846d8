/* An aligned block is freed twice. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* block = aligned_alloc(64, (size + 63) / 64 * 64);
  suspect(block);
  free(block);
  BUG(free(block);)
  return 0;
}
