/* arena.h - where address space comes from and goes back to.
 *
 * Purpose:      deals runs of units (64 KiB each) out of regions that it reserves from the kernel; keeps count of which
 *               free units still hold memory, and gives that memory back when it has not been reused for a while.
 * Owns:         regions (several chunks in a row), the chunk records of the map, the choice of huge pages.
 * Does not own: what is inside a run. Cells of a run are its user's, who leaves them as nobody's (key 0) on return.
 * Thread rule:  any thread; one lock inside. System calls that may take long (purge) are made without it,
 *               but for what cuts or grows a mapping.
 * Failure rule: 0 when the kernel gives no more address space or memory, or a limit is reached.
 *
 * Life of a unit:
 *
 *     reserved --commit--> clean --alloc--> used --free--> dirty --tick--> aged --tick--> clean
 *                            ^                               |               |
 *                            |                               +----alloc------+--> used
 */
#ifndef HAK_ARENA_ARENA_H
#define HAK_ARENA_ARENA_H

#include "arena/huge.h"
#include "arena/map.h"
#include "base/lock.h"
#include "base/meta.h"
#include "base/options.h"

HAK_C_BEGIN

/* What a chunk's runs are used for; runs of two uses do not share a chunk. */
typedef enum hak_run_use {
  HAK_RUN_SLAB,   /* slabs that will be used as a whole: huge pages pay */
  HAK_RUN_SPARSE, /* slabs of which perhaps a few pages are touched: of large blocks, or by each of many threads */
  HAK_RUN_LARGE,  /* large blocks: the program may never touch all of one */
  HAK_RUN_USES
} hak_run_use;

typedef struct hak_region {
  uintptr_t base;
  size_t chunks;
  struct hak_region* next;
} hak_region;

typedef struct hak_chunk_list {
  hak_chunk *first, *last;
} hak_chunk_list;

typedef struct hak_arena_stats {
  uint64_t reserved_bytes;  /* address space in regions */
  uint64_t committed_bytes; /* of it: writable */
  uint64_t used_bytes;      /* in runs, and in mappings of their own */
  uint64_t mapped_bytes;    /* of these: in mappings of their own */
  uint64_t dirty_bytes;     /* in free units that may hold memory, and in kept mappings */
  uint64_t purged_bytes;    /* given back so far */
  uint64_t purges;          /* calls to the kernel for it */
  uint64_t runs;            /* runs dealt so far */
  uint64_t huge_chunks;     /* times that a chunk was given huge pages */
  uint64_t huge_refused;    /* times that a chunk kept small pages because huge ones were dear */
} hak_arena_stats;

/* Runs of large blocks that wait for the thread that freed them (parked.c): the first cells, by their lengths. */
enum { HAK_PARKED_ROWS = 16, HAK_PARKED_UNITS = 8 };
typedef struct hak_parked_row {
  _Alignas(HAK_CACHE_LINE) HAK_SHARED(bool) keeps; /* the lock was found taken since the last tick */
  HAK_SHARED(hak_cell*) cells[HAK_PARKED_UNITS];
} hak_parked_row;

/* Mappings of large blocks that have been freed and wait for a request (kept.c). */
enum { HAK_KEPT_MAPPINGS = 8 };
typedef struct hak_mapping {
  uintptr_t start; /* 0: none */
  size_t bytes;
  bool aged; /* it was there at the last step of decay that looked */
} hak_mapping;
typedef struct hak_kept {
  hak_mapping mappings[HAK_KEPT_MAPPINGS];
  uint64_t bytes; /* of them all */
} hak_kept;

/* Octaves of sizes of large blocks (reuse.c). Since the last step of decay that looked: one went back to the kernel;
 * one was wanted that this, or one that was kept, could serve. And: the next one that is freed stays. */
typedef struct hak_reuse {
  HAK_SHARED(uint64_t) gone, wanted, keeps;
} hak_reuse;

typedef struct hak_arena {
  hak_map* map;
  hak_meta* meta;
  const hak_os* os;
  const hak_options* options;
  _Alignas(HAK_CACHE_LINE) hak_lock lock; /* not in the line that threads read which need no lock */
  hak_region* regions;
  hak_chunk_list by_run[HAK_RUN_USES][HAK_CHUNK_UNITS + 1]; /* chunks by the length of their longest free run */
  uint64_t runs_there[HAK_RUN_USES];                        /* bit n - 1: by_run[..][n] has a chunk */
  hak_chunk* dirty_chunks;
  uint64_t dirty_bytes_of[HAK_RUN_USES]; /* with kept.bytes what stats.dirty_bytes adds up */
  unsigned unlocked; /* threads that work without the lock on units or mappings which they took out of all hands */
  bool trying_huge;  /* one of them times a huge page */
  uint64_t next_tick_ms;
  bool large_rest;             /* the next step of decay leaves out the chunks of large blocks */
  bool commit_failed;          /* the request at hand failed for memory, not for address space */
  HAK_SHARED(unsigned) guards; /* units closed now */
  unsigned calls_to_clock;     /* alloc and free look at the clock once in so many calls */
  hak_huge huge;
  hak_arena_stats stats;
  hak_parked_row parked[HAK_PARKED_ROWS];
  hak_kept kept;
  hak_reuse reuse;
} hak_arena;

void hak_arena_init(hak_arena* arena, hak_map* map, hak_meta* meta, const hak_os* os, const hak_options* options);

/* A run of `units` units whose address is a multiple of `align` bytes (a power of two up to HAK_CHUNK_BYTES).
 * *zeroed: every byte reads as zero. */
uintptr_t hak_arena_alloc(hak_arena* arena, hak_run_use use, size_t units, size_t align, bool* zeroed);
/* The same for a large block that has grown and may grow again: where as many units behind it are free, if that is to
 * be had in memory that the arena holds already. */
uintptr_t hak_arena_alloc_to_grow(hak_arena* arena, size_t units, bool* zeroed);
/* Takes back a run, or the units at either end of one. */
void hak_arena_free(hak_arena* arena, uintptr_t start, size_t units);
/* The same of a run whose memory shall go back to the kernel now. */
void hak_arena_free_purged(hak_arena* arena, uintptr_t start, size_t units);
/* The same of a run that holds no memory any more: it reads as zero. */
void hak_arena_free_empty(hak_arena* arena, uintptr_t start, size_t units);
/* Adds the `more` units behind a run of `units` to it, if they are free. */
bool hak_arena_extend(hak_arena* arena, uintptr_t start, size_t units, size_t more);

/* Hardened builds: runs of slabs and of large blocks end with one more unit, which is inaccessible while the run is in
 * use (HAK_GUARD_UNITS more are asked for and given back). False if it stays accessible: guards split mappings, of
 * which the kernel allows so many, so that there are HAK_MOST_GUARDS at the most. */
enum { HAK_GUARD_UNITS = HAK_HARDENED, HAK_MOST_GUARDS = 16384 };
bool hak_arena_close_guard(hak_arena* arena, uintptr_t start, size_t units);
/* Makes it accessible again, before the run is given back. False if the kernel has no memory for that: the guard stays
 * closed and in use for good, and only the run's own units are given back, for a free must not fail. */
bool hak_arena_open_guard(hak_arena* arena, uintptr_t start, size_t units);

/* A hint, without the lock: a request for so many units would most likely be served from memory that the arena holds.
 */
static inline bool hak_arena_has_dirty(const hak_arena* arena, hak_run_use use, size_t units) {
  return hak_peek(&arena->dirty_bytes_of[use]) >= units << HAK_UNIT_SHIFT;
}

/* A mapping of its own, outside the regions, for a block too large for them: aligned to `align` (a power of two, at
 * least HAK_CHUNK_BYTES), and its first chunk known to the map. zero: it shall read as zero; else it may be one that
 * was unmapped before, as that left it. */
uintptr_t hak_arena_map(hak_arena* arena, size_t bytes, size_t align, bool zero);
void hak_arena_unmap(hak_arena* arena, uintptr_t start, size_t bytes);
/* Grows or shrinks such a mapping without copying; returns where it is now, 0 if that could not be done. */
uintptr_t hak_arena_remap(hak_arena* arena, uintptr_t start, size_t old_bytes, size_t new_bytes);

/* Some runs wait for the threads that freed them: as good as free, and counted as used. */
bool hak_arena_has_parked(const hak_arena* arena);

/* One step of decay: gives back what has been free since the last step (of large blocks, since the one before). Parked
 * runs become free. Returns the bytes given back. */
size_t hak_arena_tick(hak_arena* arena);
/* Gives back everything that is free now. */
size_t hak_arena_purge(hak_arena* arena);

/* Takes the lock at a moment when no units are out of everyone's hands, for a fork: the child would never get them
 * back. Gives up after some tens of milliseconds and takes it as it is: the thread in question may be the caller, whom
 * a signal has interrupted. */
void hak_arena_acquire_whole(hak_arena* arena);

hak_arena_stats hak_arena_read_stats(hak_arena* arena);
/* Whole-structure validator: aborts on the first broken invariant. */
void hak_arena_check(hak_arena* arena);
/* Copies out the region with the lowest address above `after`; false if there is none. Its addresses may go back to the
 * kernel at any later moment; then its chunk records have another base, or none. */
bool hak_arena_next_region(hak_arena* arena, uintptr_t after, hak_region* out);

HAK_C_END

#endif
