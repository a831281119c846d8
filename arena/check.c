#include "arena/internal.h"
#include "base/fatal.h"

static void chunk_check(const hak_arena* arena, const hak_chunk* chunk, uintptr_t base) {
  if (chunk->base != base) hak_fatal("chunk: base", base);
  if ((chunk->dirty & ~chunk->free) != 0) hak_fatal("chunk: a used unit is dirty", base);
  if ((chunk->aged & ~chunk->free) != 0) hak_fatal("chunk: a used unit is aged", base);
  if (chunk->longest != hak_run_longest(chunk->free)) hak_fatal("chunk: longest free run", base);
  if (!chunk->committed && (~chunk->free != 0 || chunk->dirty != 0)) hak_fatal("chunk: used before its commit", base);
  if (chunk->dirty != 0 && !chunk->in_dirty_list) hak_fatal("chunk: dirty, and in no list", base);
  if (chunk->longest != 0 && (arena->runs_there[chunk->use] >> (chunk->longest - 1) & 1) == 0) {
    hak_fatal("chunk: its list is said to be empty", base);
  }
}

static size_t lists_check(const hak_arena* arena) {
  size_t listed = 0;
  for (unsigned use = 0; use < HAK_RUN_USES; use++) {
    for (unsigned n = 1; n <= HAK_CHUNK_UNITS; n++) {
      const hak_chunk_list* list = &arena->by_run[use][n];
      if ((list->first != NULL) != ((arena->runs_there[use] >> (n - 1) & 1) != 0)) hak_fatal("arena: runs_there", n);
      const hak_chunk* before = NULL;
      for (const hak_chunk* c = list->first; c != NULL; before = c, c = c->next, listed++) {
        if (c->longest != n || c->use != use || c->prev != before) hak_fatal("arena: chunk in a wrong list", c->base);
      }
      if (list->last != before) hak_fatal("arena: end of a list", n);
    }
  }
  return listed;
}

void hak_arena_check(hak_arena* arena) {
  hak_lock_acquire(&arena->lock);
  uint64_t used = arena->stats.mapped_bytes;
  uint64_t dirty[HAK_RUN_USES] = {0};
  size_t with_free = 0;
  for (const hak_region* r = arena->regions; r != NULL; r = r->next) {
    const hak_chunk* chunk = hak_map_slot(arena->map, r->base);
    for (size_t i = 0; i < r->chunks; i++) {
      /* While somebody works without the lock, units are in nobody's hands. */
      if (arena->unlocked == 0) chunk_check(arena, &chunk[i], r->base + (i << HAK_CHUNK_SHIFT));
      used += (uint64_t)hak_count_bits(~chunk[i].free) << HAK_UNIT_SHIFT;
      dirty[chunk[i].use] += hak_units_bytes(chunk[i].dirty);
      with_free += chunk[i].longest != 0;
    }
  }
  if (lists_check(arena) != with_free) hak_fatal("arena: a chunk is in no list", with_free);
  if (arena->unlocked == 0 && used != arena->stats.used_bytes) hak_fatal("arena: used bytes", used);
  uint64_t all_dirty = arena->kept.bytes;
  for (unsigned use = 0; use < HAK_RUN_USES; use++) {
    if (dirty[use] != arena->dirty_bytes_of[use]) hak_fatal("arena: dirty bytes of a use", use);
    all_dirty += dirty[use];
  }
  if (all_dirty != arena->stats.dirty_bytes) hak_fatal("arena: dirty bytes", all_dirty);
  hak_lock_release(&arena->lock);
}
