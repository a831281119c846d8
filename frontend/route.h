/* route.h - malloc and free: which component serves a request, and whose a pointer is.
 *
 * The whole fast path of the allocator is in this file and in the inline functions that it calls: hak_tiny_bin,
 * hak_pool_bin, hak_bin_take for malloc; hak_map_cell, hak_slab_is_mine, hak_slab_mark_free, hak_slab_count_free for
 * free. They are inlined into each public name.
 *
 * Synchronization: a fast path touches the calling thread's owner, cells of its own slabs and their bits, and takes
 * no lock and no atomic operation. Everything else is behind the functions marked slow.
 */
#ifndef HAK_FRONTEND_ROUTE_H
#define HAK_FRONTEND_ROUTE_H

#include "frontend/process.h"
#include "pool_tls/pool.h"
#include "tiny/tiny.h"

HAK_C_BEGIN

/* Out of line: refill, large blocks, first call of a thread; misuse. errno is ENOMEM where NULL is returned. */
void* hak_route_alloc_slow(size_t bytes);
void hak_route_free_slow(uintptr_t address);
void hak_route_count_slow(hak_slab* head);
__attribute__((noreturn)) void hak_route_bad_free(uintptr_t address);
/* The usable size of a live block; anything else is misuse of `function`. */
size_t hak_route_usable(const char* function, uintptr_t address);
/* A live block begins at the address. */
bool hak_route_owns(uintptr_t address);
/* delete with the size or the alignment (0: not given) that the block was made with. */
void hak_route_free_sized(void* block, size_t bytes);
void hak_route_free_aligned(void* block, size_t bytes, size_t align);
void* hak_route_calloc(size_t count, size_t bytes);
void* hak_route_realloc(void* block, size_t bytes);
void* hak_route_aligned(size_t align, size_t bytes);

HAK_FAST void* hak_route_alloc(size_t bytes) {
  hak_owner* owner = hak_thread_owner;
  void* block;
  if (HAK_LIKELY(bytes <= HAK_TINY_MAX_BYTES)) {
    block = hak_tiny_alloc(owner, bytes);
  } else if (HAK_POOL_TLS && HAK_LIKELY(bytes <= HAK_POOL_MAX_BYTES)) {
    block = hak_pool_alloc(owner, bytes);
  } else {
    return hak_route_alloc_slow(bytes);
  }
  return HAK_LIKELY(block != NULL) ? block : hak_route_alloc_slow(bytes);
}

HAK_FAST void hak_route_free(void* block) {
  uintptr_t address = (uintptr_t)block;
  hak_slab* cell = hak_map_cell(&hak_the_process.map, address);
  if (HAK_UNLIKELY(!hak_slab_is_mine(cell, address))) {
    hak_route_free_slow(address);
    return;
  }
#if HAK_HEADER_CLASSIDX
  if (!hak_header_mark_freed(address, hak_header_live(cell->class_index))) {
    hak_route_bad_free(address);
  }
#endif
  if (HAK_UNLIKELY(hak_slab_mark_free(cell, address)) && HAK_CHECKED) hak_route_bad_free(address);
  hak_slab* head = cell->head;
  if (HAK_UNLIKELY(hak_slab_count_free(head))) hak_route_count_slow(head);
}

HAK_C_END

#endif
