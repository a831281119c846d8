/* fatal.h - the last words of a process.
 *
 * Purpose:      one line on stderr, then SIGABRT. Used for misuse that the allocator has proved, and for its own broken
 *               invariants in debug builds.
 * Thread rule:  any thread, signal handlers included; formats on the stack and prints with write(2).
 */
#ifndef HAK_BASE_FATAL_H
#define HAK_BASE_FATAL_H

#include "base/config.h"

HAK_C_BEGIN

/* A line under construction. Text that does not fit is cut. */
typedef struct hak_line {
  char text[256];
  size_t length;
} hak_line;

void hak_line_text(hak_line* line, const char* text);
void hak_line_number(hak_line* line, uint64_t value);
void hak_line_address(hak_line* line, uintptr_t address);
/* Writes "hakmem: <line>\n" to stderr. */
void hak_line_print(const hak_line* line);

/* Prints the line and ends the process with SIGABRT. */
__attribute__((noreturn)) void hak_line_abort(const hak_line* line);

/* hak_fatal("broken invariant", address): prints both and aborts. */
__attribute__((noreturn)) void hak_fatal(const char* what, uintptr_t address);

/* An invariant that only debug builds look at; release builds still compile the expression. */
#define HAK_ASSERT(cond, address)                                                              \
  do {                                                                                         \
    if (HAK_DEBUG && HAK_UNLIKELY(!(cond))) hak_fatal("broken: " #cond, (uintptr_t)(address)); \
  } while (0)

HAK_C_END

#endif
