#include "arena/map.h"

#include <string.h>

/* Address space that the tables cover: several times what the process could fill, so that free slots abound. */
enum { MAP_LEAST_SLOTS = 1024, MAP_TIMES_MEMORY = 4, MAP_TIMES_LIMIT = 2, MAP_CHUNK_CELLS = HAK_CHUNK_UNITS };
#define MAP_MOST_SLOTS ((size_t)1 << 24)

_Static_assert((HAK_CHUNK_SHIFT - HAK_UNIT_SHIFT) == 6 && MAP_CHUNK_CELLS == 64, "map.h draws six unit bits");

hak_cell hak_map_no_cell;
hak_chunk hak_map_no_chunk;

static size_t map_slots(const hak_os* os) {
  size_t limit = os->address_limit();
  size_t cover = limit == SIZE_MAX ? os->memory_bytes() * MAP_TIMES_MEMORY : limit * MAP_TIMES_LIMIT;
  size_t slots = MAP_LEAST_SLOTS;
  while (slots < MAP_MOST_SLOTS && slots < (cover >> HAK_CHUNK_SHIFT)) slots *= 2;
  return slots;
}

bool hak_map_init(hak_map* map, const hak_os* os) {
  size_t slots = map_slots(os);
  size_t cell_bytes = slots * MAP_CHUNK_CELLS * sizeof(hak_cell);
  uintptr_t p = os->reserve_readable(cell_bytes + slots * sizeof(hak_chunk));
  if (p == 0) return false;
  os->name(p, cell_bytes + slots * sizeof(hak_chunk), "hakmem: address map");
  map->os = os;
  map->cells = (char*)p;
  map->chunks = (hak_chunk*)(p + cell_bytes);
  map->slot_mask = slots - 1;
  map->cell_mask = cell_bytes - sizeof(hak_cell);
  return true;
}

static bool map_commit(const hak_map* map, void* start, size_t bytes) {
  uintptr_t from = hak_align_down((uintptr_t)start, map->os->page_bytes);
  uintptr_t to = hak_align_up((uintptr_t)start + bytes, map->os->page_bytes);
  return map->os->commit(from, to - from);
}

static bool map_free_slots(const hak_map* map, uintptr_t base, size_t count) {
  size_t slot = (base >> HAK_CHUNK_SHIFT) & map->slot_mask;
  if (slot == 0) return false; /* the null pointer's: free(NULL) meets a cell that is nobody's */
  if (slot + count > map->slot_mask + 1) return false; /* a region's records are neighbours: no wrap-around */
  for (size_t i = 0; i < count; i++) {
    if (map->chunks[slot + i].base != 0) return false;
  }
  return true;
}

bool hak_map_claim(hak_map* map, uintptr_t base, size_t count) {
  if (!map_free_slots(map, base, count)) return false;
  hak_chunk* chunk = hak_map_slot(map, base);
  hak_cell* cell = hak_map_cell(map, base);
  if (!map_commit(map, chunk, count * sizeof *chunk)) return false;
  if (!map_commit(map, cell, count * MAP_CHUNK_CELLS * sizeof *cell)) return false;
  for (size_t i = 0; i < count; i++) {
    memset(&chunk[i], 0, sizeof chunk[i]);
    hak_poke(&chunk[i].base, base + i * HAK_CHUNK_BYTES);
  }
  return true;
}

void hak_map_drop(hak_map* map, uintptr_t base, size_t count) {
  hak_chunk* chunk = hak_map_slot(map, base);
  for (size_t i = 0; i < count; i++) hak_poke(&chunk[i].base, (uintptr_t)0);
}

uintptr_t hak_map_suggest(const hak_map* map, uintptr_t near, size_t count, size_t align) {
  uintptr_t window = hak_align_down(near, hak_map_window(map));
  size_t step = align >> HAK_CHUNK_SHIFT;
  size_t run = 0;
  for (size_t slot = 1; slot <= map->slot_mask; slot++) {
    if (map->chunks[slot].base != 0 || (run == 0 && slot % step != 0)) {
      run = 0;
    } else if (++run == count) {
      return window + ((slot + 1 - count) << HAK_CHUNK_SHIFT);
    }
  }
  return 0;
}
