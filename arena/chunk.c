#include "arena/internal.h"
#include "base/fatal.h"

/* Processes below this size keep small pages: a huge page would be most of them. */
#define CHUNK_HUGE_FROM_BYTES ((uint64_t)32 << 20)

/* The length is doubled as long as there are runs of it, then refined. */
uint8_t hak_run_longest(uint64_t word) {
  if (word == 0) return 0;
  unsigned length = 1;
  unsigned step = 1;
  for (uint64_t next; step < HAK_CHUNK_UNITS && (next = word & (word >> step)) != 0; step *= 2) {
    word = next; /* bits where a run of 2 * step begins */
    length = 2 * step;
  }
  for (step = length / 2; step > 0; step /= 2) {
    uint64_t next = word & (word >> step);
    if (next == 0) continue;
    word = next;
    length += step;
  }
  return (uint8_t)length;
}

/* ---- lists by the longest free run ---- */

void hak_chunk_unfile(hak_arena* arena, hak_chunk* chunk) {
  if (chunk->longest == 0) return;
  hak_chunk_list* list = &arena->by_run[chunk->use][chunk->longest];
  *(chunk->prev != NULL ? &chunk->prev->next : &list->first) = chunk->next;
  *(chunk->next != NULL ? &chunk->next->prev : &list->last) = chunk->prev;
  if (list->first == NULL) arena->runs_there[chunk->use] &= ~(UINT64_C(1) << (chunk->longest - 1));
}

/* Chunks that hold memory go to the front, so that they are used before untouched ones at the back. */
void hak_chunk_file(hak_arena* arena, hak_chunk* chunk) {
  chunk->longest = hak_run_longest(chunk->free);
  chunk->next = chunk->prev = NULL;
  if (chunk->longest == 0) return;
  hak_chunk_list* list = &arena->by_run[chunk->use][chunk->longest];
  arena->runs_there[chunk->use] |= UINT64_C(1) << (chunk->longest - 1);
  if (list->first == NULL) {
    list->first = list->last = chunk;
  } else if (chunk->committed) {
    chunk->next = list->first;
    list->first = list->first->prev = chunk;
  } else {
    chunk->prev = list->last;
    list->last = list->last->next = chunk;
  }
}

void hak_chunk_set_free(hak_arena* arena, hak_chunk* chunk, uint64_t free) {
  if (hak_run_longest(free) == chunk->longest) {
    hak_poke(&chunk->free, free);
    return;
  }
  hak_chunk_unfile(arena, chunk);
  hak_poke(&chunk->free, free);
  hak_chunk_file(arena, chunk);
}

/* ---- pages ---- */

static bool want_huge(const hak_arena* arena, uint8_t use) {
  if (arena->options->huge_pages != HAK_HUGE_PAGES_AUTO) return arena->options->huge_pages == HAK_HUGE_PAGES_ALWAYS;
  return use == HAK_RUN_SLAB && arena->stats.committed_bytes >= CHUNK_HUGE_FROM_BYTES;
}

/* Finds out without the lock, while the chunk's units are in nobody's hands and nobody else tries. */
static bool huge_pays(hak_arena* arena, hak_chunk* chunk) {
  if (arena->trying_huge || !hak_huge_is_due(&arena->huge)) return false;
  arena->trying_huge = true;
  arena->unlocked++;
  hak_chunk_set_free(arena, chunk, 0);
  hak_lock_release(&arena->lock);
  bool pays = hak_huge_pays(&arena->huge, arena->os, chunk->base);
  hak_lock_acquire(&arena->lock);
  hak_chunk_set_free(arena, chunk, ~UINT64_C(0));
  arena->unlocked--;
  arena->trying_huge = false;
  return pays;
}

/* For a wholly free chunk. */
static void chunk_choose_pages(hak_arena* arena, hak_chunk* chunk) {
  bool huge = want_huge(arena, chunk->use);
  bool untouched = chunk->dirty == 0;
  if (huge && arena->options->huge_pages == HAK_HUGE_PAGES_AUTO && untouched && !huge_pays(arena, chunk)) {
    arena->stats.huge_refused++;
    huge = false;
  }
  if (chunk->huge == huge) return;
  arena->stats.huge_chunks += huge;
  hak_poke(&chunk->huge, huge);
  arena->os->huge_pages(chunk->base, HAK_CHUNK_BYTES, huge);
}

bool hak_chunk_prepare(hak_arena* arena, hak_chunk* chunk) {
  if (!chunk->committed) {
    if (!arena->os->commit(chunk->base, HAK_CHUNK_BYTES)) {
      arena->commit_failed = true;
      return false;
    }
    hak_poke(&chunk->committed, true);
    arena->stats.committed_bytes += HAK_CHUNK_BYTES;
  }
  if (~chunk->free == 0) chunk_choose_pages(arena, chunk);
  return true;
}

void hak_chunk_set_use(hak_arena* arena, hak_chunk* chunk, hak_run_use use) {
  if (chunk->use == use) return;
  hak_chunk_unfile(arena, chunk);
  uint64_t dirty = hak_units_bytes(chunk->dirty);
  hak_arena_count_dirty(arena, chunk, -dirty);
  chunk->use = (uint8_t)use;
  hak_arena_count_dirty(arena, chunk, dirty);
  hak_chunk_file(arena, chunk);
}

/* ---- units ---- */

bool hak_chunk_take(hak_arena* arena, hak_chunk* chunk, uint64_t run) {
  uint64_t dirty = chunk->dirty & run;
  hak_poke(&chunk->dirty, chunk->dirty & ~run);
  chunk->aged &= ~run;
  hak_arena_count_dirty(arena, chunk, -hak_units_bytes(dirty));
  hak_chunk_set_free(arena, chunk, chunk->free & ~run);
  return dirty == 0;
}

void hak_chunk_give(hak_arena* arena, hak_chunk* chunk, uint64_t run, bool dirty) {
  HAK_ASSERT((chunk->free & run) == 0, chunk->base);
  if (dirty) {
    hak_poke(&chunk->dirty, chunk->dirty | run);
    hak_arena_count_dirty(arena, chunk, hak_units_bytes(run));
  }
  if (dirty && !chunk->in_dirty_list) {
    chunk->in_dirty_list = true;
    chunk->dirty_next = arena->dirty_chunks;
    arena->dirty_chunks = chunk;
  }
  hak_chunk_set_free(arena, chunk, chunk->free | run);
}
