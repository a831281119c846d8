/* Says whose malloc this program runs on. Nothing here depends on hakmem: the weak name is empty without it. */
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern bool hak_owns(const void* block) __attribute__((weak));

int main(void) {
  void* block = malloc(100);
  if (block == NULL) return 1;
  memset(block, 1, 100);
  bool ours = hak_owns != NULL && hak_owns(block);
  printf("malloc(100) by %s, usable size %zu\n", ours ? "hakmem" : "the C library", malloc_usable_size(block));
  free(block);
  return 0;
}
