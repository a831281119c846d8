#include "arena/large.h"

#include <string.h>

#include "arena/internal.h"

/* Smaller blocks are copied even where the new run holds no memory: their old run does, for the next block that grows
 * (if such blocks come and go, reuse.c), while pages that have moved are looked up anew one by one, and what they leave
 * behind is given its memory again. A larger one would be there twice for a while. */
#define LARGE_MOVE_BYTES ((size_t)4 << 20)

static size_t units_of(size_t bytes) { return (bytes + HAK_UNIT_BYTES - 1) >> HAK_UNIT_SHIFT; }

static void* cell_occupy(hak_arena* arena, uintptr_t start, size_t bytes, hak_cell_kind kind) {
  hak_cell* cell = hak_map_cell(arena->map, start);
  cell->bits = bytes;
  cell->head = cell;
  cell->body = (void*)start;
  hak_poke(&cell->kind, (uint8_t)kind);
  return (void*)start;
}

void* hak_large_alloc(hak_arena* arena, size_t bytes, size_t align, bool* zeroed) {
  size_t rounded = hak_align_up(bytes > 0 ? bytes : 1, arena->os->page_bytes);
  bool zero = zeroed != NULL, ignored;
  if (!zero) zeroed = &ignored;
  if (rounded < bytes || rounded > PTRDIFF_MAX) return NULL; /* nor any size that is a mistake */
  if (rounded >= HAK_LARGE_MAPPED_BYTES || align > HAK_CHUNK_BYTES ||
      (align > HAK_UNIT_BYTES && rounded > HAK_CHUNK_BYTES)) {
    *zeroed = true;
    uintptr_t start = hak_arena_map(arena, rounded, align > HAK_CHUNK_BYTES ? align : HAK_CHUNK_BYTES, zero);
    if (start != 0) return cell_occupy(arena, start, rounded, HAK_CELL_MAPPED);
    /* The arena may have the addresses that the kernel has not. */
    if (align > HAK_UNIT_BYTES) return NULL;
  }
  size_t units = units_of(rounded);
  if (rounded >= HAK_REUSE_LEAST_BYTES) hak_reuse_wanted(arena, rounded);
  hak_cell* parked = align <= HAK_UNIT_BYTES ? hak_parked_take(arena, units) : NULL;
  if (parked != NULL) {
    *zeroed = false;
    return cell_occupy(arena, hak_large_start(parked), rounded, HAK_CELL_LARGE);
  }
  uintptr_t start = hak_arena_alloc(arena, HAK_RUN_LARGE, units + HAK_GUARD_UNITS, align, zeroed);
  if (start == 0) return NULL;
  if (HAK_GUARD_UNITS) hak_map_cell(arena->map, start)->state = hak_arena_close_guard(arena, start, units);
  return cell_occupy(arena, start, rounded, HAK_CELL_LARGE);
}

static bool reaches(const hak_cell* cell, uintptr_t address) {
  return cell != NULL && hak_large_is(cell) && address - hak_large_start(cell) < hak_large_usable(cell);
}

const hak_cell* hak_large_around(const hak_map* map, uintptr_t address) {
  /* A run: its cells follow the first one without a break. */
  for (uintptr_t unit = address; address - unit < HAK_LARGE_MAPPED_BYTES; unit -= HAK_UNIT_BYTES) {
    const hak_cell* cell = hak_map_find(map, unit);
    if (cell == NULL) break;
    if (reaches(cell, address)) return cell;
    if (hak_peek(&cell->kind) == HAK_CELL_SLAB) break;
  }
  /* A mapping of its own: the map knows its first chunk. */
  uintptr_t chunk = hak_align_down(address, HAK_CHUNK_BYTES);
  for (size_t left = map->slot_mask; left > 0 && chunk != 0; left--, chunk -= HAK_CHUNK_BYTES) {
    const hak_cell* cell = hak_map_find(map, chunk);
    if (reaches(cell, address)) return cell;
  }
  return NULL;
}

/* Of two threads that free one block, one gets past this exchange. */
static bool cell_vacate(hak_cell* cell, uint8_t kind) {
  return kind != HAK_CELL_FREED && __atomic_compare_exchange_n(&cell->kind, &kind, (uint8_t)HAK_CELL_FREED, false,
                                                               __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

hak_large_freed hak_large_free(hak_arena* arena, hak_cell* cell) {
  uint8_t kind = hak_peek(&cell->kind);
  size_t bytes = hak_large_usable(cell);
  if (!cell_vacate(cell, kind)) return HAK_LARGE_NOT_LIVE;
  if (kind == HAK_CELL_MAPPED) {
    hak_arena_unmap(arena, hak_large_start(cell), bytes);
    return HAK_LARGE_FREED;
  }
  size_t units = units_of(bytes);
  cell = hak_parked_put(arena, cell, units);
  if (cell == NULL) return HAK_LARGE_PARKED;
  uintptr_t start = hak_large_start(cell);
  bool opened = !HAK_GUARD_UNITS || cell->state == 0 || hak_arena_open_guard(arena, start, units);
  if (opened) units += HAK_GUARD_UNITS;
  /* (With seals the contents tell of a write behind the free.) */
  if (!HAK_SEALED && bytes >= HAK_REUSE_LEAST_BYTES && !hak_reuse_freed(arena, bytes)) {
    hak_arena_free_purged(arena, start, units);
  } else {
    hak_arena_free(arena, start, units);
  }
  return HAK_LARGE_FREED;
}

static void* resize_mapped(hak_arena* arena, hak_cell* cell, size_t rounded) {
  if (rounded < HAK_LARGE_MAPPED_BYTES / 2) return NULL; /* small again: a run serves it better */
  uintptr_t start = hak_large_start(cell);
  /* Given up before the remap: as soon as the mapping has moved, its old addresses may be another's. */
  hak_poke(&cell->kind, (uint8_t)HAK_CELL_FREED);
  uintptr_t now = hak_arena_remap(arena, start, hak_large_usable(cell), rounded);
  if (now == 0) {
    hak_poke(&cell->kind, (uint8_t)HAK_CELL_MAPPED);
    return NULL;
  }
  return cell_occupy(arena, now, rounded, HAK_CELL_MAPPED);
}

/* A larger run elsewhere. Where that holds memory already, a copy is cheaper than to trade it for the old pages. A
 * mapping of its own must be one piece for its next resize, so a block that becomes one is copied, once, by the caller.
 */
static void* move_block(hak_arena* arena, hak_cell* cell, size_t rounded) {
  uintptr_t start = hak_large_start(cell);
  size_t bytes = hak_large_usable(cell);
  bool zeroed;
  if (rounded >= HAK_LARGE_MAPPED_BYTES) return NULL;
  if (rounded >= HAK_REUSE_LEAST_BYTES) hak_reuse_wanted(arena, rounded);
  uintptr_t now = hak_arena_alloc_to_grow(arena, units_of(rounded), &zeroed);
  if (now == 0) return NULL;
  if (zeroed && bytes >= LARGE_MOVE_BYTES && arena->os->move(start, now, bytes)) {
    if (cell_vacate(cell, HAK_CELL_LARGE)) hak_arena_free_empty(arena, start, units_of(bytes));
  } else {
    /* Every page is about to be written: all at once they cost less. */
    if (zeroed) arena->os->populate(now, bytes);
    memcpy((void*)now, (const void*)start, bytes);
    hak_large_free(arena, cell);
  }
  return cell_occupy(arena, now, rounded, HAK_CELL_LARGE);
}

void* hak_large_resize(hak_arena* arena, hak_cell* cell, size_t bytes) {
  size_t rounded = hak_align_up(bytes, arena->os->page_bytes);
  if (rounded < bytes || rounded > PTRDIFF_MAX) return NULL;
  if (cell->kind == HAK_CELL_MAPPED) return resize_mapped(arena, cell, rounded);
  /* The guard behind it stays where it is. */
  if (HAK_GUARD_UNITS || cell->kind == HAK_CELL_GUARDED) return NULL;
  uintptr_t start = hak_large_start(cell);
  size_t have = units_of(hak_large_usable(cell));
  size_t want = units_of(rounded);
  if (want > have) {
    if (rounded >= HAK_LARGE_MAPPED_BYTES || !hak_arena_extend(arena, start, have, want - have)) {
      return move_block(arena, cell, rounded);
    }
  } else if (want < have) {
    cell->bits = rounded; /* before the tail can be another's */
    hak_arena_free(arena, start + (want << HAK_UNIT_SHIFT), have - want);
  }
  return cell_occupy(arena, start, rounded, HAK_CELL_LARGE);
}
