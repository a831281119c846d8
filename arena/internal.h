/* internal.h - what the files of the arena share among themselves; no other folder includes it.
 *
 * arena.c    runs: which chunk has room for one, and the way back
 * chunk.c    one chunk: its units' states, its lists, its pages
 * region.c   addresses from the kernel and back to it
 * decay.c    memory back to the kernel
 * parked.c   large runs that wait for the thread that freed them
 * reuse.c    which sizes of large blocks come back
 * mapping.c  blocks with a mapping of their own
 * kept.c     such mappings that wait for the next request
 * check.c    the validator
 *
 * map.c, large.c, guarded.c and huge.c have headers of their own. Everything here is called with the arena's lock, but
 * for what says that it is not. */
#ifndef HAK_ARENA_INTERNAL_H
#define HAK_ARENA_INTERNAL_H

#include "arena/arena.h"
#include "base/atomic.h"

HAK_C_BEGIN

/* Read without the lock as a hint. more: modulo 2^64, so that what goes is counted as well. */
static inline void hak_arena_count_dirty(hak_arena* arena, const hak_chunk* chunk, uint64_t more) {
  hak_poke(&arena->dirty_bytes_of[chunk->use], arena->dirty_bytes_of[chunk->use] + more);
  hak_poke(&arena->stats.dirty_bytes, arena->stats.dirty_bytes + more);
}
static inline uint64_t hak_units_bytes(uint64_t units) { return (uint64_t)hak_count_bits(units) << HAK_UNIT_SHIFT; }

static inline void hak_arena_count_used(hak_arena* arena, uint64_t more) {
  hak_poke(&arena->stats.used_bytes, arena->stats.used_bytes + more);
}

/* All parked runs (parked.c) become free. True if there were any. */
bool hak_parked_release(hak_arena* arena);

/* The hard limit forbids so many bytes more. Parked runs count as used, and go before a request fails for them. */
static inline bool hak_arena_over_limit(hak_arena* arena, size_t more) {
  uint64_t limit = arena->options->memory_limit_hard;
  return limit != 0 && arena->stats.used_bytes + more > limit &&
         (!hak_parked_release(arena) || arena->stats.used_bytes + more > limit);
}

/* ---- arena.c ---- */

/* Marks the units of a run as free, in all its chunks. */
void hak_arena_give_run(hak_arena* arena, uintptr_t start, size_t units, bool dirty);

/* ---- chunk.c ---- */

/* Length of the longest run of set bits. */
uint8_t hak_run_longest(uint64_t word);
static inline uint64_t hak_run_mask(unsigned first, size_t units) { return hak_low_mask((unsigned)units) << first; }
static inline unsigned hak_chunk_unit(uintptr_t address) {
  return (unsigned)(address >> HAK_UNIT_SHIFT) & (HAK_CHUNK_UNITS - 1);
}

/* Takes a chunk from the list of its use and its longest free run, and puts it there. */
void hak_chunk_unfile(hak_arena* arena, hak_chunk* chunk);
void hak_chunk_file(hak_arena* arena, hak_chunk* chunk);
/* Changes which units are free; the lists follow. */
void hak_chunk_set_free(hak_arena* arena, hak_chunk* chunk, uint64_t free);
/* Makes a chunk ready for runs of its use; false if the kernel has no memory. For a chunk of slabs the lock may be
 * released and taken again meanwhile: its units are free afterwards as they were, nothing else is certain. */
bool hak_chunk_prepare(hak_arena* arena, hak_chunk* chunk);
/* A wholly free chunk changes its use. */
void hak_chunk_set_use(hak_arena* arena, hak_chunk* chunk, hak_run_use use);
/* Marks units of one chunk as used; says whether they read as zero. */
bool hak_chunk_take(hak_arena* arena, hak_chunk* chunk, uint64_t run);
/* Marks used units as free, and as dirty or clean. */
void hak_chunk_give(hak_arena* arena, hak_chunk* chunk, uint64_t run, bool dirty);

/* ---- region.c ---- */

/* Address space whose first `chunks` chunks are claimed in the map, 0 if there is none. */
uintptr_t hak_region_reserve(hak_arena* arena, size_t bytes, size_t align, size_t chunks);
/* A new region in which a run of `units` fits. */
bool hak_region_add(hak_arena* arena, size_t units);

/* ---- decay.c ---- */

/* Purges what is aged, or everything dirty, of at most so many chunks; the others age, those of large blocks at every
 * second step only. Parked runs become free and begin to age. The lock is released and taken
 * again meanwhile. Returns bytes. */
size_t hak_decay_step(hak_arena* arena, bool all, size_t most_chunks);
/* The tick of a process without a helper thread: on the slow paths, once in some calls. */
void hak_decay_look_at_clock(hak_arena* arena);

/* ---- parked.c ---- */

/* Keeps the run of a large block that is being freed for the calling thread, if there is a reason to. Returns the one
 * that shall go to the arena: itself, or one of that length that was parked in its place, or NULL. Without the lock. */
hak_cell* hak_parked_put(hak_arena* arena, hak_cell* cell, size_t units);
/* A run of just so many units that the calling thread (or one with the same row) has freed, NULL if there is none: its
 * first cell, which says that the block is freed. Without the lock. */
hak_cell* hak_parked_take(hak_arena* arena, size_t units);
/* hak_parked_release stands above, for the limit. */

/* ---- reuse.c ---- */

/* For runs from this size on, and for mappings; without the lock. */
#define HAK_REUSE_LEAST_BYTES ((size_t)1 << 20)
/* One is being freed: it shall stay, for one like it is wanted soon, as far as is known. */
bool hak_reuse_freed(hak_arena* arena, size_t bytes);
/* One is asked for. */
void hak_reuse_wanted(hak_arena* arena, size_t bytes);
/* With each step of decay that looks at large blocks; and whether that would change anything. */
void hak_reuse_age(hak_arena* arena);
bool hak_reuse_may_age(const hak_arena* arena);

/* ---- kept.c ---- */

/* Keeps a mapping that is being freed for the next request, if the program has been seen to make one soon. */
bool hak_kept_put(hak_arena* arena, uintptr_t start, size_t bytes);
/* A kept mapping that can be made to serve the request, most likely of another size; start 0 if there is none. */
hak_mapping hak_kept_take(hak_arena* arena, size_t bytes, size_t align);
/* Gives back at most so many, of all or of those that were there at the last such call; the others age. Returns bytes.
 * The lock is released and taken again meanwhile. */
size_t hak_kept_release(hak_arena* arena, bool all, size_t most);
/* A larger one is not kept: its pages cost little beside what is done with so many, and a fork waits while they go. */
#define HAK_KEPT_MOST_BYTES ((size_t)256 << 20)

/* Before a request fails: what nobody uses and is not yet free. True if there was any. */
static inline bool hak_arena_scrape(hak_arena* arena) {
  bool parked = hak_parked_release(arena);
  return hak_kept_release(arena, true, SIZE_MAX) != 0 || parked;
}

HAK_C_END

#endif
