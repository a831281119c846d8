#include "tiny/tiny.h"

HAK_SLOW void* hak_tiny_alloc_slow(hak_owner* owner, size_t bytes) {
  unsigned class_index = (unsigned)(hak_tiny_bin(owner, bytes) - owner->bins);
  void* block = hak_owner_refill(owner, class_index);
  if (block != NULL) hak_header_mark_live(block, hak_header_live(class_index));
  return block;
}

void hak_tiny_prewarm(hak_owner* owner) {
  for (unsigned c = 0; c < HAK_TINY_CLASSES; c++) hak_owner_open_window(owner, c);
}
