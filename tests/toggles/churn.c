/* Threads that allocate, grow and free blocks of all sizes, their own and one another's, and look that each block still
 * holds what was written to it. Prints "ok" when it does, and malloc was hakmem's. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kThreads = 4, kSlots = 512, kRounds = 40000 };

extern bool hak_owns(const void* block) __attribute__((weak));

typedef struct {
  unsigned char* block;
  size_t size;
  unsigned char mark;
} Slot;

static Slot slots[kSlots];
static pthread_mutex_t locks[kSlots];

static void fail(const char* what, size_t size) {
  fprintf(stderr, "%s a block of %zu bytes\n", what, size);
  _Exit(1);
}

/* Mostly small ones, some of the pool's, a few mapped on their own. */
static size_t random_size(uint64_t random) {
  static const size_t most[] = {64, 1024, 1024, 4096, 65536, 65536, 300000, 3000000};
  size_t limit = most[random % 64 < 56 ? random % 3 : random % 8];
  return 1 + (random >> 16) % limit;
}

static void check(const Slot* slot) {
  size_t last = slot->size - 1;
  size_t spots[] = {0, last / 2, last};
  for (size_t i = 0; i < 3; i++) {
    if (slot->block[spots[i]] != slot->mark) fail("something wrote to", slot->size);
  }
  if ((uintptr_t)slot->block % 16 != 0) fail("no alignment of 16 for", slot->size);
}

static void* churn(void* seed) {
  uint64_t random = (uintptr_t)seed * 0x9e3779b97f4a7c15u;
  for (int i = 0; i < kRounds; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint64_t dice = random >> 20;
    size_t index = dice % kSlots;
    Slot* slot = &slots[index];
    pthread_mutex_lock(&locks[index]);
    size_t size = random_size(dice >> 9);
    if (slot->block == NULL || dice >> 43 == 0) {
      if (slot->block != NULL) check(slot);
      free(slot->block);
      slot->block = dice & 1024 ? calloc(1, size) : malloc(size);
      if (slot->block != NULL && (dice & 1024) && (slot->block[0] | slot->block[size - 1]))
        fail("calloc did not clear", size);
    } else {
      check(slot);
      slot->block = realloc(slot->block, size);
      if (slot->block != NULL && slot->block[0] != slot->mark) fail("realloc lost the bytes of", size);
    }
    if (slot->block == NULL) fail("no memory for", size);
    slot->size = size;
    slot->mark = (unsigned char)random;
    memset(slot->block, slot->mark, size);
    pthread_mutex_unlock(&locks[index]);
  }
  return NULL;
}

int main(void) {
  for (int i = 0; i < kSlots; i++) pthread_mutex_init(&locks[i], NULL);
  /* A second wave: the blocks of threads that are gone are freed by others. */
  for (uintptr_t wave = 0; wave < 2; wave++) {
    pthread_t threads[kThreads];
    for (uintptr_t i = 0; i < kThreads; i++) {
      if (pthread_create(&threads[i], NULL, churn, (void*)(1 + i + wave * kThreads)) != 0) return 1;
    }
    for (int i = 0; i < kThreads; i++) pthread_join(threads[i], NULL);
  }
  if (hak_owns == NULL || !hak_owns(slots[0].block)) fail("hakmem does not own", slots[0].size);
  for (int i = 0; i < kSlots; i++) free(slots[i].block);
  puts("ok");
  return 0;
}
