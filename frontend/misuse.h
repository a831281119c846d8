/* misuse.h - the lines that name a program's heap faults. Each ends the process with SIGABRT.
 *
 * "double free of 0x7f... (64-byte class, slab 3 of superslab 0x7f...)"
 */
#ifndef HAK_FRONTEND_MISUSE_H
#define HAK_FRONTEND_MISUSE_H

#include "arena/map.h"

HAK_C_BEGIN

/* A pointer that is not a live block was given to `function` ("free", "realloc", ...): finds out what it is and says
 * so. */
__attribute__((noreturn)) void hak_misuse_pointer(const char* function, const hak_map* map, uintptr_t address);

/* The header byte before a live block was overwritten. */
__attribute__((noreturn)) void hak_misuse_header(const hak_cell* cell, uintptr_t address);

/* What lies behind a live block, or its seal, was overwritten (checks=hardened and debug). */
__attribute__((noreturn)) void hak_misuse_overflow(const hak_cell* cell, uintptr_t address);
/* A block that is free was written to at `where`. */
__attribute__((noreturn)) void hak_misuse_written(const hak_cell* cell, uintptr_t address, uintptr_t where);

/* A sized or aligned delete that does not fit the block. */
__attribute__((noreturn)) void hak_misuse_size(const hak_cell* cell, uintptr_t address, size_t said);
__attribute__((noreturn)) void hak_misuse_alignment(const hak_cell* cell, uintptr_t address, size_t said);

HAK_C_END

#endif
