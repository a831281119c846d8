#define _GNU_SOURCE
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/fatal.h"
#include "base/os.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

static uintptr_t map_pages(uintptr_t hint, size_t bytes, int protection) {
  int saved = errno;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (hint != 0 ? MAP_FIXED_NOREPLACE : 0);
  void* p = mmap((void*)hint, bytes, protection, flags, -1, 0);
  errno = saved;
  if (p == MAP_FAILED) return 0;
  /* A kernel older than MAP_FIXED_NOREPLACE takes the address for a hint. */
  if (hint != 0 && (uintptr_t)p != hint) {
    munmap(p, bytes);
    return 0;
  }
  return (uintptr_t)p;
}

static void linux_release(uintptr_t address, size_t bytes) {
  int saved = errno;
  munmap((void*)address, bytes);
  errno = saved;
}

static uintptr_t linux_reserve(size_t bytes, size_t align, uintptr_t hint) {
  uintptr_t p = map_pages(hint, bytes, PROT_NONE);
  if (p == 0 || hak_align_down(p, align) == p) return p;
  /* Not aligned by luck: take enough to cut an aligned range out of it. */
  linux_release(p, bytes);
  size_t more = bytes + align;
  if (more < bytes) return 0;
  p = map_pages(0, more, PROT_NONE);
  if (p == 0) return 0;
  uintptr_t start = hak_align_up(p, align);
  if (start != p) linux_release(p, start - p);
  if (start + bytes != p + more) linux_release(start + bytes, p + more - start - bytes);
  return start;
}

static uintptr_t linux_reserve_readable(size_t bytes) { return map_pages(0, bytes, PROT_READ); }

static bool linux_commit(uintptr_t address, size_t bytes) {
  int saved = errno;
  bool ok = mprotect((void*)address, bytes, PROT_READ | PROT_WRITE) == 0;
  errno = saved;
  return ok;
}

static bool linux_close(uintptr_t address, size_t bytes) {
  int saved = errno;
  bool ok = mprotect((void*)address, bytes, PROT_NONE) == 0;
  errno = saved;
  return ok;
}

static bool linux_purge(uintptr_t address, size_t bytes) {
  int saved = errno;
  bool ok = madvise((void*)address, bytes, MADV_DONTNEED) == 0;
  errno = saved;
  return ok;
}

/* A kernel that does not know the call, or a sandbox that forbids it, is asked once. Where it has worked, a failure is
 * that of the range. */
static bool linux_populate(uintptr_t address, size_t bytes) {
  static HAK_SHARED(bool) works, refused;
  if (hak_load_relaxed(&refused)) return false;
  int saved = errno;
  bool ok = madvise((void*)address, bytes, MADV_POPULATE_WRITE) == 0;
  errno = saved;
  if (!hak_load_relaxed(&works)) hak_store_relaxed(ok ? &works : &refused, true);
  return ok;
}

static bool linux_touched(uintptr_t address, size_t bytes, uint8_t* pages) {
  int saved = errno;
  bool ok = mincore((void*)address, bytes, pages) == 0;
  errno = saved;
  return ok;
}

/* mremap to a fixed place unmaps what is there, and may fail after that: for want of address space, which a process
 * with a limit could not get back; or because the source is of several mappings. The first is tried out beforehand. */
static bool may_map_more(size_t bytes) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  return p != MAP_FAILED && munmap(p, bytes) == 0;
}

/* After such a failure: maps the target again, if it is gone. */
static void restore_target(uintptr_t target, size_t bytes, int protection) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  void* p = mmap((void*)target, bytes, protection, flags, -1, 0);
  if (p == MAP_FAILED && errno != EEXIST) hak_fatal("a range of addresses is lost to mremap", target);
  if (p != MAP_FAILED && p != (void*)target) munmap(p, bytes); /* before 4.17: it was there still */
}

static bool linux_move(uintptr_t from, uintptr_t to, size_t bytes) {
  int saved = errno;
  int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  bool may = may_map_more(bytes);
  void* p = may ? mremap((void*)from, bytes, bytes, flags, (void*)to) : MAP_FAILED;
  if (may && p == MAP_FAILED) restore_target(to, bytes, PROT_READ | PROT_WRITE);
  errno = saved;
  return p != MAP_FAILED;
}

static bool linux_resize(uintptr_t address, size_t old_bytes, size_t new_bytes, uintptr_t target) {
  int saved = errno;
  int flags = target == 0 ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;
  bool may = target == 0 || may_map_more(new_bytes);
  void* p = may ? mremap((void*)address, old_bytes, new_bytes, flags, (void*)target) : MAP_FAILED;
  if (may && target != 0 && p == MAP_FAILED) restore_target(target, new_bytes, PROT_NONE);
  errno = saved;
  return p != MAP_FAILED;
}

static void linux_huge_pages(uintptr_t address, size_t bytes, bool on) {
  int saved = errno;
  madvise((void*)address, bytes, on ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  errno = saved;
}

/* A kernel that cannot is asked once: a program may forbid itself prctl later, on pain of its life (seccomp). */
static void linux_name(uintptr_t address, size_t bytes, const char* name) {
  static HAK_SHARED(bool) refused;
  if (hak_load_relaxed(&refused)) return;
  int saved = errno;
  if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, address, bytes, name) != 0) hak_store_relaxed(&refused, true);
  errno = saved;
}

void hak_os_nap(void) {
  const struct timespec nap = {.tv_nsec = 20000};
  int saved = errno;
  syscall(SYS_nanosleep, &nap, NULL); /* libc's is a point where threads are cancelled */
  errno = saved;
}

static bool membarrier_call(int command) { return syscall(SYS_membarrier, command, 0, 0) == 0; }

/* The kernel refuses it to a process that has not said that it would ask. */
static bool linux_fence_threads(void) {
  int saved = errno;
  bool ok = membarrier_call(MEMBARRIER_CMD_PRIVATE_EXPEDITED) ||
            (errno == EPERM && membarrier_call(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
             membarrier_call(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  errno = saved;
  return ok;
}

static uint64_t linux_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t linux_cpu_ns(void) {
  struct timespec t = {0};
  int saved = errno;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  errno = saved;
  return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static size_t linux_memory_bytes(void) {
  struct sysinfo info;
  return sysinfo(&info) == 0 ? (size_t)info.totalram * info.mem_unit : (size_t)1 << 30;
}

static size_t linux_address_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  return (size_t)limit.rlim_cur;
}

/* The kernel hands every program random bytes with its arguments. */
static uint64_t linux_secret(void) {
  uint64_t secret = 0;
  const void* bytes = (const void*)getauxval(AT_RANDOM);
  if (bytes != NULL) memcpy(&secret, bytes, sizeof secret);
  return secret;
}

static hak_os linux_os = {
    .reserve = linux_reserve,
    .reserve_readable = linux_reserve_readable,
    .commit = linux_commit,
    .close = linux_close,
    .purge = linux_purge,
    .populate = linux_populate,
    .touched = linux_touched,
    .release = linux_release,
    .move = linux_move,
    .resize = linux_resize,
    .huge_pages = linux_huge_pages,
    .name = linux_name,
    .fence_threads = linux_fence_threads,
    .now_ms = linux_now_ms,
    .cpu_ns = linux_cpu_ns,
    .memory_bytes = linux_memory_bytes,
    .address_limit = linux_address_limit,
    .secret = linux_secret,
};

const hak_os* hak_os_linux(void) {
  linux_os.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  return &linux_os;
}
