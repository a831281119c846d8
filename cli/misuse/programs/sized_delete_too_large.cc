// delete says that the block is twice as large as it is.
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  void* block = ::operator new(size);
  suspect(block);
  BUG(::operator delete(block, size * 2);)
  TWIN(::operator delete(block, size);)
  return 0;
}
