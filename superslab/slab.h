/* slab.h - a slab: a run of units cut into blocks of one size class, with one bit for each block.
 *
 * Purpose:      the layout of a slab and the part of free that its owner runs: whose block is this, is it live, mark it
 *               free, count it.
 * Owns:         the cells of a slab's units (arena/map.h) and its body, a record of its own apart from the blocks.
 * Thread rule:  the bits belong to the owner, who changes them without atomics. Other threads only set bits of the
 *               remote array (remote.c).
 * Failure rule: each test here answers with a bool; the caller names the fault.
 *
 * Bits: 1 = not in use: a free block, or a grain where no block begins. A live block is the one state with a 0, so that
 * a double free and an interior pointer are the same test: the bit is 1 already.
 *
 *     class of 48 bytes (grain 16, 3 grains a block), blocks 0 and 2 live:
 *     grain  0 1 2 3 4 5 6 7 8 9 ...
 *     bit    0 1 1 1 1 1 0 1 1 1
 *     starts 1 0 0 1 0 0 1 0 0 1         bits & starts = the free blocks
 *
 * The key of a unit tells in one comparison whether an address lies in this unit, is aligned as a block of it must be,
 * and belongs to the calling thread:
 *
 *     mask = the address bits above the unit, and those below the grain
 *     key  = (first block & mask) ^ thread pointer of the owner          (checked builds; 0 in place of an owner:
 *     mine = ((address & mask) ^ key) == my thread pointer                abandoned)
 *
 * Two thread pointers differ in bits below 2^38 or so and a slot's addresses above, so that no foreign address matches
 * by accident. The fast build keeps the thread pointer alone and trusts the address.
 *
 * The lowest and the highest bit of a key, set together, say that other threads free into this unit: then no comparison
 * matches, and the owner's frees take the slow path, which looks at the bits of the others as well. (The lowest alone
 * would match a pointer to the second byte of a block, the highest alone a tagged one.)
 *
 * States and who moves a slab between them (all by the owner; owner.c):
 *
 *     (arena) --attach--> CURRENT --no free block--> FULL --`wake` frees--> PARTIAL --last free--> SPARE --> (arena)
 *                            ^                                               |                      |
 *                            +------------------- attach --------------------+------- attach -------+
 *     CURRENT --steps aside for a partial slab before it opens more of itself--> PARTIAL or FULL
 *     FULL --some free block, and the other choice is a new slab, or none--> CURRENT
 *     any --owner exits--> ABANDONED --adopted--> PARTIAL or FULL                                   (abandoned.c)
 */
#ifndef HAK_SUPERSLAB_SLAB_H
#define HAK_SUPERSLAB_SLAB_H

#include "arena/map.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "base/meta.h"
#include "base/size_class.h"

HAK_C_BEGIN

typedef hak_cell hak_slab;

typedef enum hak_slab_state {
  HAK_SLAB_CURRENT,   /* a bin allocates from it */
  HAK_SLAB_FULL,      /* since the bin left it fewer than `wake` of its blocks are free */
  HAK_SLAB_PARTIAL,   /* in its bin's list */
  HAK_SLAB_SPARE,     /* empty, kept by its bin */
  HAK_SLAB_ABANDONED, /* its owner is gone; in the list of its class */
} hak_slab_state;

typedef struct hak_slab_body hak_slab_body;
struct hak_slab_body {
  hak_slab* slab;
  hak_slab_body *next, *prev; /* in the list of the slab's state */
  uintptr_t base;             /* first byte of the slab */
  uintptr_t remote;           /* hak_body_remote: blocks freed by other threads; biased like a cell's */
  const hak_phase* phase;     /* of word 0 */
  uintptr_t first_window;     /* address of grain 0 of word 0, plus the offset of blocks in their first grain */
  uintptr_t present;          /* below it the slab has been given memory, or been left to page faults (populate.c) */
  uint32_t whole_words;       /* words, without the last one if the slab ends inside it */
  uint32_t words;             /* of each bit array */
  uint32_t frontier;          /* words from here on have never been allocated from */
  uint32_t edge;              /* nor have the grains of the last word before it from here on (64: none) */
  uint32_t first_grain;       /* bit of block 0: array bit 0 is a grain whose number is a multiple of 64 */
  uint32_t end_grain;         /* bit behind the last block */
  bool guarded;               /* the unit behind the slab is inaccessible */
  bool aged;                  /* while spare: since the last hak_owner_reclaim */
  bool telling;               /* every page that has memory was touched by the program (populate.c) */
  bool worth;                 /* while abandoned: it has blocks to give (abandoned.c) */
  /* Of purge.c: what the slab was like when it last looked, and when it last gave pages back; or HAK_SLAB_NOT_YET. */
  uint32_t seen_at, purged_at;
  uint32_t countdown; /* frees until something is to be done */
  uint64_t bits[];    /* words of the slab's own */
};

/* The remote words lie in the body's shadow: in cache lines of their own, for they are written by other threads and
 * what is in the body by the owner at every malloc and free; and in pages of their own, which take no memory in a
 * program whose threads keep to their own blocks. */
static inline uint64_t* hak_body_remote(const hak_slab_body* body) {
  return (uint64_t*)((uintptr_t)body + HAK_META_SHADOW);
}

#define HAK_SLAB_NOT_YET UINT32_MAX

typedef struct hak_body_list {
  hak_slab_body *first, *last;
} hak_body_list;

/* countdown of a slab that is current: never reached in practice; reaching it is harmless. */
#define HAK_SLAB_NO_COUNTDOWN UINT32_MAX

static inline const hak_size_class* hak_slab_class(const hak_slab* slab) {
  return &hak_size_classes[slab->class_index];
}
static inline hak_slab_body* hak_slab_body_of(const hak_slab* slab) { return (hak_slab_body*)slab->head->body; }

static inline uint64_t hak_slab_mask(const hak_size_class* row) {
#if HAK_CHECKED
  return ~(uint64_t)(HAK_UNIT_BYTES - 1) | ((UINT64_C(1) << row->shift) - 1);
#else
  (void)row;
  return 0;
#endif
}

/* The key for a unit of a slab whose blocks lie at (unit + first) modulo the grain. */
static inline uint64_t hak_slab_key(const hak_size_class* row, uintptr_t unit, uintptr_t thread) {
  return ((unit + row->first) & hak_slab_mask(row)) ^ thread;
}

/* The calling thread owns the slab of this cell, and the address may be a block of it. rest: what is left when address,
 * key and thread pointer are laid over each other, which hak_slab_is_strange goes on from. */
HAK_FAST bool hak_slab_is_mine_or(const hak_slab* cell, uintptr_t address, uint64_t* rest) {
#if HAK_CHECKED
  return hak_xor_is_thread(address & cell->mask, &cell->key, rest);
#else
  (void)address;
  *rest = 0;
  return hak_load_relaxed(&cell->key) == hak_thread_pointer();
#endif
}
HAK_FAST bool hak_slab_is_mine(const hak_slab* cell, uintptr_t address) {
  uint64_t rest;
  return hak_slab_is_mine_or(cell, address, &rest);
}

/* Owner only: marks the block at address `grain << shift` free. True if it was not live: a double free, or no block
 * begins there. */
HAK_FAST bool hak_slab_mark_free(const hak_slab* cell, uintptr_t grain) {
  return hak_bit_test_and_set(cell->bits, grain);
}
/* The same in the fewest instructions, for free, whose count is promised (docs/performance.md). */
HAK_FAST bool hak_slab_mark_free_short(const hak_slab* cell, uintptr_t grain) {
  return hak_bit_test_and_set_short(cell->bits, grain);
}

/* Owner only: counts a free. True when the countdown is over: hak_owner_on_countdown is due. */
HAK_FAST bool hak_slab_count_free(const hak_slab* cell) { return --((hak_slab_body*)cell->body)->countdown == 0; }

/* Other threads have freed blocks of this unit since the owner last brought such blocks home. */
#define HAK_SLAB_SHARED (UINT64_C(1) << 63 | 1)
static inline bool hak_slab_is_shared(const hak_slab* cell) { return (hak_load_relaxed(&cell->key) & 1) != 0; }

/* Any thread: the block that begins at address is in use, as its owner knows it. */
static inline bool hak_slab_is_live(const hak_slab* cell, uintptr_t address) {
  return !hak_bit_test(cell->bits, address >> cell->shift);
}
/* The same, and no other thread has freed it either. */
bool hak_slab_is_live_anywhere(const hak_slab* cell, uintptr_t address);

/* The same without regard to HAK_SLAB_SHARED: true if the key lets in another thread than the calling one, and what is
 * left then is the two thread pointers laid over each other, if the address fits the unit, else anything. */
HAK_FAST bool hak_slab_is_strange(const hak_slab* cell, uint64_t* rest) {
#if HAK_CHECKED
  return hak_xor_differs(rest, hak_load_folded(&cell->key) & HAK_SLAB_SHARED);
#else
  *rest = hak_load_folded(&cell->key) ^ hak_thread_pointer();
  return *rest != 0;
#endif
}
/* The thread that the key of the cell lets in for this address, by its thread pointer: the owner's if the address may
 * be a block of the unit, 0 if the slab is abandoned, else anything. */
static inline uintptr_t hak_slab_claimant(const hak_slab* cell, uintptr_t address) {
  uint64_t rest;
  (void)hak_slab_is_mine_or(cell, address, &rest);
  (void)hak_slab_is_strange(cell, &rest);
  return rest ^ hak_thread_pointer();
}

/* Any thread, for a block that the owner sees as live: sets its remote bit. False if it was set. From then on the block
 * is not live, and of the slab nothing but its cells may be touched. */
HAK_FAST bool hak_slab_mark_remote(hak_slab* cell, uintptr_t grain, uintptr_t remote) {
  if (HAK_UNLIKELY(hak_bit_test_and_set_shared(remote, grain))) return false;
  /* After the bit: pairs with slab_drain, which takes the mark away before it reads the bits. */
  if (HAK_CHECKED && HAK_UNLIKELY((hak_load_folded(&cell->key) & 1) == 0)) {
    hak_or_seq_cst(&cell->key, HAK_SLAB_SHARED);
  }
  return true;
}
/* After hak_slab_mark_remote (and ordered behind it by its locked instruction): the slab is in no owner's queue. Pairs
 * with hak_owner_drain, which resets remote_next before the bits are read. */
HAK_FAST bool hak_slab_is_unqueued(const hak_slab* head) { return hak_load_folded(&head->remote_next) == NULL; }

/* The bias of a slab's bit arrays: they are stored less it, so that a block's grain (its address shifted) is its index
 * and needs no subtraction. */
static inline uintptr_t hak_slab_bias(const hak_slab* cell) {
  return (hak_slab_body_of(cell)->base >> cell->shift >> 6) * sizeof(uint64_t);
}

/* Any thread: the address lies in the slab of this cell, aligned as its blocks are. With a live bit it is a block: no
 * bit but that of a live block is 0. */
static inline bool hak_slab_holds(const hak_slab* cell, uintptr_t address) {
  const hak_slab_body* body = hak_slab_body_of(cell);
  const hak_size_class* row = hak_slab_class(cell);
  uintptr_t offset = address - body->base;
  return offset < (uintptr_t)row->units << HAK_UNIT_SHIFT && ((offset - row->first) & ((1u << row->shift) - 1)) == 0;
}

/* Any thread: the address is in the slab's blocks and one begins there. cell: of the address. */
bool hak_slab_is_block(const hak_slab* cell, uintptr_t address);
/* The block that an address inside the slab belongs to, 0 if it is before the first or behind the last. */
uintptr_t hak_slab_block_of(const hak_slab* cell, uintptr_t address);

/* Blocks in the program's hands, counting those that other threads freed and nobody drained yet. Exact for the owner.
 */
uint32_t hak_slab_count_live(const hak_slab* head);
/* Blocks freed by other threads and not yet drained. */
uint32_t hak_slab_count_remote(const hak_slab* head);

/* Bits of word `word` that belong to the slab: all, but in the first and the last one. */
static inline uint64_t hak_slab_word_mask(const hak_slab_body* body, uint32_t word) {
  uint64_t mask = ~UINT64_C(0);
  if (word == 0) mask = ~hak_low_mask(body->first_grain);
  if (word + 1 == body->words) mask &= hak_low_mask(body->end_grain - word * 64);
  return mask;
}
/* Bits of word `word` where a block begins. */
uint64_t hak_slab_starts(const hak_slab_body* body, const hak_size_class* row, uint32_t word);

/* Whole-structure validator: aborts on the first broken invariant. Owner only. */
void hak_slab_check(const hak_slab* head);

HAK_C_END

#endif
