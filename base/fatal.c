#include "base/fatal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void hak_line_text(hak_line* line, const char* text) {
  size_t room = sizeof line->text - line->length;
  size_t length = strlen(text);
  if (length > room) length = room;
  memcpy(line->text + line->length, text, length);
  line->length += length;
}

static void line_digits(hak_line* line, uint64_t value, unsigned base) {
  char digits[24];
  size_t at = sizeof digits - 1;
  digits[at] = '\0';
  do {
    digits[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  hak_line_text(line, digits + at);
}

void hak_line_number(hak_line* line, uint64_t value) { line_digits(line, value, 10); }

void hak_line_address(hak_line* line, uintptr_t address) {
  hak_line_text(line, "0x");
  line_digits(line, address, 16);
}

void hak_line_print(const hak_line* line) {
  /* One write, so that lines of several threads do not mix. */
  char out[sizeof line->text + 16] = "hakmem: ";
  size_t length = strlen(out);
  int saved = errno;
  memcpy(out + length, line->text, line->length);
  length += line->length;
  out[length++] = '\n';
  for (size_t done = 0; done < length;) {
    ssize_t n = write(STDERR_FILENO, out + done, length - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += (size_t)n;
  }
  errno = saved;
}

__attribute__((noreturn)) void hak_line_abort(const hak_line* line) {
  hak_line_print(line);
  abort();
}

__attribute__((noreturn)) void hak_fatal(const char* what, uintptr_t address) {
  hak_line line = {.length = 0};
  hak_line_text(&line, what);
  hak_line_text(&line, " at ");
  hak_line_address(&line, address);
  hak_line_abort(&line);
}
