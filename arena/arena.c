#include "arena/arena.h"

#include <string.h>

#include "base/atomic.h"
#include "base/fatal.h"

enum {
  ARENA_LEAST_CHUNKS = 16,      /* of a new region: 64 MiB */
  ARENA_RESERVE_TRIES = 8,      /* windows looked at for addresses with free slots */
  ARENA_MOST_CHUNKS = 256,      /* 1 GiB, unless one run needs more */
  ARENA_TRIES = 4,              /* chunks of one list looked at for an aligned run */
  ARENA_DIRTY_TRIES = 8,        /* dirty chunks looked at for any run */
  ARENA_CLOCK_CALLS = 16,       /* calls between two looks at the clock */
  ARENA_FOREGROUND_CHUNKS = 16, /* chunks purged at most by a thread that came to allocate or free */
};
/* Processes below this size keep small pages: a huge page would be most of them. */
#define ARENA_HUGE_FROM_BYTES ((uint64_t)32 << 20)

void hak_arena_init(hak_arena* arena, hak_map* map, hak_meta* meta, const hak_os* os, const hak_options* options) {
  memset(arena, 0, sizeof *arena);
  arena->lock.rank = HAK_RANK_ARENA;
  arena->map = map;
  arena->meta = meta;
  arena->os = os;
  arena->options = options;
}

/* Read without the lock as a hint. more: modulo 2^64, so that what goes is counted as well. */
static void count_dirty(hak_arena* arena, uint64_t more) {
  hak_poke(&arena->stats.dirty_bytes, arena->stats.dirty_bytes + more);
}

/* ---- runs of set bits in one word ---- */

/* Bits where a run of n set bits begins. */
static uint64_t run_starts(uint64_t word, unsigned n) {
  while (n > 1) {
    unsigned half = n / 2;
    word &= word >> half;
    n -= half;
  }
  return word;
}

/* Length of the longest run of set bits: doubled as long as runs of the length remain, then refined. */
static uint8_t run_longest(uint64_t word) {
  if (word == 0) return 0;
  unsigned length = 1;
  unsigned step = 1;
  for (uint64_t next; step < HAK_CHUNK_UNITS && (next = word & (word >> step)) != 0; step *= 2) {
    word = next; /* bits where a run of 2 * step begins */
    length = 2 * step;
  }
  for (step = length / 2; step > 0; step /= 2) {
    uint64_t next = word & (word >> step);
    if (next == 0) continue;
    word = next;
    length += step;
  }
  return (uint8_t)length;
}

static uint64_t run_mask(unsigned first, size_t units) { return hak_low_mask((unsigned)units) << first; }

/* ---- chunks by their longest free run ---- */

static void list_remove(hak_arena* arena, hak_chunk* chunk) {
  if (chunk->longest == 0) return;
  hak_chunk_list* list = &arena->by_run[chunk->use][chunk->longest];
  *(chunk->prev != NULL ? &chunk->prev->next : &list->first) = chunk->next;
  *(chunk->next != NULL ? &chunk->next->prev : &list->last) = chunk->prev;
  if (list->first == NULL) arena->runs_there[chunk->use] &= ~(UINT64_C(1) << (chunk->longest - 1));
}

/* Chunks that hold memory go to the front, so that they are used before untouched ones at the back. */
static void list_insert(hak_arena* arena, hak_chunk* chunk) {
  chunk->longest = run_longest(chunk->free);
  chunk->next = chunk->prev = NULL;
  if (chunk->longest == 0) return;
  hak_chunk_list* list = &arena->by_run[chunk->use][chunk->longest];
  arena->runs_there[chunk->use] |= UINT64_C(1) << (chunk->longest - 1);
  if (list->first == NULL) {
    list->first = list->last = chunk;
  } else if (chunk->committed) {
    chunk->next = list->first;
    list->first = list->first->prev = chunk;
  } else {
    chunk->prev = list->last;
    list->last = list->last->next = chunk;
  }
}

static void chunk_set_free(hak_arena* arena, hak_chunk* chunk, uint64_t free) {
  if (run_longest(free) == chunk->longest) {
    hak_poke(&chunk->free, free);
    return;
  }
  list_remove(arena, chunk);
  hak_poke(&chunk->free, free);
  list_insert(arena, chunk);
}

static unsigned chunk_unit(uintptr_t address) { return (unsigned)(address >> HAK_UNIT_SHIFT) & (HAK_CHUNK_UNITS - 1); }

/* ---- regions ---- */

/* Address space whose first `chunks` chunks are claimed in the map. */
static uintptr_t reserve_once(hak_arena* arena, size_t bytes, size_t align, size_t chunks) {
  uintptr_t base = arena->os->reserve(bytes, align, 0);
  if (base == 0) return 0;
  if (hak_map_claim(arena->map, base, chunks)) return base;
  arena->os->release(base, bytes);
  /* The slots of these addresses are taken, so ask for addresses whose slots are free; and as somebody may have those
   * addresses, in one window below the other, where there is room. */
  uintptr_t window = hak_map_window(arena->map);
  for (uintptr_t below = 0; below < ARENA_RESERVE_TRIES && below * window < base; below++) {
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
      count_dirty(arena, -((uint64_t)hak_count_bits(chunk->dirty) << HAK_UNIT_SHIFT));
      *link = chunk->dirty_next;
    } else {
      link = &chunk->dirty_next;
    }
  }
}

/* Gives the addresses of regions without any used unit back; true if there was one. */
static bool regions_release(hak_arena* arena) {
  bool any = false;
  if (arena->purging != 0) return false; /* their dirty chunks are in no list at the moment */
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
      list_remove(arena, &chunk[i]);
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

static uintptr_t reserve_claimed(hak_arena* arena, size_t bytes, size_t align, size_t chunks) {
  uintptr_t base = reserve_once(arena, bytes, align, chunks);
  /* Address space is limited, perhaps; some of it may be held for nothing. */
  if (base == 0 && regions_release(arena)) base = reserve_once(arena, bytes, align, chunks);
  return base;
}

/* A region for a run of at least `units`: half of what there is already, so that regions stay few, and less where
 * address space is scarce. */
static bool region_add(hak_arena* arena, size_t units) {
  size_t least = (units + HAK_CHUNK_UNITS - 1) / HAK_CHUNK_UNITS;
  size_t chunks = (size_t)(arena->stats.reserved_bytes >> HAK_CHUNK_SHIFT) / 2;
  if (chunks < ARENA_LEAST_CHUNKS) chunks = ARENA_LEAST_CHUNKS;
  if (chunks > ARENA_MOST_CHUNKS) chunks = ARENA_MOST_CHUNKS;
  if (chunks < least) chunks = least;
  hak_region* region = hak_meta_alloc(arena->meta, HAK_META_OTHER, sizeof *region);
  if (region == NULL) return false;
  while ((region->base = reserve_claimed(arena, chunks << HAK_CHUNK_SHIFT, HAK_CHUNK_BYTES, chunks)) == 0) {
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
    list_insert(arena, &chunk[i]);
  }
  return true;
}

static bool want_huge(const hak_arena* arena, uint8_t use) {
  if (arena->options->huge_pages != 1) return arena->options->huge_pages == 2;
  return use == HAK_RUN_SLAB && arena->stats.committed_bytes >= ARENA_HUGE_FROM_BYTES;
}

/* For a wholly free chunk. */
static void chunk_choose_pages(hak_arena* arena, hak_chunk* chunk) {
  bool huge = want_huge(arena, chunk->use);
  bool untouched = chunk->dirty == 0;
  if (huge && arena->options->huge_pages == 1 && untouched && !hak_huge_pays(&arena->huge, arena->os, chunk->base)) {
    arena->stats.huge_refused++;
    huge = false;
  }
  if (chunk->huge == huge) return;
  arena->stats.huge_chunks += huge;
  hak_poke(&chunk->huge, huge);
  arena->os->huge_pages(chunk->base, HAK_CHUNK_BYTES, huge);
}

/* Makes a chunk ready for runs of its use. */
static bool chunk_prepare(hak_arena* arena, hak_chunk* chunk) {
  if (!chunk->committed) {
    if (!arena->os->commit(chunk->base, HAK_CHUNK_BYTES)) {
      arena->commit_failed = true;
      return false;
    }
    hak_poke(&chunk->committed, true);
    arena->stats.committed_bytes += HAK_CHUNK_BYTES;
  }
  if (~chunk->free == 0) chunk_choose_pages(arena, chunk);
  return true;
}

/* A wholly free chunk changes its use. */
static void chunk_set_use(hak_arena* arena, hak_chunk* chunk, hak_run_use use) {
  if (chunk->use == use) return;
  list_remove(arena, chunk);
  chunk->use = (uint8_t)use;
  list_insert(arena, chunk);
}

/* ---- taking runs ---- */

static bool over_limit(const hak_arena* arena, size_t more) {
  uint64_t limit = arena->options->memory_limit_hard;
  return limit != 0 && arena->stats.used_bytes + more > limit;
}

/* Marks units of one chunk as used; says whether they read as zero. */
static bool chunk_take(hak_arena* arena, hak_chunk* chunk, uint64_t run) {
  uint64_t dirty = chunk->dirty & run;
  hak_poke(&chunk->dirty, chunk->dirty & ~run);
  chunk->aged &= ~run;
  count_dirty(arena, -((uint64_t)hak_count_bits(dirty) << HAK_UNIT_SHIFT));
  chunk_set_free(arena, chunk, chunk->free & ~run);
  return dirty == 0;
}

static uint64_t aligned_units(size_t align) {
  uint64_t starts = 1;
  for (size_t step = align <= HAK_UNIT_BYTES ? 1 : align >> HAK_UNIT_SHIFT; step < HAK_CHUNK_UNITS; step *= 2) {
    starts |= starts << step;
  }
  return starts;
}

/* First a run of units that hold memory already, then any. */
static uint64_t chunk_find(const hak_chunk* chunk, size_t units, uint64_t aligned) {
  uint64_t starts = run_starts(chunk->dirty, (unsigned)units) & aligned;
  if (starts == 0) starts = run_starts(chunk->free, (unsigned)units) & aligned;
  return starts;
}

static uintptr_t take_from_chunk(hak_arena* arena, hak_chunk* chunk, size_t units, uint64_t aligned, bool* zeroed) {
  uint64_t starts = chunk_find(chunk, units, aligned);
  if (starts == 0 || !chunk_prepare(arena, chunk)) return 0;
  unsigned first = hak_lowest_bit(starts);
  *zeroed = chunk_take(arena, chunk, run_mask(first, units));
  return chunk->base + ((uintptr_t)first << HAK_UNIT_SHIFT);
}

/* The first chunk of the shortest runs that are long enough; with an alignment it may have no place, so a few more. */
static uintptr_t alloc_in_lists(hak_arena* arena, hak_run_use use, uint64_t lists, size_t units, size_t align,
                                bool* zeroed) {
  uint64_t aligned = aligned_units(align);
  for (lists &= arena->runs_there[use]; lists != 0; lists &= lists - 1) {
    hak_chunk* c = arena->by_run[use][hak_lowest_bit(lists) + 1].first;
    for (int tries = ARENA_TRIES; c != NULL && tries > 0; c = c->next, tries--) {
      uintptr_t start = take_from_chunk(arena, c, units, aligned, zeroed);
      if (start != 0 || arena->commit_failed) return start;
    }
  }
  return 0;
}

/* A run that holds memory already, in one of the chunks that became dirty last. */
static uintptr_t alloc_in_dirty(hak_arena* arena, hak_run_use use, size_t units, size_t align, bool* zeroed) {
  /* Large runs of all lengths share their chunks: there the shortest run that fits matters more. */
  if (use == HAK_RUN_LARGE || !hak_arena_has_dirty(arena, units)) return 0;
  uint64_t aligned = aligned_units(align);
  int tries = ARENA_DIRTY_TRIES;
  for (hak_chunk* c = arena->dirty_chunks; c != NULL && tries > 0; c = c->dirty_next, tries--) {
    if (c->use != use || (run_starts(c->dirty, (unsigned)units) & aligned) == 0) continue;
    return take_from_chunk(arena, c, units, aligned, zeroed);
  }
  return 0;
}

#define ARENA_WHOLE_CHUNKS (UINT64_C(1) << (HAK_CHUNK_UNITS - 1))

static uintptr_t alloc_in_chunk(hak_arena* arena, hak_run_use use, size_t units, size_t align, bool* zeroed) {
  uint64_t lists = ~hak_low_mask((unsigned)units - 1);
  uintptr_t start = alloc_in_dirty(arena, use, units, align, zeroed);
  if (start == 0) start = alloc_in_lists(arena, use, lists, units, align, zeroed);
  if (start != 0 || arena->commit_failed) return start;
  /* A chunk that nobody uses changes its use. */
  for (unsigned other = 0; other < HAK_RUN_USES; other++) {
    if (other == use || (arena->runs_there[other] & ARENA_WHOLE_CHUNKS) == 0) continue;
    chunk_set_use(arena, arena->by_run[other][HAK_CHUNK_UNITS].first, use);
    return alloc_in_lists(arena, use, ARENA_WHOLE_CHUNKS, units, align, zeroed);
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
        if (~chunk[i + k].free == 0) chunk_set_use(arena, &chunk[i + k], HAK_RUN_LARGE);
      }
      for (size_t k = 0; k < need; k++) {
        if (!chunk_prepare(arena, &chunk[i + k])) return 0;
      }
      *zeroed = true;
      for (size_t k = 0; k < need; k++) {
        *zeroed &= chunk_take(arena, &chunk[i + k], k < whole ? ~UINT64_C(0) : tail);
      }
      return chunk[i].base;
    }
  }
  return 0;
}

static uintptr_t alloc_once(hak_arena* arena, hak_run_use use, size_t units, size_t align, bool* zeroed) {
  if (units > HAK_CHUNK_UNITS) return alloc_across_chunks(arena, units, zeroed);
  return alloc_in_chunk(arena, use, units, align, zeroed);
}

/* ---- decay ---- */

/* Takes the units `which` of a chunk out of use while the kernel works on them without the lock. */
static size_t purge_units(hak_arena* arena, hak_chunk* chunk, uint64_t which) {
  size_t bytes = (size_t)hak_count_bits(which) << HAK_UNIT_SHIFT;
  chunk_take(arena, chunk, which);
  hak_lock_release(&arena->lock);
  uint64_t rest = which;
  uint64_t calls = 0;
  while (rest != 0) {
    unsigned first = hak_lowest_bit(rest);
    uint64_t gaps = ~(rest >> first);
    unsigned length = gaps == 0 ? HAK_CHUNK_UNITS : hak_lowest_bit(gaps);
    uintptr_t start = chunk->base + ((uintptr_t)first << HAK_UNIT_SHIFT);
    if (!arena->os->purge(start, (size_t)length << HAK_UNIT_SHIFT))
      memset((void*)start, 0, (size_t)length << HAK_UNIT_SHIFT);
    rest &= ~run_mask(first, length);
    calls++;
  }
  hak_lock_acquire(&arena->lock);
  chunk_set_free(arena, chunk, chunk->free | which);
  arena->stats.purged_bytes += bytes;
  arena->stats.purges += calls;
  return bytes;
}

/* Walks the list of dirty chunks once, `most` of them at the most, with the lock held on entry and return. A chunk
 * leaves the list before its turn, and comes back if it is dirty still (or again). */
static size_t decay_step(hak_arena* arena, bool all, size_t most) {
  size_t bytes = 0;
  arena->purging++;
  hak_chunk* chunk = arena->dirty_chunks;
  arena->dirty_chunks = NULL;
  hak_chunk* kept = NULL;
  while (chunk != NULL) {
    hak_chunk* next = chunk->dirty_next;
    uint64_t which = all ? chunk->dirty : chunk->aged & chunk->dirty;
    if (which != 0 && most > 0) {
      /* While the lock is out of our hands this chunk is in nobody's list, and marked so that it stays in none. */
      bytes += purge_units(arena, chunk, which);
      most--;
    }
    chunk->aged = chunk->dirty;
    if (chunk->dirty == 0) {
      chunk->in_dirty_list = false;
    } else {
      chunk->dirty_next = kept;
      kept = chunk;
    }
    chunk = next;
  }
  while (kept != NULL) {
    hak_chunk* next = kept->dirty_next;
    kept->dirty_next = arena->dirty_chunks;
    arena->dirty_chunks = kept;
    kept = next;
  }
  arena->purging--;
  return bytes;
}

static void look_at_clock(hak_arena* arena) {
  if (arena->calls_to_clock-- != 0) return;
  arena->calls_to_clock = ARENA_CLOCK_CALLS;
  if (arena->dirty_chunks == NULL) return;
  uint64_t now = arena->os->now_ms();
  if (now < arena->next_tick_ms) return;
  arena->next_tick_ms = now + arena->options->decay_ms / 2;
  decay_step(arena, arena->options->decay_ms == 0, ARENA_FOREGROUND_CHUNKS);
}

static bool over_soft_limit(const hak_arena* arena) {
  uint64_t limit = arena->options->memory_limit;
  return limit != 0 && arena->stats.used_bytes + arena->stats.dirty_bytes > limit;
}

/* ---- the interface ---- */

uintptr_t hak_arena_alloc(hak_arena* arena, hak_run_use use, size_t units, size_t align, bool* zeroed) {
  uintptr_t start = 0;
  hak_lock_acquire(&arena->lock);
  arena->commit_failed = false;
  look_at_clock(arena);
  if (!over_limit(arena, units << HAK_UNIT_SHIFT)) {
    start = alloc_once(arena, use, units, align, zeroed);
    if (start == 0 && !arena->commit_failed && region_add(arena, units))
      start = alloc_once(arena, use, units, align, zeroed);
  }
  if (start != 0) {
    arena->stats.used_bytes += units << HAK_UNIT_SHIFT;
    arena->stats.runs++;
    if (over_soft_limit(arena)) decay_step(arena, true, SIZE_MAX);
  }
  hak_lock_release(&arena->lock);
  return start;
}

static void chunk_give(hak_arena* arena, hak_chunk* chunk, uint64_t run) {
  HAK_ASSERT((chunk->free & run) == 0, chunk->base);
  hak_poke(&chunk->dirty, chunk->dirty | run);
  count_dirty(arena, (uint64_t)hak_count_bits(run) << HAK_UNIT_SHIFT);
  if (!chunk->in_dirty_list) {
    chunk->in_dirty_list = true;
    chunk->dirty_next = arena->dirty_chunks;
    arena->dirty_chunks = chunk;
  }
  chunk_set_free(arena, chunk, chunk->free | run);
}

void hak_arena_free(hak_arena* arena, uintptr_t start, size_t units) {
  hak_lock_acquire(&arena->lock);
  arena->stats.used_bytes -= units << HAK_UNIT_SHIFT;
  while (units > 0) {
    unsigned first = chunk_unit(start);
    size_t here = units < HAK_CHUNK_UNITS - first ? units : HAK_CHUNK_UNITS - first;
    chunk_give(arena, hak_map_slot(arena->map, start), run_mask(first, here));
    start += here << HAK_UNIT_SHIFT;
    units -= here;
  }
  if (over_soft_limit(arena) || arena->options->decay_ms == 0) {
    decay_step(arena, true, SIZE_MAX);
  } else {
    look_at_clock(arena);
  }
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

static bool units_are_free(const hak_arena* arena, uintptr_t start, size_t units) {
  while (units > 0) {
    const hak_chunk* chunk = hak_map_slot(arena->map, start);
    unsigned first = chunk_unit(start);
    size_t here = units < HAK_CHUNK_UNITS - first ? units : HAK_CHUNK_UNITS - first;
    uint64_t run = run_mask(first, here);
    if (chunk->base != hak_align_down(start, HAK_CHUNK_BYTES) || (chunk->free & run) != run) return false;
    start += here << HAK_UNIT_SHIFT;
    units -= here;
  }
  return true;
}

bool hak_arena_extend(hak_arena* arena, uintptr_t start, size_t units, size_t more) {
  uintptr_t behind = start + (units << HAK_UNIT_SHIFT);
  hak_lock_acquire(&arena->lock);
  bool ok = !over_limit(arena, more << HAK_UNIT_SHIFT) && units_are_free(arena, behind, more);
  for (size_t left = more; ok && left > 0;) {
    hak_chunk* chunk = hak_map_slot(arena->map, behind);
    unsigned first = chunk_unit(behind);
    size_t here = left < HAK_CHUNK_UNITS - first ? left : HAK_CHUNK_UNITS - first;
    if (!chunk_prepare(arena, chunk)) {
      /* What was taken before this chunk goes back. */
      size_t taken = more - left;
      arena->stats.used_bytes += taken << HAK_UNIT_SHIFT;
      hak_lock_release(&arena->lock);
      if (taken > 0) hak_arena_free(arena, behind - (taken << HAK_UNIT_SHIFT), taken);
      return false;
    }
    chunk_take(arena, chunk, run_mask(first, here));
    behind += here << HAK_UNIT_SHIFT;
    left -= here;
  }
  if (ok) arena->stats.used_bytes += more << HAK_UNIT_SHIFT;
  hak_lock_release(&arena->lock);
  return ok;
}

/* more: modulo 2^64, so that what goes is counted as well. */
static void count_mapped(hak_arena* arena, uint64_t more) {
  arena->stats.mapped_bytes += more;
  arena->stats.used_bytes += more;
}

static uintptr_t map_own(hak_arena* arena, size_t bytes, size_t align) {
  uintptr_t start = reserve_claimed(arena, bytes, align, 1);
  if (start == 0) return 0;
  if (arena->os->commit(start, bytes)) return start;
  hak_map_drop(arena->map, start, 1);
  arena->os->release(start, bytes);
  return 0;
}

uintptr_t hak_arena_map(hak_arena* arena, size_t bytes, size_t align) {
  hak_lock_acquire(&arena->lock);
  uintptr_t start = over_limit(arena, bytes) ? 0 : map_own(arena, bytes, align);
  if (start != 0) {
    count_mapped(arena, bytes);
    if (arena->options->huge_pages != 0) arena->os->huge_pages(start, bytes, true);
  }
  hak_lock_release(&arena->lock);
  return start;
}

void hak_arena_unmap(hak_arena* arena, uintptr_t start, size_t bytes) {
  hak_lock_acquire(&arena->lock);
  hak_map_drop(arena->map, start, 1);
  count_mapped(arena, -bytes);
  hak_lock_release(&arena->lock);
  arena->os->release(start, bytes);
}

/* With the lock held. */
static uintptr_t remap_own(hak_arena* arena, uintptr_t start, size_t old_bytes, size_t new_bytes) {
  if (arena->os->resize(start, old_bytes, new_bytes, 0)) return start;
  uintptr_t target = reserve_claimed(arena, new_bytes, HAK_CHUNK_BYTES, 1);
  if (target == 0) return 0;
  if (arena->os->resize(start, old_bytes, new_bytes, target)) {
    hak_map_drop(arena->map, start, 1);
    return target;
  }
  hak_map_drop(arena->map, target, 1);
  arena->os->release(target, new_bytes);
  return 0;
}

uintptr_t hak_arena_remap(hak_arena* arena, uintptr_t start, size_t old_bytes, size_t new_bytes) {
  uintptr_t now = 0;
  hak_lock_acquire(&arena->lock);
  if (new_bytes <= old_bytes || !over_limit(arena, new_bytes - old_bytes)) {
    now = remap_own(arena, start, old_bytes, new_bytes);
  }
  if (now != 0) count_mapped(arena, new_bytes - old_bytes);
  hak_lock_release(&arena->lock);
  return now;
}

size_t hak_arena_tick(hak_arena* arena) {
  hak_lock_acquire(&arena->lock);
  size_t bytes = decay_step(arena, false, SIZE_MAX);
  hak_lock_release(&arena->lock);
  return bytes;
}

size_t hak_arena_purge(hak_arena* arena) {
  hak_lock_acquire(&arena->lock);
  size_t bytes = decay_step(arena, true, SIZE_MAX);
  hak_lock_release(&arena->lock);
  return bytes;
}

hak_arena_stats hak_arena_read_stats(hak_arena* arena) {
  hak_lock_acquire(&arena->lock);
  hak_arena_stats stats = arena->stats;
  hak_lock_release(&arena->lock);
  return stats;
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

/* ---- validator ---- */

static void chunk_check(const hak_arena* arena, const hak_chunk* chunk, uintptr_t base) {
  if (chunk->base != base) hak_fatal("chunk: base", base);
  if ((chunk->dirty & ~chunk->free) != 0) hak_fatal("chunk: a used unit is dirty", base);
  if ((chunk->aged & ~chunk->free) != 0) hak_fatal("chunk: a used unit is aged", base);
  if (chunk->longest != run_longest(chunk->free)) hak_fatal("chunk: longest free run", base);
  if (!chunk->committed && (~chunk->free != 0 || chunk->dirty != 0)) hak_fatal("chunk: used before its commit", base);
  if (chunk->dirty != 0 && !chunk->in_dirty_list) hak_fatal("chunk: dirty, and in no list", base);
  if (chunk->longest != 0 && (arena->runs_there[chunk->use] >> (chunk->longest - 1) & 1) == 0) {
    hak_fatal("chunk: its list is said to be empty", base);
  }
}

static size_t lists_check(const hak_arena* arena) {
  size_t listed = 0;
  for (unsigned use = 0; use < HAK_RUN_USES; use++) {
    for (unsigned n = 1; n <= HAK_CHUNK_UNITS; n++) {
      const hak_chunk_list* list = &arena->by_run[use][n];
      if ((list->first != NULL) != ((arena->runs_there[use] >> (n - 1) & 1) != 0)) hak_fatal("arena: runs_there", n);
      const hak_chunk* before = NULL;
      for (const hak_chunk* c = list->first; c != NULL; before = c, c = c->next, listed++) {
        if (c->longest != n || c->use != use || c->prev != before) hak_fatal("arena: chunk in a wrong list", c->base);
      }
      if (list->last != before) hak_fatal("arena: end of a list", n);
    }
  }
  return listed;
}

void hak_arena_check(hak_arena* arena) {
  hak_lock_acquire(&arena->lock);
  uint64_t used = arena->stats.mapped_bytes;
  uint64_t dirty = 0;
  size_t with_free = 0;
  for (const hak_region* r = arena->regions; r != NULL; r = r->next) {
    const hak_chunk* chunk = hak_map_slot(arena->map, r->base);
    for (size_t i = 0; i < r->chunks; i++) {
      /* While somebody purges, units are in nobody's hands. */
      if (arena->purging == 0) chunk_check(arena, &chunk[i], r->base + (i << HAK_CHUNK_SHIFT));
      used += (uint64_t)hak_count_bits(~chunk[i].free) << HAK_UNIT_SHIFT;
      dirty += (uint64_t)hak_count_bits(chunk[i].dirty) << HAK_UNIT_SHIFT;
      with_free += chunk[i].longest != 0;
    }
  }
  if (lists_check(arena) != with_free) hak_fatal("arena: a chunk is in no list", with_free);
  if (arena->purging == 0 && used != arena->stats.used_bytes) hak_fatal("arena: used bytes", used);
  if (dirty != arena->stats.dirty_bytes) hak_fatal("arena: dirty bytes", dirty);
  hak_lock_release(&arena->lock);
}
