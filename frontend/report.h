/* report.h - what glibc's malloc_stats, malloc_info and mallinfo2 say, said of hakmem, and what is live at exit.
 *
 * Purpose:      figures that the process had from its own malloc, from the counters of introspect.h.
 * Thread rule:  any thread.
 * Failure rule: hak_report_xml returns -1 if the stream fails.
 */
#ifndef HAK_FRONTEND_REPORT_H
#define HAK_FRONTEND_REPORT_H

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>

/* One line a counter on stderr. */
void hak_report_stats(void);
int hak_report_xml(FILE* stream);
struct mallinfo2 hak_report_mallinfo(void);
/* The blocks that the program has not freed: one line a size class on stderr, and one for large blocks. origins: and
 * the stacks of their allocations, as far as the build keeps them. No other thread frees. */
void hak_report_live(bool origins);

#endif
