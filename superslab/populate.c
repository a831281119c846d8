/* The memory of a new slab comes a few pages at a time, ahead of their first use.
 *
 * Left to itself the kernel finds out page by page, and the fault costs a part of what the page does
 * (docs/performance.md). So a bin that opens a window at the frontier of its slab asks for the pages of the window, and
 * for some behind it:
 *
 *     slab   | used before | window |           |            |
 *                          ^ frontier           ^ present
 *
 * Only where the thread has many blocks of the class already, so that more of them are likely and the pages that no
 * block comes to are few beside them. */
#include "superslab/internal.h"

enum {
  /* A seal is looked for on pages that were touched, and these have been by nobody. */
  POPULATE_NOTHING = HAK_SEALED,
  POPULATE_LEAST_BYTES = 32768, /* in one call: with more, the calls cost little beside the pages */
  POPULATE_PART = 16,           /* of the bin's other slabs, which one call may be at most */
};

uintptr_t hak_slab_first_present(const hak_arena* arena, const hak_slab_body* body, const hak_size_class* row,
                                 bool fresh) {
  bool touched_as_a_whole = row->stride <= HAK_SLAB_DENSE_BYTES;
  bool small_pages = !hak_peek(&hak_map_slot(arena->map, body->base)->huge);
  return !POPULATE_NOTHING && fresh && touched_as_a_whole && small_pages ? body->base : UINTPTR_MAX;
}

HAK_MEDIUM void hak_slab_populate(hak_slab_pool* pool, const hak_bin* bin, hak_slab_body* body) {
  const hak_os* os = pool->arena->os;
  const hak_size_class* row = hak_slab_class(body->slab);
  uintptr_t end = body->base + ((uintptr_t)row->units << HAK_UNIT_SHIFT);
  size_t bytes = bin->window_bytes > POPULATE_LEAST_BYTES ? bin->window_bytes : POPULATE_LEAST_BYTES;
  if (bytes < os->page_bytes) bytes = os->page_bytes;
  if (bytes > end - body->present) bytes = end - body->present;
  size_t other_bytes = (size_t)(bin->slab_count - 1) * row->units << HAK_UNIT_SHIFT;
  if (bytes <= other_bytes / POPULATE_PART && os->populate(body->present, bytes)) {
    hak_add_relaxed(&pool->populated_bytes, (uint64_t)bytes);
  }
  body->present = body->present + bytes < end ? body->present + bytes : UINTPTR_MAX;
}
