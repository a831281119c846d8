#define _GNU_SOURCE
#include "frontend/helper.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "frontend/process.h"

#if defined(__x86_64__)

/* The mapping: a stack, and above it the thread's control block with room for libc's thread-locals below it.
 *
 *     | stack, grows down ........ | thread-locals .. errno .... | control block |
 *     0                            STACK                         control         control + CONTROL
 *
 * The control block is zero but for the two pointers to itself that the ABI asks for. What the thread calls (madvise,
 * mprotect, membarrier, futex, nanosleep, the clock) reads and writes no more of it than that, errno, and in debug
 * builds the ranks of held locks, which lie beside hak_thread_owner. They are as far below it as in every other thread:
 * behind the program's own thread-locals, which may be large. */
enum { HELPER_STACK = 64 * 1024, HELPER_CONTROL = 16 * 1024, HELPER_BELOW_LOCALS = 4096 };

/* No thread is started for less free memory, or kept for less in queues, or started for what may be free inside the
 * slabs (and spare) of a smaller heap. */
#define HELPER_LEAST_DIRTY_BYTES ((uint64_t)1 << 20)
#define HELPER_LEAST_USED_BYTES ((uint64_t)8 << 20)
enum {
  HELPER_LEAST_MS = 10,
  HELPER_SLABS_MS = 200,
  HELPER_IDLE_ROUNDS = 2,
  HELPER_NAP_MS = 4000,     /* each round without work doubles the pause, up to this */
  HELPER_MOST_DOUBLED = 10, /* so that the shift stays inside the number */
};

static uintptr_t stack; /* 0 until the first start */
/* From the decision to start until the decision to end (and where none may be) THERE, but for naps: it sleeps longer
 * than it would in work, and hak_helper_consider wakes it. */
enum { GONE, THERE, NAPS };
static HAK_SHARED(uint32_t) presence;
static HAK_SHARED(uint32_t) exists; /* not 0 while the kernel has the thread: the kernel clears it at the very end */
static hak_lock work_lock = HAK_LOCK_INIT(HAK_RANK_HELPER);

static bool something_to_do(hak_process* process) {
  if (hak_peek(&process->arena.stats.dirty_bytes) != 0 || hak_slab_pool_wants_tick(&process->slabs) ||
      hak_arena_has_parked(&process->arena)) {
    return true;
  }
  for (hak_thread* t = hak_load_acquire(&process->threads); t != NULL; t = t->next) {
    if (hak_load_relaxed(&t->lost) == 0 && hak_load_relaxed(&t->owner.spare_total) != 0) return true;
  }
  return false;
}

/* Slabs are queued with threads that may sleep for ever, and nobody says so when more of their blocks are freed. */
static bool something_may_come(hak_process* process) {
  return hak_slab_pool_queued_bytes(&process->slabs) >= HELPER_LEAST_DIRTY_BYTES;
}

static void work(hak_process* process, bool slabs) {
  hak_lock_acquire(&work_lock);
  for (hak_thread* t = hak_load_acquire(&process->threads); t != NULL; t = t->next) {
    if (hak_load_relaxed(&t->lost) == 0) hak_owner_reclaim(&t->owner, true);
  }
  if (slabs) hak_slab_pool_tick(&process->slabs);
  hak_arena_tick(&process->arena);
  hak_lock_release(&work_lock);
}

static void sleep_while(const uint32_t* word, uint32_t value, uint64_t ms) {
  struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &time, NULL, 0);
}

static void sleep_ms(uint64_t ms) {
  static const uint32_t never = 0;
  sleep_while(&never, 0, ms);
}

/* True if it was woken. */
static bool nap_ms(uint64_t ms) {
  hak_store_seq_cst(&presence, (uint32_t)NAPS);
  sleep_while(&presence, NAPS, ms);
  uint32_t expected = NAPS;
  return !hak_cas_seq_cst(&presence, &expected, (uint32_t)THERE);
}

static void wake(void) {
  uint32_t expected = NAPS;
  int saved = errno;
  if (hak_cas_seq_cst(&presence, &expected, (uint32_t)THERE)) {
    syscall(SYS_futex, &presence, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
  errno = saved;
}

static uint64_t pause_after(uint64_t pause, unsigned idle) {
  uint64_t longest = pause > HELPER_NAP_MS ? pause : HELPER_NAP_MS;
  uint64_t ms = pause << (idle < HELPER_MOST_DOUBLED ? idle : HELPER_MOST_DOUBLED);
  return ms < longest ? ms : longest;
}

static int helper_main(void* arg) {
  hak_process* process = arg;
  uint64_t pause = process->options.decay_ms / 2;
  if (pause < HELPER_LEAST_MS) pause = HELPER_LEAST_MS;
  /* A program without other threads may still change its root or its mount namespace. (Not by a flag of clone: valgrind
   * knows the flags of libc's threads alone.) */
  syscall(SYS_unshare, CLONE_FS);
  uint64_t since_slabs = HELPER_SLABS_MS;
  for (;;) {
    unsigned idle = 0; /* rounds without work; through the slabs of a large heap one takes several turns */
    while (idle < HELPER_IDLE_ROUNDS || something_may_come(process)) {
      uint64_t ms = pause_after(pause, idle);
      if (idle < HELPER_IDLE_ROUNDS) {
        sleep_ms(ms);
      } else if (nap_ms(ms)) {
        idle = 0; /* the usual pause now, for those who wake it may do so all the time */
        continue;
      }
      since_slabs += ms;
      bool slabs = since_slabs >= HELPER_SLABS_MS;
      if (slabs) since_slabs = 0;
      work(process, slabs);
      if (something_to_do(process)) {
        idle = 0;
      } else if (!hak_slab_pool_is_in_round(&process->slabs)) {
        idle++;
      }
    }
    hak_store_seq_cst(&presence, (uint32_t)GONE);
    /* Something may have come between the last look and this line, from a thread that still saw us at work. */
    uint32_t expected = GONE;
    if (!something_to_do(process) || !hak_cas_seq_cst(&presence, &expected, (uint32_t)THERE)) return 0;
  }
}

/* errno is the caller's, to be left as it was. */
static bool helper_start(hak_process* process) {
  uintptr_t lowest =
      (uintptr_t)&errno < (uintptr_t)&hak_thread_owner ? (uintptr_t)&errno : (uintptr_t)&hak_thread_owner;
  uintptr_t locals = hak_align_up(hak_thread_pointer() - lowest + HELPER_BELOW_LOCALS, HELPER_BELOW_LOCALS);
  if (stack == 0) {
    stack = hak_os_map(process->arena.os, HELPER_STACK + locals + HELPER_CONTROL, "hakmem: helper");
    if (stack == 0) return false;
  }
  uintptr_t* control = (uintptr_t*)(stack + HELPER_STACK + locals);
  /* A forked child may find those of the parent's helper here. */
  memset(control, 0, HELPER_CONTROL);
  control[0] = (uintptr_t)control; /* %fs:0 */
  control[2] = (uintptr_t)control; /* %fs:16 */
  hak_store_relaxed(&exists, 1u);
  int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
              CLONE_CHILD_CLEARTID;
  sigset_t all, before;
  sigfillset(&all);
  /* The thread inherits the mask. By system call: libc keeps two signals for itself, and we keep them out, too. */
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, _NSIG / 8);
  int id = clone(helper_main, (void*)(stack + HELPER_STACK), flags, process, NULL, control, &exists);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, _NSIG / 8);
  if (id < 0) hak_store_relaxed(&exists, 0u);
  return id >= 0;
}

static HAK_SLOW void start_or_wake(hak_process* process) {
  if (hak_load_relaxed(&presence) == NAPS) wake();
  uint32_t expected = GONE;
  if (!hak_cas_seq_cst(&presence, &expected, (uint32_t)THERE)) return;
  int saved = errno;
  /* The last thread may still be on its way out, on the same stack; then the next call tries again. */
  errno = 0;
  bool started = hak_load_acquire(&exists) == 0 && helper_start(process);
  bool never = errno == EPERM || errno == ENOSYS; /* a sandbox: each further try would be a call in vain */
  if (!started && !never) hak_store_relaxed(&presence, (uint32_t)GONE);
  errno = saved;
}

void hak_helper_consider(hak_process* process) {
  if (hak_load_relaxed(&presence) == THERE) return;
  if (hak_peek(&process->arena.stats.dirty_bytes) >= HELPER_LEAST_DIRTY_BYTES ||
      hak_peek(&process->arena.stats.used_bytes) >= HELPER_LEAST_USED_BYTES) {
    start_or_wake(process);
  }
}

void hak_helper_init(const hak_options* options) {
  hak_store_relaxed(&presence, (uint32_t)(options->background == 0 ? THERE : GONE));
}

void hak_helper_before_fork(void) { hak_lock_acquire(&work_lock); }
void hak_helper_after_fork_in_parent(void) { hak_lock_release(&work_lock); }
void hak_helper_after_fork_in_child(void) {
  hak_lock_reset(&work_lock);
  hak_helper_init(&hak_the_process.options);
  hak_store_relaxed(&exists, 0u);
}

#else

void hak_helper_init(const hak_options* options) { (void)options; }
void hak_helper_consider(hak_process* process) { (void)process; }
void hak_helper_before_fork(void) {}
void hak_helper_after_fork_in_parent(void) {}
void hak_helper_after_fork_in_child(void) {}

#endif
