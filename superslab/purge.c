/* Pages inside slabs go back to the kernel.
 *
 * A slab at rest (partial or abandoned, or full as far as its owner knows) has free blocks that no bin takes, those
 * that other threads have freed among them. They stay free until a bin makes the slab its current one, so that the
 * whole pages among them are of no use to anybody:
 *
 *     blocks   | live | free | free | free | live | free |
 *     pages    |   :   |   :   |   :   |   :   |   :   |
 *                      |<- go back --->|
 *
 * The owner is not asked (it may sleep for ever), and goes on freeing into the slab. Only two things have to wait while
 * we are at work: that a bin makes the slab its current one, and that it is released. Who does either says so first and
 * then looks whether the slab is pinned (hak_slab_leave_rest); we pin it first and then look whether it is at rest. All
 * four accesses are sequentially consistent, so that one of the two sees the other (Dekker's argument).
 *
 * A current slab of a thread that sleeps is no different, but for its window, whose blocks the owner may deal at any
 * time and without a look at anything: we leave the whole word alone. A bin that moves its window looks at `watched`
 * first, without a barrier of its own; in its place we have all threads pass one, once for many slabs:
 *
 *     we       watched = 1;    | barrier everywhere |   pinned = slab;     read the window;    purge the rest
 *     owner    window = word;  |                    |   read watched: 0: we see its window. 1: hak_owner_pause, which
 *                                                       stores the word once more and then looks at `pinned`
 *
 * The window of a wide class is most of its slab, and a block there some dozen pages. So whoever takes one of these
 * looks at `watched` each time, behind the bit (hak_owner_take_wide), and pages go back from inside the window, too.
 * (Not in the fast build, which takes all of a window's bits when it opens it.)
 *
 * Not where freed blocks have contents (HAK_FREED_HAVE_CONTENTS). */
#include "superslab/internal.h"

enum {
  PURGE_SLABS = 4096, /* looked at in one step: a fork waits for its end */
  /* One block in so many has to be free: for fewer, the calls cost more than the pages are worth, and a huge page is
   * broken up for them. */
  PURGE_PART = 4,
  PURGE_WATCHED = 64,       /* current slabs for which one barrier is made */
  PURGE_CURRENT_ROUNDS = 8, /* current slabs have their turn once in so many: it is for threads that sleep */
};
_Static_assert(HAK_MAX_SLAB_GRAINS < 1 << 16, "a look at a slab is two numbers side by side");

/* Current slabs that are about to be looked at. */
typedef struct batch {
  unsigned count;
  struct watched {
    hak_slab* head;
    hak_bin* bin;
  } slabs[PURGE_WATCHED];
} batch;

static size_t purge_gap(const hak_os* os, uintptr_t from, uintptr_t to) {
  uintptr_t start = hak_align_up(from, os->page_bytes);
  uintptr_t end = hak_align_down(to, os->page_bytes);
  return start < end && os->purge(start, end - start) ? end - start : 0;
}

/* The blocks of a word that are in use. A block on its way home is free in the owner's bits or in those of the others
 * at each moment (remote.c), or for an instant, to us, in neither. */
static uint64_t used_bits(const hak_slab_body* body, uint32_t word) {
  return ~(hak_peek(&body->bits[word]) | hak_peek(&hak_body_remote(body)[word]));
}

static uint32_t count_used(const hak_slab* head) {
  const hak_slab_body* body = hak_slab_body_of(head);
  uint32_t frontier = hak_peek(&body->frontier);
  uint32_t count = 0;
  for (uint32_t w = 0; w < frontier; w++) count += hak_count_bits(used_bits(body, w));
  return count;
}

/* The gaps between live blocks, and beside the window, if there is one. A live block's header is the byte before it.
 * Bits that are set meanwhile are seen or not; no block becomes live but in the window, or behind a look at
 * `watched`. */
static size_t purge_gaps(const hak_os* os, const hak_slab* head, const uint64_t* window) {
  const hak_slab_body* body = hak_slab_body_of(head);
  const hak_size_class* row = hak_slab_class(head);
  uintptr_t gap = body->base + row->first;
  uint32_t frontier = hak_peek(&body->frontier);
  size_t bytes = 0;
  for (uint32_t w = 0; w < frontier; w++) {
    uintptr_t first = body->first_window + ((uintptr_t)w * 64 << row->shift);
    if (&body->bits[w] == window) {
      bytes += purge_gap(os, gap, first - (row->header != 0));
      /* The end of a block that begins in the last grain. */
      gap = first + ((uintptr_t)(63 + row->grains) << row->shift);
      continue;
    }
    for (uint64_t live = used_bits(body, w); live != 0; live &= live - 1) {
      uintptr_t block = first + ((uintptr_t)hak_lowest_bit(live) << row->shift);
      bytes += purge_gap(os, gap, block - (row->header != 0));
      gap = block + row->stride;
    }
  }
  return bytes + purge_gap(os, gap, body->base + ((uintptr_t)row->units << HAK_UNIT_SHIFT));
}

static bool is_slab(const hak_slab* head) {
  return hak_load_seq_cst(&head->kind) == HAK_CELL_SLAB && hak_peek(&head->head) == head;
}

static bool is_at_rest(const hak_slab* head) {
  if (!is_slab(head)) return false;
  uint8_t state = hak_load_seq_cst(&head->state);
  if (state == HAK_SLAB_FULL) return hak_load_relaxed(&head->remote_next) != NULL; /* else there is nothing to find */
  return state == HAK_SLAB_PARTIAL || state == HAK_SLAB_ABANDONED;
}

/* Whose bin it would be as a current slab. Owners' records stay where they are when their threads end. */
static hak_bin* bin_of(const hak_slab* head) {
  hak_owner* owner = hak_load_seq_cst(&head->owner);
  return &owner->bins[hak_peek(&head->class_index)];
}

static bool is_current(const hak_slab* head, const hak_bin* bin) {
  return is_slab(head) && hak_load_seq_cst(&head->state) == HAK_SLAB_CURRENT && bin_of(head) == bin &&
         hak_peek(&bin->current) == head;
}

/* Something may have been freed since pages last went back, and (unless `all`) nothing has happened since the last
 * look. look: of two that differ something has happened in between. */
static bool is_due(hak_slab_pool* pool, const hak_slab* head, uint32_t look, bool all) {
  hak_slab_body* body = hak_slab_body_of(head);
  if (hak_peek(&body->purged_at) == look) return false;
  if (!all && hak_peek(&body->seen_at) != look) {
    hak_poke(&body->seen_at, look);
    pool->purge_again = true;
    return false;
  }
  hak_poke(&body->purged_at, look);
  return true;
}

static bool has_enough_free(const hak_slab* head, uint32_t live) {
  uint32_t capacity = hak_slab_class(head)->capacity;
  return capacity - live >= capacity / PURGE_PART;
}

static size_t purge_at_rest(hak_slab_pool* pool, hak_slab* head, bool all) {
  size_t bytes = 0;
  hak_store_seq_cst(&pool->pinned, head);
  if (is_at_rest(head)) {
    uint32_t live = count_used(head);
    if (has_enough_free(head, live) && is_due(pool, head, live, all)) {
      bytes = purge_gaps(pool->arena->os, head, NULL);
    }
  }
  hak_store_release(&pool->pinned, NULL);
  return bytes;
}

static size_t purge_current(hak_slab_pool* pool, const struct watched* watched) {
  size_t bytes = 0;
  hak_store_seq_cst(&pool->pinned, watched->head);
  if (is_current(watched->head, watched->bin)) {
    const uint64_t* window = hak_load_seq_cst(&watched->bin->word);           /* before the bits, whatever it says */
    bool looks = HAK_CHECKED && hak_class_is_wide(watched->bin->class_index); /* its owner does, behind each block */
    bytes = purge_gaps(pool->arena->os, watched->head, looks ? NULL : window);
  }
  hak_store_release(&pool->pinned, NULL);
  return bytes;
}

static size_t purge_watched(hak_slab_pool* pool, batch* all) {
  size_t bytes = 0;
  bool fenced = all->count > 0 && pool->arena->os->fence_threads();
  for (unsigned i = 0; fenced && i < all->count; i++) bytes += purge_current(pool, &all->slabs[i]);
  /* Only now: a bin that changes its slab while we go through them all may be there twice. */
  for (unsigned i = 0; i < all->count; i++) {
    hak_and_acq_rel(&all->slabs[i].bin->watched, (uint8_t)~HAK_WATCH_PURGE);
  }
  all->count = 0;
  return bytes;
}

/* Pinned, for its body may go while we look at it. With too few free blocks it is done with, too, until its window
 * moves: a slab that waited for more would keep the helper thread there. */
static bool is_due_and_current(hak_slab_pool* pool, hak_slab* head, const hak_bin* bin, bool all) {
  bool due = false;
  hak_store_seq_cst(&pool->pinned, head);
  if (is_current(head, bin)) {
    uint32_t live = count_used(head);
    uint32_t word = (uint32_t)(hak_peek(&bin->word) - hak_slab_body_of(head)->bits);
    due = is_due(pool, head, live << 16 | (word & 0xffff), all) && has_enough_free(head, live);
  }
  hak_store_release(&pool->pinned, NULL);
  return due;
}

/* Its window has moved since the last look, or it waits for the next one. Pinned, for its body may go. */
static bool wants_a_look(hak_slab_pool* pool, hak_slab* head, const hak_bin* bin) {
  hak_store_seq_cst(&pool->pinned, head);
  bool wants = is_current(head, bin) && ((hak_load_relaxed(&bin->watched) & HAK_WATCH_TELL) == 0 ||
                                         hak_peek(&hak_slab_body_of(head)->purged_at) == HAK_SLAB_NOT_YET);
  hak_store_release(&pool->pinned, NULL);
  return wants;
}

/* After as many blocks dealt as freed a slab may look as before: so the bin tells us when its window moves. */
static size_t purge_slab(hak_slab_pool* pool, batch* later, hak_slab* head, bool all) {
  if (!all && hak_load_relaxed(&head->remote_next) != NULL) {
    pool->purge_queued += (uint64_t)hak_size_classes[hak_peek(&head->class_index)].units << HAK_UNIT_SHIFT;
  }
  if (is_at_rest(head)) return purge_at_rest(pool, head, all);
  hak_bin* bin = bin_of(head);
  if (!is_current(head, bin)) return 0;
  if (!all && pool->purge_round % PURGE_CURRENT_ROUNDS != 0) {
    pool->purge_again |= wants_a_look(pool, head, bin);
    return 0;
  }
  uint8_t why = HAK_WATCH_TELL;
  if (is_due_and_current(pool, head, bin, all)) {
    why |= HAK_WATCH_PURGE;
    later->slabs[later->count++] = (struct watched){head, bin};
  }
  if ((hak_load_relaxed(&bin->watched) & why) != why) hak_or_seq_cst(&bin->watched, why);
  return later->count == PURGE_WATCHED ? purge_watched(pool, later) : 0;
}

/* From address `from` on, at most so many slabs; the address behind the last one, 0 when there are no more. */
static uintptr_t purge_from(hak_slab_pool* pool, uintptr_t from, size_t most, bool all) {
  hak_region region = {.base = 0};
  batch later = {.count = 0};
  while (hak_arena_next_region(pool->arena, region.base, &region)) {
    uintptr_t end = region.base + (region.chunks << HAK_CHUNK_SHIFT);
    for (uintptr_t unit = region.base > from ? region.base : from; unit < end; unit += HAK_UNIT_BYTES) {
      /* The cells of a chunk that was never used have no memory, and get none from us. */
      if (~hak_peek(&hak_map_slot(pool->arena->map, unit)->free) == 0) {
        unit |= HAK_CHUNK_BYTES - HAK_UNIT_BYTES;
        continue;
      }
      hak_slab* head = hak_map_cell(pool->arena->map, unit);
      if (hak_peek(&head->kind) != HAK_CELL_SLAB || hak_peek(&head->head) != head) continue;
      if (most-- == 0) {
        hak_count(&pool->purged_bytes, purge_watched(pool, &later));
        return unit;
      }
      hak_count(&pool->purged_bytes, purge_slab(pool, &later, head, all));
    }
  }
  hak_count(&pool->purged_bytes, purge_watched(pool, &later));
  return 0;
}

HAK_SLOW void hak_slab_wait_unpinned(const hak_slab_pool* pool, const hak_slab* head) {
  while (hak_load_seq_cst(&pool->pinned) == head) hak_os_nap();
}

HAK_SLOW void hak_owner_pause(hak_owner* owner, hak_bin* bin) {
  if ((hak_load_relaxed(&bin->watched) & HAK_WATCH_TELL) != 0) {
    hak_and_acq_rel(&bin->watched, (uint8_t)~HAK_WATCH_TELL);
    hak_poke(&hak_slab_body_of(bin->current)->purged_at, HAK_SLAB_NOT_YET);
    hak_poke(&hak_slab_body_of(bin->current)->seen_at, HAK_SLAB_NOT_YET);
    hak_slab_ask_for_purge(owner->pool);
  }
  hak_store_seq_cst(&bin->word, bin->word);
  hak_slab_leave_rest(owner->pool, bin->current);
}

void hak_slab_pool_tick(hak_slab_pool* pool) {
  if (HAK_FREED_HAVE_CONTENTS) return;
  hak_lock_acquire(&pool->purge_lock);
  if (pool->purge_next == 0) {
    pool->purge_again = false;
    pool->purge_asked = hak_load_relaxed(&pool->purge_more) != 0;
    pool->purge_round++;
    hak_store_relaxed(&pool->purge_more, 0u); /* before the look: a bin that moves on meanwhile says so again */
  }
  pool->purge_next = purge_from(pool, pool->purge_next, PURGE_SLABS, false);
  if (pool->purge_next == 0) {
    hak_store_relaxed(&pool->queued_bytes, pool->purge_queued);
    pool->purge_queued = 0;
  }
  if (pool->purge_again) hak_store_relaxed(&pool->purge_more, 1u);
  hak_lock_release(&pool->purge_lock);
}

bool hak_slab_pool_wants_tick(const hak_slab_pool* pool) {
  return hak_slab_pool_is_asked(pool) || (hak_slab_pool_is_in_round(pool) && pool->purge_asked);
}

bool hak_slab_pool_purge(hak_slab_pool* pool) {
  if (HAK_FREED_HAVE_CONTENTS) return false;
  hak_lock_acquire(&pool->purge_lock);
  uint64_t before = hak_load_relaxed(&pool->purged_bytes);
  purge_from(pool, 0, SIZE_MAX, true);
  bool any = hak_load_relaxed(&pool->purged_bytes) != before;
  hak_lock_release(&pool->purge_lock);
  return any;
}
