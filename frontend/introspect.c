#define _GNU_SOURCE
#include "frontend/introspect.h"

#include <unistd.h>

#include "frontend/process.h"

/* ---- chunks and slabs ---- */

static void chunk_describe(const hak_chunk* chunk, uintptr_t base, hak_chunk_info* info) {
  uint64_t free = hak_peek(&chunk->free);
  uint64_t dirty = hak_peek(&chunk->dirty) & free;
  info->address = base;
  info->bytes = HAK_CHUNK_BYTES;
  info->units = HAK_CHUNK_UNITS;
  info->dirty = hak_count_bits(dirty);
  info->clean = hak_count_bits(free & ~dirty);
  info->used = HAK_CHUNK_UNITS - hak_count_bits(free);
  info->huge_pages = hak_peek(&chunk->huge);
}

void hak_visit_chunks(hak_chunk_visitor* visit, void* arg) {
  hak_process* process = &hak_the_process;
  if (hak_load_acquire(&process->started) == 0) return;
  hak_region region = {.base = 0};
  while (hak_arena_next_region(&process->arena, region.base, &region)) {
    const hak_chunk* chunk = hak_map_slot(&process->map, region.base);
    for (size_t i = 0; i < region.chunks; i++) {
      uintptr_t base = region.base + (i << HAK_CHUNK_SHIFT);
      hak_chunk_info info;
      if (!hak_peek(&chunk[i].committed) || hak_peek(&chunk[i].base) != base) continue;
      chunk_describe(&chunk[i], base, &info);
      if (!visit(&info, arg)) return;
    }
  }
}

static const char* state_name(hak_slab_state state) {
  switch (state) {
    case HAK_SLAB_CURRENT:
      return "current";
    case HAK_SLAB_FULL:
      return "full";
    case HAK_SLAB_PARTIAL:
      return "partial";
    case HAK_SLAB_SPARE:
      return "spare";
    case HAK_SLAB_ABANDONED:
      return "abandoned";
  }
  return "unknown";
}

/* What can change under the reader's eyes, copied once. The slab may be released meanwhile and its body be another
 * slab's: bodies are never unmapped, and no more of one is read than the class has words. */
typedef struct slab_copy {
  unsigned class_index;
  hak_slab_state state;
  uint32_t live, remote;
  uint64_t owner;
} slab_copy;

static HAK_RACY bool slab_read(const hak_slab* slab, slab_copy* copy) {
  const hak_slab_body* body = __atomic_load_n(&slab->body, __ATOMIC_ACQUIRE); /* first: of a large block it is memory */
  if (__atomic_load_n(&slab->kind, __ATOMIC_ACQUIRE) != HAK_CELL_SLAB || hak_peek(&slab->head) != slab) return false;
  const hak_owner* owner = hak_peek(&slab->owner);
  *copy = (slab_copy){.class_index = hak_peek(&slab->class_index),
                      .state = (hak_slab_state)hak_peek(&slab->state),
                      .owner = owner == NULL ? 0 : hak_peek(&owner->number)};
  const hak_size_class* row = &hak_size_classes[copy->class_index];
  uint32_t most = (((uint32_t)row->units << (HAK_UNIT_SHIFT - row->shift)) + 126) / 64; /* with 63 before the first */
  uint32_t words = body->words;
  if (words > most) return false;
  const uint64_t* remote = hak_body_remote(body);
  for (uint32_t w = 0; w < words; w++) {
    uint64_t at_hand = owner == NULL ? 0 : hak_bin_at_hand(&owner->bins[copy->class_index], &body->bits[w]);
    copy->live += hak_count_bits(~(hak_peek(&body->bits[w]) | at_hand));
    copy->remote += hak_count_bits(hak_peek(&remote[w]));
  }
  /* A block in flight between the two arrays, or bits of another slab. */
  if (copy->live > row->capacity) copy->live = row->capacity;
  if (copy->remote > copy->live) copy->remote = copy->live;
  return true;
}

static void slab_describe(const slab_copy* copy, uintptr_t unit, hak_slab_info* info) {
  const hak_size_class* row = &hak_size_classes[copy->class_index];
  info->address = unit;
  info->superslab = hak_align_down(unit, HAK_CHUNK_BYTES);
  info->bytes = (size_t)row->units << HAK_UNIT_SHIFT;
  info->stride = row->stride;
  info->block_bytes = row->usable;
  info->size_class = copy->class_index;
  info->index = (unsigned)(unit >> HAK_UNIT_SHIFT) & (HAK_CHUNK_UNITS - 1);
  info->capacity = row->capacity;
  info->remote = copy->remote;
  info->used = copy->live - copy->remote;
  info->free = row->capacity - copy->live;
  info->pool = copy->class_index >= HAK_TINY_CLASSES;
  info->state = state_name(copy->state);
  info->owner = copy->owner;
}

typedef struct slab_walk {
  hak_slab_visitor* visit;
  void* arg;
} slab_walk;

static bool visit_slabs_of_chunk(const hak_chunk_info* chunk, void* arg) {
  const slab_walk* walk = arg;
  for (uintptr_t unit = chunk->address; unit < chunk->address + chunk->bytes; unit += HAK_UNIT_BYTES) {
    const hak_slab* slab = hak_map_cell(&hak_the_process.map, unit);
    slab_copy copy;
    hak_slab_info info;
    if (!slab_read(slab, &copy)) continue;
    slab_describe(&copy, unit, &info);
    if (!walk->visit(&info, walk->arg)) return false;
  }
  return true;
}

void hak_visit_slabs(hak_slab_visitor* visit, void* arg) {
  slab_walk walk = {visit, arg};
  hak_visit_chunks(visit_slabs_of_chunk, &walk);
}

/* ---- blocks ---- */

typedef struct block_walk {
  hak_block_visitor* visit;
  void* arg;
} block_walk;

/* The block's bit says that it is live, but its bin has not given it out. */
static HAK_RACY bool is_at_hand(const hak_slab* cell, uintptr_t address) {
  const hak_owner* owner = hak_peek(&cell->head->owner);
  uintptr_t grain = address >> cell->shift;
  const uint64_t* word = (const uint64_t*)cell->bits + (grain >> 6);
  return owner != NULL && (hak_bin_at_hand(&owner->bins[cell->class_index], word) >> (grain & 63) & 1) != 0;
}

static bool visit_blocks_of_slab(const hak_slab_info* info, void* arg) {
  const block_walk* walk = arg;
  const hak_size_class* row = &hak_size_classes[info->size_class];
  for (unsigned i = 0; i < info->capacity; i++) {
    hak_block_info block = {info->address + row->first + (size_t)i * row->stride, row->usable};
    const hak_slab* cell = hak_map_cell(&hak_the_process.map, block.address);
    if (!hak_slab_is_live_anywhere(cell, block.address) || is_at_hand(cell, block.address)) continue;
    if (!walk->visit(&block, walk->arg)) return false;
  }
  return true;
}

/* By the map's slots, since a block with a mapping of its own is in no region of the arena. */
static bool visit_large_blocks(const block_walk* walk) {
  const hak_map* map = &hak_the_process.map;
  for (uintptr_t slot = 1; slot <= map->slot_mask; slot++) {
    uintptr_t base = hak_peek(&map->chunks[slot].base);
    if (base == 0) continue;
    for (uintptr_t unit = base; unit < base + HAK_CHUNK_BYTES; unit += HAK_UNIT_BYTES) {
      const hak_cell* cell = hak_map_cell(map, unit);
      if (!hak_large_is(cell)) continue;
      hak_block_info block = {hak_large_start(cell), hak_large_usable(cell)};
      if (!walk->visit(&block, walk->arg)) return false;
    }
  }
  return true;
}

void hak_visit_blocks(hak_block_visitor* visit, void* arg) {
  block_walk walk = {visit, arg};
  if (hak_load_acquire(&hak_the_process.started) == 0) return;
  if (visit_large_blocks(&walk)) hak_visit_slabs(visit_blocks_of_slab, &walk);
}

/* ---- counters ---- */

typedef struct totals {
  hak_arena_stats arena;
  hak_owner_counters owners;
  uint64_t threads, threads_now, record_bytes, live_bytes, large_bytes, slab_purged_bytes, slab_populated_bytes;
} totals;

static bool add_slab(const hak_slab_info* slab, void* arg) {
  totals* t = arg;
  t->live_bytes += (uint64_t)slab->used * slab->block_bytes;
  return true;
}

static bool add_large_of_chunk(const hak_chunk_info* chunk, void* arg) {
  totals* t = arg;
  for (uintptr_t unit = chunk->address; unit < chunk->address + chunk->bytes; unit += HAK_UNIT_BYTES) {
    const hak_cell* cell = hak_map_cell(&hak_the_process.map, unit);
    uint8_t kind = hak_peek(&cell->kind);
    if (kind == HAK_CELL_LARGE || kind == HAK_CELL_GUARDED) t->large_bytes += hak_large_usable(cell);
  }
  return true;
}

static void totals_read(totals* t) {
  hak_process* process = &hak_the_process;
  *t = (totals){.threads = hak_peek(&process->thread_count), .record_bytes = hak_peek(&process->meta.mapped_bytes)};
  if (hak_load_acquire(&process->started) == 0) return;
  t->arena = hak_arena_read_stats(&process->arena);
  t->large_bytes = t->arena.mapped_bytes;
  t->slab_purged_bytes = hak_load_relaxed(&process->slabs.purged_bytes);
  t->slab_populated_bytes = hak_load_relaxed(&process->slabs.populated_bytes);
  for (const hak_thread* thread = hak_load_acquire(&process->threads); thread != NULL; thread = thread->next) {
    t->threads_now += hak_peek(&thread->active);
#define ADD(name, help) t->owners.name += hak_peek(&thread->owner.counters.name);
    HAK_FOR_EACH_OWNER_COUNTER(ADD)
#undef ADD
  }
  hak_visit_slabs(add_slab, t);
  hak_visit_chunks(add_large_of_chunk, t);
  t->live_bytes += t->large_bytes;
}

typedef struct counter_row {
  const char *name, *unit, *help;
  size_t offset; /* in totals */
} counter_row;

static const counter_row rows[] = {
    {"live_bytes", "bytes", "in blocks in the program's hands", offsetof(totals, live_bytes)},
    {"large_bytes", "bytes", "of these: in large blocks", offsetof(totals, large_bytes)},
    {"used_bytes", "bytes", "in slabs and large blocks", offsetof(totals, arena.used_bytes)},
    {"dirty_bytes", "bytes", "free, not yet given back", offsetof(totals, arena.dirty_bytes)},
    {"committed_bytes", "bytes", "address space that may hold memory", offsetof(totals, arena.committed_bytes)},
    {"reserved_bytes", "bytes", "address space set aside", offsetof(totals, arena.reserved_bytes)},
    {"purged_bytes", "bytes", "given back to the kernel so far", offsetof(totals, arena.purged_bytes)},
    {"slab_purged_bytes", "bytes", "pages inside slabs in use that were given back so far",
     offsetof(totals, slab_purged_bytes)},
    {"slab_populated_bytes", "bytes", "pages inside slabs that were taken before they were touched",
     offsetof(totals, slab_populated_bytes)},
    {"record_bytes", "bytes", "for the allocator's own records", offsetof(totals, record_bytes)},
    {"purges", "events", "calls that gave memory back", offsetof(totals, arena.purges)},
    {"runs", "events", "runs of units dealt by the arena", offsetof(totals, arena.runs)},
    {"huge_chunks", "events", "chunks given huge pages", offsetof(totals, arena.huge_chunks)},
    {"huge_refused", "events", "chunks left with small pages, for huge ones were dear",
     offsetof(totals, arena.huge_refused)},
    {"threads", "items", "threads that have allocated so far", offsetof(totals, threads)},
    {"threads_now", "items", "of these: still there", offsetof(totals, threads_now)},
#define OWNER_ROW(name, help) {#name, "events", help, offsetof(totals, owners.name)},
    HAK_FOR_EACH_OWNER_COUNTER(OWNER_ROW)
#undef OWNER_ROW
};

_Static_assert(sizeof rows / sizeof rows[0] <= HAK_MOST_COUNTERS, "there is room for all counters");

size_t hak_counters(hak_counter* out, size_t max) {
  size_t count = sizeof rows / sizeof rows[0];
  totals t;
  totals_read(&t);
  for (size_t i = 0; i < count && i < max; i++) {
    uint64_t value = *(const uint64_t*)((const char*)&t + rows[i].offset);
    out[i] = (hak_counter){rows[i].name, rows[i].unit, rows[i].help, value};
  }
  return count;
}

/* ---- options ---- */

void hak_read_options(hak_options* out) {
  *out = hak_the_process.options;
  if (hak_load_acquire(&hak_the_process.started) == 0) hak_options_read(out, environ);
}
