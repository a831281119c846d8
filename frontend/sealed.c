#include "frontend/sealed.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "frontend/helper.h"
#include "frontend/origin.h"
#include "frontend/route.h"

enum { SEALED_PAGES = 4096 }; /* asked about at once */
/* Debug builds: what malloc's caller finds in its block, as far as that goes: pages nobody touches take no memory. */
enum { SEALED_FILL = 0xa5, SEALED_FILL_BYTES = 64 * 1024 };
enum { SEALED_LOOKS = 1000 }; /* for the end of another thread's free */

/* The size is spread over the whole seal, so that with any bit of it changed it reads as one far too large. */
#define SEALED_SPREAD UINT64_C(0x9e3779b97f4a7c15)
#define SEALED_GATHER UINT64_C(0xf1de83e19937733d)
_Static_assert(SEALED_SPREAD* SEALED_GATHER == 1, "one undoes the other");

/* ---- the seal ---- */

typedef struct seal {
  uint8_t* block;
  size_t usable;
  uint64_t code; /* of this address in this process */
} seal;

static seal seal_with(uintptr_t address, size_t usable) {
  /* Every bit of the secret and the address has its part in every bit of the code. */
  uint64_t code = address ^ hak_the_process.secret;
  code = (code ^ (code >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
  code = (code ^ (code >> 29)) * UINT64_C(0xd1b54a32d192ed03);
  code ^= code >> 32;
  return (seal){.block = (uint8_t*)address, .usable = usable, .code = code};
}

static seal seal_of(const hak_cell* cell, uintptr_t address) { return seal_with(address, hak_route_cell_usable(cell)); }

static uint8_t* seal_place(const seal* s) { return s->block + s->usable - sizeof(uint64_t); }
static uint8_t* seal_origin_place(const seal* s) { return seal_place(s) - HAK_SEAL_ORIGIN_BYTES; }
static uint8_t seal_guard(const seal* s) { return (uint8_t)(0x80 | (s->code >> 58)); }

static void seal_set(const seal* s, size_t bytes) {
  uint32_t origin = HAK_DEBUG ? hak_origin_take() : 0;
  uint64_t coded = bytes * SEALED_SPREAD ^ origin * SEALED_SPREAD ^ s->code;
  memset(s->block + bytes, seal_guard(s), (size_t)(seal_origin_place(s) - s->block) - bytes);
  memcpy(seal_origin_place(s), &origin, HAK_SEAL_ORIGIN_BYTES);
  memcpy(seal_place(s), &coded, sizeof coded);
}

/* The bytes that the seal says, which are more than the block has if a byte of it was written over. */
static uint64_t seal_read(const seal* s, uint64_t* coded, uint32_t* origin) {
  *origin = 0;
  memcpy(origin, seal_origin_place(s), HAK_SEAL_ORIGIN_BYTES);
  memcpy(coded, seal_place(s), sizeof *coded);
  return (*coded ^ *origin * SEALED_SPREAD ^ s->code) * SEALED_GATHER;
}

/* The first byte from start to end that is not `value`, or end. */
static const uint8_t* first_other(const uint8_t* start, const uint8_t* end, uint8_t value) {
  if (start == end) return end;
  /* Nearly always: the first is, and each is as the one behind it. libc compares whole vectors. */
  if (*start == value && memcmp(start, start + 1, (size_t)(end - start) - 1) == 0) return end;
  while (*start == value) start++;
  return start;
}

/* The bytes asked for; does not return if the seal or a guard byte was written over. */
static size_t seal_open(const char* function, const seal* s, const hak_cell* cell) {
  uintptr_t address = (uintptr_t)s->block;
  const uint8_t* guard_end = seal_origin_place(s);
  uint64_t coded;
  uint32_t origin;
  uint64_t bytes = seal_read(s, &coded, &origin);
  if (HAK_LIKELY(bytes <= s->usable - HAK_SEAL_BYTES &&
                 first_other(s->block + bytes, guard_end, seal_guard(s)) == guard_end)) {
    return bytes;
  }
  /* Empty: perhaps another thread is freeing the block at this moment, and will have said so in a moment. */
  for (int looks = 0; coded == 0 && looks < SEALED_LOOKS; looks++) {
    if (!hak_route_owns(address)) hak_misuse_pointer(function, &hak_the_process.map, address);
    sched_yield();
  }
  hak_misuse_overflow(cell, address);
}

/* ---- allocation ---- */

static void expect_clean(const hak_cell* cell, const seal* s, const uint8_t* start, const uint8_t* end) {
  const uint8_t* written = first_other(start, end, 0);
  if (HAK_UNLIKELY(written != end)) hak_misuse_written(cell, (uintptr_t)s->block, (uintptr_t)written);
}

/* A run that was purged when it was free: only pages touched since can be dirty, and no other one is looked at, which
 * would be a fault each. */
static void expect_purged(const hak_cell* cell, const seal* s) {
  const hak_os* os = hak_the_process.arena.os;
  const uint8_t* end = s->block + s->usable;
  for (uint8_t* part = s->block; part < end;) {
    uint8_t touched[SEALED_PAGES];
    size_t bytes = SEALED_PAGES * os->page_bytes;
    if (bytes > (size_t)(end - part)) bytes = (size_t)(end - part);
    bool known = os->touched((uintptr_t)part, bytes, touched);
    for (size_t at = 0; at < bytes; at += os->page_bytes) {
      if (known && touched[at / os->page_bytes] == 0) continue;
      expect_clean(cell, s, part + at, part + at + os->page_bytes);
    }
    part += bytes;
  }
  /* What was written and moved to a disk meanwhile was not seen; it must not be the next owner's either. */
  if (!os->purge((uintptr_t)s->block, s->usable)) memset(s->block, 0, s->usable);
}

static void* alloc_large(size_t align, size_t total) {
  bool zeroed;
  void* block = hak_route_large(align, total, &zeroed);
  if (block == NULL || zeroed) return block;
  const hak_cell* cell = hak_map_cell(&hak_the_process.map, (uintptr_t)block);
  seal s = seal_of(cell, (uintptr_t)block);
  expect_purged(cell, &s);
  return block;
}

static void* alloc_in_slab(size_t align, size_t total) {
  void* block = hak_route_aligned(align, total);
  if (block == NULL) return NULL;
  const hak_cell* cell = hak_map_cell(&hak_the_process.map, (uintptr_t)block);
  seal s = seal_of(cell, (uintptr_t)block);
  expect_clean(cell, &s, s.block, s.block + s.usable);
  return block;
}

static uint8_t* alloc_by_size(size_t align, size_t total) {
  if (hak_route_has_class(align, total)) return alloc_in_slab(align, total);
  return alloc_large(align < HAK_UNIT_BYTES ? HAK_UNIT_BYTES : align, total);
}

void* hak_sealed_alloc(size_t align, size_t bytes, bool zeroed) {
  size_t total = bytes + HAK_SEAL_BYTES;
  if (HAK_UNLIKELY(bytes > PTRDIFF_MAX)) total = bytes; /* which no route serves */
  uint8_t* block = alloc_by_size(align, total);
  if (HAK_UNLIKELY(block == NULL)) {
    errno = ENOMEM;
    return NULL;
  }
  seal s = seal_of(hak_map_cell(&hak_the_process.map, (uintptr_t)block), (uintptr_t)block);
  seal_set(&s, bytes);
  if (HAK_DEBUG && !zeroed) memset(block, SEALED_FILL, bytes < SEALED_FILL_BYTES ? bytes : SEALED_FILL_BYTES);
  return block;
}

void* hak_sealed_calloc(size_t count, size_t bytes) {
  size_t total;
  if (__builtin_mul_overflow(count, bytes, &total)) total = SIZE_MAX;
  return hak_sealed_alloc(HAK_ALIGNMENT, total, true);
}

/* ---- free ---- */

/* A live block with its seal whole. */
typedef struct opened {
  hak_cell* cell;
  seal seal;
  size_t bytes;
} opened;

static opened open_block(const char* function, void* block) {
  hak_cell* cell = hak_route_live_or_abort(function, (uintptr_t)block);
  opened o = {.cell = cell, .seal = seal_of(cell, (uintptr_t)block)};
  o.bytes = seal_open(function, &o.seal, cell);
  return o;
}

static void free_large(const opened* o) {
  uintptr_t address = (uintptr_t)o->seal.block;
  if (o->cell->kind == HAK_CELL_LARGE && !hak_the_process.arena.os->purge(address, o->seal.usable)) {
    memset(o->seal.block, 0, o->seal.usable);
  }
  hak_route_free_large(o->cell, address);
}

static void free_in_slab(const opened* o) {
  uintptr_t address = (uintptr_t)o->seal.block;
  if (!hak_header_mark_freed(address, hak_header_live(o->cell->class_index))) hak_misuse_header(o->cell, address);
  memset(o->seal.block, 0, o->seal.usable);
  hak_owner* self = hak_thread_has_owner() ? hak_thread_owner : hak_thread_attach();
  if (!hak_slab_free_remote(&hak_the_process.slabs, self, o->cell, address)) hak_route_bad_free(address);
}

static void free_opened(const opened* o) {
  if (hak_large_is(o->cell)) {
    free_large(o);
  } else {
    free_in_slab(o);
  }
}

void hak_sealed_free(void* block) {
  if (block == NULL) return;
  opened o = open_block("free", block);
  free_opened(&o);
}

void hak_sealed_free_sized(void* block, size_t bytes) {
  if (block == NULL) return;
  opened o = open_block("delete", block);
  if (HAK_UNLIKELY(bytes != o.bytes)) hak_misuse_size(o.cell, (uintptr_t)block, bytes);
  free_opened(&o);
}

void hak_sealed_free_aligned(void* block, size_t bytes, size_t align) {
  if (block == NULL) return;
  opened o = open_block("delete", block);
  if (HAK_UNLIKELY((uintptr_t)block % align != 0)) hak_misuse_alignment(o.cell, (uintptr_t)block, align);
  if (HAK_UNLIKELY(bytes != 0 && bytes != o.bytes)) hak_misuse_size(o.cell, (uintptr_t)block, bytes);
  free_opened(&o);
}

/* ---- sizes ---- */

size_t hak_sealed_read(uintptr_t block, size_t usable, uint32_t* origin) {
  seal s = seal_with(block, usable);
  uint64_t coded;
  uint64_t bytes = seal_read(&s, &coded, origin);
  return bytes <= usable - HAK_SEAL_BYTES ? bytes : usable;
}

size_t hak_sealed_usable(const char* function, void* block) { return open_block(function, block).bytes; }

void* hak_sealed_realloc(void* block, size_t bytes) {
  if (block == NULL) return hak_sealed_alloc(HAK_ALIGNMENT, bytes, false);
  opened o = open_block("realloc", block);
  if (bytes == 0) {
    free_opened(&o);
    return NULL;
  }
  size_t total = bytes + HAK_SEAL_BYTES;
  if (bytes <= PTRDIFF_MAX && total <= o.seal.usable && total >= o.seal.usable / 2) {
    seal_set(&o.seal, bytes);
    return block;
  }
  void* moved = hak_sealed_alloc(HAK_ALIGNMENT, bytes, false);
  if (moved == NULL) return NULL;
  memcpy(moved, block, o.bytes < bytes ? o.bytes : bytes);
  free_opened(&o);
  return moved;
}
