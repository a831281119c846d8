/* Blocks with a mapping of their own: address space from region.c, one chunk's slot in the map. */
#include <string.h>

#include "arena/internal.h"

/* more: modulo 2^64, so that what goes is counted as well. */
static void count_mapped(hak_arena* arena, uint64_t more) {
  arena->stats.mapped_bytes += more;
  hak_arena_count_used(arena, more);
}

static uintptr_t map_own(hak_arena* arena, size_t bytes, size_t align) {
  uintptr_t start = hak_region_reserve(arena, bytes, align, 1);
  if (start == 0) return 0;
  if (arena->os->commit(start, bytes)) return start;
  hak_map_drop(arena->map, start, 1);
  arena->os->release(start, bytes);
  return 0;
}

static uintptr_t map_new(hak_arena* arena, size_t bytes, size_t align) {
  uintptr_t start = map_own(arena, bytes, align);
  if (start == 0 && hak_arena_scrape(arena) && !hak_arena_over_limit(arena, bytes)) {
    start = map_own(arena, bytes, align); /* (without the lock meanwhile) */
  }
  if (start != 0 && arena->options->huge_pages != HAK_HUGE_PAGES_NEVER) arena->os->huge_pages(start, bytes, true);
  return start;
}

/* With the lock held. */
static uintptr_t remap_own(hak_arena* arena, uintptr_t start, size_t old_bytes, size_t new_bytes) {
  if (arena->os->resize(start, old_bytes, new_bytes, 0)) return start;
  uintptr_t target = hak_region_reserve(arena, new_bytes, HAK_CHUNK_BYTES, 1);
  if (target == 0) return 0;
  if (arena->os->resize(start, old_bytes, new_bytes, target)) {
    hak_map_drop(arena->map, start, 1);
    return target;
  }
  hak_map_drop(arena->map, target, 1);
  arena->os->release(target, new_bytes);
  return 0;
}

/* One that was kept, cut or grown to size. */
static uintptr_t map_kept(hak_arena* arena, size_t bytes, size_t align) {
  hak_mapping kept = hak_kept_take(arena, bytes, align);
  if (kept.start == 0 || kept.bytes == bytes) return kept.start;
  uintptr_t start = remap_own(arena, kept.start, kept.bytes, bytes);
  if (start == 0) {
    hak_map_drop(arena->map, kept.start, 1);
    arena->os->release(kept.start, kept.bytes);
  }
  return start;
}

uintptr_t hak_arena_map(hak_arena* arena, size_t bytes, size_t align, bool zero) {
  hak_reuse_wanted(arena, bytes);
  hak_lock_acquire(&arena->lock);
  hak_decay_look_at_clock(arena);
  uintptr_t start = 0;
  bool kept = false;
  if (!hak_arena_over_limit(arena, bytes)) {
    start = map_kept(arena, bytes, align);
    kept = start != 0;
    if (!kept) start = map_new(arena, bytes, align);
  }
  if (start != 0) count_mapped(arena, bytes);
  hak_lock_release(&arena->lock);
  /* Not by hand: the program may never touch most of it. */
  if (kept && zero && !arena->os->purge(start, bytes)) memset((void*)start, 0, bytes);
  return start;
}

void hak_arena_unmap(hak_arena* arena, uintptr_t start, size_t bytes) {
  hak_lock_acquire(&arena->lock);
  count_mapped(arena, -bytes);
  bool kept = hak_kept_put(arena, start, bytes);
  if (!kept) hak_map_drop(arena->map, start, 1);
  hak_lock_release(&arena->lock);
  if (!kept) arena->os->release(start, bytes);
}

uintptr_t hak_arena_remap(hak_arena* arena, uintptr_t start, size_t old_bytes, size_t new_bytes) {
  uintptr_t now = 0;
  hak_lock_acquire(&arena->lock);
  if (new_bytes <= old_bytes || !hak_arena_over_limit(arena, new_bytes - old_bytes)) {
    now = remap_own(arena, start, old_bytes, new_bytes);
  }
  if (now != 0) count_mapped(arena, new_bytes - old_bytes);
  hak_lock_release(&arena->lock);
  return now;
}
