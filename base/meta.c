#include "base/meta.h"

#include <string.h>

#include "base/atomic.h"

/* The first mapping is small, for programs that hardly allocate. */
enum { META_FIRST_BYTES = 256 * 1024, META_MAP_BYTES = 1024 * 1024 };

void hak_meta_init(hak_meta* meta, const hak_os* os) {
  memset(meta, 0, sizeof *meta);
  meta->lock.rank = HAK_RANK_META;
  meta->os = os;
}

static bool meta_map(hak_meta* meta) {
  size_t bytes = meta->mapped_bytes == 0 ? META_FIRST_BYTES : META_MAP_BYTES;
  uintptr_t p = hak_os_map(meta->os, bytes, "hakmem: records");
  if (p == 0) return false;
  hak_count(&meta->mapped_bytes, bytes);
  meta->bump = p;
  meta->bump_end = p + bytes;
  return true;
}

void* hak_meta_alloc(hak_meta* meta, hak_meta_kind kind, size_t bytes) {
  size_t grains = (bytes + HAK_META_GRAIN - 1) / HAK_META_GRAIN;
  size_t rounded = grains * HAK_META_GRAIN;
  bool used_before = true;
  hak_lock_acquire(&meta->lock);
  void** record = meta->freed[kind][grains];
  if (record != NULL) {
    meta->freed[kind][grains] = *record;
  } else if (meta->bump_end - meta->bump >= rounded || meta_map(meta)) {
    record = (void**)meta->bump;
    meta->bump += rounded;
    used_before = false;
  }
  hak_lock_release(&meta->lock);
  if (record != NULL && used_before) memset(record, 0, rounded);
  return record;
}

void hak_meta_free(hak_meta* meta, hak_meta_kind kind, void* record, size_t bytes) {
  size_t grains = (bytes + HAK_META_GRAIN - 1) / HAK_META_GRAIN;
  hak_lock_acquire(&meta->lock);
  *(void**)record = meta->freed[kind][grains];
  meta->freed[kind][grains] = record;
  hak_lock_release(&meta->lock);
}
