#include "superslab/owner.h"

#include "base/fatal.h"
#include "superslab/internal.h"

uint64_t hak_bin_no_word;

hak_owner hak_nobody = {.bins = {[0] = {.word = &hak_bin_no_word}}}; /* both tables lead to its first bin */

enum {
  WRAP_SMALL_BYTES = 256,
  /* Of a word of large blocks a few are dealt that have never been used, then those before are looked at again: a page
   * of theirs costs less than a new one. Not where a window is taken as a whole and would be too short, nor where any
   * block of the word may be drawn. */
  HAS_EDGES = HAK_CHECKED && !HAK_HARDENED,
  EDGE_BYTES = 8192,    /* by which the frontier moves on inside a word */
  DEAR_STRIDE = 4096,   /* above it a block touched for the first time costs more than any search for another */
  MOST_SPARES = 8,      /* empty slabs that a bin keeps */
  MOST_WIDE_SPARES = 3, /* a wide one, for they are two megabytes each */
  /* Before a bin that has so many slabs makes another, it looks at so many full ones for one with so much free. */
  FEW_FROM_SLABS = 8,
  FEW_LOOKS = 8,
  FEW_BYTES = 1024,
};

/* ---- set-up ---- */

static void bin_close(hak_bin* bin) {
  hak_bin_settle(bin);
  hak_poke(&bin->current, NULL);
  bin->step_end = NULL;
  bin->phase = NULL;
  bin->starts = 0;
  hak_store_release(&bin->word, &hak_bin_no_word); /* as in hak_bin_enter */
}

#if HAK_HARDENED
/* The generator is Marsaglia's xorshift ("Xorshift RNGs", 2003): enough against guesses from outside, and cheap. */
uint64_t hak_bin_draw(hak_bin* bin, uint64_t available) {
  uint64_t x = bin->draws;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  bin->draws = x;
  unsigned turn = (unsigned)(x >> 32) & 63;
  uint64_t turned = available >> turn | available << (-turn & 63);
  return (hak_lowest_bit(turned) + turn) & 63;
}
#endif

static void bin_init(hak_bin* bin, unsigned class_index) {
  const hak_size_class* row = &hak_size_classes[class_index];
  bin->starts = 0;
  bin->grain = (uintptr_t)1 << row->shift;
  bin->window_bytes = bin->grain * 64;
  bin->header = row->header;
  bin->class_index = (uint8_t)class_index;
  bin_close(bin);
}

/* Tiny requests from `bytes` on that the class can serve go to its bin from now on. The first size that it cannot. */
static size_t class_takes(hak_owner* owner, size_t bytes, unsigned class_index) {
  size_t most = hak_size_classes[class_index].usable;
  for (; bytes <= most && bytes < HAK_TINY_SIZES; bytes++) owner->tiny_bins[bytes] = hak_class_bin(class_index);
  return bytes;
}

/* Where the requests for one class lie apart from those for the next, the last page of each is half empty, and each has
 * a slab with its record and its cache lines: more than finer classes save where a thread has a few dozen blocks. So a
 * thread begins with the tiny classes that lead, and a bin whose first slab was too small for all gives the others
 * their requests. A record that serves another thread stays as it is. */
static bool bin_stands_in(const hak_owner* owner, const hak_bin* bin) {
  unsigned c = bin->class_index;
  return c > 0 && c < HAK_TINY_CLASSES && owner->tiny_bins[hak_size_classes[c - 1].usable] == hak_class_bin(c);
}

static HAK_MEDIUM void bin_split(hak_owner* owner, const hak_bin* bin) {
  size_t bytes = hak_class_least(bin->class_index);
  for (unsigned c = hak_size_class_for(bytes); c < bin->class_index; c++) bytes = class_takes(owner, bytes, c);
}

void hak_owner_admit_class(hak_owner* owner, unsigned class_index) {
  unsigned c = class_index;
  while (c < HAK_TINY_CLASSES && !hak_class_leads(c)) c++;
  if (c != class_index && bin_stands_in(owner, &owner->bins[c])) bin_split(owner, &owner->bins[c]);
}

void hak_owner_split_bins(hak_owner* owner) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    if (bin_stands_in(owner, &owner->bins[c])) bin_split(owner, &owner->bins[c]);
  }
}

/* What stays as it is when the record serves another thread. */
static HAK_MEDIUM void owner_set_up(hak_owner* owner, hak_slab_pool* pool, uint64_t number) {
  owner->pool = pool;
  owner->spare_lock.rank = HAK_RANK_OWNER;
  size_t bytes = 0;
  for (unsigned c = 0; c < HAK_TINY_CLASSES; c++) {
    if (hak_class_leads(c)) bytes = class_takes(owner, bytes, c);
  }
  for (unsigned g = 0, c = 0; g < HAK_POOL_GRANULES; g++) {
    while (hak_size_classes[c].usable < g * HAK_POOL_GRANULE) c++;
    owner->pool_bins[g] = hak_class_bin(c);
  }
  bin_close(&owner->closed);
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    bin_init(&owner->bins[c], c);
    if (HAK_HARDENED) owner->bins[c].draws = (pool->arena->os->secret() + number * HAK_CLASSES + c) | 1;
  }
}

void hak_owner_init(hak_owner* owner, hak_slab_pool* pool, uint64_t number) {
  if (owner->pool == NULL) owner_set_up(owner, pool, number);
  hak_poke(&owner->thread, hak_thread_pointer()); /* others may still look at the last one's (free_slow) */
  hak_poke(&owner->number, number);
}

void hak_owner_close(hak_owner* owner) {
  for (unsigned i = 0; i < HAK_TINY_SIZES; i++) owner->tiny_bins[i] = offsetof(hak_owner, closed);
  for (unsigned i = 0; i < HAK_POOL_GRANULES; i++) owner->pool_bins[i] = offsetof(hak_owner, closed);
}

/* ---- the window of a bin ---- */

static inline uint32_t edge_step(const hak_bin* bin) {
  uint32_t step = EDGE_BYTES >> hak_size_classes[bin->class_index].shift;
  if (!HAS_EDGES || step > 64) return 64;
  return step > 0 ? step : 1;
}

/* The words before the frontier that are open to their end. */
static inline uint32_t open_words(const hak_slab_body* body) { return body->frontier - (HAS_EDGES && body->edge < 64); }

/* It has blocks that were never dealt: the last one begins where no window was opened yet. */
static inline bool has_unused(const hak_slab_body* body) {
  uint32_t opened = body->frontier * 64 - (64 - body->edge); /* grains; a new slab has 0 and 64 */
  return opened + hak_slab_class(body->slab)->grains <= body->end_grain;
}

/* word: in front of the frontier. */
static inline bool window_try(hak_owner* owner, hak_bin* bin, hak_slab_body* body, uint32_t word,
                              const hak_phase* phase) {
  uint32_t open = open_words(body);
  uint64_t starts = phase->starts & hak_slab_word_mask(body, word);
  if (HAS_EDGES && word == open) starts &= hak_low_mask(body->edge);
  uint64_t available = body->bits[word] & starts;
  if (available == 0) return false;
  bin->step_end = &body->bits[open < body->whole_words ? open : body->whole_words];
  bin->base = body->first_window + word * bin->window_bytes;
  bin->phase = phase;
  if (hak_bin_enter(bin, &body->bits[word])) hak_owner_pause(owner, bin);
  if (!HAK_P0_BATCH_REFILL) starts = available &= ~available + 1;
  hak_bin_open(bin, &body->bits[word], starts, available);
  return true;
}

/* Moves the frontier on, by a word at most, until there is a block in front of it. phase: of the word at the frontier.
 * (It has a free block but in a slab whose owner a fork lost, or if it is the last one.) */
static inline bool window_try_new(hak_owner* owner, hak_bin* bin, hak_slab_body* body, const hak_phase* phase) {
  uint32_t step = edge_step(bin);
  for (;;) {
    if (body->edge == 64) {
      if (body->frontier == body->words) return false;
      hak_poke(&body->frontier, body->frontier + 1);
      body->edge = 0;
    }
    body->edge += step;
    if (window_try(owner, bin, body, body->frontier - 1, phase)) break;
    if (body->edge == 64) phase = phase->next;
  }
  if (HAK_UNLIKELY(hak_slab_open_end(bin, body) > body->present)) hak_slab_populate(owner->pool, bin, body);
  return true;
}

/* Blocks of the current slab have been freed since the last way back. If none was, nothing is behind the window. */
static inline bool window_has_frees(const hak_slab_body* body) { return body->countdown != HAK_SLAB_NO_COUNTDOWN; }

/* So many blocks of the current slab have been freed since the last time that it is time to go back to its beginning:
 * memory that was used once is used again, while the cache may still have it, before more is touched. Of small blocks
 * half of the slab; of others a quarter of what is in front of the frontier (two words at least of tiny ones, for most
 * of which a word is a few KiB; of those above DEAR_STRIDE one block is enough), for a thread with few blocks of each
 * of many classes would walk through slab after slab and through all caches. A program that only allocates never gets
 * here, and does not search in vain. */
static inline bool window_may_wrap(const hak_slab* head) {
  const hak_slab_body* body = hak_slab_body_of(head);
  if (!window_has_frees(body)) return false;
  const hak_size_class* row = hak_slab_class(head);
  if (row->stride > DEAR_STRIDE) return true;
  uint64_t freed = (uint64_t)(HAK_SLAB_NO_COUNTDOWN - body->countdown) * row->grains;
  if (row->stride <= WRAP_SMALL_BYTES) return freed * 2 >= row->units * HAK_UNIT_BYTES >> row->shift;
  if (body->frontier == 1 && row->stride <= HAK_TINY_MAX_BYTES) return false;
  return freed * 4 >= open_words(body) * UINT64_C(64) + (HAS_EDGES ? body->edge & 63 : 0);
}

/* The common way back: from the frontier to the first word. */
static inline bool window_wrap(hak_owner* owner, hak_bin* bin) {
  hak_slab* head = bin->current;
  hak_slab_body* body = head->body;
  if (bin->word + 1 != &body->bits[body->frontier] || !window_may_wrap(head)) return false;
  if (!window_try(owner, bin, body, 0, body->phase)) return false;
  body->countdown = HAK_SLAB_NO_COUNTDOWN;
  return true;
}

/* The partial slab that is to be the next current one: the first, or the second if the first has blocks which were
 * never dealt (few bins have two such slabs). NULL if there is none. */
static inline hak_slab_body* next_partial(const hak_bin* bin) {
  hak_slab_body* first = bin->partial.first;
  return first != NULL && first->next != NULL && has_unused(first) ? first->next : first;
}

/* A partial slab has its turn before the current one deals blocks that were never dealt: memory that was used is used
 * again before more is touched. With small blocks, which pay for fuller slabs by emptier windows and so more refills,
 * only a slab of which half is free. */
static inline bool another_is_first(const hak_bin* bin) {
  const hak_slab_body* next = next_partial(bin);
  if (next == NULL || has_unused(next)) return false;
  const hak_size_class* row = &hak_size_classes[bin->class_index];
  return row->stride > DEAR_STRIDE || (row->capacity - next->countdown) * 2 >= row->capacity;
}

/* Then the current slab is filed, and the bin has none any more. */
static inline bool step_aside(hak_owner* owner, hak_bin* bin) {
  if (!another_is_first(bin)) return false;
  hak_owner_file_slab(owner, hak_bin_detach(bin));
  return true;
}

/* Looks for a word of the current slab with a free block: behind the window up to the frontier; at the frontier, while
 * the window may not wrap; from the first word to the window; at the frontier. At the frontier the slab may step aside
 * for another. (Where a window gives one block only, its own word comes first.) */
static bool window_search(hak_owner* owner, hak_bin* bin) {
  hak_slab* head = bin->current;
  hak_slab_body* body = head->body;
  bool opened = bin->phase != NULL;
  uint32_t at = opened ? (uint32_t)(bin->word - body->bits) : 0;
  uint32_t word = at;
  const hak_phase* phase = opened ? bin->phase : body->phase;
  if (opened && HAK_P0_BATCH_REFILL && (!HAS_EDGES || word < open_words(body))) {
    word++;
    phase = phase->next;
  }
  for (; word < open_words(body); word++, phase = phase->next) {
    if (window_try(owner, bin, body, word, phase)) return true;
  }
  if (HAS_EDGES && word < body->frontier && window_try(owner, bin, body, word, phase)) return true;
  bool more = word < body->words;
  if (more && !window_may_wrap(head)) {
    if (opened && step_aside(owner, bin)) return false;
    if (window_try_new(owner, bin, body, phase)) return true;
  }
  bool behind = opened && window_has_frees(body);
  body->countdown = HAK_SLAB_NO_COUNTDOWN;
  const hak_phase* frontier_phase = phase;
  phase = body->phase;
  for (word = 0; behind && word <= at; word++, phase = phase->next) {
    if (window_try(owner, bin, body, word, phase)) return true;
  }
  if (!more || (opened && step_aside(owner, bin))) return false;
  return window_try_new(owner, bin, body, frontier_phase);
}

/* ---- transitions ---- */

static void slab_to_full(hak_owner* owner, hak_slab* head, uint32_t freed) {
  hak_store_release(&head->state, (uint8_t)HAK_SLAB_FULL); /* as in slab_to_partial */
  hak_slab_body* body = hak_slab_body_of(head);
  body->countdown = hak_slab_class(head)->wake - freed;
  hak_body_append(&owner->bins[head->class_index].full, body);
}

static void slab_to_partial(hak_owner* owner, hak_slab* head, uint32_t live) {
  /* Pairs with is_at_rest (purge.c), behind which the slab's record is read. */
  hak_store_release(&head->state, (uint8_t)HAK_SLAB_PARTIAL);
  hak_slab_body* body = hak_slab_body_of(head);
  body->countdown = live;
  hak_body_append(&owner->bins[head->class_index].partial, body);
}

static void slab_to_current(hak_owner* owner, hak_slab* head) {
  hak_bin* bin = &owner->bins[head->class_index];
  hak_slab_body* body = hak_slab_body_of(head);
  hak_store_seq_cst(&head->state, (uint8_t)HAK_SLAB_CURRENT);
  hak_slab_leave_rest(owner->pool, head);
  hak_poke(&body->seen_at, HAK_SLAB_NOT_YET);
  hak_poke(&body->purged_at, HAK_SLAB_NOT_YET);
  body->countdown = HAK_SLAB_NO_COUNTDOWN;
  hak_poke(&bin->current, head);
  bin->phase = NULL; /* no window yet: the search begins at word 0 */
  hak_count(&owner->counters.slabs_attached, 1u);
}

static void slab_release(hak_owner* owner, hak_slab* head) {
  hak_sub_relaxed(&owner->bins[head->class_index].slab_count, 1u);
  hak_add_relaxed(&owner->counters.slabs_released, 1u);
  hak_slab_release(owner->pool, head);
}

/* Empty slabs are kept, a few a bin, for a load that comes and goes. They go when another class needs memory that the
 * arena would have to take from the kernel (next_slab), and when they have waited too long (hak_owner_reclaim). */
static void slab_to_empty(hak_owner* owner, hak_slab* head) {
  hak_bin* bin = &owner->bins[head->class_index];
  hak_lock_acquire(&owner->spare_lock);
  bool keep =
      bin->spare_count < MOST_WIDE_SPARES || (bin->spare_count < MOST_SPARES && !hak_class_is_wide(head->class_index));
  if (keep) {
    hak_poke(&head->state, (uint8_t)HAK_SLAB_SPARE);
    hak_slab_body* body = hak_slab_body_of(head);
    body->countdown = HAK_SLAB_NO_COUNTDOWN;
    body->aged = false;
    hak_body_append(&bin->spare, body);
    bin->spare_count++;
    hak_store_relaxed(&owner->spare_total, owner->spare_total + 1);
  }
  hak_lock_release(&owner->spare_lock);
  if (!keep) slab_release(owner, head);
}

/* With the spare lock. */
static void spare_remove(hak_owner* owner, hak_bin* bin, hak_slab_body* body) {
  hak_body_remove(&bin->spare, body);
  bin->spare_count--;
  /* After slab_count in hak_owner_reclaim: pairs with its look at whether there are any. */
  hak_store_release(&owner->spare_total, owner->spare_total - 1);
}

/* The spare that was used last. */
static hak_slab* spare_take(hak_owner* owner, hak_bin* bin) {
  hak_lock_acquire(&owner->spare_lock);
  hak_slab_body* body = bin->spare.last;
  if (body != NULL) spare_remove(owner, bin, body);
  hak_lock_release(&owner->spare_lock);
  return body == NULL ? NULL : body->slab;
}

void hak_owner_reclaim(hak_owner* owner, bool aged) {
  if (hak_load_acquire(&owner->spare_total) == 0) return;
  hak_lock_acquire(&owner->spare_lock);
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    hak_bin* bin = &owner->bins[c];
    for (hak_slab_body *body = bin->spare.first, *next; body != NULL; body = next) {
      next = body->next;
      if (aged && !body->aged) {
        body->aged = true;
        continue;
      }
      hak_sub_relaxed(&bin->slab_count, 1u); /* first: hak_owner_abandon may reset it when it sees no spares */
      spare_remove(owner, bin, body);
      hak_slab_release(owner->pool, body->slab);
      hak_add_relaxed(&owner->counters.slabs_released, 1u);
    }
  }
  hak_lock_release(&owner->spare_lock);
}

void hak_owner_file_slab(hak_owner* owner, hak_slab* head) {
  const hak_size_class* row = hak_slab_class(head);
  uint32_t live = hak_slab_count_live(head);
  uint32_t freed = row->capacity - live;
  if (live == 0) {
    slab_to_empty(owner, head);
  } else if (freed < row->wake) {
    slab_to_full(owner, head, freed);
  } else {
    slab_to_partial(owner, head, live);
  }
}

void hak_owner_unfile_slab(hak_owner* owner, hak_slab* head) {
  hak_bin* bin = &owner->bins[head->class_index];
  hak_body_remove(head->state == HAK_SLAB_FULL ? &bin->full : &bin->partial, hak_slab_body_of(head));
}

void hak_owner_on_countdown(hak_owner* owner, hak_slab* head) {
  const hak_size_class* row = hak_slab_class(head);
  switch ((hak_slab_state)head->state) {
    case HAK_SLAB_CURRENT:
      hak_slab_body_of(head)->countdown = HAK_SLAB_NO_COUNTDOWN - 1; /* there were frees (window_has_frees) */
      return;
    case HAK_SLAB_FULL:
      hak_owner_unfile_slab(owner, head);
      slab_to_partial(owner, head, row->capacity - row->wake);
      return;
    case HAK_SLAB_PARTIAL:
      hak_owner_unfile_slab(owner, head);
      slab_to_empty(owner, head);
      return;
    case HAK_SLAB_SPARE:
    case HAK_SLAB_ABANDONED:
      break;
  }
  hak_fatal("a free into a slab that has no live block", hak_slab_body_of(head)->base);
}

/* ---- refill ---- */

static hak_slab* create_slab(hak_owner* owner, hak_bin* bin, hak_run_use use) {
  hak_slab* head = hak_slab_create(owner->pool, owner, bin->class_index, use);
  if (head == NULL) return NULL;
  hak_count(&owner->counters.slabs_created, 1u);
  hak_slab_ask_for_purge(owner->pool);
  hak_add_relaxed(&bin->slab_count, 1u);
  return head;
}

/* A heap that grows while some of its blocks die here and there: where the other choice is a new slab, the few free
 * blocks of a full one are worth a refill. NULL if those that were looked at have fewer still; they go to the end of
 * the list, so that each has its turn. A bin in its steady state makes no new slabs and does not come here: there a
 * full slab waits for its wake, so that refills are few. */
static hak_slab* few_of_full(hak_bin* bin) {
  const hak_size_class* row = &hak_size_classes[bin->class_index];
  if (hak_peek(&bin->slab_count) < FEW_FROM_SLABS || row->stride > HAK_DENSE_BYTES) return NULL;
  for (unsigned looks = 0; looks < FEW_LOOKS && bin->full.first != NULL; looks++) {
    hak_slab_body* body = bin->full.first;
    hak_body_remove(&bin->full, body);
    if ((row->wake - body->countdown) * row->stride >= FEW_BYTES) return body->slab;
    hak_body_append(&bin->full, body);
  }
  return NULL;
}

/* The arena has no run for another slab. A full one of whose blocks a few are free is as good now; else the empty slabs
 * in which other bins have their windows go. */
static HAK_SLOW hak_slab* next_slab_of_last_resort(hak_owner* owner, hak_bin* bin, hak_run_use use) {
  uint32_t wake = hak_size_classes[bin->class_index].wake;
  for (hak_slab_body* body = bin->full.first; body != NULL; body = body->next) {
    if (body->countdown == wake) continue;
    hak_owner_unfile_slab(owner, body->slab);
    return body->slab;
  }
  hak_owner_trim(owner);
  return create_slab(owner, bin, use);
}

static hak_slab* next_slab(hak_owner* owner, hak_bin* bin) {
  if (hak_load_relaxed(&owner->remote_slabs) != NULL) hak_owner_drain(owner);
  hak_slab* head = NULL;
  if (bin->partial.first != NULL) {
    head = next_partial(bin)->slab;
    hak_owner_unfile_slab(owner, head);
    return head;
  }
  if (hak_load_relaxed(&owner->pool->abandoned_count[bin->class_index]) != 0) {
    head = hak_abandoned_adopt_any(owner, bin->class_index);
    if (head != NULL) return head;
  }
  head = bin->spare_count != 0 ? spare_take(owner, bin) : NULL;
  if (head != NULL) return head;
  head = few_of_full(bin);
  if (head != NULL) return head;
  if (bin->slab_count != 0 && bin_stands_in(owner, bin)) bin_split(owner, bin);
  hak_run_use use = hak_owner_is_dense(owner, bin->class_index) ? HAK_RUN_SLAB : HAK_RUN_SPARSE;
  /* Before the arena takes memory from the kernel, the other bins' empty slabs go back to it. */
  if (hak_load_relaxed(&owner->spare_total) != 0 &&
      !hak_arena_has_dirty(owner->pool->arena, use, hak_size_classes[bin->class_index].units)) {
    hak_owner_reclaim(owner, false);
  }
  head = create_slab(owner, bin, use);
  return head != NULL ? head : next_slab_of_last_resort(owner, bin, use);
}

/* The current slab is out of blocks, or there is none. */
static HAK_MEDIUM bool change_slab(hak_owner* owner, hak_bin* bin) {
  if (bin->current != NULL) {
    slab_to_full(owner, bin->current, 0);
    bin_close(bin);
  } else {
    hak_slab_ask_for_purge(owner->pool);
  }
  hak_slab* head = next_slab(owner, bin);
  if (head == NULL) return false;
  slab_to_current(owner, head);
  if (!window_search(owner, bin)) hak_fatal("a slab with free blocks has none", hak_slab_body_of(head)->base);
  return true;
}

bool hak_owner_open_window(hak_owner* owner, hak_bin* bin) {
  hak_count(&owner->counters.searches, 1u);
  if (bin->current != NULL && window_search(owner, bin)) return true;
  return change_slab(owner, bin);
}

HAK_MEDIUM void* hak_owner_refill(hak_owner* owner, hak_bin* bin) {
  hak_count(&owner->counters.searches, 1u);
  if (HAK_LIKELY(bin->current != NULL && (window_wrap(owner, bin) || window_search(owner, bin))))
    return hak_bin_take(bin);
  return change_slab(owner, bin) ? hak_bin_take(bin) : NULL;
}

HAK_MEDIUM void* hak_owner_take_wide(hak_owner* owner, hak_bin* bin) {
  void* block = hak_bin_take(bin);
  if (HAK_UNLIKELY(block == NULL)) block = hak_bin_step(bin);
  if (HAK_UNLIKELY(block == NULL)) block = hak_owner_refill(owner, bin);
  __atomic_signal_fence(__ATOMIC_SEQ_CST); /* as in hak_bin_enter: either we see `watched`, or our block is seen */
  if (HAK_UNLIKELY(hak_load_folded(&bin->watched) != 0) && block != NULL) hak_owner_pause(owner, bin);
  return block;
}

/* ---- the end of a thread, and trimming ---- */

hak_slab* hak_bin_detach(hak_bin* bin) {
  hak_slab* head = bin->current;
  bin_close(bin);
  return head;
}

void hak_owner_trim(hak_owner* owner) {
  hak_owner_drain(owner);
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    hak_bin* bin = &owner->bins[c];
    hak_bin_settle(bin);
    if (bin->current != NULL && hak_slab_count_live(bin->current) == 0) {
      slab_release(owner, hak_bin_detach(bin));
    }
  }
  hak_owner_reclaim(owner, false);
}

void hak_owner_check(const hak_owner* owner) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    const hak_bin* bin = &owner->bins[c];
    if (bin->current != NULL) hak_slab_check(bin->current);
    for (const hak_slab_body* body = bin->partial.first; body != NULL; body = body->next) hak_slab_check(body->slab);
    for (const hak_slab_body* body = bin->full.first; body != NULL; body = body->next) hak_slab_check(body->slab);
  }
}
