/* A small program on hakmem, to be started under limits and tools: a few threads, every regime, and one line.
 *
 * probe [MOST]       MOST: blocks above this size are left out
 * probe one-for-all  a block in the place of all those that were freed before */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/hakmem.h"

static const size_t sizes[] = {1, 100, 1000, 5000, 60000, 300000, 5000000, (size_t)70 << 20};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static size_t most = SIZE_MAX;

static void* churn(void* arg) {
  (void)arg;
  for (int round = 0; round < 50; round++) {
    char* blocks[SIZES];
    for (int i = 0; i < SIZES && sizes[i] <= most; i++) {
      blocks[i] = malloc(sizes[i]);
      if (blocks[i] == NULL) return "malloc";
      memset(blocks[i], round, sizes[i] < 5000 ? sizes[i] : 5000);
    }
    for (int i = 0; i < SIZES && sizes[i] <= most; i++) {
      if (blocks[i][sizes[i] < 5000 ? sizes[i] - 1 : 4999] != round) return "contents";
      free(blocks[i]);
    }
  }
  return NULL;
}

static int one_for_all(void) {
  static char* blocks[200];
  int count = 0;
  while (count < 200 && (blocks[count] = malloc(200000)) != NULL) count++;
  while (count > 0) free(blocks[--count]);
  char* one = malloc((size_t)46 << 20);
  puts(one != NULL ? "all is well" : "malloc");
  return one == NULL;
}

int main(int argc, char** argv) {
  pthread_t threads[3];
  if (argc > 1 && strcmp(argv[1], "one-for-all") == 0) return one_for_all();
  if (argc > 1) most = strtoul(argv[1], NULL, 10);
  void* block = malloc(10);
  void* wrong = hak_owns(block) ? NULL : "not hakmem's malloc";
  free(block);
  for (int t = 0; t < 3; t++) {
    if (pthread_create(&threads[t], NULL, churn, NULL) != 0) return 2;
  }
  for (int t = 0; t < 3; t++) {
    void* result;
    pthread_join(threads[t], &result);
    if (result != NULL) wrong = result;
  }
  if (wrong == NULL) wrong = churn(NULL);
  puts(wrong == NULL ? "all is well" : (const char*)wrong);
  return wrong != NULL;
}
