/* tiny.h - the small-object front: requests up to HAK_TINY_MAX_BYTES.
 *
 * Purpose:      from a request to the bin of its size class, in one instruction.
 * Owns:         the layout of tiny blocks (layout.h). Bins and slabs are superslab's.
 * Thread rule:  the owning thread.
 * Failure rule: NULL when no memory is to be had.
 */
#ifndef HAK_TINY_TINY_H
#define HAK_TINY_TINY_H

#include "superslab/owner.h"
#include "tiny/layout.h"

HAK_C_BEGIN

HAK_FAST hak_bin_at hak_tiny_bin(hak_owner* owner, size_t bytes) {
  return hak_owner_bin(owner, owner->tiny_bins[bytes]);
}

/* A block of the bin if its window has one, else NULL: hak_tiny_refill. */
HAK_FAST void* hak_tiny_take(hak_bin_at* bin) {
  void* block = hak_bin_take_at(bin);
  if (HAK_LIKELY(block != NULL)) hak_header_mark_live(block, HAK_HEADER_CLASSIDX ? hak_bin_get(bin)->header : 0);
  return block;
}

/* Opens a new window first. */
static inline void* hak_tiny_refill(hak_owner* owner, hak_bin* bin) {
  void* block = hak_owner_refill(owner, bin);
  if (HAK_LIKELY(block != NULL)) hak_header_mark_live(block, bin->header);
  return block;
}

/* Opens a window for every tiny class, so that the first requests find their bins filled (prewarm_tls). */
void hak_tiny_prewarm(hak_owner* owner);

HAK_C_END

#endif
