#include "base/meta.h"

#include <string.h>

#include "base/atomic.h"

/* The first mapping is small, for programs that hardly allocate. */
enum { META_FIRST_BYTES = 256 * 1024, META_MAP_BYTES = 1024 * 1024 };

static inline bool has_shadow(hak_meta_kind kind) { return kind == HAK_META_BODY; }

void hak_meta_init(hak_meta* meta, const hak_os* os) {
  memset(meta, 0, sizeof *meta);
  meta->lock.rank = HAK_RANK_META;
  meta->os = os;
}

/* A mapping of bodies is followed by that of their shadows:
 *
 *     | body | body | ...              | shadow | shadow | ...          |
 *      <------- HAK_META_SHADOW ------>
 */
static bool meta_map(hak_meta* meta, hak_meta_kind kind) {
  size_t bytes = has_shadow(kind) ? HAK_META_SHADOW : meta->mapped_bytes == 0 ? META_FIRST_BYTES : META_MAP_BYTES;
  uintptr_t p = hak_os_map(meta->os, has_shadow(kind) ? 2 * bytes : bytes, "hakmem: records");
  if (p == 0) return false;
  hak_count(&meta->mapped_bytes, bytes);
  meta->kinds[kind].bump = p;
  meta->kinds[kind].bump_end = p + bytes;
  return true;
}

/* Clears a record that was used before; of its shadow what is not clear, so that pages without memory go on without. */
static void record_clear(void* record, hak_meta_kind kind, size_t bytes) {
  memset(record, 0, bytes);
  if (!has_shadow(kind)) return;
  uint64_t* shadow = (uint64_t*)((uintptr_t)record + HAK_META_SHADOW);
  for (size_t i = 0; i < bytes / sizeof *shadow; i++) {
    if (shadow[i] != 0) shadow[i] = 0;
  }
}

void* hak_meta_alloc(hak_meta* meta, hak_meta_kind kind, size_t bytes) {
  size_t grains = (bytes + HAK_META_GRAIN - 1) / HAK_META_GRAIN;
  size_t rounded = grains * HAK_META_GRAIN;
  struct hak_meta_records* records = &meta->kinds[kind];
  bool used_before = true;
  hak_lock_acquire(&meta->lock);
  void** record = records->freed[grains];
  if (record != NULL) {
    records->freed[grains] = *record;
  } else if (records->bump_end - records->bump >= rounded || meta_map(meta, kind)) {
    record = (void**)records->bump;
    records->bump += rounded;
    used_before = false;
  }
  hak_lock_release(&meta->lock);
  if (record != NULL && used_before) record_clear(record, kind, rounded);
  return record;
}

void hak_meta_free(hak_meta* meta, hak_meta_kind kind, void* record, size_t bytes) {
  size_t grains = (bytes + HAK_META_GRAIN - 1) / HAK_META_GRAIN;
  struct hak_meta_records* records = &meta->kinds[kind];
  hak_lock_acquire(&meta->lock);
  *(void**)record = records->freed[grains];
  records->freed[grains] = record;
  hak_lock_release(&meta->lock);
}
