#include "arena/arena.h"

#include <string.h>

#include "arena/internal.h"

enum {
  ARENA_TRIES = 4,       /* chunks of one list looked at for a run that is aligned, or holds memory */
  ARENA_DIRTY_TRIES = 8, /* dirty chunks looked at for any run */
  ARENA_MOST_NAPS = 500, /* a huge page is timed for milliseconds at most, a purge of one chunk for less */
};

void hak_arena_init(hak_arena* arena, hak_map* map, hak_meta* meta, const hak_os* os, const hak_options* options) {
  memset(arena, 0, sizeof *arena);
  arena->lock.rank = HAK_RANK_ARENA;
  arena->map = map;
  arena->meta = meta;
  arena->os = os;
  arena->options = options;
}

/* ---- finding a run ---- */

/* Bits where a run of n set bits begins. */
static uint64_t run_starts(uint64_t word, unsigned n) {
  while (n > 1) {
    unsigned half = n / 2;
    word &= word >> half;
    n -= half;
  }
  return word;
}

/* What a run is wanted for, and where it may lie. */
typedef struct wanted {
  hak_run_use use;
  size_t units;
  size_t room;      /* free units behind the run, which stay free */
  uint64_t aligned; /* places in a chunk where it may begin */
  bool held;        /* only of units that hold memory already */
} wanted;

static uint64_t aligned_units(size_t align) {
  uint64_t starts = 1;
  for (size_t step = align <= HAK_UNIT_BYTES ? 1 : align >> HAK_UNIT_SHIFT; step < HAK_CHUNK_UNITS; step *= 2) {
    starts |= starts << step;
  }
  return starts;
}

/* First a run of units that hold memory already, then any. */
static uint64_t chunk_find(const hak_chunk* chunk, const wanted* want) {
  unsigned units = (unsigned)(want->units + want->room);
  uint64_t starts = run_starts(chunk->dirty, units) & want->aligned;
  if (starts == 0 && !want->held) starts = run_starts(chunk->free, units) & want->aligned;
  return starts;
}

static uintptr_t take_from_chunk(hak_arena* arena, hak_chunk* chunk, const wanted* want, bool* zeroed) {
  uint64_t starts = chunk_find(chunk, want);
  if (starts == 0 || !hak_chunk_prepare(arena, chunk)) return 0;
  unsigned first = hak_lowest_bit(starts);
  *zeroed = hak_chunk_take(arena, chunk, hak_run_mask(first, want->units));
  return chunk->base + ((uintptr_t)first << HAK_UNIT_SHIFT);
}

/* The first chunk of the shortest runs that are long enough; it may have no place of the kind that is wanted, so a few
 * more. */
static uintptr_t alloc_in_lists(hak_arena* arena, const wanted* want, uint64_t lists, bool* zeroed) {
  for (lists &= arena->runs_there[want->use]; lists != 0; lists &= lists - 1) {
    hak_chunk* c = arena->by_run[want->use][hak_lowest_bit(lists) + 1].first;
    for (int tries = ARENA_TRIES; c != NULL && tries > 0; c = c->next, tries--) {
      uintptr_t start = take_from_chunk(arena, c, want, zeroed);
      if (start != 0 || arena->commit_failed) return start;
    }
  }
  return 0;
}

/* Slabs: a run in one of the chunks that became dirty last. */
static uintptr_t alloc_in_dirty_chunks(hak_arena* arena, const wanted* want, bool* zeroed) {
  int tries = ARENA_DIRTY_TRIES;
  for (hak_chunk* c = arena->dirty_chunks; c != NULL && tries > 0; c = c->dirty_next, tries--) {
    uintptr_t start = c->use == want->use ? take_from_chunk(arena, c, want, zeroed) : 0;
    if (start != 0 || arena->commit_failed) return start;
  }
  return 0;
}

/* The lists that may have a run of so many units. */
static uint64_t lists_from(size_t units) { return ~hak_low_mask((unsigned)units - 1); }

/* A run that holds memory already. Large runs of all lengths share their chunks: there the shortest run that fits
 * matters more than which became dirty last; with room to grow behind it, if such are asked for and there. */
static uintptr_t alloc_held(hak_arena* arena, wanted want, bool* zeroed) {
  if (!hak_arena_has_dirty(arena, want.use, want.units)) return 0;
  want.held = true;
  if (want.use != HAK_RUN_LARGE) return alloc_in_dirty_chunks(arena, &want, zeroed);
  uintptr_t start = 0;
  if (want.room != 0 && want.units + want.room <= HAK_CHUNK_UNITS) {
    start = alloc_in_lists(arena, &want, lists_from(want.units + want.room), zeroed);
  }
  want.room = 0;
  return start != 0 ? start : alloc_in_lists(arena, &want, lists_from(want.units), zeroed);
}

#define ARENA_WHOLE_CHUNKS (UINT64_C(1) << (HAK_CHUNK_UNITS - 1))

static uintptr_t alloc_in_chunk(hak_arena* arena, wanted want, bool* zeroed) {
  uintptr_t start = alloc_held(arena, want, zeroed);
  want.room = 0;
  if (start == 0) start = alloc_in_lists(arena, &want, lists_from(want.units), zeroed);
  if (start != 0 || arena->commit_failed) return start;
  /* A chunk that nobody uses changes its use. */
  for (unsigned other = 0; other < HAK_RUN_USES; other++) {
    if (other == want.use || (arena->runs_there[other] & ARENA_WHOLE_CHUNKS) == 0) continue;
    hak_chunk_set_use(arena, arena->by_run[other][HAK_CHUNK_UNITS].first, want.use);
    return alloc_in_lists(arena, &want, ARENA_WHOLE_CHUNKS, zeroed);
  }
  return 0;
}

/* Whole chunks in a row, and the first units of the one behind them. */
static bool region_fits(const hak_chunk* chunk, size_t whole, uint64_t tail) {
  for (size_t i = 0; i < whole; i++) {
    if (~chunk[i].free != 0) return false;
  }
  return tail == 0 ||
         ((chunk[whole].free & tail) == tail && (chunk[whole].use == HAK_RUN_LARGE || ~chunk[whole].free == 0));
}

static uintptr_t alloc_across_chunks(hak_arena* arena, size_t units, bool* zeroed) {
  size_t whole = units / HAK_CHUNK_UNITS;
  uint64_t tail = hak_low_mask((unsigned)(units % HAK_CHUNK_UNITS));
  size_t need = whole + (tail != 0);
  for (hak_region* region = arena->regions; region != NULL; region = region->next) {
    hak_chunk* chunk = hak_map_slot(arena->map, region->base);
    for (size_t i = 0; i + need <= region->chunks; i++) {
      if (!region_fits(&chunk[i], whole, tail)) continue;
      for (size_t k = 0; k < need; k++) {
        if (~chunk[i + k].free == 0) hak_chunk_set_use(arena, &chunk[i + k], HAK_RUN_LARGE);
      }
      for (size_t k = 0; k < need; k++) {
        if (!hak_chunk_prepare(arena, &chunk[i + k])) return 0;
      }
      *zeroed = true;
      for (size_t k = 0; k < need; k++) {
        *zeroed &= hak_chunk_take(arena, &chunk[i + k], k < whole ? ~UINT64_C(0) : tail);
      }
      return chunk[i].base;
    }
  }
  return 0;
}

static uintptr_t alloc_once(hak_arena* arena, const wanted* want, bool* zeroed) {
  return want->units > HAK_CHUNK_UNITS ? alloc_across_chunks(arena, want->units, zeroed)
                                       : alloc_in_chunk(arena, *want, zeroed);
}

/* ---- runs ---- */

static bool over_soft_limit(const hak_arena* arena) {
  uint64_t limit = arena->options->memory_limit;
  return limit != 0 && arena->stats.used_bytes + arena->stats.dirty_bytes > limit;
}

static bool too_dirty(const hak_arena* arena) {
  return arena->options->decay_ms == 0 || arena->stats.dirty_bytes > arena->options->dirty_limit ||
         over_soft_limit(arena);
}

static uintptr_t alloc_in_limits(hak_arena* arena, const wanted* want, bool* zeroed) {
  size_t units = want->units;
  arena->commit_failed = false;
  if (hak_arena_over_limit(arena, units << HAK_UNIT_SHIFT)) return 0;
  uintptr_t start = alloc_once(arena, want, zeroed);
  if (start == 0 && !arena->commit_failed && hak_region_add(arena, units)) start = alloc_once(arena, want, zeroed);
  return start;
}

static uintptr_t alloc_run(hak_arena* arena, const wanted* want, bool* zeroed) {
  size_t units = want->units;
  hak_lock_acquire(&arena->lock);
  hak_decay_look_at_clock(arena); /* without the lock for a while, perhaps */
  uintptr_t start = alloc_in_limits(arena, want, zeroed);
  if (start == 0 && hak_arena_scrape(arena)) start = alloc_in_limits(arena, want, zeroed);
  if (start != 0) {
    hak_arena_count_used(arena, units << HAK_UNIT_SHIFT);
    arena->stats.runs++;
    if (over_soft_limit(arena)) hak_decay_step(arena, true, SIZE_MAX);
  }
  hak_lock_release(&arena->lock);
  return start;
}

uintptr_t hak_arena_alloc(hak_arena* arena, hak_run_use use, size_t units, size_t align, bool* zeroed) {
  wanted want = {.use = use, .units = units, .aligned = aligned_units(align)};
  return alloc_run(arena, &want, zeroed);
}

uintptr_t hak_arena_alloc_to_grow(hak_arena* arena, size_t units, bool* zeroed) {
  wanted want = {.use = HAK_RUN_LARGE, .units = units, .room = units, .aligned = aligned_units(HAK_UNIT_BYTES)};
  return alloc_run(arena, &want, zeroed);
}

void hak_arena_give_run(hak_arena* arena, uintptr_t start, size_t units, bool dirty) {
  hak_arena_count_used(arena, -((uint64_t)units << HAK_UNIT_SHIFT));
  while (units > 0) {
    unsigned first = hak_chunk_unit(start);
    size_t here = units < HAK_CHUNK_UNITS - first ? units : HAK_CHUNK_UNITS - first;
    hak_chunk_give(arena, hak_map_slot(arena->map, start), hak_run_mask(first, here), dirty);
    start += here << HAK_UNIT_SHIFT;
    units -= here;
  }
}

static void after_free(hak_arena* arena) {
  if (too_dirty(arena)) {
    hak_decay_step(arena, true, SIZE_MAX);
  } else {
    hak_decay_look_at_clock(arena);
  }
}

void hak_arena_free(hak_arena* arena, uintptr_t start, size_t units) {
  hak_lock_acquire(&arena->lock);
  hak_arena_give_run(arena, start, units, true);
  after_free(arena);
  hak_lock_release(&arena->lock);
}

void hak_arena_free_purged(hak_arena* arena, uintptr_t start, size_t units) {
  hak_lock_acquire(&arena->lock);
  arena->unlocked++; /* the units are nobody's now */
  hak_lock_release(&arena->lock);
  bool purged = arena->os->purge(start, units << HAK_UNIT_SHIFT);
  hak_lock_acquire(&arena->lock);
  hak_arena_give_run(arena, start, units, !purged);
  arena->unlocked--;
  if (purged) {
    arena->stats.purged_bytes += units << HAK_UNIT_SHIFT;
    arena->stats.purges++;
  }
  after_free(arena);
  hak_lock_release(&arena->lock);
}

void hak_arena_free_empty(hak_arena* arena, uintptr_t start, size_t units) {
  hak_lock_acquire(&arena->lock);
  hak_arena_give_run(arena, start, units, false);
  hak_lock_release(&arena->lock);
}

bool hak_arena_close_guard(hak_arena* arena, uintptr_t start, size_t units) {
  if (hak_add_relaxed(&arena->guards, 1u) < HAK_MOST_GUARDS) {
    uintptr_t guard = start + (units << HAK_UNIT_SHIFT);
    arena->os->purge(guard, HAK_UNIT_BYTES);
    if (arena->os->close(guard, HAK_UNIT_BYTES)) return true;
  }
  hak_sub_relaxed(&arena->guards, 1u);
  return false;
}

bool hak_arena_open_guard(hak_arena* arena, uintptr_t start, size_t units) {
  if (!arena->os->commit(start + (units << HAK_UNIT_SHIFT), HAK_UNIT_BYTES)) return false;
  hak_sub_relaxed(&arena->guards, 1u);
  return true;
}

/* Free, and for a large block: not in a chunk of slabs. */
static bool units_can_be_added(const hak_arena* arena, uintptr_t start, size_t units) {
  while (units > 0) {
    const hak_chunk* chunk = hak_map_slot(arena->map, start);
    unsigned first = hak_chunk_unit(start);
    size_t here = units < HAK_CHUNK_UNITS - first ? units : HAK_CHUNK_UNITS - first;
    uint64_t run = hak_run_mask(first, here);
    if (chunk->base != hak_align_down(start, HAK_CHUNK_BYTES) || (chunk->free & run) != run) return false;
    if (chunk->use != HAK_RUN_LARGE && ~chunk->free != 0) return false;
    start += here << HAK_UNIT_SHIFT;
    units -= here;
  }
  return true;
}

bool hak_arena_extend(hak_arena* arena, uintptr_t start, size_t units, size_t more) {
  uintptr_t behind = start + (units << HAK_UNIT_SHIFT);
  hak_lock_acquire(&arena->lock);
  bool ok = !hak_arena_over_limit(arena, more << HAK_UNIT_SHIFT) && units_can_be_added(arena, behind, more);
  for (size_t left = more; ok && left > 0;) {
    hak_chunk* chunk = hak_map_slot(arena->map, behind);
    unsigned first = hak_chunk_unit(behind);
    size_t here = left < HAK_CHUNK_UNITS - first ? left : HAK_CHUNK_UNITS - first;
    if (~chunk->free == 0) hak_chunk_set_use(arena, chunk, HAK_RUN_LARGE);
    if (!hak_chunk_prepare(arena, chunk)) {
      /* What was taken before this chunk goes back. */
      size_t taken = more - left;
      hak_arena_count_used(arena, taken << HAK_UNIT_SHIFT);
      hak_lock_release(&arena->lock);
      if (taken > 0) hak_arena_free(arena, behind - (taken << HAK_UNIT_SHIFT), taken);
      return false;
    }
    hak_chunk_take(arena, chunk, hak_run_mask(first, here));
    behind += here << HAK_UNIT_SHIFT;
    left -= here;
  }
  if (ok) hak_arena_count_used(arena, more << HAK_UNIT_SHIFT);
  hak_lock_release(&arena->lock);
  return ok;
}

void hak_arena_acquire_whole(hak_arena* arena) {
  hak_lock_acquire(&arena->lock);
  for (int naps = 0; arena->unlocked != 0 && naps < ARENA_MOST_NAPS; naps++) {
    hak_lock_release(&arena->lock);
    hak_os_nap();
    hak_lock_acquire(&arena->lock);
  }
}

hak_arena_stats hak_arena_read_stats(hak_arena* arena) {
  hak_lock_acquire(&arena->lock);
  hak_arena_stats stats = arena->stats;
  hak_lock_release(&arena->lock);
  return stats;
}
