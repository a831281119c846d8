/* A block is written to after another thread has freed it; blocks of its size are taken and freed until it is among
 * them. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  enum { MANY = 1000 };
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  char* block = malloc(size);
  suspect(block);
  in_thread(free_it, block);
  BUG(block[size / 2] ^= 0x55;)
  static void* blocks[MANY];
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < MANY; i++) blocks[i] = malloc(size);
    for (int i = 0; i < MANY; i++) free(blocks[i]);
  }
  free(neighbour);
  return 0;
}
