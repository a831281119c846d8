/* Frees by threads that do not own the slab.
 *
 * 1. The freeing thread sets the block's bit in the slab's remote array (atomic or). Until then the block is live, so
 *    that the slab and its records cannot go away; after it, only the cell is touched, and cells never go away.
 * 2. If the slab is in no list of slabs with remote frees, it pushes it onto the list of its owner.
 * 3. The owner takes the whole list when it runs out of blocks, and moves the bits of each slab home.
 *
 * remote_next is NULL outside any list and never NULL inside one (the last slab links to the sentinel), so that one
 * compare-and-swap on it decides who pushes. The owner resets it before it reads the bits: a thread that has set its
 * bit later finds NULL and pushes again; one that has set it earlier is seen.
 *
 * A slab may change hands between the moments when a thread reads its owner and pushes it there. The pusher looks again
 * after the push, and the one who gives a slab up empties its list after it has changed the owner: one of the two sees
 * the other (all four accesses are sequentially consistent), and sends the slab on to where it belongs now. */
#include "base/fatal.h"
#include "superslab/internal.h"

hak_slab hak_remote_sentinel;

/* The slab is marked as queued, and in no list. */
static void remote_push(hak_slab_pool* pool, hak_owner* self, hak_slab* head);

/* A slab that nobody owned when it was looked at. */
static void remote_handle_ownerless(hak_slab_pool* pool, hak_owner* self, hak_slab* head) {
  hak_store_seq_cst(&head->remote_next, NULL);
  /* Released meanwhile, for its frees had come home; the unit may be the inside of another slab by now. */
  if (hak_peek(&head->kind) != HAK_CELL_SLAB || hak_peek(&head->head) != head) return;
  if (self != NULL ? hak_abandoned_adopt(self, head) : hak_abandoned_collect(pool, head)) return;
  /* It has found an owner: tell that one. */
  hak_slab* expected = NULL;
  if (hak_cas_seq_cst(&head->remote_next, &expected, &hak_remote_sentinel)) remote_push(pool, self, head);
}

static void remote_push(hak_slab_pool* pool, hak_owner* self, hak_slab* head) {
  hak_owner* owner = hak_load_seq_cst(&head->owner);
  if (owner == &hak_nobody || owner == NULL) { /* abandoned, or no slab any more */
    remote_handle_ownerless(pool, self, head);
    return;
  }
  hak_slab* first = hak_load_relaxed(&owner->remote_slabs);
  do {
    hak_store_relaxed(&head->remote_next, first != NULL ? first : &hak_remote_sentinel);
  } while (!hak_cas_seq_cst(&owner->remote_slabs, &first, head));
  if (HAK_UNLIKELY(hak_load_seq_cst(&head->owner) != owner)) {
    hak_remote_dispatch(pool, self, hak_swap_seq_cst(&owner->remote_slabs, NULL));
  }
}

void hak_remote_dispatch(hak_slab_pool* pool, hak_owner* self, hak_slab* list) {
  while (list != NULL && list != &hak_remote_sentinel) {
    hak_slab* next = hak_load_relaxed(&list->remote_next);
    remote_push(pool, self, list);
    list = next;
  }
}

HAK_MEDIUM void hak_slab_notify_owner(hak_slab_pool* pool, hak_owner* self, hak_slab* head) {
  hak_slab* expected = NULL;
  if (!hak_cas_seq_cst(&head->remote_next, &expected, &hak_remote_sentinel)) return;
  remote_push(pool, self, head);
  hak_slab_ask_for_purge(pool); /* the owner may sleep */
}

bool hak_slab_free_remote(hak_slab_pool* pool, hak_owner* self, hak_slab* cell, uintptr_t address) {
  if (!hak_slab_is_live(cell, address)) return false;
  hak_slab* head = cell->head;
  if (!hak_slab_mark_remote(cell, address >> cell->shift, hak_slab_body_of(cell)->remote)) return false;
  if (hak_slab_is_unqueued(head)) hak_slab_notify_owner(pool, self, head);
  return true;
}

uint32_t hak_slab_collect_remote(hak_slab* head) {
  hak_slab_body* body = hak_slab_body_of(head);
  uint64_t* remote = hak_body_remote(body);
  uint32_t count = 0;
  for (uint32_t w = 0; w < body->frontier; w++) {
    uint64_t freed = hak_load_seq_cst(&remote[w]);
    if (freed == 0) continue;
    uint64_t bits = body->bits[w];
    if ((bits & freed) != 0) {
      hak_fatal("double free, once by its owner and once by another thread, in the slab",
                body->base); /* an owner's free in the instant before the other thread's bit was visible */
    }
    /* First into the slab's bits, then out of the remote ones: at each moment the block is free in one of them. */
    hak_poke(&body->bits[w], bits | freed);
    hak_and_acq_rel(&remote[w], ~freed);
    count += hak_count_bits(freed);
  }
  return count;
}

void hak_slab_finish_collecting(hak_slab* head) {
  hak_slab_body* body = hak_slab_body_of(head);
  uint64_t* remote = hak_body_remote(body);
  for (uint32_t w = 0; w < body->words; w++) {
    if (hak_load_relaxed(&remote[w]) != 0) hak_and_acq_rel(&remote[w], ~body->bits[w]);
  }
}

bool hak_slab_free_shared(hak_slab* cell, uintptr_t address) {
  return hak_slab_is_live_anywhere(cell, address) && !hak_slab_mark_free(cell, address >> cell->shift);
}

/* A slab of the owner's list that has come home: counts its blocks as freed. */
static void slab_drain(hak_owner* owner, hak_slab* head) {
  for (unsigned i = 0; i < hak_slab_class(head)->units; i++) {
    if (hak_slab_is_shared(&head[i])) hak_and_acq_rel(&head[i].key, ~HAK_SLAB_SHARED);
  }
  uint32_t count = hak_slab_collect_remote(head);
  if (count == 0) return;
  hak_count(&owner->counters.remote_drains, 1u);
  hak_count(&owner->counters.remote_blocks, count);
  hak_slab_body* body = hak_slab_body_of(head);
  if (head->state == HAK_SLAB_CURRENT) {
    /* Counted, so that the bin looks behind its window; but no number of frees makes it leave its slab. */
    body->countdown = body->countdown > count ? body->countdown - count : 1;
    return;
  }
  if (body->countdown > count) {
    body->countdown -= count;
  } else {
    hak_owner_unfile_slab(owner, head);
    hak_owner_file_slab(owner, head);
  }
}

/* A slab that has come home, or is gone. */
static void handle_queued(hak_owner* owner, hak_slab* head) {
  /* All its blocks had come home when a late thread queued it: nothing to collect. The helper thread may be giving it
   * back, and it may become another's: hence the lock. Of our other slabs nobody takes any away. */
  if (HAK_UNLIKELY(hak_load_acquire(&head->state) == HAK_SLAB_SPARE)) {
    hak_lock_acquire(&owner->spare_lock);
    bool ours = hak_load_seq_cst(&head->owner) == owner && hak_peek(&head->state) == HAK_SLAB_SPARE;
    if (ours) hak_store_seq_cst(&head->remote_next, NULL);
    hak_lock_release(&owner->spare_lock);
    if (ours) return;
  }
  if (hak_load_seq_cst(&head->owner) != owner) {
    remote_push(owner->pool, owner, head);
    return;
  }
  /* Before the bits are read: pairs with the check after the bit was set in hak_slab_free_remote. */
  hak_store_seq_cst(&head->remote_next, NULL);
  slab_drain(owner, head);
}

/* Every node is looked at before anything is done with it: the sentinel ends the list, a slab that has been released
 * is skipped, a slab of another owner is sent on. */
HAK_MEDIUM void hak_owner_drain(hak_owner* owner) {
  hak_slab* list = hak_swap_seq_cst(&owner->remote_slabs, NULL);
  while (list != NULL && list != &hak_remote_sentinel) {
    hak_slab* next = hak_load_relaxed(&list->remote_next);
    HAK_ASSERT(next != NULL, list);
    handle_queued(owner, list);
    list = next;
  }
}
