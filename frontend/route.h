/* route.h - malloc and free: which component serves a request, and whose a pointer is.
 *
 * The whole fast path of the allocator is in this file and in the inline functions that it calls: hak_tiny_bin,
 * hak_pool_bin, hak_bin_take_at for malloc; hak_map_cell, hak_slab_is_mine_or, hak_slab_mark_free_short,
 * hak_slab_count_free for free. They are inlined into each public name.
 *
 * Synchronization: a fast path touches the calling thread's owner, cells of its own slabs and their bits, and takes
 * no lock and no atomic operation. Everything else is behind the functions marked slow.
 */
#ifndef HAK_FRONTEND_ROUTE_H
#define HAK_FRONTEND_ROUTE_H

#include "frontend/misuse.h"
#include "frontend/process.h"
#include "pool_tls/pool.h"
#include "tiny/tiny.h"

HAK_C_BEGIN

/* Out of line: a bin without a block at hand; requests for more than HAK_POOL_MAX_BYTES; large blocks and the first
 * call of a thread. errno is ENOMEM where NULL is returned. */
void* hak_route_refill(size_t bytes, hak_bin* bin, hak_owner* owner);
void* hak_route_alloc_wide(size_t bytes);
void* hak_route_alloc_slow(size_t bytes);
/* A free that the key of the cell does not let through: not of a block in a slab of the caller's own, or of one that
 * others free into as well. cell: of the address, or of another one; rest: of hak_slab_is_mine_or. */
void hak_route_free_slow(uintptr_t address, hak_slab* cell, uint64_t rest);
void hak_route_count_slow(hak_slab* cell);
/* A live large block; cell: its own. */
void hak_route_free_large(hak_cell* cell, uintptr_t address);
/* Misuse. The grain is the address shifted, which is what the fast path has left of it. */
__attribute__((noreturn)) void hak_route_bad_free(uintptr_t address);
__attribute__((noreturn)) void hak_route_bad_grain(const hak_slab* cell, uintptr_t grain);
/* The usable size of a live block; anything else is misuse of `function`. */
size_t hak_route_usable(const char* function, uintptr_t address);
/* Its cell, in the same way; and the usable size of a block by its cell. */
hak_cell* hak_route_live_or_abort(const char* function, uintptr_t address);
size_t hak_route_cell_usable(const hak_cell* cell);
/* The largest request that a slab may serve, and whether one does: a class has blocks of this size and alignment (a
 * power of two). malloc has larger ones from slabs, too (hak_route_alloc_wide); but what is to be cleared or has
 * grown is better off in a run of its own, which may read as zero already, and grows where it is. */
enum { HAK_ROUTE_SLAB_BYTES = HAK_POOL_TLS ? HAK_POOL_MAX_BYTES : HAK_TINY_MAX_BYTES };
bool hak_route_has_class(size_t align, size_t bytes);
/* A large block for the calling thread, of any size. align: at least HAK_UNIT_BYTES. zeroed: of hak_large_alloc. */
void* hak_route_large(size_t align, size_t bytes, bool* zeroed);
/* A live block begins at the address. */
bool hak_route_owns(uintptr_t address);
/* hak_route_free_sized, of any block or none. */
void hak_route_free_sized_slow(void* block, size_t bytes);
/* delete with the alignment and the size (0: not given) that the block was made with. */
void hak_route_free_aligned(void* block, size_t bytes, size_t align);
void* hak_route_calloc_slow(size_t total);
void* hak_route_realloc(void* block, size_t bytes);
void* hak_route_aligned(size_t align, size_t bytes);

HAK_FAST void* hak_route_alloc(size_t bytes) {
  hak_owner* owner = hak_thread_owner;
  if (HAK_LIKELY(bytes <= HAK_TINY_MAX_BYTES)) {
    hak_bin_at bin = hak_tiny_bin(owner, bytes);
    void* block = hak_tiny_take(&bin);
    return HAK_LIKELY(block != NULL) ? block : hak_route_refill(bytes, hak_bin_get(&bin), owner);
  }
  if (HAK_POOL_TLS && HAK_LIKELY(bytes <= HAK_POOL_MAX_BYTES)) {
    hak_bin_at bin = hak_pool_bin(owner, bytes);
    void* block = hak_pool_take(&bin);
    return HAK_LIKELY(block != NULL) ? block : hak_route_refill(bytes, hak_bin_get(&bin), owner);
  }
  return hak_route_alloc_wide(bytes);
}

/* A block if the bin of the size has one at hand, else NULL. */
HAK_FAST void* hak_route_try(size_t bytes) {
  hak_owner* owner = hak_thread_owner;
  if (bytes <= HAK_TINY_MAX_BYTES) {
    hak_bin_at bin = hak_tiny_bin(owner, bytes);
    return hak_tiny_take(&bin);
  }
  if (HAK_POOL_TLS && bytes <= HAK_POOL_MAX_BYTES) {
    hak_bin_at bin = hak_pool_bin(owner, bytes);
    return hak_pool_take(&bin);
  }
  return NULL;
}

/* The second half of a free of the caller's own block, whose bit has been set; was_free: before that already. */
HAK_FAST void hak_route_freed(hak_slab* cell, uintptr_t address, uintptr_t grain, bool was_free) {
  if (HAK_UNLIKELY(was_free) && HAK_CHECKED) hak_route_bad_grain(cell, grain);
  /* After the bit: now it is known that a block begins here, and that the byte before it is its header. */
  if (HAK_HEADER_CLASSIDX && !hak_header_mark_freed(address, hak_header_live(cell->class_index))) {
    hak_misuse_header(cell, address);
  }
  if (HAK_UNLIKELY(hak_slab_count_free(cell))) hak_route_count_slow(cell);
}

/* mark: one of the two forms of hak_slab_mark_free. */
HAK_FAST void hak_route_free_by(void* block, bool (*mark)(const hak_slab* cell, uintptr_t grain)) {
  uintptr_t address = (uintptr_t)block;
  hak_slab* cell = hak_map_cell(&hak_the_process.map, address);
  uint64_t rest;
  if (HAK_UNLIKELY(!hak_slab_is_mine_or(cell, address, &rest))) {
    hak_route_free_slow(address, cell, rest);
    return;
  }
  uintptr_t grain = address >> cell->shift;
  hak_route_freed(cell, address, grain, mark(cell, grain));
}

/* What C programs call, in few instructions; and what C++ programs call, in little time. */
HAK_FAST void hak_route_free(void* block) { hak_route_free_by(block, hak_slab_mark_free_short); }
HAK_FAST void hak_route_delete(void* block) { hak_route_free_by(block, hak_slab_mark_free); }

/* The slab's class is the one that serves requests for so many bytes. Not said of wide classes (cells_fill). */
HAK_FAST bool hak_route_class_serves(const hak_slab* cell, size_t bytes) { return bytes - cell->least <= cell->span; }

/* delete with the size that the block was made with: what C++ containers call. */
HAK_FAST void hak_route_free_sized(void* block, size_t bytes) {
  uintptr_t address = (uintptr_t)block;
  hak_slab* cell = hak_map_cell(&hak_the_process.map, address);
  if (HAK_UNLIKELY(!hak_slab_is_mine(cell, address) || (HAK_CHECKED && !hak_route_class_serves(cell, bytes)))) {
    hak_route_free_sized_slow(block, bytes);
    return;
  }
  uintptr_t grain = address >> cell->shift;
  hak_route_freed(cell, address, grain, hak_slab_mark_free(cell, grain));
}

HAK_FAST void* hak_route_calloc(size_t count, size_t bytes) {
  size_t total;
  if (HAK_UNLIKELY(__builtin_mul_overflow(count, bytes, &total))) return hak_route_alloc_slow(SIZE_MAX);
  if (HAK_UNLIKELY(total > HAK_TINY_MAX_BYTES)) return hak_route_calloc_slow(total);
  hak_bin_at bin = hak_tiny_bin(hak_thread_owner, total);
  void* block = hak_tiny_take(&bin);
  if (HAK_UNLIKELY(block == NULL)) return hak_route_calloc_slow(total);
  /* Without headers the smallest blocks are whole pairs of words, and two stores beat a call. */
  if (!HAK_HEADER_CLASSIDX && total <= 2 * sizeof(uint64_t)) {
    ((uint64_t*)block)[0] = ((uint64_t*)block)[1] = 0;
    return block;
  }
  return __builtin_memset(block, 0, total);
}

HAK_C_END

#endif
