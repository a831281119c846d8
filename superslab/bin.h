/* bin.h - a thread's bin for one size class: the current slab, and how a block is taken from it.
 *
 * Purpose:      the fast half of malloc.
 * Owns:         the slabs of its class that the thread has; of the current one, the bits in the window.
 * Thread rule:  the owning thread only; who gives pages back (purge.c) reads `word` and `current` and sets `watched`.
 * Failure rule: NULL when the window has no free block; hak_owner_refill looks further.
 *
 * The bin looks at one word (64 grains) of the current slab at a time, its window:
 *
 *     word   -> bits of the window in the slab's array
 *     starts =  bits that the bin may take (with p0_batch_refill all blocks of the window, of the slab's last
 *              open word those in front of the edge; without it one)
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

/* Why a bin whose window has moved stops before it deals from it (a wide one behind each block, purge.c). */
typedef enum hak_watch {
  HAK_WATCH_PURGE = 1, /* pages of the current slab may be going back to the kernel */
  HAK_WATCH_TELL = 2,  /* who gives them back wants to know that the window moves again */
} hak_watch;

typedef struct hak_bin {
  /* The window: all that the fast path reads. */
  uint64_t* word;
  uint64_t starts;
  uintptr_t base;
  uintptr_t grain;
  /* The way to the next window. */
  uint64_t* step_end;     /* hak_bin_step goes up to here: the last word that is open in part or cut, or the frontier */
  const hak_phase* phase; /* of the window's word; NULL without a window */
  uintptr_t window_bytes; /* from one window to the next */
  uint32_t slab_count;    /* of all states */
  uint8_t header;         /* of a live block of the class */
  uint8_t class_index;
  uint8_t spare_count;         /* with `spare` */
  HAK_SHARED(uint8_t) watched; /* bits of hak_watch */
  hak_slab* current;
  /* The other slabs. The next current slab is the first partial one, which has waited longest (or the one
   * behind it, next_partial in owner.c): by then more of its blocks are free, and the refills from it bring more. */
  hak_body_list spare; /* empty ones; under the owner's spare_lock */
  hak_body_list partial;
  hak_body_list full;
  uint64_t draws; /* state of hak_bin_draw */
} hak_bin;

_Static_assert(offsetof(hak_bin, current) <= HAK_CACHE_LINE, "a step to the next window needs one line of the bin");
_Static_assert(sizeof(hak_bin) == 2 * HAK_CACHE_LINE, "a bin begins with a line");

/* The window of a bin without a slab. Its starts are 0, so that nobody ever writes to the word. */
extern HAK_HIDDEN uint64_t hak_bin_no_word;

/* A bin on the fast path: its owner's address and its distance from there. x86-64 adds the two in the address of each
 * load, so that the sum takes no instruction; the barrier keeps the compiler from adding them beforehand. */
typedef struct hak_bin_at {
  uintptr_t owner, offset; /* or the bin's own address, and 0 */
} hak_bin_at;

HAK_FAST hak_bin* hak_bin_get(hak_bin_at* at) {
  __asm__("" : "+r"(at->offset));
  return (hak_bin*)(at->owner + at->offset);
}

/* Never NULL, as the compiler learns here: its callers take NULL for "no block at hand". */
HAK_FAST void* hak_bin_block(uintptr_t base, uintptr_t distance) {
  uintptr_t block = base + distance;
  if (block == 0) __builtin_unreachable();
  return (void*)block;
}

/* The window moves to this word; hak_bin_open has to come behind it. True if no block of the word may be dealt before
 * hak_owner_pause: pages of the slab may be going back to the kernel at this moment.
 *
 * Who gives them back leaves the window alone, in which blocks are dealt without a further look. It sets
 * HAK_WATCH_PURGE, has all threads pass a barrier, and looks where the window is: either we see the bit here, or it
 * sees our word (purge.c). */
HAK_FAST bool hak_bin_enter(hak_bin* bin, uint64_t* word) {
  hak_store_release(&bin->word, word); /* behind the bits of the blocks that the old window has dealt */
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  return HAK_UNLIKELY(hak_load_folded(&bin->watched) != 0);
}

/* Checked builds: a block is live from the moment when it is taken, so that the window's word says at any time which of
 * its blocks are. The fast build takes all the blocks of a window at once when it opens it, and keeps those it has not
 * given out in `starts`; hak_bin_settle gives them back. available: the free blocks among `starts`. */
#if HAK_CHECKED
HAK_FAST void hak_bin_open(hak_bin* bin, const uint64_t* word, uint64_t starts, uint64_t available) {
  (void)word;
  (void)available;
  bin->starts = starts;
}

/* Hardened: any of the available blocks, so that nobody can tell which blocks will be neighbours. */
uint64_t hak_bin_draw(hak_bin* bin, uint64_t available);

/* Takes the lowest of the available blocks of a word, of which there is one: its bit. bits: the word as it is. */
HAK_FAST uint64_t hak_bin_take_bit(hak_bin* bin, uint64_t* word, uint64_t bits, uint64_t available) {
  uint64_t bit = HAK_HARDENED ? hak_bin_draw(bin, available) : hak_lowest_bit_index(available);
  hak_poke(word, hak_without_bit(bits, bit));
  return bit;
}

/* A block of the window, NULL if it has none. */
HAK_FAST void* hak_bin_take_at(hak_bin_at* at) {
  uint64_t* word = hak_bin_get(at)->word;
  uint64_t bits = *word;
  uint64_t available = bits & hak_bin_get(at)->starts;
  if (HAK_UNLIKELY(available == 0)) return NULL;
  uint64_t bit = hak_bin_take_bit(hak_bin_get(at), word, bits, available);
  uintptr_t distance = bit * hak_bin_get(at)->grain;
  return hak_bin_block(hak_bin_get(at)->base, distance);
}

static inline void hak_bin_settle(hak_bin* bin) { (void)bin; }
static inline uint64_t hak_bin_at_hand(const hak_bin* bin, const uint64_t* word) { return (void)bin, (void)word, 0; }
#else
HAK_FAST void hak_bin_open(hak_bin* bin, uint64_t* word, uint64_t starts, uint64_t available) {
  (void)starts;
  bin->starts = available;
  *word ^= available; /* one instruction; of others who read it (hak_peek) none depends on which value it finds */
}

HAK_FAST uint64_t hak_bin_take_bit(hak_bin* bin, uint64_t* word, uint64_t bits, uint64_t available) {
  (void)word;
  (void)bits;
  uint64_t bit = hak_lowest_bit_index(available);
  bin->starts = hak_without_bit(available, bit);
  return bit;
}

HAK_FAST void* hak_bin_take_at(hak_bin_at* at) {
  uint64_t bit;
  uint64_t available = hak_bin_get(at)->starts;
  if (HAK_UNLIKELY(!hak_lowest_bit_of(available, &bit))) return NULL;
  hak_bin_get(at)->starts = hak_without_bit(available, bit);
  uintptr_t distance = bit * hak_bin_get(at)->grain;
  return hak_bin_block(hak_bin_get(at)->base, distance);
}

static inline void hak_bin_settle(hak_bin* bin) {
  if (bin->starts == 0) return;
  hak_poke(bin->word, *bin->word | bin->starts);
  bin->starts = 0;
  /* No window any more, or the search would go on behind it and take the slab for full. */
  bin->step_end = NULL;
  bin->phase = NULL;
}

/* Any thread: blocks of the word that have not been given out, though their bits there say that they are live. */
static inline uint64_t hak_bin_at_hand(const hak_bin* bin, const uint64_t* word) {
  return hak_peek(&bin->word) == word ? hak_peek(&bin->starts) : 0;
}
#endif

/* The same of a bin that is known by its own address. */
static inline void* hak_bin_take(hak_bin* bin) {
  hak_bin_at at = {(uintptr_t)bin, 0};
  return hak_bin_take_at(&at);
}

/* Moves the window on to the next word with a free block and takes one; most refills end here. NULL at the end of the
 * slab, and where hak_owner_pause is due. */
HAK_FAST void* hak_bin_step(hak_bin* bin) {
  uint64_t* word = bin->word;
  const hak_phase* phase = bin->phase;
  uintptr_t base = bin->base;
  uint64_t bits, available;
  if (!HAK_P0_BATCH_REFILL) return NULL;
  do {
    if (HAK_UNLIKELY(++word >= bin->step_end)) return NULL;
    phase = phase->next;
    base += bin->window_bytes;
    bits = *word;
    available = bits & phase->starts;
  } while (available == 0);
  if (hak_bin_enter(bin, word)) {
    /* Back, and nothing of the old window either: nobody leaves that alone any more. (Here, for a call would cost every
     * step the saving of registers.) */
    bin->starts = 0;
    for (; base != bin->base; base -= bin->window_bytes) word--;
    hak_poke(&bin->word, word);
    return NULL;
  }
  bin->phase = phase;
  hak_poke(&bin->base, base); /* as it is, or gcc stores it and `starts` by one vector that it puts together first */
  hak_bin_open(bin, word, phase->starts, available);
  return hak_bin_block(base, hak_bin_take_bit(bin, word, bits, available) * bin->grain);
}

HAK_C_END

#endif
