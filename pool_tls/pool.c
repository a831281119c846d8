#include "pool_tls/pool.h"

void hak_pool_prewarm(hak_owner* owner, size_t most) {
  for (unsigned c = HAK_TINY_CLASSES; c < HAK_CLASSES && hak_size_classes[c].usable <= most; c++) {
    hak_owner_open_window(owner, &owner->bins[c]);
  }
}
