/* Large runs that stay with the threads that freed them, while threads are in each other's way at the arena's lock.
 *
 * A program whose threads make and free large buffers in turn waits for the lock most of the time, and writes to memory
 * that the other processor has just had. So a thread that finds the lock taken keeps what it frees until the next tick,
 * one run of each length, and has it back at its next request for so many units. To the arena a parked run is in use.
 *
 *     free --lock is taken--> parked --same thread, same length--> used
 *                               |----tick, or memory is short----> dirty
 *
 * Threads have rows by their thread pointers, and two may have the same one. A run belongs to who takes it out of its
 * place by an exchange, so that no lock is needed; a fork between the free and the exchange loses one to the child. */
#include "arena/internal.h"
#include "arena/large.h"

enum { PARKED_NOTHING = HAK_GUARD_UNITS || HAK_SEALED };
/* One run of each length in every row. */
#define PARKED_MOST_BYTES ((uint64_t)HAK_PARKED_ROWS * HAK_PARKED_UNITS * (HAK_PARKED_UNITS + 1) / 2 << HAK_UNIT_SHIFT)
_Static_assert((HAK_PARKED_ROWS & (HAK_PARKED_ROWS - 1)) == 0, "a row's number is some bits of a hash");

/* The hash is multiplicative, by the golden ratio: Knuth, "The Art of Computer Programming", volume 3, 6.4. */
static hak_parked_row* my_row(hak_arena* arena) {
  uint64_t hash = hak_thread_pointer() * UINT64_C(0x9e3779b97f4a7c15);
  return &arena->parked[hash >> 32 & (HAK_PARKED_ROWS - 1)];
}

static bool may_park(const hak_arena* arena, size_t units) {
  const hak_options* options = arena->options;
  return !PARKED_NOTHING && units <= HAK_PARKED_UNITS && options->decay_ms != 0 &&
         options->dirty_limit >= PARKED_MOST_BYTES && options->memory_limit == 0;
}

hak_cell* hak_parked_put(hak_arena* arena, hak_cell* cell, size_t units) {
  if (!may_park(arena, units)) return cell;
  hak_parked_row* row = my_row(arena);
  if (!hak_load_relaxed(&row->keeps)) {
    if (hak_lock_is_taken(&arena->lock)) hak_store_relaxed(&row->keeps, true);
    return cell; /* its caller sees to it that somebody ticks */
  }
  /* The run that was freed last is in the cache still. */
  return hak_swap_acq_rel(&row->cells[units - 1], cell);
}

hak_cell* hak_parked_take(hak_arena* arena, size_t units) {
  if (PARKED_NOTHING || units > HAK_PARKED_UNITS) return NULL;
  HAK_SHARED(hak_cell*)* place = &my_row(arena)->cells[units - 1];
  if (hak_load_relaxed(place) == NULL) return NULL;
  return hak_swap_acq_rel(place, (hak_cell*)NULL);
}

bool hak_arena_has_parked(const hak_arena* arena) {
  for (unsigned row = 0; row < HAK_PARKED_ROWS; row++) {
    for (unsigned i = 0; i < HAK_PARKED_UNITS; i++) {
      if (hak_load_relaxed(&arena->parked[row].cells[i]) != NULL) return true;
    }
  }
  return false;
}

bool hak_parked_release(hak_arena* arena) {
  bool any = false;
  for (unsigned row = 0; row < HAK_PARKED_ROWS; row++) {
    if (hak_load_relaxed(&arena->parked[row].keeps)) hak_store_relaxed(&arena->parked[row].keeps, false);
    for (unsigned i = 0; i < HAK_PARKED_UNITS; i++) {
      HAK_SHARED(hak_cell*)* place = &arena->parked[row].cells[i];
      hak_cell* cell = hak_load_relaxed(place) == NULL ? NULL : hak_swap_acq_rel(place, (hak_cell*)NULL);
      if (cell == NULL) continue;
      hak_arena_give_run(arena, hak_large_start(cell), i + 1, true);
      any = true;
    }
  }
  return any;
}
