#include "arena/internal.h"

enum {
  REGION_LEAST_CHUNKS = 16, /* 64 MiB */
  REGION_MOST_CHUNKS = 256, /* 1 GiB, unless one run needs more */
  REGION_TRIES = 8,         /* windows looked at for addresses with free slots */
};

/* Address space whose first `chunks` chunks are claimed in the map. */
static uintptr_t reserve_once(hak_arena* arena, size_t bytes, size_t align, size_t chunks) {
  uintptr_t base = arena->os->reserve(bytes, align, 0);
  if (base == 0) return 0;
  if (hak_map_claim(arena->map, base, chunks)) return base;
  arena->os->release(base, bytes);
  /* The slots of these addresses are taken, so ask for addresses whose slots are free; and as somebody may have those
   * addresses, in one window below the other, where there is room. */
  uintptr_t window = hak_map_window(arena->map);
  for (uintptr_t below = 0; below < REGION_TRIES && below * window < base; below++) {
    uintptr_t hint = hak_map_suggest(arena->map, base - below * window, chunks, align);
    if (hint == 0) return 0;
    if (arena->os->reserve(bytes, align, hint) == 0) continue;
    if (hak_map_claim(arena->map, hint, chunks)) return hint;
    arena->os->release(hint, bytes);
  }
  return 0;
}

static bool region_is_free(const hak_arena* arena, const hak_region* region) {
  const hak_chunk* chunk = hak_map_slot(arena->map, region->base);
  for (size_t i = 0; i < region->chunks; i++) {
    if (~chunk[i].free != 0) return false;
  }
  return true;
}

static void dirty_list_remove(hak_arena* arena, const hak_chunk* first, size_t count) {
  hak_chunk** link = &arena->dirty_chunks;
  while (*link != NULL) {
    hak_chunk* chunk = *link;
    if (chunk >= first && chunk < first + count) {
      hak_arena_count_dirty(arena, chunk, -hak_units_bytes(chunk->dirty));
      *link = chunk->dirty_next;
    } else {
      link = &chunk->dirty_next;
    }
  }
}

/* Gives the addresses of regions without any used unit back; true if there was one. */
static bool regions_release(hak_arena* arena) {
  bool any = false;
  if (arena->unlocked != 0) return false; /* somebody's chunks are in no list at the moment */
  for (hak_region** link = &arena->regions; *link != NULL;) {
    hak_region* region = *link;
    if (!region_is_free(arena, region)) {
      link = &region->next;
      continue;
    }
    hak_chunk* chunk = hak_map_slot(arena->map, region->base);
    size_t bytes = region->chunks << HAK_CHUNK_SHIFT;
    dirty_list_remove(arena, chunk, region->chunks);
    for (size_t i = 0; i < region->chunks; i++) {
      hak_chunk_unfile(arena, &chunk[i]);
      if (chunk[i].committed) arena->stats.committed_bytes -= HAK_CHUNK_BYTES;
    }
    *link = region->next;
    hak_map_drop(arena->map, region->base, region->chunks);
    arena->os->release(region->base, bytes);
    arena->stats.reserved_bytes -= bytes;
    hak_meta_free(arena->meta, HAK_META_OTHER, region, sizeof *region);
    any = true;
  }
  return any;
}

uintptr_t hak_region_reserve(hak_arena* arena, size_t bytes, size_t align, size_t chunks) {
  uintptr_t base = reserve_once(arena, bytes, align, chunks);
  /* Address space is limited, perhaps; some of it may be held for nothing. */
  if (base == 0 && regions_release(arena)) base = reserve_once(arena, bytes, align, chunks);
  return base;
}

/* A region for a run of at least `units`: half of what there is already, so that regions stay few, and less where
 * address space is scarce. */
bool hak_region_add(hak_arena* arena, size_t units) {
  size_t least = (units + HAK_CHUNK_UNITS - 1) / HAK_CHUNK_UNITS;
  size_t chunks = (size_t)(arena->stats.reserved_bytes >> HAK_CHUNK_SHIFT) / 2;
  if (chunks < REGION_LEAST_CHUNKS) chunks = REGION_LEAST_CHUNKS;
  if (chunks > REGION_MOST_CHUNKS) chunks = REGION_MOST_CHUNKS;
  if (chunks < least) chunks = least;
  hak_region* region = hak_meta_alloc(arena->meta, HAK_META_OTHER, sizeof *region);
  if (region == NULL) return false;
  while ((region->base = hak_region_reserve(arena, chunks << HAK_CHUNK_SHIFT, HAK_CHUNK_BYTES, chunks)) == 0) {
    if (chunks == least) {
      hak_meta_free(arena->meta, HAK_META_OTHER, region, sizeof *region);
      return false;
    }
    chunks = chunks / 2 > least ? chunks / 2 : least;
  }
  arena->os->name(region->base, chunks << HAK_CHUNK_SHIFT, "hakmem: blocks");
  region->chunks = chunks;
  region->next = arena->regions;
  arena->regions = region;
  arena->stats.reserved_bytes += chunks << HAK_CHUNK_SHIFT;
  hak_chunk* chunk = hak_map_slot(arena->map, region->base);
  for (size_t i = 0; i < chunks; i++) {
    chunk[i].free = ~UINT64_C(0);
    hak_chunk_file(arena, &chunk[i]);
  }
  return true;
}

bool hak_arena_next_region(hak_arena* arena, uintptr_t after, hak_region* out) {
  const hak_region* found = NULL;
  hak_lock_acquire(&arena->lock);
  for (const hak_region* r = arena->regions; r != NULL; r = r->next) {
    if (r->base > after && (found == NULL || r->base < found->base)) found = r;
  }
  if (found != NULL) *out = *found;
  hak_lock_release(&arena->lock);
  return found != NULL;
}
