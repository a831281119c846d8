/* entry.h - what the public names call: the routes of route.h, or with checks=hardened and checks=debug the sealed
 * blocks of sealed.h, which are made of them. */
#ifndef HAK_FRONTEND_ENTRY_H
#define HAK_FRONTEND_ENTRY_H

#include <errno.h>

#include "frontend/route.h"
#include "frontend/sealed.h"

HAK_C_BEGIN

HAK_FAST void* hak_entry_alloc(size_t bytes) {
  return HAK_SEALED ? hak_sealed_alloc(HAK_ALIGNMENT, bytes, false) : hak_route_alloc(bytes);
}
/* A block if there is one at hand, else NULL: then hak_entry_alloc is to be asked. */
HAK_FAST void* hak_entry_try(size_t bytes) { return HAK_SEALED ? NULL : hak_route_try(bytes); }
HAK_FAST void hak_entry_free(void* block) {
  if (HAK_SEALED) {
    hak_sealed_free(block);
  } else {
    hak_route_free(block);
  }
}
HAK_FAST void hak_entry_delete(void* block) {
  if (HAK_SEALED) {
    hak_sealed_free(block);
  } else {
    hak_route_delete(block);
  }
}
HAK_FAST void* hak_entry_calloc(size_t count, size_t bytes) {
  return HAK_SEALED ? hak_sealed_calloc(count, bytes) : hak_route_calloc(count, bytes);
}
HAK_FAST void* hak_entry_realloc(void* block, size_t bytes) {
  return HAK_SEALED ? hak_sealed_realloc(block, bytes) : hak_route_realloc(block, bytes);
}
/* What reallocarray and its kin ask for; false, with errno ENOMEM, if no size_t holds it. */
static inline bool hak_entry_array_bytes(size_t count, size_t bytes, size_t* total) {
  if (!__builtin_mul_overflow(count, bytes, total)) return true;
  errno = ENOMEM;
  return false;
}
HAK_FAST void* hak_entry_aligned(size_t align, size_t bytes) {
  return HAK_SEALED ? hak_sealed_alloc(align, bytes, false) : hak_route_aligned(align, bytes);
}
HAK_FAST size_t hak_entry_usable(const char* function, void* block) {
  return HAK_SEALED ? hak_sealed_usable(function, block) : hak_route_usable(function, (uintptr_t)block);
}
/* bytes: as it was allocated; 0 with align: not given. */
HAK_FAST void hak_entry_free_sized(void* block, size_t bytes) {
  if (HAK_SEALED) {
    hak_sealed_free_sized(block, bytes);
  } else {
    hak_route_free_sized(block, bytes);
  }
}
HAK_FAST void hak_entry_free_aligned(void* block, size_t bytes, size_t align) {
  if (HAK_SEALED) {
    hak_sealed_free_aligned(block, bytes, align);
  } else {
    hak_route_free_aligned(block, bytes, align);
  }
}

HAK_C_END

#endif
