/* misuse.h - what the misuse programs share.
 *
 * Each program has one fault, in BUG(...), and is compiled twice: as it stands, and as its twin, from which BUG(...) is
 * left out (and into which TWIN(...) is put, where something has to stand in its place). The program takes the size of
 * its blocks as its argument, and names the pointer of the fault on stdout, so that its reader knows what to expect.
 */
#ifndef HAK_CLI_MISUSE_MISUSE_H
#define HAK_CLI_MISUSE_MISUSE_H

#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef MISUSE_TWIN
#define BUG(...)
#define TWIN(...) __VA_ARGS__
#else
#define BUG(...) __VA_ARGS__
#define TWIN(...)
#endif

static inline size_t size_argument(int argc, char** argv) { return argc > 1 ? strtoul(argv[1], NULL, 10) : 100; }

/* Prints without a call of malloc, which might take the very block again. */
static inline void suspect(const void* pointer) { dprintf(1, "%p\n", pointer); }

/* The two of many blocks that lie nearest to each other, wherever the allocator has put them. */
static inline void side_by_side(char** blocks, int count, char** low, char** high) {
  ptrdiff_t nearest = PTRDIFF_MAX;
  for (int i = 0; i < count; i++) {
    for (int j = 0; j < count; j++) {
      ptrdiff_t apart = blocks[j] - blocks[i];
      if (apart <= 0 || apart >= nearest) continue;
      nearest = apart;
      *low = blocks[i];
      *high = blocks[j];
    }
  }
}

/* Runs a function in a thread of its own, to its end. */
static inline void in_thread(void* (*function)(void*), void* argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, function, argument) != 0) exit(3);
  pthread_join(thread, NULL);
}

/* A thread that is there before the fault is prepared, so that its start allocates nothing in between: it runs the
 * function when run_waiting_thread gives it the argument. */
typedef struct waiting_thread {
  pthread_t thread;
  sem_t start;
  void* (*function)(void*);
  void* argument;
} waiting_thread;

static inline void* wait_and_run(void* argument) {
  waiting_thread* self = (waiting_thread*)argument;
  sem_wait(&self->start);
  return self->function(self->argument);
}

static inline void start_waiting_thread(waiting_thread* self, void* (*function)(void*)) {
  self->function = function;
  sem_init(&self->start, 0, 0);
  if (pthread_create(&self->thread, NULL, wait_and_run, self) != 0) exit(3);
}

static inline void* run_waiting_thread(waiting_thread* self, void* argument) {
  void* result;
  self->argument = argument;
  sem_post(&self->start);
  pthread_join(self->thread, &result);
  return result;
}

/* For a thread. */
static inline void* free_it(void* block) {
  free(block);
  return NULL;
}

#endif /* HAK_CLI_MISUSE_MISUSE_H */
