/* lock.h - a small mutex with a rank.
 *
 * Purpose:      the slow paths' mutual exclusion. A futex underneath: no allocation, one word, fork-safe by reset.
 * Thread rule:  locks are taken in the order of their ranks, lowest first; debug builds check it.
 * Source:       the three-state futex mutex of U. Drepper, "Futexes Are Tricky" (2011).
 */
#ifndef HAK_BASE_LOCK_H
#define HAK_BASE_LOCK_H

#include "base/atomic.h"
#include "base/config.h"

HAK_C_BEGIN

typedef enum hak_lock_rank {
  HAK_RANK_HELPER,    /* the helper thread at work */
  HAK_RANK_PURGE,     /* giving back pages of slabs */
  HAK_RANK_PROCESS,   /* start-up and the registry of threads */
  HAK_RANK_OWNER,     /* a thread's empty slabs */
  HAK_RANK_GUARDED,   /* guarded blocks */
  HAK_RANK_ABANDONED, /* slabs without an owner */
  HAK_RANK_ARENA,     /* regions, chunks, runs */
  HAK_RANK_META,      /* memory of the allocator's own */
} hak_lock_rank;

typedef struct hak_lock {
  HAK_SHARED(unsigned) state; /* 0 free, 1 held, 2 held and waited for */
  unsigned rank;
} hak_lock;

#define HAK_LOCK_INIT(r) \
  { 0, (r) }

void hak_lock_acquire(hak_lock* lock);
void hak_lock_release(hak_lock* lock);

/* A hint: some thread holds it. */
static inline bool hak_lock_is_taken(const hak_lock* lock) { return hak_load_relaxed(&lock->state) != 0; }

/* In the child of a fork, where no other thread is left: makes a lock that the parent held free again. */
void hak_lock_reset(hak_lock* lock);

HAK_C_END

#endif
