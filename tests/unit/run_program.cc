// A test that is another program: for programs that are built with other flags than the rest of the build.
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  execv(argv[1], argv + 1);
  perror(argv[1]);
  return 1;
}
