/* 24 bytes more are written than were asked for, as by a loop with one round too many; the block is freed. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  char* block = malloc(size);
  void* behind = malloc(size);
  suspect(block);
  memset(block, 'x', size);
  BUG(for (int i = 0; i < 24; i++) block[size + i] ^= 0x55;)
  free(block);
  free(behind);
  return 0;
}
