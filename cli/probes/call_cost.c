/* call_cost.c - the calls whose instructions `hakctl count` counts, one stretch after the other.
 *
 * Each stretch first runs unmeasured until its caches are filled, then measured; callgrind dumps its counts under the
 * name "CASE:SIZE:CALLS". Counts hold the loop too: hakctl subtracts a run on a malloc that does nothing. */
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/probes/client_request.h"

enum { BATCH = 100, SLOTS = 4096 };

static void* slots[SLOTS];
static void* volatile last; /* a pointer that the compiler must produce */

static void one_by_one(size_t size, int count) {
  for (int i = 0; i < count; i++) {
    void* block = malloc(size);
    last = block;
    free(block);
  }
}

static void last_first(size_t size, int count) {
  for (int done = 0; done < count; done += BATCH) {
    for (int i = 0; i < BATCH; i++) slots[i] = malloc(size);
    for (int i = BATCH - 1; i >= 0; i--) free(slots[i]);
  }
}

static void first_first(size_t size, int count) {
  for (int done = 0; done < count; done += BATCH) {
    for (int i = 0; i < BATCH; i++) slots[i] = malloc(size);
    for (int i = 0; i < BATCH; i++) free(slots[i]);
  }
}

static void cleared(size_t size, int count) {
  for (int i = 0; i < count; i++) {
    void* block = calloc(1, size);
    last = block;
    free(block);
  }
}

static void doubled(size_t size, int count) {
  for (int i = 0; i < count; i++) {
    void* block = malloc(size);
    last = block;
    block = realloc(block, 2 * size);
    last = block;
    free(block);
  }
}

static uint64_t random_state = 88172645463325252u;

/* Sizes and slots are drawn from one number; 4096 blocks stay alive. */
static void random_slots(size_t largest, int count) {
  for (int i = 0; i < count; i++) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    void** slot = &slots[random_state % SLOTS];
    free(*slot);
    *slot = malloc(1 + (random_state >> 20) % largest);
  }
}

/* Another thread allocates a batch, this one frees it. */
static struct {
  pthread_t thread;
  sem_t wanted;
  sem_t ready;
  volatile size_t size;
  volatile int over;
} supplier;

static void* supply(void* unused) {
  (void)unused;
  for (;;) {
    sem_wait(&supplier.wanted);
    if (supplier.over) return NULL;
    for (int i = 0; i < BATCH; i++) slots[i] = malloc(supplier.size);
    sem_post(&supplier.ready);
  }
}

static void from_another_thread(size_t size, int count) {
  supplier.size = size;
  for (int done = 0; done < count; done += BATCH) {
    sem_post(&supplier.wanted);
    sem_wait(&supplier.ready);
    for (int i = 0; i < BATCH; i++) free(slots[i]);
  }
}

static void supplier_starts(void) {
  sem_init(&supplier.wanted, 0, 0);
  sem_init(&supplier.ready, 0, 0);
  if (pthread_create(&supplier.thread, NULL, supply, NULL) != 0) exit(1);
}

static void supplier_ends(void) {
  supplier.over = 1;
  sem_post(&supplier.wanted);
  pthread_join(supplier.thread, NULL);
}

static void empty_slots(void) { memset(slots, 0, sizeof(slots)); }

static void free_slots(void) {
  for (int i = 0; i < SLOTS; i++) free(slots[i]);
  empty_slots();
}

typedef struct {
  const char* name;
  void (*calls)(size_t size, int count);
  int warm_up;
  int measured;
  size_t sizes[8];      /* ends with 0 */
  void (*before)(void); /* once for the case */
  void (*between)(void);
  void (*after)(void);
} probe_case;

static const probe_case cases[] = {
    {"pair", one_by_one, 2000, 20000, {16, 64, 256, 1024, 4096, 16384, 65536}, 0, 0, 0},
    {"lifo100", last_first, 2000, 10000, {16, 64, 256, 1024, 4096, 16384, 65536}, 0, 0, 0},
    {"fifo100", first_first, 2000, 10000, {16, 64, 256, 1024, 4096, 16384, 65536}, 0, 0, 0},
    {"calloc", cleared, 2000, 20000, {16, 256, 4096}, 0, 0, 0},
    {"realloc2x", doubled, 2000, 10000, {16, 256, 4096}, 0, 0, 0},
    {"churn4096", random_slots, 40000, 40000, {256, 4096}, empty_slots, free_slots, 0},
    {"cross100", from_another_thread, 2000, 10000, {16, 256, 4096}, supplier_starts, 0, supplier_ends},
};

static void measure(const probe_case* c, size_t size) {
  char label[64];
  snprintf(label, sizeof(label), "%s:%zu:%d", c->name, size, c->measured);
  c->calls(size, c->warm_up);
  callgrind_request(CALLGRIND_ZERO_COUNTS, NULL);
  c->calls(size, c->measured);
  callgrind_request(CALLGRIND_DUMP_AT, label);
}

int main(void) {
  /* A request of one byte tells the malloc that does nothing that the program has started. */
  last = malloc(1);
  setvbuf(stdout, NULL, _IONBF, 0);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const probe_case* c = &cases[i];
    if (c->before) c->before();
    for (const size_t* size = c->sizes; *size != 0; size++) {
      measure(c, *size);
      if (c->between) c->between();
    }
    if (c->after) c->after();
  }
  callgrind_request(CALLGRIND_ZERO_COUNTS, NULL);
  return 0;
}
