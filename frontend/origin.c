#include "frontend/origin.h"

#include "base/atomic.h"
#include "base/fatal.h"
#include "base/stack.h"

enum {
  ORIGINS = 16384,      /* distinct stacks, the unknown one at 0 included */
  ORIGIN_LOOKS = 64,    /* places that a stack may lie in */
  ORIGINS_PRINTED = 100 /* at exit */
};
_Static_assert((ORIGINS & (ORIGINS - 1)) == 0, "a hash becomes a place by a mask");

typedef struct origin {
  HAK_SHARED(uint64_t) hash;  /* 0: free. Two stacks with one hash count as one */
  HAK_SHARED(uint32_t) ready; /* the stack is written: pairs with the look in hak_origin_print */
  hak_stack stack;
  uint64_t blocks, bytes;
} origin;

static HAK_SHARED(origin*) table; /* NULL: off */

void hak_origin_start(const hak_process* process) {
  if (!HAK_DEBUG || process->options.report_live != HAK_ORIGIN_REPORT) return;
  hak_stack first;
  hak_stack_take(&first); /* malloc works: the unwinder may allocate */
  hak_store_release(&table, (origin*)hak_os_map(process->arena.os, ORIGINS * sizeof(origin), "hakmem: origins"));
}

/* FNV-1a over the frames (Fowler, Noll and Vo, 1991), a word at a time. */
static uint64_t stack_hash(const hak_stack* stack) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (unsigned i = 0; i < stack->count; i++) hash = (hash ^ (uintptr_t)stack->frames[i]) * UINT64_C(0x100000001b3);
  hash ^= hash >> 32; /* the index is taken from the low bits */
  return hash != 0 ? hash : 1;
}

uint32_t hak_origin_take(void) {
  origin* origins = hak_load_acquire(&table);
  if (HAK_LIKELY(origins == NULL)) return 0;
  hak_stack stack;
  hak_stack_take(&stack);
  uint64_t hash = stack_hash(&stack);
  for (uint32_t look = 0; look < ORIGIN_LOOKS; look++) {
    uint32_t number = (uint32_t)(hash + look) & (ORIGINS - 1);
    if (number == 0) continue;
    uint64_t found = 0;
    if (hak_cas_seq_cst(&origins[number].hash, &found, hash)) {
      origins[number].stack = stack;
      hak_store_release(&origins[number].ready, 1u);
      return number;
    }
    if (found == hash) return number;
  }
  return 0;
}

void hak_origin_count(uint32_t number, size_t bytes) {
  origin* origins = hak_load_acquire(&table);
  if (origins == NULL) return;
  origin* counted = &origins[number < ORIGINS ? number : 0];
  counted->blocks++;
  counted->bytes += bytes;
}

static void print_origin(const origin* o, bool known) {
  hak_line line = {.length = 0};
  hak_line_text(&line, "live at exit: ");
  hak_line_number(&line, o->blocks);
  hak_line_text(&line, o->blocks == 1 ? " block, " : " blocks, ");
  hak_line_number(&line, o->bytes);
  hak_line_text(&line, known ? " bytes, allocated here:" : " bytes, allocated where nobody looked");
  hak_line_print(&line);
  if (known) hak_stack_print(&o->stack);
}

/* The origin with the most bytes of those not printed yet, NULL if there is none. */
static origin* origin_most(origin* origins) {
  origin* most = NULL;
  for (origin* o = origins; o < &origins[ORIGINS]; o++) {
    if (o->blocks != 0 && (most == NULL || o->bytes > most->bytes)) most = o;
  }
  return most;
}

void hak_origin_print(void) {
  origin* origins = hak_load_acquire(&table);
  if (origins == NULL) return;
  for (unsigned printed = 0; printed < ORIGINS_PRINTED; printed++) {
    origin* most = origin_most(origins);
    if (most == NULL) return;
    print_origin(most, most != &origins[0] && hak_load_acquire(&most->ready) != 0);
    most->blocks = most->bytes = 0;
  }
  if (origin_most(origins) == NULL) return;
  hak_line line = {.length = 0};
  hak_line_text(&line, "live at exit: and more, with fewer bytes each");
  hak_line_print(&line);
}
