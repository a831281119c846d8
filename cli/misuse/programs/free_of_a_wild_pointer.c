/* A number that is no address is freed. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  void* block = malloc(100);
  void* wild = (void*)strtoul(argc > 1 ? argv[1] : "0x1234567890", NULL, 16);
  suspect(wild);
  BUG(free(wild);)
  free(block);
  return 0;
}
