/* empty_malloc.c - a malloc that does nothing: what a call costs when the callee is free of charge.
 *
 * Start-up needs real blocks: they are cut from an array until the program asks for one byte. From then on every block
 * is the same one. Preloaded by `hakctl count` for its baseline. */
#include <stdbool.h>
#include <stddef.h>

static char start_up_blocks[1 << 20] __attribute__((aligned(64)));
static char the_block[1 << 20] __attribute__((aligned(64)));
static size_t start_up_used;
static bool started;

void* malloc(size_t size) {
  if (__builtin_expect(size == 1, 0)) started = true;
  if (started) return the_block;
  size_t at = start_up_used;
  start_up_used = (at + size + 63) & ~(size_t)63;
  return start_up_blocks + at;
}

void free(void* block) { (void)block; }

void* calloc(size_t count, size_t size) {
  size_t bytes = count * size;
  char* block = malloc(bytes);
  return block;
}

void* realloc(void* block, size_t size) {
  (void)size;
  return block ? block : malloc(size);
}
