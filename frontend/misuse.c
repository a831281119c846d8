#include "frontend/misuse.h"

#include "arena/large.h"
#include "base/fatal.h"
#include "superslab/slab.h"

/* " (64-byte class, slab 3 of superslab 0x...)" */
static void describe_slab(hak_line* line, const hak_cell* cell) {
  const hak_slab_body* body = hak_slab_body_of(cell);
  hak_line_text(line, " (");
  hak_line_number(line, hak_slab_class(cell)->stride);
  hak_line_text(line, "-byte class, slab ");
  hak_line_number(line, (body->base >> HAK_UNIT_SHIFT) & (HAK_CHUNK_UNITS - 1));
  hak_line_text(line, " of superslab ");
  hak_line_address(line, hak_align_down(body->base, HAK_CHUNK_BYTES));
  hak_line_text(line, ")");
}

static void describe_large(hak_line* line, const hak_cell* cell) {
  /* Its kind is forgotten once it is freed. */
  hak_line_text(line, cell->kind == HAK_CELL_GUARDED ? " (guarded block of " : " (large block of ");
  hak_line_number(line, hak_large_usable(cell));
  hak_line_text(line, " bytes)");
}

static void describe(hak_line* line, const hak_cell* cell) {
  if (cell->kind == HAK_CELL_SLAB) {
    describe_slab(line, cell);
  } else if (cell->kind != HAK_CELL_NONE) {
    describe_large(line, cell);
  }
}

/* "FUNCTION of ADDRESS, which is WHAT" */
static void line_pointer(hak_line* line, const char* function, uintptr_t address, const char* what) {
  hak_line_text(line, "invalid ");
  hak_line_text(line, function);
  hak_line_text(line, " of ");
  hak_line_address(line, address);
  hak_line_text(line, what);
}

static bool is_free(const char* function) { return function[0] == 'f' || function[0] == 'd'; }

/* The block that an address is inside of, 0 if there is none, and its cell in place of the address's own. */
static uintptr_t block_around(const hak_map* map, uintptr_t address, const hak_cell** cell) {
  if (*cell != NULL && (*cell)->kind == HAK_CELL_SLAB) return hak_slab_block_of(*cell, address);
  const hak_cell* large = hak_large_around(map, address);
  if (large == NULL) return 0;
  *cell = large;
  return hak_large_start(large);
}

__attribute__((noreturn)) void hak_misuse_pointer(const char* function, const hak_map* map, uintptr_t address) {
  hak_line line = {.length = 0};
  const hak_cell* cell = hak_map_find(map, address);
  /* A large block's own mapping leaves the map when it is freed; its cell remembers it until it is used again. */
  const hak_cell* last = hak_map_cell(map, address);
  if (cell == NULL && last->kind == HAK_CELL_FREED && hak_large_start(last) == address) cell = last;
  uintptr_t block = block_around(map, address, &cell);
  bool large_begins =
      cell != NULL && cell->kind != HAK_CELL_SLAB && cell->kind != HAK_CELL_NONE && hak_large_start(cell) == address;
  if (block == address || large_begins) {
    if (is_free(function)) {
      hak_line_text(&line, "double free of ");
      hak_line_address(&line, address);
    } else {
      line_pointer(&line, function, address, ": block was freed before");
    }
  } else if (block != 0) {
    line_pointer(&line, function, address, ": inside block ");
    hak_line_address(&line, block);
  } else if (cell != NULL) {
    line_pointer(&line, function, address, ": no live block begins there");
  } else {
    line_pointer(&line, function, address, ": not a pointer of this allocator");
  }
  if (cell != NULL) describe(&line, cell);
  hak_line_abort(&line);
}

static __attribute__((noreturn)) void abort_block(const char* what, const hak_cell* cell, uintptr_t address,
                                                  uintptr_t where) {
  hak_line line = {.length = 0};
  hak_line_text(&line, what);
  hak_line_address(&line, address);
  if (where != 0) {
    hak_line_text(&line, ", at byte ");
    hak_line_number(&line, where - address);
  }
  describe(&line, cell);
  hak_line_abort(&line);
}

__attribute__((noreturn)) void hak_misuse_header(const hak_cell* cell, uintptr_t address) {
  abort_block("overwritten header of ", cell, address, 0);
}

__attribute__((noreturn)) void hak_misuse_overflow(const hak_cell* cell, uintptr_t address) {
  abort_block("write behind the end of ", cell, address, 0);
}

__attribute__((noreturn)) void hak_misuse_written(const hak_cell* cell, uintptr_t address, uintptr_t where) {
  abort_block("write after free of ", cell, address, where);
}

static __attribute__((noreturn)) void abort_delete(const hak_cell* cell, uintptr_t address, const char* what,
                                                   size_t said) {
  hak_line line = {.length = 0};
  hak_line_text(&line, what);
  hak_line_number(&line, said);
  hak_line_text(&line, " of ");
  hak_line_address(&line, address);
  describe(&line, cell);
  hak_line_abort(&line);
}

__attribute__((noreturn)) void hak_misuse_size(const hak_cell* cell, uintptr_t address, size_t said) {
  abort_delete(cell, address, "delete with wrong size ", said);
}

__attribute__((noreturn)) void hak_misuse_alignment(const hak_cell* cell, uintptr_t address, size_t said) {
  abort_delete(cell, address, "delete with wrong alignment ", said);
}
