// delete says that the block was made with an alignment that it does not have.
#include <new>

#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  // Of two blocks one is not a multiple of some power of two.
  void* blocks[2] = {::operator new(size), ::operator new(size)};
  uintptr_t align = 32;
  while (reinterpret_cast<uintptr_t>(blocks[0]) % align == 0 && reinterpret_cast<uintptr_t>(blocks[1]) % align == 0) {
    align *= 2;
  }
  void* block = blocks[reinterpret_cast<uintptr_t>(blocks[0]) % align == 0 ? 1 : 0];
  suspect(block);
  dprintf(1, "%zu\n", static_cast<size_t>(align));
  BUG(::operator delete(block, static_cast<std::align_val_t>(align));)
  ::operator delete(blocks[0], size);
  ::operator delete(blocks[1], size);
  return 0;
}
