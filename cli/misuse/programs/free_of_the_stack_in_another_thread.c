/* A variable on the stack of another thread is freed by that thread. */
#include "cli/misuse/programs/misuse.h"

static void* free_local(void* unused) {
  _Alignas(16) char local[64] = "";
  void* block = malloc(100);
  suspect(local);
  BUG(free(local);)
  free(block);
  return unused;
}

int main(void) {
  in_thread(free_local, NULL);
  return 0;
}
