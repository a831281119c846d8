/* A child frees a block that its parent freed before the fork. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* neighbour = malloc(size);
  void* block = malloc(size);
  suspect(block);
  free(block);
  pid_t child = fork();
  if (child == 0) {
    BUG(free(block);)
    free(neighbour);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) raise(WTERMSIG(status));
  free(neighbour);
  return WEXITSTATUS(status);
}
