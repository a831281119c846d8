#include "pool_tls/pool.h"

HAK_SLOW void* hak_pool_alloc_slow(hak_owner* owner, size_t bytes) {
  return hak_owner_refill(owner, (unsigned)(hak_pool_bin(owner, bytes) - owner->bins));
}

void hak_pool_prewarm(hak_owner* owner, size_t most) {
  for (unsigned c = HAK_TINY_CLASSES; c < HAK_CLASSES && hak_size_classes[c].usable <= most; c++) {
    hak_owner_open_window(owner, c);
  }
}
