#include "base/options.h"

#include <string.h>

#include "base/fatal.h"

const hak_option_info hak_option_table[] = {
#define NUMBER(unit) unit, NULL
#define CHOICE(...) \
  "choice", (const char* const[]) { __VA_ARGS__ }
#define OPTION_ROW(field, env, type, standard, low, high, help) \
  {#env, type, standard, low, high, help, offsetof(hak_options, field)},
    HAK_FOR_EACH_OPTION(OPTION_ROW)
#undef OPTION_ROW
#undef CHOICE
#undef NUMBER
};
const size_t hak_option_count = sizeof hak_option_table / sizeof hak_option_table[0];
_Static_assert(sizeof hak_option_table / sizeof hak_option_table[0] <= 64, "`given` has a bit for each row");

static const char prefix[] = "HAKMEM_";

static uint64_t* option_field(hak_options* options, const hak_option_info* info) {
  return (uint64_t*)((char*)options + info->offset);
}

/* "never, auto, always" */
static void line_choices(hak_line* line, const hak_option_info* info) {
  for (uint64_t i = 0; i <= info->high - info->low; i++) {
    if (i != 0) hak_line_text(line, ", ");
    hak_line_text(line, info->words[i]);
  }
}

/* info: NULL, or an option whose choices end the line. */
static void warn(const char* entry, const char* why, const hak_option_info* info) {
  hak_line line = {.length = 0};
  hak_line_text(&line, "ignored ");
  hak_line_text(&line, entry);
  hak_line_text(&line, ": ");
  hak_line_text(&line, why);
  if (info != NULL) line_choices(&line, info);
  hak_line_print(&line);
}

/* Digits, then perhaps K, M or G. */
static bool parse_number(const char* text, uint64_t* value) {
  uint64_t v = 0;
  const char* p = text;
  for (; *p >= '0' && *p <= '9'; p++) {
    if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v)) return false;
  }
  if (p == text) return false;
  static const char suffixes[] = "KMG";
  const char* suffix = *p == '\0' ? NULL : strchr(suffixes, *p);
  if (suffix != NULL) {
    unsigned shift = 10u * (unsigned)(suffix - suffixes + 1);
    if (v > (UINT64_MAX >> shift)) return false;
    v <<= shift;
    p++;
  }
  *value = v;
  return *p == '\0';
}

/* A number, or a word of a choice. */
static bool parse_value(const hak_option_info* info, const char* text, uint64_t* value) {
  if (parse_number(text, value)) return true;
  if (info->words == NULL) return false;
  for (*value = info->low; *value <= info->high; ++*value) {
    if (strcmp(text, info->words[*value - info->low]) == 0) return true;
  }
  return false;
}

static void read_entry(hak_options* options, const char* entry) {
  const char* name = entry + sizeof prefix - 1;
  const char* equals = strchr(name, '=');
  if (equals == NULL) return;
  size_t length = (size_t)(equals - name);
  if (length == strlen("OPTIONS") && strncmp(name, "OPTIONS", length) == 0) {
    if (strcmp(equals + 1, "help") != 0) warn(entry, "the one value is help", NULL);
    return;
  }
  for (size_t i = 0; i < hak_option_count; i++) {
    const hak_option_info* info = &hak_option_table[i];
    if (strlen(info->name) != length || strncmp(info->name, name, length) != 0) continue;
    uint64_t value;
    if (!parse_value(info, equals + 1, &value)) {
      if (info->words != NULL) {
        warn(entry, "not one of ", info);
      } else {
        warn(entry, "not a number", NULL);
      }
    } else if (value < info->low || value > info->high) {
      warn(entry, "out of range", NULL);
    } else {
      *option_field(options, info) = value;
      options->given |= UINT64_C(1) << i;
    }
    return;
  }
  warn(entry, "no such option; HAKMEM_OPTIONS=help lists them", NULL);
}

void hak_options_read(hak_options* options, char* const* environment) {
  options->given = 0;
  for (size_t i = 0; i < hak_option_count; i++) {
    *option_field(options, &hak_option_table[i]) = hak_option_table[i].standard;
  }
  if (environment == NULL) return;
  bool help = false;
  for (; *environment != NULL; environment++) {
    if (strncmp(*environment, prefix, sizeof prefix - 1) != 0) continue;
    if (strcmp(*environment, "HAKMEM_OPTIONS=help") == 0) help = true;
    read_entry(options, *environment);
  }
  if (help) hak_options_print(options);
}

void hak_options_print(const hak_options* options) {
  for (size_t i = 0; i < hak_option_count; i++) {
    const hak_option_info* info = &hak_option_table[i];
    uint64_t value = *(const uint64_t*)((const char*)options + info->offset);
    hak_line line = {.length = 0};
    hak_line_text(&line, prefix);
    hak_line_text(&line, info->name);
    hak_line_text(&line, "=");
    if (info->words == NULL) {
      hak_line_number(&line, value);
    } else {
      hak_line_text(&line, info->words[value - info->low]);
    }
    hak_line_text(&line, (options->given >> i & 1) == 0 ? " (default)  " : " (environment)  ");
    if (info->words != NULL) {
      line_choices(&line, info);
      hak_line_text(&line, ": ");
    }
    hak_line_text(&line, info->help);
    hak_line_print(&line);
  }
}
