#define _GNU_SOURCE
#include "frontend/sample.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "frontend/misuse.h"
#include "frontend/route.h"

static hak_guarded_pool* pool; /* set once, before any thread samples */
static struct sigaction before;

/* ---- reports ---- */

static void print_stack(const char* what, const hak_stack* stack) {
  hak_line line = {.length = 0};
  if (stack->count == 0) return;
  hak_line_text(&line, what);
  hak_line_print(&line);
  hak_stack_print(stack);
}

static __attribute__((noreturn)) void report(const char* fault, const hak_guarded* place, uintptr_t where) {
  hak_line line = {.length = 0};
  hak_line_text(&line, fault);
  hak_line_address(&line, place->block);
  hak_line_text(&line, ", at byte ");
  hak_line_number(&line, where - place->block);
  hak_line_text(&line, " (guarded block of ");
  hak_line_number(&line, place->bytes);
  hak_line_text(&line, " bytes)");
  hak_line_print(&line);
  print_stack("the block was allocated here:", &place->allocated);
  print_stack("and freed here:", &place->freed);
  abort();
}

static void on_fault(int number, siginfo_t* info, void* context) {
  uintptr_t where = (uintptr_t)info->si_addr;
  const hak_guarded* place = hak_guarded_find(pool, where);
  if (place != NULL) {
    uint32_t state = hak_load_relaxed(&place->state);
    if (state == HAK_GUARDED_FREED) report("use after free of ", place, where);
    if (state == HAK_GUARDED_LIVE) report("access behind the end of ", place, where);
  }
  /* Another's fault: as if we had never been here. */
  if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != NULL) {
    before.sa_sigaction(number, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(number);
  } else {
    sigaction(number, &before, NULL);      /* the instruction faults again, and the kernel does the rest */
    if (info->si_code <= 0) raise(number); /* but there is none where somebody sent the signal */
  }
}

/* ---- set-up ---- */

void hak_sample_start(hak_process* process) {
  if (process->options.guard_sample == 0) return;
  hak_stack first;
  hak_stack_take(&first); /* malloc works: the unwinder may allocate */
  hak_guarded_pool* made = hak_guarded_create(&process->arena);
  if (made == NULL) return;
  pool = made;
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  action.sa_sigaction = on_fault;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &before);
}

hak_lock* hak_sample_lock(void) { return pool == NULL ? NULL : &pool->lock; }

/* A number from 1 to 2N - 1, so that one in N is met, and none is left out for ever by a program's rhythm. */
static uint64_t draw_distance(hak_thread* thread) {
  uint64_t every = hak_the_process.options.guard_sample;
  thread->sample_draws = thread->sample_draws * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return 1 + (thread->sample_draws >> 33) % (2 * every - 1);
}

void hak_sample_attach(hak_thread* thread) {
  if (pool == NULL) return;
  thread->sample_draws = hak_the_process.secret + thread->owner.number;
  thread->sample_left = draw_distance(thread);
  hak_owner_close(&thread->owner);
}

/* ---- requests ---- */

void* hak_sample_alloc(hak_owner* owner, size_t bytes) {
  hak_thread* thread = (hak_thread*)owner;
  if (--thread->sample_left == 0) {
    hak_stack stack;
    thread->sample_left = draw_distance(thread);
    hak_stack_take(&stack);
    /* Aligned requests come as a multiple of the alignment: so the block, which ends at a unit's end, is aligned as
     * well. */
    uintptr_t block = hak_guarded_alloc(pool, bytes == 0 ? 1 : bytes, &stack);
    if (block != 0) return (void*)block;
  }
  hak_bin_at bin = hak_owner_bin(owner, hak_class_bin(hak_size_class_for(bytes)));
  void* block = hak_tiny_take(&bin);
  return block != NULL ? block : hak_tiny_refill(owner, hak_bin_get(&bin));
}

void hak_sample_free(hak_cell* cell, uintptr_t address) {
  hak_stack stack;
  hak_stack_take(&stack);
  switch (hak_guarded_free(pool, cell, &stack)) {
    case HAK_GUARDED_DONE:
      return;
    case HAK_GUARDED_TWICE:
      break;
    case HAK_GUARDED_OVERRUN: {
      const hak_guarded* place = hak_guarded_find(pool, address);
      report("write behind the end of ", place, place->block + place->bytes);
    }
  }
  hak_route_bad_free(address);
}
