#include <string.h>

#include "arena/internal.h"

enum {
  DECAY_CLOCK_CALLS = 16,       /* calls between two looks at the clock */
  DECAY_FOREGROUND_CHUNKS = 16, /* chunks purged at most by a thread that came to allocate or free */
};

/* Takes the units `which` of a chunk out of use while the kernel works on them without the lock. */
static size_t purge_units(hak_arena* arena, hak_chunk* chunk, uint64_t which) {
  size_t bytes = (size_t)hak_count_bits(which) << HAK_UNIT_SHIFT;
  hak_chunk_take(arena, chunk, which);
  hak_lock_release(&arena->lock);
  uint64_t rest = which;
  uint64_t calls = 0;
  while (rest != 0) {
    unsigned first = hak_lowest_bit(rest);
    uint64_t gaps = ~(rest >> first);
    unsigned length = gaps == 0 ? HAK_CHUNK_UNITS : hak_lowest_bit(gaps);
    uintptr_t start = chunk->base + ((uintptr_t)first << HAK_UNIT_SHIFT);
    if (!arena->os->purge(start, (size_t)length << HAK_UNIT_SHIFT))
      memset((void*)start, 0, (size_t)length << HAK_UNIT_SHIFT);
    rest &= ~hak_run_mask(first, length);
    calls++;
  }
  hak_lock_acquire(&arena->lock);
  hak_chunk_set_free(arena, chunk, chunk->free | which);
  arena->stats.purged_bytes += bytes;
  arena->stats.purges += calls;
  return bytes;
}

/* Runs of large blocks, those that are kept (reuse.c), are kept for twice as long as slabs: a program that frees one
 * asks for another before long, and would pay for each of its pages again, while slabs have spares in front of the
 * arena. */
static bool chunk_rests(const hak_arena* arena, const hak_chunk* chunk) {
  return chunk->use == HAK_RUN_LARGE && arena->large_rest;
}

/* Walks the list of dirty chunks once. A chunk leaves the list before its turn, and comes back if it is dirty still (or
 * again). */
size_t hak_decay_step(hak_arena* arena, bool all, size_t most) {
  size_t bytes = 0;
  hak_parked_release(arena);
  if (!all && !arena->large_rest) hak_reuse_age(arena);
  /* Of mappings, which are many chunks each, one goes where it is a request that has to wait. */
  if (all || !arena->large_rest) bytes += hak_kept_release(arena, all, most == SIZE_MAX ? SIZE_MAX : 1);
  arena->unlocked++;
  hak_chunk* chunk = arena->dirty_chunks;
  arena->dirty_chunks = NULL;
  hak_chunk* kept = NULL;
  while (chunk != NULL) {
    hak_chunk* next = chunk->dirty_next;
    bool rests = !all && chunk_rests(arena, chunk);
    uint64_t which = all ? chunk->dirty : rests ? 0 : chunk->aged & chunk->dirty;
    if (which != 0 && most > 0) {
      /* While the lock is out of our hands this chunk is in nobody's list, and marked so that it stays in none. */
      bytes += purge_units(arena, chunk, which);
      most--;
    }
    if (!rests) chunk->aged = chunk->dirty;
    if (chunk->dirty == 0) {
      chunk->in_dirty_list = false;
    } else {
      chunk->dirty_next = kept;
      kept = chunk;
    }
    chunk = next;
  }
  while (kept != NULL) {
    hak_chunk* next = kept->dirty_next;
    kept->dirty_next = arena->dirty_chunks;
    arena->dirty_chunks = kept;
    kept = next;
  }
  arena->unlocked--;
  if (!all) arena->large_rest = !arena->large_rest;
  return bytes;
}

void hak_decay_look_at_clock(hak_arena* arena) {
  if (arena->calls_to_clock-- != 0) return;
  arena->calls_to_clock = DECAY_CLOCK_CALLS;
  if (arena->stats.dirty_bytes == 0 && !hak_arena_has_parked(arena) && !hak_reuse_may_age(arena)) return;
  uint64_t now = arena->os->now_ms();
  if (now < arena->next_tick_ms) return;
  arena->next_tick_ms = now + arena->options->decay_ms / 2;
  hak_decay_step(arena, arena->options->decay_ms == 0, DECAY_FOREGROUND_CHUNKS);
}

size_t hak_arena_tick(hak_arena* arena) {
  uint64_t now = arena->os->now_ms();
  hak_lock_acquire(&arena->lock);
  arena->next_tick_ms = now + arena->options->decay_ms; /* the slow paths tick if nobody else does for so long */
  size_t bytes = hak_decay_step(arena, false, SIZE_MAX);
  hak_lock_release(&arena->lock);
  return bytes;
}

size_t hak_arena_purge(hak_arena* arena) {
  hak_lock_acquire(&arena->lock);
  size_t bytes = hak_decay_step(arena, true, SIZE_MAX);
  hak_lock_release(&arena->lock);
  return bytes;
}
