/* The note in the ELF file by which a built library or program says how it was built; `hakctl config show` reads it.
 *
 * Owner "hakmem", type 1, in the section .note.hakmem. The text is one NAME=VALUE a line, the flags in the order of
 * tools/flags.bzl, and ends with a zero byte:
 *
 *   format=1
 *   header_classidx=False
 *   checks=default
 *   compiler=gcc 12.2.0
 */
#include <elf.h>

#include "base/config.h"

#define LITERAL(text) #text
#define LINE(text) LITERAL(text) "\n"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* Each HAK_TEXT macro is expanded before it becomes a literal: NAME=VALUE, as the build file gives it. */
#define TEXT "format=1\n" HAK_FLAG_TEXTS(LINE) "compiler=" COMPILER "\n"

enum { HAK_NOTE_TYPE = 1 };

typedef struct {
  Elf64_Nhdr header;
  char owner[8];
  char text[sizeof TEXT];
} build_note;

/* Sections of the name .note are notes to the assembler; used and retain keep it where nothing refers to it. */
__attribute__((section(".note.hakmem"), used, retain, aligned(4))) static const build_note note = {
    .header = {.n_namesz = sizeof "hakmem", .n_descsz = sizeof TEXT, .n_type = HAK_NOTE_TYPE},
    .owner = "hakmem",
    .text = TEXT,
};
