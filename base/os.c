#include "base/os.h"

#include "base/bits.h"

uintptr_t hak_os_map(const hak_os* os, size_t bytes, const char* name) {
  bytes = hak_align_up(bytes, os->page_bytes);
  uintptr_t start = os->reserve(bytes, os->page_bytes, 0);
  if (start == 0) return 0;
  if (!os->commit(start, bytes)) {
    os->release(start, bytes);
    return 0;
  }
  os->name(start, bytes, name);
  return start;
}
