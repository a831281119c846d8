#include "base/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/fatal.h"

enum { LOCK_SPINS = 64 };

#if HAK_DEBUG
/* Bit r is set while this thread holds a lock of rank r. */
static __thread unsigned held_ranks;
static void rank_enter(const hak_lock* lock) {
  HAK_ASSERT((held_ranks >> lock->rank) == 0, lock);
  held_ranks |= 1u << lock->rank;
}
static void rank_leave(const hak_lock* lock) { held_ranks &= ~(1u << lock->rank); }
#else
static void rank_enter(const hak_lock* lock) { (void)lock; }
static void rank_leave(const hak_lock* lock) { (void)lock; }
#endif

static void cpu_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void futex_call(unsigned* word, int op, unsigned value) {
  int saved = errno;
  syscall(SYS_futex, word, op, value, NULL, NULL, 0);
  errno = saved;
}

static HAK_SLOW void lock_wait(hak_lock* lock) {
  for (int i = 0; i < LOCK_SPINS; i++) {
    unsigned expected = 0;
    if (hak_load_relaxed(&lock->state) == 0 && hak_cas_acq_rel(&lock->state, &expected, 1u)) return;
    cpu_relax();
  }
  while (hak_swap_acq_rel(&lock->state, 2u) != 0) futex_call(&lock->state, FUTEX_WAIT_PRIVATE, 2u);
}

void hak_lock_acquire(hak_lock* lock) {
  unsigned expected = 0;
  rank_enter(lock);
  if (!hak_cas_acq_rel(&lock->state, &expected, 1u)) lock_wait(lock);
}

void hak_lock_release(hak_lock* lock) {
  rank_leave(lock);
  if (hak_swap_acq_rel(&lock->state, 0u) == 2) futex_call(&lock->state, FUTEX_WAKE_PRIVATE, 1u);
}

void hak_lock_reset(hak_lock* lock) {
  rank_leave(lock);
  hak_store_release(&lock->state, 0u);
}
