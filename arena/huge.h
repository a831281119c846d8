/* huge.h - do huge pages pay here, now?
 *
 * Purpose:      finds out by trying one. In a virtual machine whose host takes large free ranges away and has to find
 *               memory for them again, a huge page takes several times as long as the small ones in its place, and else
 *               a third (docs/performance.md has figures).
 * Owns:         what the tries of one arena have said so far.
 * Thread rule:  the arena's lock is held, also while the kernel finds the memory.
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

/* Whether a committed chunk of which no page has memory, and which will be used from its beginning, shall have huge
 * pages. Its first huge page may have been taken for the answer. */
bool hak_huge_pays(hak_huge* huge, const hak_os* os, uintptr_t chunk);

HAK_C_END

#endif
