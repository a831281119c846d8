/* options.h - the run-time options, as one table.
 *
 * Purpose:      every HAKMEM_<NAME> environment variable: type, default, range, help. A value outside the range or an
 *               unknown name is one warning line, and the default stays.
 * Thread rule:  read once at start-up, constant afterwards.
 */
#ifndef HAK_BASE_OPTIONS_H
#define HAK_BASE_OPTIONS_H

#include "base/config.h"

HAK_C_BEGIN

/* NAME, type, default, smallest, largest, help. Numbers may be written with K, M or G; the values of a choice as their
 * words or as numbers. */
#define HAK_FOR_EACH_OPTION(OPTION)                                                                            \
  OPTION(decay_ms, DECAY_MS, NUMBER("ms"), 500, 0, 3600000,                                                    \
         "how long freed memory is kept for reuse, large blocks twice as long; 0: not at all")                 \
  OPTION(dirty_limit, DIRTY_LIMIT, NUMBER("bytes"), UINT64_C(1) << 30, 0, UINT64_MAX,                          \
         "freed memory that is kept for reuse at most")                                                        \
  OPTION(huge_pages, HUGE_PAGES, CHOICE("never", "auto", "always"), HAK_HUGE_PAGES_AUTO, HAK_HUGE_PAGES_NEVER, \
         HAK_HUGE_PAGES_ALWAYS, "transparent huge pages; auto: for large heaps only")                          \
  OPTION(background, BACKGROUND, CHOICE("off", "on"), 1, 0, 1,                                                 \
         "a helper thread gives memory back while the program makes no call")                                  \
  OPTION(memory_limit, MEMORY_LIMIT, NUMBER("bytes"), 0, 0, UINT64_MAX,                                        \
         "above this, memory goes back at once; 0: none")                                                      \
  OPTION(memory_limit_hard, MEMORY_LIMIT_HARD, NUMBER("bytes"), 0, 0, UINT64_MAX,                              \
         "above this, malloc returns NULL; 0: none")                                                           \
  OPTION(guard_sample, GUARD_SAMPLE, NUMBER("number"), 0, 0, UINT32_MAX,                                       \
         "one request in so many gets a page of its own, to catch misuse; 0: none")                            \
  OPTION(report_live, REPORT_LIVE, NUMBER("number"), 0, 0, 2,                                                  \
         "at exit, 1: a line for each size of which blocks are live still; 2: and who allocated them (checks=debug)")

/* Values of huge_pages, in the order of its words. */
enum { HAK_HUGE_PAGES_NEVER, HAK_HUGE_PAGES_AUTO, HAK_HUGE_PAGES_ALWAYS };

typedef struct hak_options {
#define HAK_OPTION_FIELD(field, env, type, standard, low, high, help) uint64_t field;
  HAK_FOR_EACH_OPTION(HAK_OPTION_FIELD)
#undef HAK_OPTION_FIELD
  uint64_t given; /* bit i: row i of the table has its value from the environment */
} hak_options;

typedef struct hak_option_info {
  const char* name;         /* without HAKMEM_ */
  const char* type;         /* of a number its unit, or "number"; "choice" */
  const char* const* words; /* of a choice, from low on; else NULL */
  uint64_t standard, low, high;
  const char* help;
  size_t offset; /* of the field in hak_options */
} hak_option_info;

extern const hak_option_info hak_option_table[];
extern const size_t hak_option_count;

/* The defaults, then what the environment (an array of NAME=VALUE ended by NULL, or NULL) says. */
void hak_options_read(hak_options* options, char* const* environment);

/* HAKMEM_OPTIONS=help: one line an option on stderr, with its value and where that came from. */
void hak_options_print(const hak_options* options);

HAK_C_END

#endif
