#include "frontend/hakmem.h"

#include <errno.h>

#include "frontend/entry.h"

#define HAK_API __attribute__((visibility("default")))

HAK_API void* hak_malloc(size_t bytes) { return hak_entry_alloc(bytes); }

HAK_API void hak_free(void* block) { hak_entry_free(block); }

HAK_API void* hak_calloc(size_t count, size_t bytes) { return hak_entry_calloc(count, bytes); }

HAK_API void* hak_realloc(void* block, size_t bytes) { return hak_entry_realloc(block, bytes); }

HAK_API void* hak_reallocarray(void* block, size_t count, size_t bytes) {
  size_t total;
  return hak_entry_array_bytes(count, bytes, &total) ? hak_entry_realloc(block, total) : NULL;
}

HAK_API void* hak_aligned_alloc(size_t align, size_t bytes) {
  if (!hak_is_power_of_two(align)) {
    errno = EINVAL;
    return NULL;
  }
  return hak_entry_aligned(align, bytes);
}

HAK_API int hak_posix_memalign(void** block, size_t align, size_t bytes) {
  if (!hak_is_power_of_two(align) || align % sizeof(void*) != 0) return EINVAL;
  int saved = errno;
  void* aligned = hak_entry_aligned(align, bytes);
  errno = saved;
  if (aligned == NULL) return ENOMEM;
  *block = aligned;
  return 0;
}

HAK_API size_t hak_usable_size(const void* block) {
  return block == NULL ? 0 : hak_entry_usable("malloc_usable_size", (void*)(uintptr_t)block);
}

HAK_API bool hak_owns(const void* address) { return hak_route_owns((uintptr_t)address); }

HAK_API bool hak_trim(void) {
  hak_owner* owner = hak_thread_attach();
  if (owner == NULL) return false;
  hak_owner_trim(owner);
  bool pages = hak_slab_pool_purge(&hak_the_process.slabs);
  return hak_arena_purge(&hak_the_process.arena) != 0 || pages;
}
