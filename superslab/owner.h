/* owner.h - a thread as the slabs know it: its bins, its slabs, and what others have freed of them.
 *
 * Purpose:      the slab state machine. Refill (from the current slab, remote frees, partial slabs, abandoned slabs,
 *               spare ones, the few free blocks of full ones, then new ones), the transitions that frees trigger,
 *               abandonment at thread exit and adoption.
 * Owns:         every slab between attach and abandonment. The pool (hak_slab_pool) owns the slabs without an owner.
 * Thread rule:  an owner's functions are called by its thread only; hak_slab_free_remote by any other thread.
 * Failure rule: a refill that finds nothing returns NULL: the owner's empty slabs have gone, the others are as they
 *               were.
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
  hak_body_list abandoned[HAK_CLASSES];
  HAK_SHARED(unsigned) abandoned_count[HAK_CLASSES]; /* read without the lock, as a hint */
  /* Pages of slabs (purge.c). */
  hak_lock purge_lock;                  /* one thread at a time gives them back */
  HAK_SHARED(hak_slab*) pinned;         /* the slab that it is at; NULL: none */
  HAK_SHARED(unsigned) purge_more;      /* the next round is asked for: something may have been freed */
  uintptr_t purge_next;                 /* where the next step of the round begins; 0: at the first slab */
  bool purge_again;                     /* this round has met slabs of which something was freed of late */
  bool purge_asked;                     /* this round was asked for */
  unsigned purge_round;                 /* rounds begun */
  uint64_t purge_queued;                /* bytes of slabs in owners' queues, in this round */
  HAK_SHARED(uint64_t) queued_bytes;    /* in the last one: what their owners do not know is free may become more */
  HAK_SHARED(uint64_t) purged_bytes;    /* given back so far */
  HAK_SHARED(uint64_t) populated_bytes; /* of new slabs, taken before they were touched (populate.c) */
} hak_slab_pool;

/* Slow-path events, counted by the owner, added up by readers. A table: name, help. */
#define HAK_FOR_EACH_OWNER_COUNTER(COUNTER)                              \
  COUNTER(searches, "refills that did not find blocks in the next word") \
  COUNTER(slabs_attached, "slabs that became a bin's current slab")      \
  COUNTER(slabs_created, "slabs cut from the arena")                     \
  COUNTER(slabs_released, "empty slabs given back to the arena")         \
  COUNTER(slabs_abandoned, "slabs left behind by threads that ended")    \
  COUNTER(slabs_adopted, "abandoned slabs taken over")                   \
  COUNTER(remote_drains, "slabs whose remote frees came home")           \
  COUNTER(remote_blocks, "blocks freed by a thread that did not own them")

typedef struct hak_owner_counters {
#define HAK_OWNER_COUNTER_FIELD(name, help) uint64_t name;
  HAK_FOR_EACH_OWNER_COUNTER(HAK_OWNER_COUNTER_FIELD)
#undef HAK_OWNER_COUNTER_FIELD
} hak_owner_counters;

/* What indexes the tables below: the bytes of a tiny request, and those of one to the pool in granules. */
enum {
  HAK_TINY_SIZES = HAK_TINY_MAX_BYTES + 1,
  HAK_POOL_GRANULE = 256,
  HAK_POOL_GRANULES = HAK_POOL_MAX_BYTES / HAK_POOL_GRANULE + 1,
};

/* A bin, as its distance from the owner: a quarter of the cache lines that pointers would take. */
typedef uint16_t hak_bin_offset;

typedef struct hak_owner hak_owner;
struct hak_owner {
  hak_bin bins[HAK_CLASSES];
  hak_bin closed; /* without a block for ever; see hak_owner_close */
  /* Size -> bin. Each owner has its tables: a look-up is one load from the thread's own memory. */
  hak_bin_offset tiny_bins[HAK_TINY_SIZES];
  hak_bin_offset pool_bins[HAK_POOL_GRANULES];
  uintptr_t thread; /* thread pointer, part of the keys of this owner's slabs */
  uint64_t number;  /* of the thread, for people */
  hak_slab_pool* pool;
  uint8_t dense[HAK_CLASSES]; /* slabs to come that the program will touch as a whole, most likely (populate.c) */
  /* Not in the line of what other threads read at each free of a block of this thread's. */
  _Alignas(HAK_CACHE_LINE) hak_owner_counters counters;
  /* Of the bins' empty slabs, which the helper thread may take away (hak_owner_reclaim). */
  hak_lock spare_lock;
  HAK_SHARED(uint32_t) spare_total;
  /* Slabs with remote frees, linked by remote_next; pushed by any thread, taken as a whole. Its own cache line. */
  _Alignas(HAK_CACHE_LINE) HAK_SHARED(hak_slab*) remote_slabs;
};

_Static_assert(offsetof(hak_owner, bins) == 0, "a zeroed table leads to the first bin");
_Static_assert(offsetof(hak_owner, closed) <= UINT16_MAX, "hak_bin_offset reaches all bins");

/* Where the bin of a class lies. */
static inline hak_bin_offset hak_class_bin(unsigned class_index) {
  return (hak_bin_offset)(offsetof(hak_owner, bins) + class_index * sizeof(hak_bin));
}
/* The bin that an entry of a table names. */
HAK_FAST hak_bin_at hak_owner_bin(hak_owner* owner, hak_bin_offset offset) {
  return (hak_bin_at){(uintptr_t)owner, offset};
}

void hak_slab_pool_init(hak_slab_pool* pool, hak_arena* arena, hak_meta* meta);

/* Makes zeroed memory (or an owner that has abandoned its slabs) an owner without slabs, for the calling thread. */
void hak_owner_init(hak_owner* owner, hak_slab_pool* pool, uint64_t number);

/* The owner deals blocks: it is a thread's, and not closed. */
static inline bool hak_owner_is_open(const hak_owner* owner) {
  return owner->pool != NULL && owner->pool_bins[HAK_POOL_GRANULES - 1] != offsetof(hak_owner, closed);
}

/* A block of a wide class, NULL if there is none. The window of such a class is most of its slab, and pages go back
 * from inside it as well: so whoever takes a block looks behind it whether that is happening now (purge.c). */
void* hak_owner_take_wide(hak_owner* owner, hak_bin* bin);

/* From now on every request comes to the owner's closed bin, and so to the slow path; also after hak_owner_init. */
void hak_owner_close(hak_owner* owner);

/* Every tiny class has its requests to itself from now on. Else a class gets them when the bin that stands in for it
 * needs another slab cut, or when a slab of its own comes from another thread. */
void hak_owner_split_bins(hak_owner* owner);

/* The owner that is nobody: its bins have no block and get none. Threads have it before their first request, and slabs
 * when they are abandoned. */
extern HAK_HIDDEN hak_owner hak_nobody;

/* Opens a window with a free block in one of the owner's bins, from wherever there is one; false if nowhere. */
bool hak_owner_open_window(hak_owner* owner, hak_bin* bin);
/* The same, and takes a block. */
void* hak_owner_refill(hak_owner* owner, hak_bin* bin);

/* The countdown of one of the owner's slabs is over: it becomes partial, or empty and goes. */
void hak_owner_on_countdown(hak_owner* owner, hak_slab* head);

/* Brings home what other threads have freed. */
void hak_owner_drain(hak_owner* owner);

/* Gives back every empty slab that the owner holds for later. */
void hak_owner_trim(hak_owner* owner);

/* Any thread: gives back the empty slabs that an owner has kept for later; with `aged` only those that were there at
 * the last such call. */
void hak_owner_reclaim(hak_owner* owner, bool aged);

/* Any thread, with no lock of ours but the helper's: gives back whole pages of free blocks; of a current slab, those
 * outside of the bin's window, unless its class is wide. A tick does one step of a round through all slabs, and leaves
 * those out of which something was freed since the last round; current slabs have a turn in few rounds.
 * hak_slab_pool_purge does all at once, and says whether there were any. */
void hak_slab_pool_tick(hak_slab_pool* pool);
bool hak_slab_pool_purge(hak_slab_pool* pool);
/* For who ticks, between two ticks: there is a reason for the next one; a round is half done; bytes of slabs that were
 * queued with their owners in the last round, of which more may be freed without a word to anybody. */
bool hak_slab_pool_wants_tick(const hak_slab_pool* pool);
static inline bool hak_slab_pool_is_in_round(const hak_slab_pool* pool) { return pool->purge_next != 0; }
static inline uint64_t hak_slab_pool_queued_bytes(const hak_slab_pool* pool) {
  return hak_load_relaxed(&pool->queued_bytes);
}
/* Any thread: something may have been freed since the last round. */
static inline bool hak_slab_pool_is_asked(const hak_slab_pool* pool) {
  return hak_load_relaxed(&pool->purge_more) != 0;
}

/* The thread ends (or a tool is done): empty slabs go, the others are abandoned. The owner can be used again. */
void hak_owner_abandon(hak_owner* owner);

/* Abandons a slab whose owner is gone without having done so, and will not come back: in the child of a fork. The
 * owner's lists are not looked at. */
void hak_slab_abandon_lost(hak_slab_pool* pool, hak_slab* head);

/* A free by a thread that does not own the slab. self: the caller's owner, or NULL. The block was checked to be one
 * (hak_slab_is_block). False if it is not live: a double free. */
bool hak_slab_free_remote(hak_slab_pool* pool, hak_owner* self, hak_slab* cell, uintptr_t address);

/* Queues the slab with its owner, if no other thread has done so meanwhile. self: as above. */
void hak_slab_notify_owner(hak_slab_pool* pool, hak_owner* self, hak_slab* head);

/* A free by the owner into a slab that other threads free into, too (hak_slab_is_shared): looks at their bits as well.
 * False if the block is not live. Does not count the free. */
bool hak_slab_free_shared(hak_slab* cell, uintptr_t address);

/* Validates every slab of the owner. */
void hak_owner_check(const hak_owner* owner);

HAK_C_END

#endif
