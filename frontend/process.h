/* process.h - the one instance of the allocator that a process has, and its threads.
 *
 * Purpose:      start-up at the first request, owners for threads, their end, fork.
 * Owns:         hak_process (map, arena, slab pool, options) and the registry of owners.
 * Thread rule:  as each function says. hak_thread_owner is each thread's own.
 * Failure rule: without memory for its records a thread gets no owner; its requests return NULL.
 */
#ifndef HAK_FRONTEND_PROCESS_H
#define HAK_FRONTEND_PROCESS_H

#include "arena/large.h"
#include "superslab/owner.h"

HAK_C_BEGIN

/* A thread's owner and its place in the registry. Records are used again by later threads and never freed. */
typedef struct hak_thread hak_thread;
struct hak_thread {
  hak_owner owner; /* first: the record is found from it */
  hak_thread* next;
  bool active;
  /* In the child of a fork: the thread stayed with the parent. Its lists may have been in the middle of a change, so
   * that nobody looks at them again; its slabs are found through the map (adopt_lost in process.c). */
  HAK_SHARED(uint32_t) lost;
  uint64_t sample_left, sample_draws; /* sample.h: requests until the next guarded block; state of its generator */
};

/* The root: where everything is. */
typedef struct hak_process {
  hak_map map;
  hak_arena arena;
  hak_slab_pool slabs;
  hak_meta meta;
  hak_options options;
  hak_lock lock; /* start-up and the registry */
  HAK_SHARED(uint32_t) started;
  HAK_SHARED(hak_thread*) threads; /* every record ever made, the newest first */
  uint64_t thread_count;
  bool any_lost;
  uint64_t secret; /* of sealed blocks */
} hak_process;

extern HAK_HIDDEN hak_process hak_the_process;

/* The calling thread's owner; before its first request and after its end one without slabs, which is nobody's. */
extern HAK_HIDDEN __thread hak_owner* hak_thread_owner;

/* The calling thread's owner, made if there is none yet; NULL if there is no memory for it. */
hak_owner* hak_thread_attach(void);
static inline bool hak_thread_has_owner(void) { return hak_thread_owner->pool != NULL; }

HAK_C_END

#endif
