/* Pages inside slabs go back to the kernel.
 *
 * A slab at rest (partial or abandoned) has free blocks that no bin takes. They stay free until a bin makes the slab
 * its current one, so that the whole pages among them are of no use to anybody:
 *
 *     blocks   | live | free | free | free | live | free |
 *     pages    |   :   |   :   |   :   |   :   |   :   |
 *                      |<- go back --->|
 *
 * The owner is not asked, and goes on freeing into the slab. Only two things have to wait while we are at work: that a
 * bin makes the slab its current one, and that it is released. Who does either says so first and then looks whether the
 * slab is pinned (hak_slab_leave_rest); we pin it first and then look whether it is at rest. All four accesses are
 * sequentially consistent, so that one of the two sees the other (Dekker's argument).
 *
 * Not where freed blocks have contents that somebody looks at: malloc at their seals, and free, behind the bit, at the
 * header. */
#include <sched.h>

#include "superslab/internal.h"

enum {
  PURGE_NOTHING = HAK_SEALED || (HAK_HEADER_CLASSIDX && HAK_CHECKED),
  PURGE_SLABS = 4096, /* looked at in one step: a fork waits for its end */
  /* One block in so many has to be free: for fewer, the calls cost more than the pages are worth, and a huge page is
   * broken up for them. */
  PURGE_PART = 4,
};

static size_t purge_gap(const hak_os* os, uintptr_t from, uintptr_t to) {
  uintptr_t start = hak_align_up(from, os->page_bytes);
  uintptr_t end = hak_align_down(to, os->page_bytes);
  return start < end && os->purge(start, end - start) ? end - start : 0;
}

/* The gaps between live blocks. A live block's header is the byte before it. Bits that the owner sets meanwhile are
 * seen or not; none goes back to 0. */
static size_t purge_gaps(const hak_os* os, const hak_slab* head) {
  const hak_slab_body* body = hak_slab_body_of(head);
  const hak_size_class* row = hak_slab_class(head);
  uintptr_t gap = body->base + row->first;
  size_t bytes = 0;
  for (uint32_t w = 0; w < body->frontier; w++) {
    uintptr_t window = body->first_window + ((uintptr_t)w * 64 << row->shift);
    for (uint64_t live = ~hak_peek(&body->bits[w]); live != 0; live &= live - 1) {
      uintptr_t block = window + ((uintptr_t)hak_lowest_bit(live) << row->shift);
      bytes += purge_gap(os, gap, block - (row->header != 0));
      gap = block + row->stride;
    }
  }
  return bytes + purge_gap(os, gap, body->base + ((uintptr_t)row->units << HAK_UNIT_SHIFT));
}

static bool is_at_rest(const hak_slab* head) {
  if (hak_load_seq_cst(&head->kind) != HAK_CELL_SLAB || hak_peek(&head->head) != head) return false;
  uint8_t state = hak_load_seq_cst(&head->state);
  return state == HAK_SLAB_PARTIAL || state == HAK_SLAB_ABANDONED;
}

/* Enough is free, something of it was freed since pages last went back, and (unless `all`) nothing since the last look.
 */
static bool is_due(hak_slab_pool* pool, const hak_slab* head, uint32_t live, bool all) {
  hak_slab_body* body = hak_slab_body_of(head);
  uint32_t capacity = hak_slab_class(head)->capacity;
  if (body->purged_at == live || capacity - live < capacity / PURGE_PART) return false;
  if (!all && body->seen_at != live) {
    body->seen_at = live;
    pool->purge_again = true;
    return false;
  }
  body->purged_at = live;
  return true;
}

static size_t purge_slab(hak_slab_pool* pool, hak_slab* head, bool all) {
  size_t bytes = 0;
  if (!is_at_rest(head)) return 0;
  hak_store_seq_cst(&pool->pinned, head);
  if (is_at_rest(head)) {
    uint32_t live = hak_slab_count_live(head);
    if (is_due(pool, head, live, all)) bytes = purge_gaps(pool->arena->os, head);
  }
  hak_store_release(&pool->pinned, NULL);
  return bytes;
}

/* From address `from` on, at most so many slabs; the address behind the last one, 0 when there are no more. */
static uintptr_t purge_from(hak_slab_pool* pool, uintptr_t from, size_t most, bool all) {
  hak_region region = {.base = 0};
  while (hak_arena_next_region(pool->arena, region.base, &region)) {
    uintptr_t end = region.base + (region.chunks << HAK_CHUNK_SHIFT);
    for (uintptr_t unit = region.base > from ? region.base : from; unit < end; unit += HAK_UNIT_BYTES) {
      /* The cells of a chunk that was never used have no memory, and get none from us. */
      if (~hak_peek(&hak_map_slot(pool->arena->map, unit)->free) == 0) {
        unit |= HAK_CHUNK_BYTES - HAK_UNIT_BYTES;
        continue;
      }
      hak_slab* head = hak_map_cell(pool->arena->map, unit);
      if (hak_peek(&head->kind) != HAK_CELL_SLAB || hak_peek(&head->head) != head) continue;
      if (most-- == 0) return unit;
      hak_count(&pool->purged_bytes, purge_slab(pool, head, all));
    }
  }
  return 0;
}

HAK_SLOW void hak_slab_wait_unpinned(const hak_slab_pool* pool, const hak_slab* head) {
  while (hak_load_seq_cst(&pool->pinned) == head) sched_yield();
}

void hak_slab_pool_tick(hak_slab_pool* pool) {
  if (PURGE_NOTHING) return;
  hak_lock_acquire(&pool->purge_lock);
  if (pool->purge_next == 0) pool->purge_again = false;
  pool->purge_next = purge_from(pool, pool->purge_next, PURGE_SLABS, false);
  hak_store_relaxed(&pool->purge_more, pool->purge_next != 0 || pool->purge_again);
  hak_lock_release(&pool->purge_lock);
}

bool hak_slab_pool_purge(hak_slab_pool* pool) {
  if (PURGE_NOTHING) return false;
  hak_lock_acquire(&pool->purge_lock);
  uint64_t before = hak_load_relaxed(&pool->purged_bytes);
  purge_from(pool, 0, SIZE_MAX, true);
  bool any = hak_load_relaxed(&pool->purged_bytes) != before;
  hak_lock_release(&pool->purge_lock);
  return any;
}
