#include "base/fatal.h"
#include "superslab/internal.h"

/* Slabs without an owner are in the list of their class. The pool's lock stands in for the owner.
 *
 * Those with enough free blocks to be worth adopting stand at the front, so that a thread which needs one sees at once
 * whether there is one: where threads come and go, what one leaves half used is the next one's. */

static void find_worth(hak_slab* head) {
  uint32_t capacity = hak_slab_class(head)->capacity;
  uint32_t given = capacity - hak_slab_count_live(head) + hak_slab_count_remote(head);
  hak_slab_body_of(head)->worth = given * 8 >= capacity; /* never of none */
}

static void abandoned_file(hak_slab_pool* pool, hak_slab* head) {
  hak_body_list* list = &pool->abandoned[head->class_index];
  hak_slab_body* body = hak_slab_body_of(head);
  if (body->worth) {
    hak_body_prepend(list, body);
  } else {
    hak_body_append(list, body);
  }
}

/* find_worth has been called, without the lock where the slab is the caller's still: counting takes longer than all the
 * rest. */
static void abandoned_add(hak_slab_pool* pool, hak_slab* head) {
  hak_store_release(&head->state, (uint8_t)HAK_SLAB_ABANDONED); /* as in slab_to_partial */
  hak_slab_set_owner(head, &hak_nobody);
  abandoned_file(pool, head);
  hak_add_relaxed(&pool->abandoned_count[head->class_index], 1u);
}

static void abandoned_take(hak_slab_pool* pool, hak_slab* head) {
  hak_body_remove(&pool->abandoned[head->class_index], hak_slab_body_of(head));
  hak_sub_relaxed(&pool->abandoned_count[head->class_index], 1u);
}

/* With the lock, which every change from and to the state is made under; the cell may be anything by now. */
static bool is_abandoned(hak_slab* head) {
  return hak_peek(&head->kind) == HAK_CELL_SLAB && hak_peek(&head->head) == head &&
         hak_peek(&head->state) == HAK_SLAB_ABANDONED;
}

static void adopt_locked(hak_owner* owner, hak_slab* head) {
  abandoned_take(owner->pool, head);
  hak_store_release(&head->state, (uint8_t)HAK_SLAB_FULL); /* until it is filed; as in slab_to_partial */
  hak_slab_set_owner(head, owner);
  hak_add_relaxed(&owner->bins[head->class_index].slab_count, 1u);
  hak_count(&owner->counters.slabs_adopted, 1u);
}

bool hak_abandoned_adopt(hak_owner* owner, hak_slab* head) {
  hak_lock_acquire(&owner->pool->lock);
  bool ours = is_abandoned(head);
  if (ours) adopt_locked(owner, head);
  hak_lock_release(&owner->pool->lock);
  if (!ours) return false;
  hak_owner_admit_class(owner, head->class_index);
  hak_count(&owner->counters.remote_blocks, hak_slab_collect_remote(head));
  hak_owner_file_slab(owner, head);
  return true;
}

hak_slab* hak_abandoned_adopt_any(hak_owner* owner, unsigned class_index) {
  hak_slab_pool* pool = owner->pool;
  hak_lock_acquire(&pool->lock);
  hak_slab_body* first = pool->abandoned[class_index].first;
  bool found = first != NULL && first->worth;
  if (found) adopt_locked(owner, first->slab);
  hak_lock_release(&pool->lock);
  if (!found) return NULL;
  hak_count(&owner->counters.remote_blocks, hak_slab_collect_remote(first->slab));
  return first->slab;
}

bool hak_abandoned_collect(hak_slab_pool* pool, hak_slab* head) {
  hak_lock_acquire(&pool->lock);
  bool ours = is_abandoned(head);
  bool empty = false;
  if (ours) {
    hak_slab_collect_remote(head);
    empty = hak_slab_count_live(head) == 0;
    if (empty) {
      abandoned_take(pool, head);
      hak_poke(&head->state, (uint8_t)HAK_SLAB_SPARE);
    } else {
      hak_body_remove(&pool->abandoned[head->class_index], hak_slab_body_of(head));
      find_worth(head);
      abandoned_file(pool, head);
    }
  }
  hak_lock_release(&pool->lock);
  if (empty) hak_slab_release(pool, head);
  return ours;
}

void hak_slab_abandon_lost(hak_slab_pool* pool, hak_slab* head) {
  hak_lock_acquire(&pool->lock);
  hak_slab_finish_collecting(head);
  hak_slab_collect_remote(head);
  bool empty = hak_slab_count_live(head) == 0;
  /* In no list any more: a queue that it was in belongs to the lost owner. */
  hak_store_relaxed(&head->remote_next, NULL);
  if (!empty) {
    find_worth(head);
    abandoned_add(pool, head);
  }
  hak_lock_release(&pool->lock);
  if (empty) hak_slab_release(pool, head);
}

/* ---- the end of a thread ---- */

static void find_worth_of_list(const hak_body_list* list) {
  for (const hak_slab_body* body = list->first; body != NULL; body = body->next) find_worth(body->slab);
}

static void find_worth_of_all(const hak_bin* bin) {
  if (bin->current != NULL) find_worth(bin->current);
  find_worth_of_list(&bin->partial);
  find_worth_of_list(&bin->full);
}

static void abandon_list(hak_slab_pool* pool, hak_body_list* list) {
  while (list->first != NULL) {
    hak_slab_body* body = list->first;
    hak_body_remove(list, body);
    abandoned_add(pool, body->slab);
  }
}

void hak_owner_abandon(hak_owner* owner) {
  hak_slab_pool* pool = owner->pool;
  hak_owner_trim(owner);
  for (unsigned c = 0; c < HAK_CLASSES; c++) find_worth_of_all(&owner->bins[c]);
  /* In one go, so that a fork finds either all of them ours or none. */
  hak_lock_acquire(&pool->lock);
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    hak_bin* bin = &owner->bins[c];
    hak_count(&owner->counters.slabs_abandoned, bin->slab_count);
    if (bin->current != NULL) abandoned_add(pool, hak_bin_detach(bin));
    abandon_list(pool, &bin->partial);
    abandon_list(pool, &bin->full);
    hak_poke(&bin->slab_count, 0u);
    owner->dense[c] = 0;
  }
  hak_lock_release(&pool->lock);
  /* What was pushed here before the owners changed; what comes later, its pusher sends on (remote.c). */
  hak_remote_dispatch(pool, NULL, hak_swap_seq_cst(&owner->remote_slabs, NULL));
}
