/* internal.h - what the files of superslab/ share among themselves; no other folder includes it.
 *
 * slab_pool.c  cuts slabs from the arena and gives them back
 * owner.c      the state machine: refill and the transitions
 * remote.c     frees by other threads: from the bit to the owner's hands
 * abandoned.c  slabs without an owner
 * populate.c   pages of slabs that are about to be used
 * purge.c      pages of free blocks that nobody is about to allocate
 */
#ifndef HAK_SUPERSLAB_INTERNAL_H
#define HAK_SUPERSLAB_INTERNAL_H

#include "superslab/owner.h"

HAK_C_BEGIN

/* ---- slab_pool.c ---- */

/* The record of a slab. */
static inline size_t hak_body_bytes(uint32_t words) { return offsetof(hak_slab_body, bits) + words * sizeof(uint64_t); }

/* A slab of the class with every block free, owned by `owner` but in none of its lists. use: HAK_RUN_SLAB or
 * HAK_RUN_SPARSE. */
hak_slab* hak_slab_create(hak_slab_pool* pool, hak_owner* owner, unsigned class_index, hak_run_use use);
/* Takes a slab without live blocks out of the world. It is in no list. */
void hak_slab_release(hak_slab_pool* pool, hak_slab* head);
/* Changes who the slab's keys let in; &hak_nobody for an abandoned slab. */
void hak_slab_set_owner(hak_slab* head, hak_owner* owner);

/* ---- lists of bodies ---- */

static inline void hak_body_append(hak_body_list* list, hak_slab_body* body) {
  body->next = NULL;
  body->prev = list->last;
  *(list->last != NULL ? &list->last->next : &list->first) = body;
  list->last = body;
}

static inline void hak_body_prepend(hak_body_list* list, hak_slab_body* body) {
  body->prev = NULL;
  body->next = list->first;
  *(list->first != NULL ? &list->first->prev : &list->last) = body;
  list->first = body;
}

static inline void hak_body_remove(hak_body_list* list, hak_slab_body* body) {
  *(body->prev != NULL ? &body->prev->next : &list->first) = body->next;
  *(body->next != NULL ? &body->next->prev : &list->last) = body->prev;
}

/* ---- owner.c ---- */

/* Puts a slab that is in no list where its number of live blocks says: full, partial, or out. */
void hak_owner_file_slab(hak_owner* owner, hak_slab* head);
/* Takes a slab that is full or partial out of its list. */
void hak_owner_unfile_slab(hak_owner* owner, hak_slab* head);

/* The owner has a slab of the class, so that the requests for it are to come to its bin: it is not stood in for. */
void hak_owner_admit_class(hak_owner* owner, unsigned class_index);

/* Takes the current slab from a bin, which is then closed. */
hak_slab* hak_bin_detach(hak_bin* bin);

/* ---- remote.c ---- */

/* The end of every list of slabs with remote frees: remote_next is NULL only outside any list. */
extern hak_slab hak_remote_sentinel;

/* Moves the remote bits of a slab into its own. The caller owns the slab (or holds the pool's lock, if nobody does).
 * Returns how many blocks came home. */
uint32_t hak_slab_collect_remote(hak_slab* head);
/* For a slab whose owner was lost in the middle of hak_slab_collect_remote: blocks that are free in both places leave
 * the remote bits. */
void hak_slab_finish_collecting(hak_slab* head);
/* Finds every slab of a list taken from an owner its present owner. self: the caller's owner or NULL. */
void hak_remote_dispatch(hak_slab_pool* pool, hak_owner* self, hak_slab* list);

/* ---- populate.c ---- */

/* Blocks up to this size are touched as a whole, as far as pages go, by who writes to both of their ends. Of a larger
 * one perhaps two pages are used, and memory for all of them would be wasted: there the slab that was filled last is
 * asked what the program touches, and the order of a bin's full slabs matters. */
enum { HAK_DENSE_BYTES = 8192 };

/* The program will touch about every page of the owner's next slab of the class: it has filled some, and its blocks are
 * small or it has touched the pages of those in a full slab. */
bool hak_owner_is_dense(hak_owner* owner, unsigned class_index);
/* For a new slab. fresh: no page has memory yet. */
void hak_slab_choose_pages(const hak_arena* arena, const hak_size_class* row, hak_slab_body* body, hak_run_use use,
                           bool fresh);
/* The end of the last block that the window at the frontier may deal. */
static inline uintptr_t hak_slab_open_end(const hak_bin* bin, const hak_slab_body* body) {
  const hak_size_class* row = &hak_size_classes[bin->class_index];
  return bin->base + body->edge * bin->grain + (uintptr_t)(row->grains - 1) * bin->grain;
}
/* That is above `present`: gives the pages up to there, and some behind, their memory. */
void hak_slab_populate(hak_slab_pool* pool, const hak_bin* bin, hak_slab_body* body);

/* ---- purge.c ---- */

/* Waits until nobody gives pages of the slab back. Behind the sequentially consistent store that says that it is at
 * rest no more, or where the window is now; before any block is dealt there, or its body goes. */
void hak_slab_wait_unpinned(const hak_slab_pool* pool, const hak_slab* head);
static inline void hak_slab_leave_rest(const hak_slab_pool* pool, const hak_slab* head) {
  if (HAK_UNLIKELY(hak_load_seq_cst(&pool->pinned) == head)) hak_slab_wait_unpinned(pool, head);
}

/* Freed blocks have contents that somebody looks at: malloc at their seals, and free, behind the bit, at the header. So
 * no pages go back from inside slabs. */
enum { HAK_FREED_HAVE_CONTENTS = HAK_SEALED || (HAK_HEADER_CLASSIDX && HAK_CHECKED) };

/* The next round through the slabs may find pages that are of no use any more. (Where there are no rounds nobody would
 * take the word back, and the helper thread would stay for ever.) */
static inline void hak_slab_ask_for_purge(hak_slab_pool* pool) {
  if (!HAK_FREED_HAVE_CONTENTS && hak_load_relaxed(&pool->purge_more) == 0) hak_store_relaxed(&pool->purge_more, 1u);
}

/* hak_bin_enter has said that this has to come before a block of the window is dealt; or, of a wide class, the look
 * behind one that was taken, before it is used. */
void hak_owner_pause(hak_owner* owner, hak_bin* bin);

/* ---- abandoned.c ---- */

/* Takes over one slab of the class that has blocks to give; it is in no list. NULL if there is none. */
hak_slab* hak_abandoned_adopt_any(hak_owner* owner, unsigned class_index);
/* Takes over this slab, if it is abandoned (still). */
bool hak_abandoned_adopt(hak_owner* owner, hak_slab* head);
/* Remote frees of an abandoned slab, by a thread that cannot adopt it: collected in place; the last one releases the
 * slab. False if the slab has an owner by now. */
bool hak_abandoned_collect(hak_slab_pool* pool, hak_slab* head);

HAK_C_END

#endif
