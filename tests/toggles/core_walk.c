/* The core of one combination of flags, seen from inside: threads take and free blocks of every class, their own and
 * one another's, and after each round every slab's figures must agree with the size-class table and with the blocks in
 * hand.
 *
 * Plain C, because it is compiled once for each combination. Says what is wrong and ends with 1, else with 0. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size_class.h"
#include "frontend/hakmem.h"
#include "frontend/introspect.h"
#include "frontend/process.h"
#include "frontend/sealed.h"

enum {
  kThreads = 2,
  kRounds = 4,
  kMost = 600,
  kClasses =
      HAK_TINY_CLASSES + (HAK_POOL_TLS ? HAK_POOL_CLASSES : 0) + (HAK_POOL_TLS && !HAK_SEALED ? HAK_WIDE_CLASSES : 0)
};

#define EXPECT(condition)                                                                                   \
  do {                                                                                                      \
    if (!(condition)) {                                                                                     \
      fprintf(stderr, "line %d, class %u, round %u: not %s\n", __LINE__, now_class, now_round, #condition); \
      exit(1);                                                                                              \
    }                                                                                                       \
  } while (0)

static unsigned now_class, now_round;

/* [class][block]; half of each class's blocks are taken by each thread. */
static unsigned char* blocks[HAK_CLASSES][kMost];
static pthread_barrier_t barrier;

/* Enough for several refills and for more than one slab of the smaller classes. */
static unsigned count_of(unsigned c) { return hak_size_classes[c].usable <= 1024 ? kMost : 24; }

/* The largest request that is served from the class. */
static size_t bytes_of(unsigned c) { return hak_size_classes[c].usable - (HAK_SEALED ? HAK_SEAL_BYTES : 0); }

static unsigned char mark(unsigned c, unsigned i) { return (unsigned char)(c * 31 + i); }

static void take(unsigned c, unsigned i) {
  size_t bytes = bytes_of(c);
  unsigned char* block = blocks[c][i] = hak_malloc(bytes);
  EXPECT(block != NULL);
  EXPECT((uintptr_t)block % HAK_ALIGNMENT == 0);
  EXPECT(hak_usable_size(block) == bytes);
  memset(block, mark(c, i), bytes);
}

static void give(unsigned c, unsigned i) {
  size_t bytes = bytes_of(c);
  EXPECT(!HAK_CHECKED || hak_owns(blocks[c][i]));
  for (size_t at = 0; at < bytes; at++) EXPECT(blocks[c][i][at] == mark(c, i));
  hak_free(blocks[c][i]);
  blocks[c][i] = NULL;
}

static bool check_slab(const hak_slab_info* slab, void* used) {
  const hak_size_class* row = &hak_size_classes[slab->size_class];
  EXPECT(slab->size_class < kClasses);
  EXPECT(slab->pool == (slab->size_class >= HAK_TINY_CLASSES));
  EXPECT(slab->stride == row->stride && slab->block_bytes == row->usable && slab->capacity == row->capacity);
  EXPECT(row->first + (slab->capacity - 1) * slab->stride + slab->block_bytes <= slab->bytes);
  EXPECT(slab->used + slab->free + slab->remote == slab->capacity);
  ((unsigned*)used)[slab->size_class] += slab->used;
  return true;
}

/* With all threads at rest. The fast build counts blocks that a thread has in reserve as used. */
static void check_slabs(void) {
  unsigned used[HAK_CLASSES] = {0};
  hak_visit_slabs(check_slab, used);
  for (unsigned c = 0; c < kClasses; c++) {
    unsigned held = 0;
    for (unsigned i = 0; i < kMost; i++) held += blocks[c][i] != NULL;
    now_class = c;
    EXPECT(HAK_CHECKED ? used[c] == held : used[c] >= held);
  }
}

/* Each thread takes its half; then gives back every third of its own and every third of the other's. */
static void* work(void* argument) {
  unsigned self = (unsigned)(uintptr_t)argument;
  hak_owner_split_bins(hak_thread_attach()); /* no class stands in for another */
  for (unsigned round = 0; round < kRounds; round++) {
    for (unsigned c = 0; c < kClasses; c++) {
      for (unsigned i = self; i < count_of(c); i += kThreads) {
        if (blocks[c][i] == NULL) take(c, i);
      }
    }
    pthread_barrier_wait(&barrier);
    if (self == 0) now_round = round, check_slabs();
    pthread_barrier_wait(&barrier);
    for (unsigned c = 0; c < kClasses; c++) {
      for (unsigned i = 0; i < count_of(c); i++) {
        if (i % 3 == (i % kThreads == self ? 0u : 1u) && (i / 3) % kThreads == self) give(c, i);
      }
    }
    pthread_barrier_wait(&barrier);
    if (self == 0) check_slabs();
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

static uint64_t counter(const char* name) {
  hak_counter counters[HAK_MOST_COUNTERS];
  size_t count = hak_counters(counters, HAK_MOST_COUNTERS);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(counters[i].name, name) == 0) return counters[i].value;
  }
  EXPECT(!"a counter of that name");
  return 0;
}

/* The core has the flags that this file was compiled with. */
static void* first_request(void* unused) {
  uint64_t before = counter("slabs_attached");
  hak_free(hak_malloc(1));
  EXPECT((counter("slabs_attached") - before > 10) == (HAK_PREWARM_TLS == 1));
  return unused;
}

static void check_flags(void) {
  EXPECT((hak_size_classes[0].header != 0) == (HAK_HEADER_CLASSIDX == 1));
  EXPECT(hak_size_classes[HAK_TINY_CLASSES - 1].header == 0);
  uint64_t large = counter("large_bytes");
  void* mid = hak_malloc(20000);
  EXPECT((counter("large_bytes") > large) == (HAK_POOL_TLS == 0));
  hak_free(mid);
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, first_request, NULL) == 0);
  pthread_join(thread, NULL);
}

int main(void) {
  check_flags();
  pthread_t threads[kThreads];
  pthread_barrier_init(&barrier, NULL, kThreads);
  for (uintptr_t i = 0; i < kThreads; i++) EXPECT(pthread_create(&threads[i], NULL, work, (void*)i) == 0);
  for (unsigned i = 0; i < kThreads; i++) pthread_join(threads[i], NULL);
  /* The threads are gone: their slabs are abandoned, and their blocks come home through another. */
  for (unsigned c = 0; c < kClasses; c++) {
    for (unsigned i = 0; i < count_of(c); i++) {
      if (blocks[c][i] != NULL) give(c, i);
    }
  }
  check_slabs();
  return 0;
}
