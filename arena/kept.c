/* Mappings of large blocks that the program has freed and is about to ask for again (reuse.c).
 *
 * A few are kept and serve the next requests: cut to size, or grown by the kernel, their pages with them. To the arena
 * a kept mapping is dirty, and it decays as the runs of large blocks do.
 *
 *     mapped --free, such a one was wanted of late--> kept --request--> mapped
 *                                                      |---two steps of decay, or memory is short----> (kernel)
 *
 * The map goes on knowing its first chunk, whose cell says that the block is freed. */
#include "arena/internal.h"

static void count_kept(hak_arena* arena, uint64_t more) {
  hak_poke(&arena->stats.dirty_bytes, arena->stats.dirty_bytes + more);
  arena->kept.bytes += more;
}

static hak_mapping kept_remove(hak_arena* arena, hak_mapping* which) {
  hak_mapping mapping = *which;
  which->start = 0;
  count_kept(arena, -(uint64_t)mapping.bytes);
  return mapping;
}

bool hak_kept_put(hak_arena* arena, uintptr_t start, size_t bytes) {
  const hak_options* options = arena->options;
  if (!hak_reuse_freed(arena, bytes)) return false;
  /* Builds with seals tell of a use after the free by the mapping that is not there. And where addresses are few, who
   * needs some has no way to ask us for them. */
  if (HAK_SEALED || bytes > HAK_KEPT_MOST_BYTES || arena->os->address_limit() != SIZE_MAX) return false;
  if (options->decay_ms == 0 || options->memory_limit != 0 || arena->stats.dirty_bytes + bytes > options->dirty_limit) {
    return false;
  }
  for (unsigned i = 0; i < HAK_KEPT_MAPPINGS; i++) {
    if (arena->kept.mappings[i].start != 0) continue;
    arena->kept.mappings[i] = (hak_mapping){.start = start, .bytes = bytes};
    count_kept(arena, bytes);
    return true;
  }
  return false;
}

/* It can be made to serve the request, and is worth it: neither most of it would go nor most be new. One whose size has
 * to change may have to move, and does not keep an alignment of more than a chunk. */
static bool may_serve(const hak_mapping* kept, size_t bytes, size_t align) {
  if (kept->start == 0 || kept->start % align != 0) return false;
  if (kept->bytes != bytes && align > HAK_CHUNK_BYTES) return false;
  return kept->bytes >= bytes ? kept->bytes / 2 <= bytes : bytes / 2 <= kept->bytes;
}

/* The smallest that is large enough, else the largest of the others. */
static bool is_better(const hak_mapping* kept, const hak_mapping* than, size_t bytes) {
  bool fits = kept->bytes >= bytes;
  if (fits != (than->bytes >= bytes)) return fits;
  return fits ? kept->bytes < than->bytes : kept->bytes > than->bytes;
}

hak_mapping hak_kept_take(hak_arena* arena, size_t bytes, size_t align) {
  hak_mapping* best = NULL;
  for (unsigned i = 0; i < HAK_KEPT_MAPPINGS; i++) {
    hak_mapping* kept = &arena->kept.mappings[i];
    if (may_serve(kept, bytes, align) && (best == NULL || is_better(kept, best, bytes))) best = kept;
  }
  return best == NULL ? (hak_mapping){.start = 0} : kept_remove(arena, best);
}

size_t hak_kept_release(hak_arena* arena, bool all, size_t most) {
  size_t bytes = 0;
  arena->unlocked++;
  for (unsigned i = 0; i < HAK_KEPT_MAPPINGS; i++) {
    hak_mapping* kept = &arena->kept.mappings[i];
    if (kept->start == 0 || most == 0) continue;
    if (!all && !kept->aged) {
      kept->aged = true;
      continue;
    }
    most--;
    hak_mapping mapping = kept_remove(arena, kept);
    hak_map_drop(arena->map, mapping.start, 1);
    hak_lock_release(&arena->lock);
    arena->os->release(mapping.start, mapping.bytes);
    hak_lock_acquire(&arena->lock);
    arena->stats.purged_bytes += mapping.bytes;
    arena->stats.purges++;
    bytes += mapping.bytes;
  }
  arena->unlocked--;
  return bytes;
}
