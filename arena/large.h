/* large.h - blocks too large for the pools: a run of units each, or a mapping of their own.
 *
 * Purpose:      alloc, free and resize for blocks that no slab serves, for their size, their alignment, or their past.
 * Owns:         the cell of the block's first unit while the block lives (kinds LARGE and MAPPED).
 * Thread rule:  any thread; a block may be freed by any thread, once.
 * Failure rule: NULL (or 0, or false) when the arena has nothing; misuse is reported by the caller.
 */
#ifndef HAK_ARENA_LARGE_H
#define HAK_ARENA_LARGE_H

#include "arena/arena.h"

HAK_C_BEGIN

/* Blocks from this size on get a mapping of their own. */
#define HAK_LARGE_MAPPED_BYTES ((size_t)64 << 20)

/* A block of at least `bytes` bytes, aligned to `align` (a power of two). *zeroed: it reads as zero; NULL if that does
 * not matter. */
void* hak_large_alloc(hak_arena* arena, size_t bytes, size_t align, bool* zeroed);

static inline bool hak_large_is(const hak_cell* cell) {
  uint8_t kind = hak_peek(&cell->kind);
  return kind == HAK_CELL_LARGE || kind == HAK_CELL_MAPPED || kind == HAK_CELL_GUARDED;
}
/* The block's first byte and the bytes that the program may write. cell: of a large block. */
static inline uintptr_t hak_large_start(const hak_cell* cell) { return (uintptr_t)cell->body; }
static inline size_t hak_large_usable(const hak_cell* cell) { return cell->bits; }

/* The cell of the live large block that the address lies in, NULL if there is none. Looks at one cell after another. */
const hak_cell* hak_large_around(const hak_map* map, uintptr_t address);

/* How a free ended. A block that is not live was freed by a second free at the same time; one that is parked waits for
 * the thread, and the arena has no more to give back than before. */
typedef enum hak_large_freed { HAK_LARGE_NOT_LIVE, HAK_LARGE_PARKED, HAK_LARGE_FREED } hak_large_freed;
hak_large_freed hak_large_free(hak_arena* arena, hak_cell* cell);

/* Changes the size: in place, or by moving the pages or their contents. NULL if that cannot be done: the block is as it
 * was, and the caller makes another one. */
void* hak_large_resize(hak_arena* arena, hak_cell* cell, size_t bytes);

HAK_C_END

#endif
