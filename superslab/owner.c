#include "superslab/owner.h"

#include "base/fatal.h"
#include "superslab/internal.h"

uint64_t hak_bin_no_word;

static void bin_close(hak_bin* bin) { *bin = HAK_BIN_CLOSED; }

/* tiny_bin_offset and pool_bin_offset: the class of the largest request that comes to each number of granules. */
static void table_fill(uint16_t* table, unsigned entries, size_t granule, size_t header, size_t most) {
  unsigned class_index = 0;
  for (unsigned g = 0; g < entries; g++) {
    size_t bytes = g * granule < header ? 0 : g * granule - header;
    if (bytes > most) bytes = most;
    while (hak_size_classes[class_index].usable < bytes) class_index++;
    table[g] = (uint16_t)(offsetof(hak_owner, bins) + class_index * sizeof(hak_bin));
  }
}

void hak_owner_init(hak_owner* owner, hak_slab_pool* pool, uint64_t number) {
  table_fill(owner->tiny_bin_offset, HAK_TINY_GRANULES, HAK_TINY_GRANULE, HAK_HEADER_CLASSIDX, HAK_TINY_MAX_BYTES);
  table_fill(owner->pool_bin_offset, HAK_POOL_GRANULES, HAK_POOL_GRANULE, 0, HAK_POOL_MAX_BYTES);
  for (unsigned c = 0; c < HAK_CLASSES; c++) bin_close(&owner->bins[c]);
  owner->thread = hak_thread_pointer();
  owner->number = number;
  owner->pool = pool;
}

/* ---- the window of a bin ---- */

static void window_open(hak_bin* bin, const hak_slab_body* body, const hak_size_class* class, uint32_t word,
                        uint64_t starts) {
  uintptr_t grain_0 = (body->base >> class->shift) & ~(uintptr_t)63;
  bin->word = (uint64_t*)&body->bits[word];
  bin->starts = HAK_P0_BATCH_REFILL ? starts : starts & (~starts + 1);
  bin->grain = (uintptr_t)1 << class->shift;
#if HAK_HEADER_CLASSIDX
  bin->header = class->header;
#endif
  bin->base = ((grain_0 + word * UINT64_C(64)) << class->shift) + (class->first & (bin->grain - 1));
}

/* Moves the bin on to the next word of its slab with a free block: once around, the present word last. */
static bool window_advance(hak_bin* bin, hak_bin_slabs* slabs) {
  hak_slab_body* body = hak_slab_body_of(slabs->current);
  const hak_size_class* class = hak_slab_class(slabs->current);
  uint32_t word = slabs->window;
  for (uint32_t i = 0; i < body->words; i++) {
    word = word + 1 < body->words ? word + 1 : 0;
    if (body->bits[word] == 0) continue;
    uint64_t available = body->bits[word] & hak_slab_starts(body, class, word);
    if (available == 0) continue;
    HAK_ASSERT(word * 64 + hak_highest_bit(available) < body->end_grain, body->base);
    slabs->window = word;
    if (word >= body->fresh_word) body->fresh_word = word + 1;
    window_open(bin, body, class, word, HAK_P0_BATCH_REFILL ? hak_slab_starts(body, class, word) : available);
    return true;
  }
  return false;
}

/* ---- transitions ---- */

static void slab_to_full(hak_owner* owner, hak_slab* head, uint32_t freed) {
  const hak_size_class* class = hak_slab_class(head);
  head->state = HAK_SLAB_FULL;
  head->countdown = class->wake - freed;
  hak_body_push(&owner->slabs[head->class_index].full, hak_slab_body_of(head));
}

static void slab_to_partial(hak_owner* owner, hak_slab* head, uint32_t live) {
  head->state = HAK_SLAB_PARTIAL;
  head->countdown = live;
  hak_body_push(&owner->slabs[head->class_index].partial, hak_slab_body_of(head));
}

static void slab_to_current(hak_owner* owner, hak_slab* head) {
  hak_bin_slabs* slabs = &owner->slabs[head->class_index];
  head->state = HAK_SLAB_CURRENT;
  head->countdown = HAK_SLAB_NO_COUNTDOWN;
  slabs->current = head;
  slabs->window = hak_slab_body_of(head)->words - 1; /* the search begins behind it: at word 0 */
  owner->counters.slabs_attached++;
}

/* An empty slab is kept, one a bin, for a load that comes and goes by a slab; a second one goes. */
static void slab_to_empty(hak_owner* owner, hak_slab* head) {
  hak_bin_slabs* slabs = &owner->slabs[head->class_index];
  if (slabs->spare == NULL) {
    head->state = HAK_SLAB_CURRENT;
    slabs->spare = head;
    return;
  }
  hak_slab_release(owner->pool, head);
  owner->counters.slabs_released++;
}

void hak_owner_file_slab(hak_owner* owner, hak_slab* head) {
  const hak_size_class* class = hak_slab_class(head);
  uint32_t live = hak_slab_count_live(head);
  uint32_t freed = class->capacity - live;
  if (live == 0) {
    slab_to_empty(owner, head);
  } else if (freed < class->wake) {
    slab_to_full(owner, head, freed);
  } else {
    slab_to_partial(owner, head, live);
  }
}

void hak_owner_unfile_slab(hak_owner* owner, hak_slab* head) {
  hak_bin_slabs* slabs = &owner->slabs[head->class_index];
  hak_body_remove(head->state == HAK_SLAB_FULL ? &slabs->full : &slabs->partial, hak_slab_body_of(head));
}

void hak_owner_on_countdown(hak_owner* owner, hak_slab* head) {
  const hak_size_class* class = hak_slab_class(head);
  switch ((hak_slab_state)head->state) {
    case HAK_SLAB_CURRENT:
      head->countdown = HAK_SLAB_NO_COUNTDOWN;
      return;
    case HAK_SLAB_FULL:
      hak_owner_unfile_slab(owner, head);
      slab_to_partial(owner, head, class->capacity - class->wake);
      return;
    case HAK_SLAB_PARTIAL:
      hak_owner_unfile_slab(owner, head);
      slab_to_empty(owner, head);
      return;
    case HAK_SLAB_ABANDONED:
      break;
  }
  hak_fatal("an abandoned slab among a thread's own", hak_slab_body_of(head)->base);
}

/* ---- refill ---- */

static hak_slab* next_slab(hak_owner* owner, unsigned class_index) {
  hak_bin_slabs* slabs = &owner->slabs[class_index];
  if (hak_load_relaxed(&owner->remote_slabs) != NULL) hak_owner_drain(owner);
  if (slabs->partial == NULL && hak_load_relaxed(&owner->pool->abandoned_count[class_index]) != 0) {
    hak_abandoned_adopt_any(owner, class_index);
  }
  if (slabs->partial != NULL) {
    hak_slab* head = slabs->partial->slab;
    hak_owner_unfile_slab(owner, head);
    return head;
  }
  hak_slab* head = slabs->spare;
  slabs->spare = NULL;
  if (head == NULL) {
    head = hak_slab_create(owner->pool, owner, class_index);
    if (head != NULL) owner->counters.slabs_created++;
  }
  return head;
}

bool hak_owner_open_window(hak_owner* owner, unsigned class_index) {
  hak_bin* bin = &owner->bins[class_index];
  hak_bin_slabs* slabs = &owner->slabs[class_index];
  owner->counters.refills++;
  if (slabs->current != NULL) {
    if (window_advance(bin, slabs)) return true;
    slab_to_full(owner, slabs->current, 0);
    slabs->current = NULL;
    bin_close(bin);
  }
  hak_slab* head = next_slab(owner, class_index);
  if (head == NULL) return false;
  slab_to_current(owner, head);
  if (!window_advance(bin, slabs)) hak_fatal("a slab with free blocks has none", hak_slab_body_of(head)->base);
  return true;
}

HAK_SLOW void* hak_owner_refill(hak_owner* owner, unsigned class_index) {
  return hak_owner_open_window(owner, class_index) ? hak_bin_take(&owner->bins[class_index]) : NULL;
}

/* ---- the end of a thread, and trimming ---- */

void hak_owner_trim(hak_owner* owner) {
  hak_owner_drain(owner);
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    hak_bin_slabs* slabs = &owner->slabs[c];
    if (slabs->current != NULL && hak_slab_count_live(slabs->current) == 0) {
      hak_slab_release(owner->pool, slabs->current);
      slabs->current = NULL;
      bin_close(&owner->bins[c]);
      owner->counters.slabs_released++;
    }
    if (slabs->spare != NULL) {
      hak_slab_release(owner->pool, slabs->spare);
      slabs->spare = NULL;
      owner->counters.slabs_released++;
    }
  }
}

void hak_owner_check(const hak_owner* owner) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    const hak_bin_slabs* slabs = &owner->slabs[c];
    if (slabs->current != NULL) hak_slab_check(slabs->current);
    for (const hak_slab_body* body = slabs->partial; body != NULL; body = body->next) hak_slab_check(body->slab);
    for (const hak_slab_body* body = slabs->full; body != NULL; body = body->next) hak_slab_check(body->slab);
  }
}
