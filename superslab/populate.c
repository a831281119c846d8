/* The memory of a new slab comes a few pages at a time, ahead of their first use.
 *
 * Left to itself the kernel finds out page by page, and the fault costs a part of what the page does
 * (docs/performance.md). So a bin that moves the frontier of its slab on asks for the pages up to there, and for some
 * behind it:
 *
 *     slab   | used before | window |           |            |
 *                                   ^ frontier  ^ present
 *
 * The more, the more the thread has of the class: so more of them are likely, and the pages that no block comes to are
 * few beside them. Small heaps do without, so that a program which comes to its steady state before it enters a sandbox
 * makes no system calls there (tests/unit/history_test.cc). */
#include "superslab/internal.h"

enum {
  DENSE_FROM_SLABS = 2, /* a thread may not fill the first ones of a bin */
  DENSE_LARGE_FROM_SLABS = 4,
  DENSE_SLABS = 16,       /* for which a look holds */
  DENSE_MOST_PAGES = 576, /* of a slab that is looked at */
  /* A seal is looked for on pages that were touched, and these have been by nobody. */
  POPULATE_NOTHING = HAK_SEALED,
  POPULATE_LEAST_PAGES = 4,    /* in one call; with fewer it saves little */
  POPULATE_MOST_BYTES = 32768, /* unless the window has more; with more, the calls cost little beside the pages */
  POPULATE_PART = 8,           /* of what the bin has dealt, which one call may be at most */
};

/* A page that no block comes to, or that a program leaves out of its blocks, is one in sixteen at most. */
static bool slab_is_touched(const hak_os* os, const hak_slab_body* body) {
  uint8_t touched[DENSE_MOST_PAGES];
  size_t bytes = (size_t)hak_slab_class(body->slab)->units << HAK_UNIT_SHIFT;
  size_t pages = bytes / os->page_bytes;
  if (pages > DENSE_MOST_PAGES || !os->touched(body->base, bytes, touched)) return false;
  size_t count = 0;
  for (size_t i = 0; i < pages; i++) count += touched[i] & 1;
  return count >= pages - pages / 16;
}

/* Of large blocks the last full slab is looked at, if it tells anything, and if the next one will not have memory all
 * the same. What it tells holds for some slabs; then comes one whose pages are left to the program again, for the next
 * look.
 */
bool hak_owner_is_dense(hak_owner* owner, unsigned class_index) {
  const hak_arena* arena = owner->pool->arena;
  const hak_bin* bin = &owner->bins[class_index];
  const hak_size_class* row = &hak_size_classes[class_index];
  uint8_t* dense = &owner->dense[class_index];
  uint32_t slabs = hak_peek(&bin->slab_count);
  if (row->stride <= HAK_DENSE_BYTES) return slabs >= DENSE_FROM_SLABS;
  if (slabs < DENSE_LARGE_FROM_SLABS) return false;
  hak_slab_body* last = bin->full.last;
  if (hak_arena_has_dirty(arena, *dense > 0 ? HAK_RUN_SLAB : HAK_RUN_SPARSE, row->units)) {
    return *dense > 0;
  }
  if (*dense > 0) {
    (*dense)--;
  } else if (last != NULL && last->telling) {
    last->telling = false; /* once: later it is full of blocks that came and went */
    if (slab_is_touched(arena->os, last)) *dense = DENSE_SLABS;
  }
  return *dense > 0;
}

void hak_slab_choose_pages(const hak_arena* arena, const hak_size_class* row, hak_slab_body* body, hak_run_use use,
                           bool fresh) {
  bool untouched = fresh && !hak_peek(&hak_map_slot(arena->map, body->base)->huge);
  bool dense = use == HAK_RUN_SLAB || row->stride <= HAK_DENSE_BYTES;
  body->present = untouched && dense && !POPULATE_NOTHING ? body->base : UINTPTR_MAX;
  body->telling = untouched && !dense;
}

HAK_MEDIUM void hak_slab_populate(hak_slab_pool* pool, const hak_bin* bin, hak_slab_body* body) {
  const hak_os* os = pool->arena->os;
  const hak_size_class* row = hak_slab_class(body->slab);
  size_t slab_bytes = (size_t)row->units << HAK_UNIT_SHIFT;
  uintptr_t end = body->base + slab_bytes;
  uintptr_t wanted = hak_align_up(hak_slab_open_end(bin, body), os->page_bytes);
  size_t others = ((size_t)hak_peek(&bin->slab_count) << HAK_UNIT_SHIFT) * row->units - slab_bytes;
  size_t bytes = hak_align_down((others + (body->present - body->base)) / POPULATE_PART, os->page_bytes);
  size_t least = POPULATE_LEAST_PAGES * os->page_bytes;
  size_t most = least > POPULATE_MOST_BYTES ? least : POPULATE_MOST_BYTES;
  if (wanted > body->present + most) most = wanted - body->present;
  if (bytes > most) bytes = most;
  if (bytes > end - body->present) bytes = end - body->present;
  if (bytes >= least && os->populate(body->present, bytes)) {
    hak_add_relaxed(&pool->populated_bytes, (uint64_t)bytes);
    body->present += bytes;
  }
  if (body->present < wanted) body->present = wanted;
  if (body->present >= end) body->present = UINTPTR_MAX;
}
