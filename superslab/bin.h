/* bin.h - a thread's bin for one size class: the current slab, and how a block is taken from it.
 *
 * Purpose:      the fast half of malloc.
 * Owns:         the bits of one word of the current slab, and through the owner the slab itself.
 * Thread rule:  the owning thread only.
 * Failure rule: NULL when the word has no free block; hak_owner_refill looks further.
 *
 * The bin looks at one word (64 grains) of the slab at a time, its window:
 *
 *     word   -> bits of the window in the slab's array
 *     starts =  bits that the bin may take (with p0_batch_refill all blocks of the window, without it one)
 *     base   =  address of the window's first grain
 *     grain  =  bytes a bit
 *
 * The lowest free block is taken first, so that blocks freed inside the window are used again while they are in the
 * cache, and blocks that live together lie together.
 */
#ifndef HAK_SUPERSLAB_BIN_H
#define HAK_SUPERSLAB_BIN_H

#include "superslab/slab.h"

HAK_C_BEGIN

typedef struct hak_bin {
  uint64_t* word;
  uint64_t starts;
  uintptr_t base;
  uintptr_t grain;
#if HAK_HEADER_CLASSIDX
  uint8_t header; /* of a live block of the class */
#endif
} hak_bin;

/* The window of a bin without a slab. Its starts are 0, so that nobody ever writes to the word. */
extern HAK_HIDDEN uint64_t hak_bin_no_word;
#define HAK_BIN_CLOSED ((hak_bin){.word = &hak_bin_no_word})

HAK_FAST void* hak_bin_take(hak_bin* bin) {
  uint64_t available = *bin->word & bin->starts;
  if (HAK_UNLIKELY(available == 0)) return NULL;
  uint64_t bit = hak_lowest_bit_index(available);
  hak_bit_clear(bin->word, bit);
  uintptr_t block = bin->base + bit * bin->grain;
  if (block == 0) __builtin_unreachable();
  return (void*)block;
}

HAK_C_END

#endif
