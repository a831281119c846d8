/* pool.h - the mid-size front: requests above HAK_TINY_MAX_BYTES and up to HAK_WIDE_MAX_BYTES.
 *
 * Purpose:      from a request to the bin of its size class. Slabs of these classes span several units, so that a
 *               refill brings a window full of blocks from the thread's part of the arena.
 * Owns:         nothing of its own. Bins and slabs are superslab's.
 * Thread rule:  the owning thread.
 * Failure rule: NULL when no memory is to be had.
 */
#ifndef HAK_POOL_TLS_POOL_H
#define HAK_POOL_TLS_POOL_H

#include "superslab/owner.h"

HAK_C_BEGIN

HAK_FAST hak_bin_at hak_pool_bin(hak_owner* owner, size_t bytes) {
  size_t granules = (bytes + HAK_POOL_GRANULE - 1) / HAK_POOL_GRANULE;
  return hak_owner_bin(owner, owner->pool_bins[granules]);
}

/* A block of the bin if its window has one, else NULL: hak_owner_refill. */
HAK_FAST void* hak_pool_take(hak_bin_at* bin) { return hak_bin_take_at(bin); }

/* The class of a wide request, by the 16 KiB that its last byte lies in. */
enum { HAK_WIDE_STEP = 16384, HAK_WIDE_STEPS = HAK_WIDE_MAX_BYTES / HAK_WIDE_STEP };
extern HAK_HIDDEN const uint8_t hak_pool_wide_classes[HAK_WIDE_STEPS];

/* The bin of a request above HAK_POOL_MAX_BYTES and up to HAK_WIDE_MAX_BYTES. */
static inline hak_bin* hak_pool_wide_bin(hak_owner* owner, size_t bytes) {
  return &owner->bins[hak_pool_wide_classes[(bytes - 1) / HAK_WIDE_STEP]];
}

/* Opens a window for every pool class of up to `most` bytes (prewarm_tls). */
void hak_pool_prewarm(hak_owner* owner, size_t most);

HAK_C_END

#endif
