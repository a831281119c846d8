#include "arena/huge.h"

#include "base/bits.h"

/* x86-64's; where they are larger, the tries cost a little and say yes. */
#define HUGE_BYTES ((size_t)2 << 20)
enum {
  HUGE_WORTH = 2, /* times what small pages cost, since fewer misses of the TLB follow */
  /* Chunks left out after a try that was dear, twice as many after each further one. */
  HUGE_LEAST_SKIP = 8,
  HUGE_MOST_SKIP = 256,
};

/* What it costs to give a range its memory, up to the first access of each page: in a virtual machine that may be most
 * of it, when the host looks for the page only then, or keeps page tables of its own. 0 if the kernel cannot. */
static uint64_t populate_ns(const hak_os* os, uintptr_t start, size_t bytes) {
  uint64_t before = os->cpu_ns();
  if (!os->populate(start, bytes)) return 0;
  for (uintptr_t page = start; page < start + bytes; page += os->page_bytes) *(volatile uint8_t*)page = 0;
  return os->cpu_ns() - before + 1; /* a coarse clock may stand still */
}

/* The small pages are those of one unit in the chunk's second huge page, which is small from then on: once an arena. */
static void small_measure(hak_huge* huge, const hak_os* os, uintptr_t chunk) {
  _Static_assert(2 * HUGE_BYTES <= HAK_CHUNK_BYTES, "a chunk has a second huge page");
  huge->small_ns = populate_ns(os, chunk + HUGE_BYTES, HAK_UNIT_BYTES) * (HUGE_BYTES / HAK_UNIT_BYTES);
}

static bool huge_is_dear(hak_huge* huge, const hak_os* os, uintptr_t chunk) {
  if (huge->small_ns == 0) small_measure(huge, os, chunk);
  os->huge_pages(chunk, HUGE_BYTES, true);
  if (populate_ns(os, chunk, HUGE_BYTES) <= HUGE_WORTH * huge->small_ns) return false;
  os->huge_pages(chunk, HUGE_BYTES, false);
  return true;
}

bool hak_huge_is_due(hak_huge* huge) {
  if (huge->skip == 0) return true;
  huge->skip--;
  return false;
}

bool hak_huge_pays(hak_huge* huge, const hak_os* os, uintptr_t chunk) {
  if (!huge_is_dear(huge, os, chunk)) {
    huge->next_skip = 0;
    return true;
  }
  huge->skip = huge->next_skip != 0 ? huge->next_skip : HUGE_LEAST_SKIP;
  huge->next_skip = huge->skip < HUGE_MOST_SKIP ? 2 * huge->skip : HUGE_MOST_SKIP;
  return false;
}
