/* origin.h - HAKMEM_REPORT_LIVE=2: which calls allocated the blocks that are live at exit (checks=debug).
 *
 * Purpose:      a small number for each distinct stack, which a block can carry; and the lines at exit.
 * Owns:         the table of stacks, each kept once and for the life of the process.
 * Thread rule:  any thread, without a lock: a place is taken by one exchange and never given back. One thread counts
 *               and prints.
 * Failure rule: number 0, an unknown origin: with the option off, before the table is there, and when it is full.
 */
#ifndef HAK_FRONTEND_ORIGIN_H
#define HAK_FRONTEND_ORIGIN_H

#include "frontend/process.h"

HAK_C_BEGIN

/* The value of report_live that asks for origins. */
enum { HAK_ORIGIN_REPORT = 2 };

/* Once, when malloc works already: makes the table, if the build and the option ask for origins. */
void hak_origin_start(const hak_process* process);

/* The number of the stack that leads here. */
uint32_t hak_origin_take(void);

/* One block of so many bytes with this origin is live. Any number may be asked about: an unknown one counts as 0. */
void hak_origin_count(uint32_t origin, size_t bytes);
/* The origins counted, those with the most bytes first, each with its stack, on stderr. */
void hak_origin_print(void);

HAK_C_END

#endif
