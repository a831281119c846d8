#define _GNU_SOURCE
#include "frontend/process.h"

#include <pthread.h>
#include <unistd.h>

#include "frontend/helper.h"
#include "frontend/origin.h"
#include "frontend/sample.h"
#include "pool_tls/pool.h"
#include "tiny/tiny.h"

hak_process hak_the_process = {
    .map = HAK_MAP_EMPTY,
    .lock = HAK_LOCK_INIT(HAK_RANK_PROCESS),
};

__thread hak_owner* hak_thread_owner = &hak_nobody;

/* Without the key a thread's slabs stay its own when it ends, until another thread gets its control block. */
static pthread_key_t exit_key;
static bool has_exit_key;

/* ---- fork: the locks are taken by the forking thread, so that the child finds everything whole ---- */

static void before_fork(void) {
  hak_helper_before_fork();
  hak_lock_acquire(&hak_the_process.slabs.purge_lock);
  hak_lock_acquire(&hak_the_process.lock);
  if (hak_sample_lock() != NULL) hak_lock_acquire(hak_sample_lock());
  hak_lock_acquire(&hak_the_process.slabs.lock);
  hak_arena_acquire_whole(&hak_the_process.arena);
  hak_lock_acquire(&hak_the_process.meta.lock);
}

static void each_lock(void (*act)(hak_lock*)) {
  act(&hak_the_process.meta.lock);
  act(&hak_the_process.arena.lock);
  act(&hak_the_process.slabs.lock);
  if (hak_sample_lock() != NULL) act(hak_sample_lock());
  act(&hak_the_process.lock);
  act(&hak_the_process.slabs.purge_lock);
}

static void after_fork_in_parent(void) {
  each_lock(hak_lock_release);
  hak_helper_after_fork_in_parent();
}

/* The child has one thread. What the others owned is lost until the child makes a second thread: until then nobody can
 * have the control block of one of them, and most children never get there. */
static void after_fork_in_child(void) {
  hak_process* process = &hak_the_process;
  each_lock(hak_lock_reset);
  hak_helper_after_fork_in_child();
  for (hak_thread* t = process->threads; t != NULL; t = t->next) {
    if (!t->active || &t->owner == hak_thread_owner) continue;
    hak_store_relaxed(&t->lost, 1u);
    process->any_lost = true;
  }
}

/* The child's first thread may be making or releasing slabs: a slab has its owner before its kind says so, and is
 * nobody's before its kind says that it is gone. Nobody but us changes a slab of a lost thread. */
static void adopt_lost_slab(hak_process* process, uintptr_t unit) {
  hak_slab* slab = hak_map_cell(&process->map, unit);
  if (hak_load_acquire(&slab->kind) != HAK_CELL_SLAB || hak_peek(&slab->head) != slab) return;
  const hak_thread* thread = (const hak_thread*)hak_load_acquire(&slab->owner);
  if (&thread->owner == &hak_nobody || hak_load_relaxed(&thread->lost) == 0) return;
  hak_slab_abandon_lost(&process->slabs, slab);
}

/* With the process's lock: abandons the slabs of lost threads, found through the map, whose bits are whole at any time.
 * The threads' records are not used again. */
static void adopt_lost(hak_process* process) {
  hak_region region = {.base = 0};
  while (hak_arena_next_region(&process->arena, region.base, &region)) {
    uintptr_t end = region.base + (region.chunks << HAK_CHUNK_SHIFT);
    for (uintptr_t unit = region.base; unit < end; unit += HAK_UNIT_BYTES) adopt_lost_slab(process, unit);
  }
  process->any_lost = false;
}

/* ---- the end of a thread ---- */

static void thread_leave(void* record) {
  hak_thread* thread = record;
  hak_owner_abandon(&thread->owner);
  hak_thread_owner = &hak_nobody;
  hak_lock_acquire(&hak_the_process.lock);
  hak_poke(&thread->active, false);
  hak_lock_release(&hak_the_process.lock);
  hak_helper_consider(&hak_the_process);
}

/* ---- start-up ---- */

static bool process_start(void) {
  hak_process* process = &hak_the_process;
  const hak_os* os = hak_os_linux();
  hak_options_read(&process->options, environ);
  hak_helper_init(&process->options);
  process->secret = os->secret();
  hak_meta_init(&process->meta, os);
  hak_map map = HAK_MAP_EMPTY;
  if (!hak_map_init(&map, os)) return false;
  has_exit_key = pthread_key_create(&exit_key, thread_leave) == 0;
  hak_arena_init(&process->arena, &process->map, &process->meta, os, &process->options);
  hak_slab_pool_init(&process->slabs, &process->arena, &process->meta);
  /* The map last and its masks last of all: a look-up meets either the empty map or the whole one. No block of ours
   * exists yet, so that any answer for a foreign address is right. */
  process->map = map;
  hak_store_release(&process->started, 1u);
  return true;
}

/* May allocate, so that it comes when malloc works already. */
static void process_hook(void) { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

/* ---- owners ---- */

/* A record for the calling thread: one whose thread died without leaving (it used the same control block as we do: it
 * was allocating in its last destructors), one that is free, or a new one. With the lock held. */
static hak_thread* thread_record(hak_process* process, bool* orphan) {
  hak_thread* unused = NULL;
  uintptr_t self = hak_thread_pointer();
  for (hak_thread* t = process->threads; t != NULL; t = t->next) {
    if (t->lost != 0) continue;
    if (t->active && t->owner.thread == self) {
      *orphan = true;
      return t;
    }
    if (!t->active) unused = t;
  }
  if (unused == NULL) {
    _Static_assert(sizeof(hak_thread) <= HAK_META_MAX_BYTES, "a thread is a record");
    unused = hak_meta_alloc(&process->meta, HAK_META_OTHER, sizeof *unused);
    if (unused == NULL) return NULL;
    unused->next = process->threads;
    /* Pairs with the acquire of those who walk the list without the lock: they meet a record with its next. */
    hak_store_release(&process->threads, unused);
  }
  hak_poke(&unused->active, true);
  return unused;
}

static void thread_prewarm(hak_owner* owner) {
  if (!HAK_PREWARM_TLS) return;
  hak_tiny_prewarm(owner);
  if (HAK_POOL_TLS) hak_pool_prewarm(owner, 4096);
}

HAK_SLOW hak_owner* hak_thread_attach(void) {
  hak_process* process = &hak_the_process;
  bool orphan = false;
  bool first = false;
  if (hak_thread_has_owner()) return hak_thread_owner;
  hak_lock_acquire(&process->lock);
  if (hak_load_acquire(&process->started) == 0) first = process_start();
  if (process->any_lost) adopt_lost(process);
  hak_thread* thread = hak_load_acquire(&process->started) != 0 ? thread_record(process, &orphan) : NULL;
  if (thread != NULL && !orphan) {
    hak_count(&process->thread_count, 1u);
    hak_owner_init(&thread->owner, &process->slabs, process->thread_count);
  }
  hak_lock_release(&process->lock);
  if (first) process_hook();
  if (thread == NULL) return NULL;
  hak_thread_owner = &thread->owner;
  if (!orphan) thread_prewarm(&thread->owner);
  /* May allocate: by now it can. */
  if (has_exit_key) pthread_setspecific(exit_key, thread);
  if (first) hak_sample_start(process);
  if (first) hak_origin_start(process);
  hak_sample_attach(thread);
  hak_helper_consider(process); /* of the pages of threads that sleep */
  return &thread->owner;
}
