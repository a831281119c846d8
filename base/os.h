/* os.h - everything that the allocator asks of the operating system.
 *
 * Purpose:      a table of functions, so that a test can stand in for the kernel and fail any call.
 * Owns:         nothing; addresses belong to the caller from reserve (or map) until release.
 * Thread rule:  any thread.
 * Failure rule: a call that can fail says so in its result; errno is left as it was. All sizes are bytes and multiples
 *               of the page size; all addresses are page-aligned.
 */
#ifndef HAK_BASE_OS_H
#define HAK_BASE_OS_H

#include "base/config.h"

HAK_C_BEGIN

typedef struct hak_os {
  /* Address space without memory, aligned to `align` (a power of two): no access until commit. hint, where it is not
   * 0, is the wanted address: another one is as if it had failed. 0 on failure. */
  uintptr_t (*reserve)(size_t bytes, size_t align, uintptr_t hint);
  /* Address space that reads as zero and costs no memory; commit makes parts of it writable. 0 on failure. */
  uintptr_t (*reserve_readable)(size_t bytes);
  /* Makes a reserved range readable and writable; it reads as zero. */
  bool (*commit)(uintptr_t address, size_t bytes);
  /* Makes a committed range inaccessible until it is committed again; its memory stays. */
  bool (*close)(uintptr_t address, size_t bytes);
  /* Gives the memory of a committed range back; the range stays usable and reads as zero again. */
  bool (*purge)(uintptr_t address, size_t bytes);
  /* Gives every page of a committed range its memory, as a write to each would, but in one call. False if the kernel
   * cannot: then the writes do it. */
  bool (*populate)(uintptr_t address, size_t bytes);
  /* Which pages of a committed range have been touched since commit or purge: one byte a page, 0 for those that have
   * not, and perhaps for those that the kernel has moved to a disk since. False if the kernel does not say. */
  bool (*touched)(uintptr_t address, size_t bytes, uint8_t* pages);
  /* Gives the addresses back too. */
  void (*release)(uintptr_t address, size_t bytes);
  /* Moves the pages of one committed range to another of the same size; the old range reads as zero afterwards. */
  bool (*move)(uintptr_t from, uintptr_t to, size_t bytes);
  /* Resizes a committed range that is alone in its mapping: in place if target is 0, else by moving its pages to
   * target, a reserved range of new_bytes that they replace. */
  bool (*resize)(uintptr_t address, size_t old_bytes, size_t new_bytes, uintptr_t target);
  /* Asks for huge pages in a committed range, or for small ones again. */
  void (*huge_pages)(uintptr_t address, size_t bytes, bool on);
  /* Names a range in /proc/PID/maps where the kernel can. name is a static string. */
  void (*name)(uintptr_t address, size_t bytes, const char* name);
  /* Every other thread of the process passes a full memory barrier before this returns. False if the kernel has no such
   * call, or the process may not make it. */
  bool (*fence_threads)(void);
  /* A clock that never goes back, in milliseconds; cheap and coarse. */
  uint64_t (*now_ms)(void);
  /* The calling thread's CPU time, in nanoseconds. */
  uint64_t (*cpu_ns)(void);
  /* Bytes of memory in the machine, and the most address space that the process may have (SIZE_MAX: no limit). */
  size_t (*memory_bytes)(void);
  size_t (*address_limit)(void);
  /* A number that nobody outside the process can guess, the same at each call. */
  uint64_t (*secret)(void);
  size_t page_bytes;
} hak_os;

/* Memory for the allocator's own records, zeroed, of whole pages, at an address of the kernel's choice; 0 on failure.
 */
uintptr_t hak_os_map(const hak_os* os, size_t bytes, const char* name);

/* Sleeps for some microseconds: a turn of a loop that waits for another thread's short piece of work. That thread runs
 * meanwhile even where the caller has a higher priority. No point where threads are cancelled; errno is left as it was.
 */
void hak_os_nap(void);

/* The Linux kernel. The page size is read at the first call. */
const hak_os* hak_os_linux(void);

HAK_C_END

#endif
