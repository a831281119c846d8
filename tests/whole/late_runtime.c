/* A C program that opens a C++ library: the runtime comes after hakmem. Says that all is well if an operator new of the
 * library that fails throws as the standard asks. */
#include <dlfcn.h>
#include <stdio.h>

int main(void) {
  void* library = dlopen("tests/whole/libthrows.so", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    puts(dlerror());
    return 1;
  }
  int (*new_throws)(void);
  *(void**)&new_throws = dlsym(library, "new_throws");
  puts(new_throws() ? "all is well" : "nothing was thrown");
  return 0;
}
