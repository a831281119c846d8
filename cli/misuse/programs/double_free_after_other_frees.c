/* A block is freed twice, with frees of other blocks between. */
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  enum { OTHERS = 6 };
  size_t size = size_argument(argc, argv);
  void* others[OTHERS];
  for (int i = 0; i < OTHERS / 2; i++) others[i] = malloc(size);
  void* block = malloc(size);
  for (int i = OTHERS / 2; i < OTHERS; i++) others[i] = malloc(size);
  suspect(block);
  free(block);
  for (int i = 1; i < OTHERS; i++) free(others[i]);
  BUG(free(block);)
  free(others[0]);
  return 0;
}
