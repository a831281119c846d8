/* guarded.h - blocks that end where inaccessible memory begins, and are inaccessible as a whole after their free.
 *
 * Purpose:      for a few blocks of many, a write or read behind the end, or after free, faults at once.
 * Owns:         a fixed number of places, each with the block's run, and the two stacks that led to it and to its free.
 * Thread rule:  any thread; one lock inside. hak_guarded_find also from a signal handler, without the lock.
 * Failure rule: 0 when every place holds a live block, or there is no memory: the caller serves the request elsewhere.
 *
 *     run                                     block        bytes     slack      guard unit
 *     | units of the block, unused in front . | .................... | 0..15 b. | inaccessible |
 *
 * A freed block keeps its place, so that late uses fault, until the place is needed: the one freed first is taken.
 * Source: the electric fence of B. Perens (1987), and its use on a sample of the requests, as in GWP-ASan (2019).
 */
#ifndef HAK_ARENA_GUARDED_H
#define HAK_ARENA_GUARDED_H

#include "arena/arena.h"
#include "base/size_class.h"
#include "base/stack.h"

HAK_C_BEGIN

enum { HAK_GUARDED_PLACES = 256 };

typedef enum hak_guarded_state { HAK_GUARDED_NEVER, HAK_GUARDED_LIVE, HAK_GUARDED_FREED } hak_guarded_state;

typedef struct hak_guarded {
  uintptr_t run, block;
  size_t units, bytes; /* of the run, guard included; as asked for */
  HAK_SHARED(uint32_t) state;
  uint64_t freed_at; /* in frees */
  hak_stack allocated, freed;
} hak_guarded;

typedef struct hak_guarded_pool {
  hak_lock lock;
  hak_arena* arena;
  uint64_t frees;
  hak_guarded places[HAK_GUARDED_PLACES];
} hak_guarded_pool;

/* In memory of its own, NULL if there is none. */
hak_guarded_pool* hak_guarded_create(hak_arena* arena);

/* A block of `bytes` bytes (1 to HAK_UNIT_BYTES), aligned to HAK_ALIGNMENT. */
uintptr_t hak_guarded_alloc(hak_guarded_pool* pool, size_t bytes, const hak_stack* stack);

typedef enum hak_guarded_answer { HAK_GUARDED_DONE, HAK_GUARDED_TWICE, HAK_GUARDED_OVERRUN } hak_guarded_answer;
/* cell: of the block, of kind HAK_CELL_GUARDED. OVERRUN: the slack behind the block was written to. */
hak_guarded_answer hak_guarded_free(hak_guarded_pool* pool, hak_cell* cell, const hak_stack* stack);

/* The place whose run the address lies in, NULL if none. */
const hak_guarded* hak_guarded_find(const hak_guarded_pool* pool, uintptr_t address);

HAK_C_END

#endif
