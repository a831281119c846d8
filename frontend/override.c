/* The names that libc gives its allocator, one call each. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "frontend/entry.h"
#include "frontend/hakmem.h"
#include "frontend/introspect.h"
#include "frontend/origin.h"
#include "frontend/report.h"

#define HAK_API __attribute__((visibility("default")))

HAK_API void* malloc(size_t bytes) { return hak_entry_alloc(bytes); }
HAK_API void free(void* block) { hak_entry_free(block); }
HAK_API void* calloc(size_t count, size_t bytes) { return hak_entry_calloc(count, bytes); }
HAK_API void* realloc(void* block, size_t bytes) { return hak_entry_realloc(block, bytes); }
/* By the name of realloc, which a tool may have taken over where it does not know this one (valgrind's). */
HAK_API void* reallocarray(void* block, size_t count, size_t bytes) {
  size_t total;
  return hak_entry_array_bytes(count, bytes, &total) ? realloc(block, total) : NULL;
}

HAK_API void* aligned_alloc(size_t align, size_t bytes) { return hak_aligned_alloc(align, bytes); }
/* As in glibc, any alignment will do: the next power of two is taken. */
HAK_API void* memalign(size_t align, size_t bytes) {
  size_t power = HAK_ALIGNMENT;
  while (power < align && power << 1 != 0) power <<= 1;
  return hak_aligned_alloc(power < align ? align : power, bytes);
}
HAK_API int posix_memalign(void** block, size_t align, size_t bytes) { return hak_posix_memalign(block, align, bytes); }
HAK_API void* valloc(size_t bytes) { return hak_aligned_alloc((size_t)sysconf(_SC_PAGESIZE), bytes); }
HAK_API void* pvalloc(size_t bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t whole = hak_align_up(bytes, page);
  if (whole < bytes) {
    errno = ENOMEM;
    return NULL;
  }
  return hak_aligned_alloc(page, whole);
}

/* glibc's second names of its own functions, for those who call them. */
HAK_API void* __libc_malloc(size_t bytes) { return malloc(bytes); }
HAK_API void __libc_free(void* block) { free(block); }
HAK_API void* __libc_calloc(size_t count, size_t bytes) { return calloc(count, bytes); }
HAK_API void* __libc_realloc(void* block, size_t bytes) { return realloc(block, bytes); }
HAK_API void* __libc_memalign(size_t align, size_t bytes) { return memalign(align, bytes); }
HAK_API void* __libc_valloc(size_t bytes) { return valloc(bytes); }
HAK_API void* __libc_pvalloc(size_t bytes) { return pvalloc(bytes); }

HAK_API size_t malloc_usable_size(void* block) { return hak_usable_size(block); }

/* pad: bytes to keep; hakmem keeps none. */
HAK_API int malloc_trim(size_t pad) {
  (void)pad;
  return hak_trim();
}
HAK_API void malloc_stats(void) { hak_report_stats(); }
HAK_API int malloc_info(int options, FILE* stream) {
  if (options != 0) {
    errno = EINVAL;
    return -1;
  }
  return hak_report_xml(stream);
}
HAK_API struct mallinfo2 mallinfo2(void) { return hak_report_mallinfo(); }
HAK_API struct mallinfo mallinfo(void) {
  struct mallinfo2 wide = hak_report_mallinfo();
  /* The old interface has ints: what does not fit reads as the largest. */
  struct mallinfo info;
  const size_t* from = (const size_t*)&wide;
  int* to = (int*)&info;
  for (size_t i = 0; i < sizeof wide / sizeof *from; i++) to[i] = from[i] > INT32_MAX ? INT32_MAX : (int)from[i];
  return info;
}
/* glibc's tuning knobs have no counterpart here: accepted and ignored, as programs expect 1 for success. */
HAK_API int mallopt(int parameter, int value) {
  (void)parameter;
  (void)value;
  return 1;
}

__attribute__((destructor)) static void at_exit(void) {
  hak_options options;
  hak_read_options(&options);
  if (options.report_live != 0) hak_report_live(options.report_live == HAK_ORIGIN_REPORT);
}
