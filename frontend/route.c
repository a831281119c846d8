#include "frontend/route.h"

#include <errno.h>
#include <string.h>

#include "base/fatal.h"
#include "frontend/helper.h"
#include "frontend/sample.h"

/* ---- malloc, slow ---- */

void* hak_route_large(size_t align, size_t bytes, bool* zeroed) {
  hak_owner* owner = hak_thread_attach();
  if (owner == NULL) return NULL;
  void* block = hak_large_alloc(&hak_the_process.arena, bytes, align, zeroed);
  if (HAK_LIKELY(block != NULL) || bytes > PTRDIFF_MAX) return block;
  hak_owner_trim(owner); /* what its empty slabs have is memory, too */
  return hak_large_alloc(&hak_the_process.arena, bytes, align, zeroed);
}

/* Pages of slabs may be of no use any more, and their owners asleep. */
static void consider_slabs(void) {
  if (hak_slab_pool_is_asked(&hak_the_process.slabs)) hak_helper_consider(&hak_the_process);
}

/* Of a tiny class, or of the pool's, whose blocks have no header to mark. */
static void* refill(hak_owner* owner, hak_bin* bin, size_t bytes) {
  if (HAK_UNLIKELY(bin == &owner->closed)) return hak_sample_alloc(owner, bytes);
  return hak_tiny_refill(owner, bin);
}

HAK_SLOW void* hak_route_alloc_slow(size_t bytes) {
  void* block = NULL;
  hak_owner* owner = hak_thread_attach();
  if (owner != NULL && bytes <= HAK_ROUTE_SLAB_BYTES) {
    /* A window may be open already, and a refill would leave it behind: with prewarm_tls, or if the owner is that of a
     * thread which died without leaving. */
    block = hak_route_try(bytes);
    if (block == NULL) {
      hak_bin_at bin = bytes <= HAK_TINY_MAX_BYTES ? hak_tiny_bin(owner, bytes) : hak_pool_bin(owner, bytes);
      block = refill(owner, hak_bin_get(&bin), bytes);
    }
  } else if (owner != NULL) {
    block = hak_route_large(HAK_UNIT_BYTES, bytes, NULL);
  }
  if (block == NULL) errno = ENOMEM;
  return block;
}

/* A function of its own, so that the step below needs no stack. */
static HAK_MEDIUM void* refill_far(size_t bytes, hak_bin* bin, hak_owner* owner) {
  if (HAK_UNLIKELY(owner->pool == NULL)) return hak_route_alloc_slow(bytes); /* the thread's first request */
  void* block = refill(owner, bin, bytes);
  if (HAK_UNLIKELY(block == NULL)) errno = ENOMEM;
  return block;
}

HAK_MEDIUM void* hak_route_refill(size_t bytes, hak_bin* bin, hak_owner* owner) {
  void* block = hak_bin_step(bin);
  if (HAK_UNLIKELY(block == NULL)) return refill_far(bytes, bin, owner);
  hak_header_mark_live(block, bin->header);
  return block;
}

HAK_MEDIUM void* hak_route_alloc_wide(size_t bytes) {
  hak_owner* owner = hak_thread_owner;
  if (HAK_POOL_TLS && !HAK_SEALED && bytes <= HAK_WIDE_MAX_BYTES && hak_owner_is_open(owner)) {
    void* block = hak_owner_take_wide(owner, hak_pool_wide_bin(owner, bytes));
    consider_slabs(); /* most frees of such blocks call nobody: they are in the current slab */
    if (block != NULL) return block;
  }
  return hak_route_alloc_slow(bytes);
}

/* ---- free, slow ---- */

__attribute__((noreturn)) HAK_SLOW void hak_route_bad_free(uintptr_t address) {
  hak_misuse_pointer("free", &hak_the_process.map, address);
}

__attribute__((noreturn)) HAK_SLOW void hak_route_bad_grain(const hak_slab* cell, uintptr_t grain) {
  hak_route_bad_free((grain << cell->shift) + (hak_slab_class(cell)->first & ((1u << cell->shift) - 1)));
}

HAK_MEDIUM void hak_route_count_slow(hak_slab* cell) {
  hak_slab* head = cell->head;
  /* The slab's owner, not the thread's: they differ when a dead thread's control block has become ours. */
  hak_owner_on_countdown(hak_load_relaxed(&head->owner), head);
  hak_helper_consider(&hak_the_process);
}

/* A block of ours in a slab that other threads free into. */
static void free_shared(hak_owner* self, hak_cell* cell, uintptr_t address) {
  if (!hak_slab_free_shared(cell, address)) hak_route_bad_free(address);
  if (hak_slab_count_free(cell)) hak_owner_on_countdown(self, cell->head);
}

HAK_SLOW void hak_route_free_large(hak_cell* cell, uintptr_t address) {
  if (hak_peek(&cell->kind) == HAK_CELL_GUARDED) {
    hak_sample_free(cell, address);
  } else {
    hak_large_freed freed = hak_large_free(&hak_the_process.arena, cell);
    if (freed == HAK_LARGE_NOT_LIVE) hak_route_bad_free(address);
    if (freed == HAK_LARGE_PARKED) return;
  }
  hak_helper_consider(&hak_the_process);
}

static HAK_SLOW void free_large(uintptr_t address) {
  if (address == 0) return;
  hak_cell* cell = hak_map_find(&hak_the_process.map, address);
  if (cell == NULL || !hak_large_is(cell) || hak_large_start(cell) != address) hak_route_bad_free(address);
  hak_route_free_large(cell, address);
}

/* Whatever it is. */
static HAK_MEDIUM void free_other(uintptr_t address, hak_slab* cell) {
  if (hak_peek(&cell->kind) != HAK_CELL_SLAB || !hak_slab_holds(cell, address)) {
    free_large(address);
    return;
  }
  if (HAK_HEADER_CLASSIDX && hak_slab_is_live_anywhere(cell, address) &&
      !hak_header_mark_freed(address, hak_header_live(cell->class_index))) {
    hak_misuse_header(cell, address);
  }
  hak_owner* self = hak_thread_has_owner() ? hak_thread_owner : hak_thread_attach();
  if (hak_load_relaxed(&cell->head->owner) == self && self != NULL) {
    free_shared(self, cell, address);
  } else {
    if (HAK_UNLIKELY(!hak_slab_free_remote(&hak_the_process.slabs, self, cell, address))) hak_route_bad_free(address);
    consider_slabs();
  }
}

static HAK_MEDIUM void notify_owner(hak_slab* head) {
  hak_owner* self = hak_thread_has_owner() ? hak_thread_owner : hak_thread_attach();
  hak_slab_notify_owner(&hak_the_process.slabs, self, head);
  consider_slabs();
}

/* Most often a block of another thread's slab, or one of ours in a slab that others free into. */
HAK_MEDIUM void hak_route_free_slow(uintptr_t address, hak_slab* cell, uint64_t rest) {
  if (!HAK_HEADER_CLASSIDX && HAK_LIKELY(hak_load_folded(&cell->kind) == HAK_CELL_SLAB)) {
    uintptr_t grain = address >> cell->shift;
    uintptr_t remote = ((hak_slab_body*)cell->body)->remote;
    __asm__ volatile("" : "+r"(remote)); /* loaded here, and not between the comparison and its branch */
    if (!hak_slab_is_strange(cell, &rest)) {
      if (HAK_LIKELY(!hak_bit_test(remote, grain) && !hak_slab_mark_free(cell, grain))) {
        if (HAK_UNLIKELY(hak_slab_count_free(cell))) hak_route_count_slow(cell);
        return;
      }
    } else if (HAK_LIKELY((rest ^ hak_thread_pointer()) ==
                          hak_load_folded(&hak_load_relaxed(&cell->head->owner)->thread))) {
      hak_slab* head = cell->head;
      /* Its line is with the owner or another thread, like that of the owner's bits: they come side by side. */
      hak_bit_prefetch(remote, grain);
      if (HAK_LIKELY((!HAK_CHECKED || !hak_bit_test(cell->bits, grain)) && hak_slab_mark_remote(cell, grain, remote))) {
        if (HAK_UNLIKELY(hak_slab_is_unqueued(head))) notify_owner(head);
        return;
      }
    }
  }
  free_other(address, cell);
}

/* ---- sizes ---- */

/* The cell of a live block that begins at address, else NULL. */
static hak_cell* live_block(uintptr_t address) {
  hak_cell* cell = hak_map_find(&hak_the_process.map, address);
  if (cell == NULL) return NULL;
  if (cell->kind == HAK_CELL_SLAB) {
    return hak_slab_is_block(cell, address) && hak_slab_is_live_anywhere(cell, address) ? cell : NULL;
  }
  return hak_large_is(cell) && hak_large_start(cell) == address ? cell : NULL;
}

bool hak_route_owns(uintptr_t address) { return live_block(address) != NULL; }

size_t hak_route_cell_usable(const hak_cell* cell) {
  return cell->kind == HAK_CELL_SLAB ? hak_slab_class(cell)->usable : hak_large_usable(cell);
}

hak_cell* hak_route_live_or_abort(const char* function, uintptr_t address) {
  /* Most often a block of the caller's: then the key says that the address is in the slab, and the bit the rest. */
  hak_cell* cell = hak_map_cell(&hak_the_process.map, address);
  if (HAK_CHECKED && hak_slab_is_mine(cell, address) && hak_slab_is_live(cell, address)) return cell;
  cell = live_block(address);
  if (HAK_UNLIKELY(cell == NULL)) hak_misuse_pointer(function, &hak_the_process.map, address);
  return cell;
}

size_t hak_route_usable(const char* function, uintptr_t address) {
  return hak_route_cell_usable(hak_route_live_or_abort(function, address));
}

/* ---- sized and aligned delete ---- */

/* A block made by new for `bytes` bytes has the smallest class that holds them, or the one that stands in for it (any
 * larger one if it was aligned). */
static bool size_fits(const hak_cell* cell, size_t bytes, bool aligned) {
  if (bytes > hak_route_cell_usable(cell)) return false;
  if (aligned) return true;
  if (cell->kind == HAK_CELL_SLAB) return bytes >= hak_class_least(cell->class_index);
  if (cell->kind == HAK_CELL_GUARDED) return bytes == hak_large_usable(cell) || bytes == 0;
  return hak_align_up(bytes, hak_the_process.arena.os->page_bytes) == hak_large_usable(cell);
}

/* The cell is of a slab, and of this address's unit, and blocks begin at such addresses. (Nobody, who owns what threads
 * have left, has a thread pointer of 0.) */
static inline bool slab_claims(const hak_slab* cell, uintptr_t address) {
  return hak_load_folded(&cell->kind) == HAK_CELL_SLAB &&
         hak_slab_claimant(cell, address) == hak_peek(&hak_load_relaxed(&cell->head->owner)->thread);
}

HAK_MEDIUM void hak_route_free_sized_slow(void* block, size_t bytes) {
  hak_slab* slab = hak_map_cell(&hak_the_process.map, (uintptr_t)block);
  if (HAK_CHECKED && HAK_LIKELY(slab_claims(slab, (uintptr_t)block) && hak_route_class_serves(slab, bytes))) {
    uint64_t rest;
    (void)hak_slab_is_mine_or(slab, (uintptr_t)block, &rest);
    hak_route_free_slow((uintptr_t)block, slab, rest); /* which finds out whether it is live */
    return;
  }
  if (HAK_CHECKED && block != NULL) {
    const hak_cell* cell = hak_route_live_or_abort("delete", (uintptr_t)block);
    if (HAK_UNLIKELY(!size_fits(cell, bytes, false))) hak_misuse_size(cell, (uintptr_t)block, bytes);
  }
  hak_route_free(block);
}

void hak_route_free_aligned(void* block, size_t bytes, size_t align) {
  uintptr_t address = (uintptr_t)block;
  if (HAK_CHECKED && block != NULL) {
    const hak_cell* cell = hak_route_live_or_abort("delete", address);
    if (HAK_UNLIKELY(address % align != 0)) hak_misuse_alignment(cell, address, align);
    if (HAK_UNLIKELY(bytes != 0 && !size_fits(cell, bytes, true))) hak_misuse_size(cell, address, bytes);
  }
  hak_route_free(block);
}

/* ---- calloc, realloc, alignment ---- */

/* Shrinking, a block stays where it is until it is twice too large. */
static inline bool is_still_used(size_t old_bytes, size_t bytes) { return bytes >= old_bytes / 2; }

/* A block that grows by little is likely to do so again, and would have to be moved the more often the nearer the size
 * classes stand: it gets a quarter more at least. */
static inline size_t grown_bytes(size_t old_bytes, size_t bytes) {
  size_t roomy = old_bytes + old_bytes / 4;
  return bytes < roomy ? roomy : bytes;
}

HAK_MEDIUM void* hak_route_calloc_slow(size_t total) {
  bool zeroed = false;
  void* block;
  if (total > HAK_ROUTE_SLAB_BYTES) {
    block = hak_route_large(HAK_UNIT_BYTES, total, &zeroed);
    if (block == NULL) errno = ENOMEM;
  } else {
    block = hak_route_alloc(total);
  }
  return block == NULL || zeroed ? block : memset(block, 0, total);
}

/* realloc makes no wide block: a run may grow in place, or shrink. */
static void* alloc_resized(size_t bytes) {
  return bytes <= HAK_ROUTE_SLAB_BYTES ? hak_route_alloc(bytes) : hak_route_alloc_slow(bytes);
}

static HAK_MEDIUM void* realloc_other(void* block, size_t bytes) {
  if (block == NULL) return hak_route_alloc(bytes);
  hak_cell* cell = hak_route_live_or_abort("realloc", (uintptr_t)block);
  if (bytes == 0) {
    hak_route_free(block);
    return NULL;
  }
  size_t old_bytes = hak_route_cell_usable(cell);
  size_t new_bytes = bytes;
  if (hak_large_is(cell)) {
    void* resized = bytes > HAK_POOL_MAX_BYTES ? hak_large_resize(&hak_the_process.arena, cell, bytes) : NULL;
    if (resized != NULL) {
      hak_helper_consider(&hak_the_process); /* of what it has left behind */
      return resized;
    }
  } else if (bytes > old_bytes) {
    /* A sampled block has its size to the byte. And room to grow is no reason to leave the slabs. */
    if (hak_the_process.options.guard_sample == 0) new_bytes = grown_bytes(old_bytes, bytes);
    if (new_bytes > HAK_ROUTE_SLAB_BYTES && bytes <= HAK_ROUTE_SLAB_BYTES) new_bytes = HAK_ROUTE_SLAB_BYTES;
  } else if (is_still_used(old_bytes, bytes)) {
    return block;
  }
  void* moved = alloc_resized(new_bytes);
  if (moved == NULL && new_bytes != bytes) moved = alloc_resized(bytes);
  if (moved == NULL) return NULL;
  memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
  hak_route_free(block);
  return moved;
}

/* Most often a block of a slab of the caller's own, as in free, that may stay or grows, and the bin of the new size has
 * a block at hand; all the rest is above. */
void* hak_route_realloc(void* block, size_t bytes) {
  uintptr_t address = (uintptr_t)block;
  hak_slab* cell = hak_map_cell(&hak_the_process.map, address);
  uintptr_t grain = address >> cell->shift;
  if (HAK_UNLIKELY(!hak_slab_is_mine(cell, address) || hak_bit_test(cell->bits, grain) || bytes - 1 >= PTRDIFF_MAX)) {
    return realloc_other(block, bytes);
  }
  size_t old_bytes = hak_slab_class(cell)->usable;
  if (bytes <= old_bytes) return is_still_used(old_bytes, bytes) ? block : realloc_other(block, bytes);
  void* moved = hak_route_try(grown_bytes(old_bytes, bytes));
  if (HAK_UNLIKELY(moved == NULL)) return realloc_other(block, bytes);
  memcpy(moved, block, old_bytes);
  hak_route_freed(cell, address, grain, hak_slab_mark_free(cell, grain));
  return moved;
}

/* The least size with so many bytes whose class has all its blocks aligned, more than HAK_ROUTE_SLAB_BYTES if none has.
 * Slabs begin at a multiple of the unit, and the class of a multiple of a power of two is such a multiple as well
 * (tests/unit/size_class_test.cc), but for a header. */
static inline size_t aligned_bytes(size_t align, size_t bytes) {
  const size_t least = HAK_HEADER_CLASSIDX ? HAK_TINY_MAX_BYTES : 1; /* the last tiny class has no header */
  if (align > HAK_UNIT_BYTES || bytes > HAK_ROUTE_SLAB_BYTES) return SIZE_MAX;
  return hak_align_up(bytes > least ? bytes : least, align);
}

bool hak_route_has_class(size_t align, size_t bytes) { return aligned_bytes(align, bytes) <= HAK_ROUTE_SLAB_BYTES; }

void* hak_route_aligned(size_t align, size_t bytes) {
  if (align <= HAK_ALIGNMENT) return hak_route_alloc(bytes);
  size_t whole = aligned_bytes(align, bytes);
  if (HAK_LIKELY(whole <= HAK_ROUTE_SLAB_BYTES)) return hak_route_alloc(whole);
  /* Both wide blocks and runs begin at such addresses. */
  if (align <= HAK_WIDE_STEP && bytes > HAK_ROUTE_SLAB_BYTES) return hak_route_alloc_wide(bytes);
  if (align < HAK_UNIT_BYTES) align = HAK_UNIT_BYTES;
  void* block = hak_route_large(align, bytes, NULL);
  if (block == NULL) errno = ENOMEM;
  return block;
}
