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
  hak_line_text(line, " (large block of ");
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

/* A live or a freed block begins at the address; else *inside is the block around it, or 0. */
static bool block_begins(const hak_cell* cell, uintptr_t address, uintptr_t* inside) {
  *inside = 0;
  if (cell->kind == HAK_CELL_SLAB) {
    *inside = hak_slab_block_of(cell, address);
    return *inside == address;
  }
  return cell->kind != HAK_CELL_NONE && hak_large_start(cell) == address;
}

__attribute__((noreturn)) void hak_misuse_pointer(const char* function, const hak_map* map, uintptr_t address) {
  hak_line line = {.length = 0};
  uintptr_t inside;
  const hak_cell* cell = hak_map_find(map, address);
  if (cell == NULL) {
    /* A large block's own mapping leaves the map when it is freed; its cell remembers it until it is used again. */
    cell = hak_map_cell(map, address);
    if (cell->kind != HAK_CELL_FREED || hak_large_start(cell) != address) {
      line_pointer(&line, function, address, ": not a pointer of this allocator");
      hak_line_abort(&line);
    }
  }
  if (block_begins(cell, address, &inside)) {
    if (is_free(function)) {
      hak_line_text(&line, "double free of ");
      hak_line_address(&line, address);
    } else {
      line_pointer(&line, function, address, ": block was freed before");
    }
  } else if (inside != 0) {
    line_pointer(&line, function, address, ": inside block ");
    hak_line_address(&line, inside);
  } else {
    line_pointer(&line, function, address, ": no live block begins there");
  }
  describe(&line, cell);
  hak_line_abort(&line);
}

__attribute__((noreturn)) void hak_misuse_header(const hak_cell* cell, uintptr_t address) {
  hak_line line = {.length = 0};
  hak_line_text(&line, "overwritten header of ");
  hak_line_address(&line, address);
  describe(&line, cell);
  hak_line_abort(&line);
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
