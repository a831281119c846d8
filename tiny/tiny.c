#include "tiny/tiny.h"

void hak_tiny_prewarm(hak_owner* owner) {
  hak_owner_split_bins(owner);
  for (unsigned c = 0; c < HAK_TINY_CLASSES; c++) hak_owner_open_window(owner, &owner->bins[c]);
}
