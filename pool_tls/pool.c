#include "pool_tls/pool.h"

#define WIDE(n) (HAK_TINY_CLASSES + HAK_POOL_CLASSES + (n))
const uint8_t hak_pool_wide_classes[HAK_WIDE_STEPS] = {
    [4] = WIDE(0),  [5] = WIDE(1),  [6] = WIDE(2),  [7] = WIDE(3),  [8] = WIDE(3),  [9] = WIDE(4),  [10] = WIDE(5),
    [11] = WIDE(5), [12] = WIDE(6), [13] = WIDE(6), [14] = WIDE(6), [15] = WIDE(7), [16] = WIDE(7), [17] = WIDE(7),
};

void hak_pool_prewarm(hak_owner* owner, size_t most) {
  for (unsigned c = HAK_TINY_CLASSES; c < HAK_CLASSES && hak_size_classes[c].usable <= most; c++) {
    hak_owner_open_window(owner, &owner->bins[c]);
  }
}
