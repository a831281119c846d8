#include "tiny/tiny.h"

HAK_MEDIUM void* hak_tiny_refill(hak_owner* owner, hak_bin* bin) {
  void* block = hak_owner_refill(owner, bin);
  if (HAK_LIKELY(block != NULL)) hak_header_mark_live(block, bin->header);
  return block;
}

void hak_tiny_prewarm(hak_owner* owner) {
  for (unsigned c = 0; c < HAK_TINY_CLASSES; c++) hak_owner_open_window(owner, &owner->bins[c]);
}
