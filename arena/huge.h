/* huge.h - do huge pages pay here, now?
 *
 * Purpose:      finds out by trying one. In a virtual machine whose host takes large free ranges away and has to find
 *               memory for them again, a huge page takes several times as long as the small ones in its place, and else
 *               a third (docs/performance.md has figures).
 * Owns:         what the tries of one arena have said so far.
 * Thread rule:  hak_huge_is_due with the arena's lock. hak_huge_pays without it: the kernel has to find the memory, and
 *               nobody else needs to wait for that.
 * Failure rule: where the kernel cannot say what a page costs, huge pages pay.
 */
#ifndef HAK_ARENA_HUGE_H
#define HAK_ARENA_HUGE_H

#include "base/os.h"

HAK_C_BEGIN

typedef struct hak_huge {
  uint64_t small_ns;  /* what the memory of one huge page costs in small ones; 0: not known yet */
  unsigned skip;      /* chunks to come that get small pages, since a huge one was dear */
  unsigned next_skip; /* and how many that will be the next time; 0: none was dear yet */
} hak_huge;

/* Counts a chunk that could have huge pages: whether it is one to find out with. The others get small pages. */
bool hak_huge_is_due(hak_huge* huge);
/* Whether this chunk, of which no page has memory, and which will be used from its beginning, shall have huge pages.
 * Its first huge page is taken for the answer. May take milliseconds; one caller at a time. */
bool hak_huge_pays(hak_huge* huge, const hak_os* os, uintptr_t chunk);

HAK_C_END

#endif
