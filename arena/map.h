/* map.h - whose address is this? The map from addresses to owners.
 *
 * Purpose:      answers for any pointer, in a few instructions and without a system call, which slab or large block it
 *               lies in; never touches the memory that the pointer points to.
 * Owns:         one cell (64 bytes) for each unit of 64 KiB and one chunk record for each 4 MiB, in tables apart from
 *               the program's memory.
 * Thread rule:  look-ups from any thread at any time. Claiming and dropping chunks is the arena's, under its lock.
 * Failure rule: a table that the kernel refuses makes init or claim return false.
 *
 * The tables are direct-mapped: the slot of a chunk is its number modulo the number of slots, and the arena only uses
 * addresses whose slots are free, so that a slot has one owner at most. A pointer that is not ours may meet a cell of
 * another address; each user of a cell therefore compares the address as well.
 *
 *     address   | ..... chunk number ..... | unit (6 bits) | offset (16 bits) |
 *     cell      cells + ((address >> 10) & cell_mask)      = 64 * (number of the unit modulo all cells)
 *     chunk     chunks[(address >> 22) & slot_mask]
 *
 * Pages of the tables that no chunk has claimed are read-only and read as zero; a zero cell belongs to nobody. Slot 0
 * is never claimed, so that the null pointer needs no test of its own.
 */
#ifndef HAK_ARENA_MAP_H
#define HAK_ARENA_MAP_H

#include "base/atomic.h"
#include "base/bits.h"
#include "base/os.h"

HAK_C_BEGIN

struct hak_owner; /* a thread, as superslab/ knows it */

typedef enum hak_cell_kind {
  HAK_CELL_NONE,    /* free, or inside a large block */
  HAK_CELL_SLAB,    /* a unit of a slab */
  HAK_CELL_LARGE,   /* first unit of a large block in the arena */
  HAK_CELL_MAPPED,  /* first unit of a large block in a mapping of its own */
  HAK_CELL_GUARDED, /* unit in which a guarded block begins */
  HAK_CELL_FREED,   /* was the first unit of a large block until it was freed */
} hak_cell_kind;

/* What is known of one unit. A slab's units all have a cell; its first one, the head, stands for the slab. The fields
 * in brackets change during the life of a slab; the others are set when the unit is taken.
 *
 *     0   key        [slab] address pattern and owner: see superslab/slab.h
 *     8   mask        slab: the address bits that key covers
 *     16  bits        slab: bit array of its blocks, biased so that (address >> shift) indexes it; large: usable bytes
 *     24  head        first cell of the slab or large block
 *     32  least, span slab: the requests that its class serves, from `least` bytes to so many more (wide: none)
 *     32  place       guarded: which one it is
 *     36  shift, class_index, state, kind
 *     40  body        slab: its record; large: first byte of the block
 *     48  remote_next [slab, in the head] link in the owner's list of slabs with remote frees
 *     56  owner      [slab, in the head] the thread
 */
typedef struct hak_cell {
  HAK_SHARED(uint64_t) key;
  uint64_t mask;
  uintptr_t bits;
  struct hak_cell* head;
  union {
    struct {
      uint16_t least, span;
    };
    uint32_t place;
  };
  uint8_t shift;
  uint8_t class_index;
  uint8_t state;
  uint8_t kind; /* hak_cell_kind; read by any thread */
  void* body;
  HAK_SHARED(struct hak_cell*) remote_next;
  HAK_SHARED(struct hak_owner*) owner;
} hak_cell;

_Static_assert(sizeof(hak_cell) == 64 && offsetof(hak_cell, owner) == 56, "the cell is the layout drawn above");
enum { HAK_CELL_SHIFT = 6 };

/* 64 units of address space. Only the arena writes it, under its lock. */
typedef struct hak_chunk {
  uintptr_t base;         /* 0: nobody's */
  uint64_t free;          /* units that are not in use */
  uint64_t dirty;         /* of these: units that may hold memory of the kernel's */
  uint64_t aged;          /* of these: units that were dirty at the last tick too */
  struct hak_chunk* next; /* chunks whose longest free run is as long */
  struct hak_chunk* prev;
  struct hak_chunk* dirty_next;
  uint8_t longest; /* units in the longest free run */
  bool committed;
  bool huge; /* huge pages were asked for */
  bool in_dirty_list;
  uint8_t use; /* hak_run_use, of a chunk that is not wholly free */
} hak_chunk;

_Static_assert(sizeof(hak_chunk) == 64, "chunk records are found by shifting");

typedef struct hak_map {
  char* cells;
  uintptr_t cell_mask;
  hak_chunk* chunks;
  uintptr_t slot_mask;
  const hak_os* os;
} hak_map;

/* A map that owns nothing: what a process has before its first malloc. */
#define HAK_MAP_EMPTY \
  { (char*)&hak_map_no_cell, 0, &hak_map_no_chunk, 0, NULL }
extern hak_cell hak_map_no_cell;
extern hak_chunk hak_map_no_chunk;

/* Reserves tables for all the addresses that the machine could fill several times over, less where the process's
 * address space is limited. */
bool hak_map_init(hak_map* map, const hak_os* os);

/* Makes `count` chunks from base (chunk-aligned) ours. False if a slot is taken or the tables cannot grow. */
bool hak_map_claim(hak_map* map, uintptr_t base, size_t count);
/* Gives them up; their cells read as nobody's. */
void hak_map_drop(hak_map* map, uintptr_t base, size_t count);
/* Bytes of address space that have a slot each; the slots of the next as many are the same ones. */
static inline uintptr_t hak_map_window(const hak_map* map) { return (map->slot_mask + 1) << HAK_CHUNK_SHIFT; }
/* The address of `count` chunks in a row, aligned to align (of a chunk at least), that have free slots, in the window
 * of an address that the kernel chose; 0 if there is none. */
uintptr_t hak_map_suggest(const hak_map* map, uintptr_t near, size_t count, size_t align);

HAK_FAST hak_cell* hak_map_cell(const hak_map* map, uintptr_t address) {
  return (hak_cell*)(map->cells + ((address >> (HAK_UNIT_SHIFT - HAK_CELL_SHIFT)) & map->cell_mask));
}

HAK_FAST hak_chunk* hak_map_slot(const hak_map* map, uintptr_t address) {
  return &map->chunks[(address >> HAK_CHUNK_SHIFT) & map->slot_mask];
}

/* The cell of the address if its chunk is ours, else NULL. */
static inline hak_cell* hak_map_find(const hak_map* map, uintptr_t address) {
  uintptr_t base = hak_peek(&hak_map_slot(map, address)->base);
  if (base == 0 || base != hak_align_down(address, HAK_CHUNK_BYTES)) return NULL;
  return hak_map_cell(map, address);
}

HAK_C_END

#endif
