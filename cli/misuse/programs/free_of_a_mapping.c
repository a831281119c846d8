/* Memory from mmap is freed. */
#include <sys/mman.h>

#include "cli/misuse/programs/misuse.h"

int main(void) {
  void* block = malloc(100);
  void* pages = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  suspect(pages);
  BUG(free(pages);)
  free(block);
  munmap(pages, 65536);
  return 0;
}
