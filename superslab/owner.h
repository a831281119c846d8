/* owner.h - a thread as the slabs know it: its bins, its slabs, and what others have freed of them.
 *
 * Purpose:      the slab state machine. Refill (from the current slab, remote frees, partial slabs, abandoned slabs,
 *               then new ones), the transitions that frees trigger, abandonment at thread exit and adoption.
 * Owns:         every slab between attach and abandonment. The pool (hak_slab_pool) owns the slabs without an owner.
 * Thread rule:  an owner's functions are called by its thread only; hak_slab_free_remote by any other thread.
 * Failure rule: a refill that finds nothing returns NULL and leaves everything as it was.
 */
#ifndef HAK_SUPERSLAB_OWNER_H
#define HAK_SUPERSLAB_OWNER_H

#include "arena/arena.h"
#include "superslab/bin.h"

HAK_C_BEGIN

/* What the threads share: where slabs come from, and those that threads left behind. */
typedef struct hak_slab_pool {
  hak_arena* arena;
  hak_meta* meta;
  hak_lock lock; /* of the lists below and of every change from and to ABANDONED */
  hak_slab_body* abandoned[HAK_CLASSES];
  HAK_SHARED(unsigned) abandoned_count[HAK_CLASSES]; /* read without the lock, as a hint */
} hak_slab_pool;

/* A bin's slow half. */
typedef struct hak_bin_slabs {
  hak_slab* current;
  uint32_t window;        /* word of the current slab that the bin looks at */
  hak_slab_body* partial; /* slabs with free blocks; the latest woken first */
  hak_slab_body* full;
  hak_slab* spare; /* one empty slab kept for the next refill */
} hak_bin_slabs;

/* Slow-path events, counted by the owner, added up by readers. A table: name, help. */
#define HAK_FOR_EACH_OWNER_COUNTER(COUNTER)                           \
  COUNTER(refills, "windows that a bin ran out of")                   \
  COUNTER(slabs_attached, "slabs that became a bin's current slab")   \
  COUNTER(slabs_created, "slabs cut from the arena")                  \
  COUNTER(slabs_released, "empty slabs given back to the arena")      \
  COUNTER(slabs_abandoned, "slabs left behind by threads that ended") \
  COUNTER(slabs_adopted, "abandoned slabs taken over")                \
  COUNTER(remote_drains, "slabs whose remote frees came home")        \
  COUNTER(remote_blocks, "blocks freed by a thread that did not own them")

typedef struct hak_owner_counters {
#define HAK_OWNER_COUNTER_FIELD(name, help) uint64_t name;
  HAK_FOR_EACH_OWNER_COUNTER(HAK_OWNER_COUNTER_FIELD)
#undef HAK_OWNER_COUNTER_FIELD
} hak_owner_counters;

/* Requests are rounded up to granules, which index the tables below: 16 bytes for tiny ones (one entry more for the
 * header of the largest), 256 for the pool's. */
enum {
  HAK_TINY_GRANULE = HAK_ALIGNMENT,
  HAK_TINY_GRANULES = HAK_TINY_MAX_BYTES / HAK_TINY_GRANULE + 2,
  HAK_POOL_GRANULE = 256,
  HAK_POOL_GRANULES = HAK_POOL_MAX_BYTES / HAK_POOL_GRANULE + 1,
};

typedef struct hak_owner hak_owner;
struct hak_owner {
  hak_bin bins[HAK_CLASSES];
  /* Granules -> offset of the bin in this structure. Each owner has its tables, so that the fast path needs one base
   * register for them and the bins. */
  uint16_t tiny_bin_offset[HAK_TINY_GRANULES];
  uint16_t pool_bin_offset[HAK_POOL_GRANULES];
  hak_bin_slabs slabs[HAK_CLASSES];
  uintptr_t thread; /* thread pointer, part of the keys of this owner's slabs */
  uint64_t number;  /* of the thread, for people */
  hak_slab_pool* pool;
  hak_owner_counters counters;
  /* Slabs with remote frees, linked by remote_next; pushed by any thread, taken as a whole. Its own cache line. */
  _Alignas(HAK_CACHE_LINE) HAK_SHARED(hak_slab*) remote_slabs;
};

void hak_slab_pool_init(hak_slab_pool* pool, hak_arena* arena, hak_meta* meta);

/* Makes zeroed memory an owner without slabs, for the calling thread. */
void hak_owner_init(hak_owner* owner, hak_slab_pool* pool, uint64_t number);

/* Opens a window with a free block in the bin of the class, from wherever there is one; false if nowhere. */
bool hak_owner_open_window(hak_owner* owner, unsigned class_index);
/* The same, and takes a block. */
void* hak_owner_refill(hak_owner* owner, unsigned class_index);

/* The countdown of one of the owner's slabs is over: it becomes partial, or empty and goes. */
void hak_owner_on_countdown(hak_owner* owner, hak_slab* head);

/* Brings home what other threads have freed. */
void hak_owner_drain(hak_owner* owner);

/* Gives back every empty slab that the owner holds for later. */
void hak_owner_trim(hak_owner* owner);

/* The thread ends (or a tool is done): empty slabs go, the others are abandoned. The owner can be used again. */
void hak_owner_abandon(hak_owner* owner);

/* A free by a thread that does not own the slab. self: the caller's owner, or NULL. The block was checked to be one
 * (hak_slab_is_block). False if it is not live: a double free. */
bool hak_slab_free_remote(hak_slab_pool* pool, hak_owner* self, hak_slab* cell, uintptr_t address);

/* A free by the owner into a slab that other threads free into, too (hak_slab_is_shared): looks at their bits as well.
 * False if the block is not live. Does not count the free. */
bool hak_slab_free_shared(hak_slab* cell, uintptr_t address);

/* Validates every slab of the owner. */
void hak_owner_check(const hak_owner* owner);

HAK_C_END

#endif
