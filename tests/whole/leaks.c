/* Leaves blocks of every regime behind, from two functions. */
#include <stdlib.h>
#include <string.h>

static void* volatile kept;

__attribute__((noinline)) void leak_small(void) {
  void* block = malloc(300);
  memset(block, 1, 300);
  kept = block;
}

__attribute__((noinline)) void leak_large(void) {
  kept = malloc((size_t)3 << 20);
  kept = malloc((size_t)80 << 20);
}

int main(void) {
  for (int i = 0; i < 30; i++) {
    leak_small();
    free(malloc(5000));
  }
  leak_large();
  kept = realloc(malloc(10), 7777);
  return 0;
}
