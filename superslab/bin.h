/* bin.h - a thread's bin for one size class: the current slab, and how a block is taken from it.
 *
 * Purpose:      the fast half of malloc.
 * Owns:         the slabs of its class that the thread has; of the current one, the bits in the window.
 * Thread rule:  the owning thread only.
 * Failure rule: NULL when the window has no free block; hak_owner_refill looks further.
 *
 * The bin looks at one word (64 grains) of the current slab at a time, its window:
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
  /* The window: all that the fast path reads. */
  uint64_t* word;
  uint64_t starts;
  uintptr_t base;
  uintptr_t grain;
  /* The way to the next window. */
  uint64_t* step_end;     /* hak_bin_step goes up to here: the slab's frontier, or its last word if that is cut */
  const hak_phase* phase; /* of the window's word; NULL without a window */
  hak_slab* current;
  uint32_t slab_count; /* of all states */
  uint8_t header;      /* of a live block of the class */
  uint8_t class_index;
  /* The other slabs. The next current slab is the first partial one, which has waited longest: by then more of its
   * blocks are free, and the refills from it bring more. */
  hak_body_list spare; /* empty ones; under the owner's spare_lock */
  uint32_t spare_count;
  hak_body_list partial;
  hak_body_list full;
  uint64_t draws; /* state of hak_bin_draw */
} hak_bin;

_Static_assert(offsetof(hak_bin, spare) <= HAK_CACHE_LINE, "a refill from the current slab needs one line of the bin");

/* The window of a bin without a slab. Its starts are 0, so that nobody ever writes to the word. */
extern HAK_HIDDEN uint64_t hak_bin_no_word;

/* Checked builds: a block is live from the moment when it is taken, so that the window's word says at any time which of
 * its blocks are. The fast build takes all the blocks of a window at once when it opens it, and keeps those it has not
 * given out in `starts`; hak_bin_settle gives them back. */
#if HAK_CHECKED
HAK_FAST void hak_bin_open(hak_bin* bin, uint64_t* word, uint64_t starts) {
  bin->word = word;
  bin->starts = starts;
}

/* Hardened: any of the available blocks, so that nobody can tell which blocks will be neighbours. */
uint64_t hak_bin_draw(hak_bin* bin, uint64_t available);

/* The lowest of the available blocks of the window's word, of which there is one. */
HAK_FAST void* hak_bin_take_lowest(hak_bin* bin, uint64_t* word, uint64_t available) {
  uint64_t bit = HAK_HARDENED ? hak_bin_draw(bin, available) : hak_lowest_bit_index(available);
  hak_bit_clear(word, bit);
  uintptr_t block = bin->base + bit * bin->grain;
  if (block == 0) __builtin_unreachable();
  return (void*)block;
}

HAK_FAST void* hak_bin_take(hak_bin* bin) {
  uint64_t available = *bin->word & bin->starts;
  return HAK_LIKELY(available != 0) ? hak_bin_take_lowest(bin, bin->word, available) : NULL;
}

static inline void hak_bin_settle(hak_bin* bin) { (void)bin; }
#else
HAK_FAST void hak_bin_open(hak_bin* bin, uint64_t* word, uint64_t starts) {
  bin->word = word;
  bin->starts = *word & starts;
  *word &= ~starts;
}

HAK_FAST void* hak_bin_take(hak_bin* bin) {
  uint64_t bit;
  if (HAK_UNLIKELY(!hak_lowest_bit_of(&bin->starts, &bit))) return NULL;
  hak_bit_clear(&bin->starts, bit);
  uintptr_t block = bin->base + bit * bin->grain;
  if (block == 0) __builtin_unreachable();
  return (void*)block;
}

HAK_FAST void* hak_bin_take_lowest(hak_bin* bin, uint64_t* word, uint64_t available) {
  (void)word;
  (void)available;
  return hak_bin_take(bin);
}

static inline void hak_bin_settle(hak_bin* bin) {
  if (bin->starts != 0) *bin->word |= bin->starts;
  bin->starts = 0;
}
#endif

/* Moves the window on to the next word with a free block and takes one; most refills end here. NULL at the end of the
 * slab. */
HAK_FAST void* hak_bin_step(hak_bin* bin) {
  uint64_t* word = bin->word;
  const hak_phase* phase = bin->phase;
  uintptr_t base = bin->base;
  uint64_t available;
  if (!HAK_P0_BATCH_REFILL) return NULL;
  do {
    if (HAK_UNLIKELY(++word >= bin->step_end)) return NULL;
    phase = phase->next;
    base += bin->grain * 64;
    available = *word & phase->starts;
  } while (available == 0);
  bin->phase = phase;
  bin->base = base;
  hak_bin_open(bin, word, phase->starts);
  return hak_bin_take_lowest(bin, word, available);
}

HAK_C_END

#endif
