#include "arena/guarded.h"

#include <string.h>

enum { SLACK_FILL = 0xb7 };

hak_guarded_pool* hak_guarded_create(hak_arena* arena) {
  hak_guarded_pool* pool = (hak_guarded_pool*)hak_os_map(arena->os, sizeof *pool, "hakmem: guarded blocks");
  if (pool == NULL) return NULL;
  pool->lock.rank = HAK_RANK_GUARDED;
  pool->arena = arena;
  return pool;
}

/* One that was never used, else the one that was freed first; NULL if all hold live blocks. */
static hak_guarded* place_choose(hak_guarded_pool* pool) {
  hak_guarded* oldest = NULL;
  for (unsigned i = 0; i < HAK_GUARDED_PLACES; i++) {
    hak_guarded* place = &pool->places[i];
    if (place->state == HAK_GUARDED_NEVER) return place;
    if (place->state == HAK_GUARDED_FREED && (oldest == NULL || place->freed_at < oldest->freed_at)) oldest = place;
  }
  return oldest;
}

/* The run of a freed block goes back to the arena. False if it cannot be made accessible: then it stays as it is. */
static bool place_empty(hak_guarded_pool* pool, hak_guarded* place) {
  if (place->state == HAK_GUARDED_NEVER) return true;
  if (!pool->arena->os->commit(place->run, place->units << HAK_UNIT_SHIFT)) return false;
  /* Not a freed large block any more: the unit may become anything. */
  hak_poke(&hak_map_cell(pool->arena->map, place->block)->kind, (uint8_t)HAK_CELL_NONE);
  hak_store_relaxed(&place->state, (uint32_t)HAK_GUARDED_NEVER);
  hak_arena_free(pool->arena, place->run, place->units);
  return true;
}

static uint8_t* slack_of(const hak_guarded* place) { return (uint8_t*)place->block + place->bytes; }
static size_t slack_bytes(const hak_guarded* place) { return hak_align_up(place->bytes, HAK_ALIGNMENT) - place->bytes; }

static bool place_fill(hak_guarded_pool* pool, hak_guarded* place, size_t bytes) {
  const hak_os* os = pool->arena->os;
  bool zeroed;
  place->units = (bytes + HAK_UNIT_BYTES - 1) / HAK_UNIT_BYTES + 1;
  place->run = hak_arena_alloc(pool->arena, HAK_RUN_LARGE, place->units, HAK_UNIT_BYTES, &zeroed);
  if (place->run == 0) return false;
  uintptr_t guard = place->run + ((place->units - 1) << HAK_UNIT_SHIFT);
  if (!os->close(guard, HAK_UNIT_BYTES)) {
    hak_arena_free(pool->arena, place->run, place->units);
    return false;
  }
  place->bytes = bytes;
  place->block = guard - hak_align_up(bytes, HAK_ALIGNMENT);
  if (!zeroed) memset((void*)place->block, 0, bytes);
  memset(slack_of(place), SLACK_FILL, slack_bytes(place));
  return true;
}

static void cell_occupy(hak_guarded_pool* pool, const hak_guarded* place) {
  hak_cell* cell = hak_map_cell(pool->arena->map, place->block);
  cell->bits = place->bytes;
  hak_poke(&cell->head, cell);
  cell->place = (uint32_t)(place - pool->places);
  cell->body = (void*)place->block;
  hak_poke(&cell->kind, (uint8_t)HAK_CELL_GUARDED);
}

uintptr_t hak_guarded_alloc(hak_guarded_pool* pool, size_t bytes, const hak_stack* stack) {
  uintptr_t block = 0;
  hak_lock_acquire(&pool->lock);
  hak_guarded* place = place_choose(pool);
  if (place != NULL && place_empty(pool, place) && place_fill(pool, place, bytes)) {
    place->allocated = *stack;
    place->freed.count = 0;
    cell_occupy(pool, place);
    hak_store_relaxed(&place->state, (uint32_t)HAK_GUARDED_LIVE);
    block = place->block;
  }
  hak_lock_release(&pool->lock);
  return block;
}

hak_guarded_answer hak_guarded_free(hak_guarded_pool* pool, hak_cell* cell, const hak_stack* stack) {
  hak_guarded_answer answer = HAK_GUARDED_TWICE;
  hak_lock_acquire(&pool->lock);
  hak_guarded* place = &pool->places[cell->place % HAK_GUARDED_PLACES];
  if (hak_peek(&cell->kind) == HAK_CELL_GUARDED && place->state == HAK_GUARDED_LIVE) {
    answer = HAK_GUARDED_DONE;
    for (size_t i = 0; i < slack_bytes(place); i++) {
      if (slack_of(place)[i] != SLACK_FILL) answer = HAK_GUARDED_OVERRUN;
    }
    hak_poke(&cell->kind, (uint8_t)HAK_CELL_FREED);
    hak_store_relaxed(&place->state, (uint32_t)HAK_GUARDED_FREED);
    place->freed = *stack;
    place->freed_at = ++pool->frees;
    size_t bytes = (place->units - 1) << HAK_UNIT_SHIFT;
    pool->arena->os->purge(place->run, bytes);
    pool->arena->os->close(place->run, bytes);
  }
  hak_lock_release(&pool->lock);
  return answer;
}

const hak_guarded* hak_guarded_find(const hak_guarded_pool* pool, uintptr_t address) {
  for (unsigned i = 0; i < HAK_GUARDED_PLACES; i++) {
    const hak_guarded* place = &pool->places[i];
    if (hak_load_relaxed(&place->state) == HAK_GUARDED_NEVER) continue;
    if (address - place->run < place->units << HAK_UNIT_SHIFT) return place;
  }
  return NULL;
}
