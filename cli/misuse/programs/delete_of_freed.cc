// An object that was given to free is deleted.
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* block = ::operator new(size);
  suspect(block);
  BUG(free(block);)
  ::operator delete(block, size);
  return 0;
}
