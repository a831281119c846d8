#include <string.h>

#include "base/fatal.h"
#include "superslab/internal.h"

void hak_slab_pool_init(hak_slab_pool* pool, hak_arena* arena, hak_meta* meta) {
  memset(pool, 0, sizeof *pool);
  pool->lock.rank = HAK_RANK_ABANDONED;
  pool->purge_lock.rank = HAK_RANK_PURGE;
  pool->arena = arena;
  pool->meta = meta;
}

/* Every bit is set: nothing is live. */
static hak_slab_body* body_create(hak_slab_pool* pool, const hak_size_class* row, uintptr_t base) {
  uint32_t first = (uint32_t)((base >> row->shift) & 63) + (row->first >> row->shift);
  uint32_t end = first + row->capacity * row->grains;
  uint32_t words = (end + 63) / 64;
  _Static_assert(sizeof(hak_slab_body) + (HAK_MAX_SLAB_GRAINS / 64 + 1) * sizeof(uint64_t) <= HAK_META_MAX_BYTES,
                 "the largest body is a record");
  hak_slab_body* body = hak_meta_alloc(pool->meta, HAK_META_BODY, hak_body_bytes(words));
  if (body == NULL) return NULL;
  body->base = base;
  body->words = words;
  body->edge = 64;
  body->whole_words = words - (end % 64 != 0);
  body->first_window =
      (((base >> row->shift) & ~(uintptr_t)63) << row->shift) + (row->first & ((1u << row->shift) - 1));
  body->first_grain = first;
  body->end_grain = end;
  body->seen_at = body->purged_at = HAK_SLAB_NOT_YET;
  body->countdown = HAK_SLAB_NO_COUNTDOWN;
  body->phase = &hak_phases[row->grains][first % row->grains];
  memset(body->bits, 0xff, words * sizeof(uint64_t));
  body->remote = (uintptr_t)hak_body_remote(body) - (base >> row->shift >> 6) * sizeof(uint64_t);
  return body;
}

/* The kind last: a stale look at the cell (remote.c) sees no slab until everything else is in place. */
static void cells_fill(hak_slab* head, hak_slab_body* body, unsigned class_index, hak_owner* owner) {
  const hak_size_class* row = &hak_size_classes[class_index];
  _Static_assert(HAK_POOL_MAX_BYTES - 1 <= UINT16_MAX, "a cell tells what its class serves");
  /* But for a wide one: the cell says that it serves a size of the pool and no other, and who asks looks further. */
  bool told = !hak_class_is_wide(class_index);
  uint32_t least = told ? hak_class_least(class_index) : UINT16_MAX;
  uint32_t span = told ? row->usable - least : 0;
  for (unsigned i = 0; i < row->units; i++) {
    hak_slab* cell = head + i;
    cell->mask = hak_slab_mask(row);
    hak_poke(&cell->head, head);
    cell->shift = row->shift;
    hak_poke(&cell->class_index, (uint8_t)class_index);
    cell->least = (uint16_t)least;
    cell->span = (uint16_t)span;
    hak_poke(&cell->state, (uint8_t)HAK_SLAB_CURRENT);
    cell->body = body;
    cell->bits = (uintptr_t)body->bits - hak_slab_bias(cell);
  }
  hak_slab_set_owner(head, owner);
  for (unsigned i = 0; i < row->units; i++) {
    __atomic_store_n(&head[i].kind, (uint8_t)HAK_CELL_SLAB, __ATOMIC_RELEASE);
  }
}

void hak_slab_set_owner(hak_slab* head, hak_owner* owner) {
  const hak_size_class* row = hak_slab_class(head);
  uintptr_t base = hak_slab_body_of(head)->base;
  /* Pairs with remote_push, which looks at the owner again after it has pushed. */
  hak_store_seq_cst(&head->owner, owner);
  for (unsigned i = 0; i < row->units; i++) {
    hak_store_relaxed(&head[i].key, hak_slab_key(row, base + ((uintptr_t)i << HAK_UNIT_SHIFT), owner->thread));
  }
}

hak_slab* hak_slab_create(hak_slab_pool* pool, hak_owner* owner, unsigned class_index, hak_run_use use) {
  const hak_size_class* row = &hak_size_classes[class_index];
  bool zeroed;
  uintptr_t base = hak_arena_alloc(pool->arena, use, row->units + HAK_GUARD_UNITS, HAK_UNIT_BYTES, &zeroed);
  if (base == 0) return NULL;
  hak_slab_body* body = body_create(pool, row, base);
  if (body == NULL) {
    hak_arena_free(pool->arena, base, row->units + HAK_GUARD_UNITS);
    return NULL;
  }
  hak_slab_choose_pages(pool->arena, row, body, use, zeroed);
  if (HAK_GUARD_UNITS) body->guarded = hak_arena_close_guard(pool->arena, base, row->units);
  hak_slab* head = hak_map_cell(pool->arena->map, base);
  body->slab = head;
  cells_fill(head, body, class_index, owner);
  return head;
}

void hak_slab_release(hak_slab_pool* pool, hak_slab* head) {
  const hak_size_class* row = hak_slab_class(head);
  hak_slab_body* body = hak_slab_body_of(head);
  uintptr_t base = body->base;
  bool guarded = body->guarded;
  HAK_ASSERT(hak_slab_count_live(head) == 0, base);
  /* remote_next stays as it is: a thread may be about to queue the slab for a free that has come home already, and the
   * list it ends in must find the link as it was made. */
  hak_store_seq_cst(&head->owner, &hak_nobody);
  for (unsigned i = 0; i < row->units; i++) {
    hak_store_relaxed(&head[i].key, UINT64_C(0));
    head[i].mask = 0;
    hak_poke(&head[i].kind, (uint8_t)HAK_CELL_NONE);
  }
  hak_store_seq_cst(&head->kind, (uint8_t)HAK_CELL_NONE);
  hak_slab_leave_rest(pool, head);
  hak_meta_free(pool->meta, HAK_META_BODY, body, hak_body_bytes(body->words));
  /* Free memory reads as zero there, and the headers of freed blocks do not. */
  size_t bytes = (size_t)row->units << HAK_UNIT_SHIFT;
  if (HAK_SEALED && row->header != 0 && !pool->arena->os->purge(base, bytes)) memset((void*)base, 0, bytes);
  bool opened = !guarded || hak_arena_open_guard(pool->arena, base, row->units);
  hak_arena_free(pool->arena, base, row->units + (opened ? (size_t)HAK_GUARD_UNITS : 0));
}
