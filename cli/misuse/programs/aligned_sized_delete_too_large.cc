// delete of an aligned block says that it is many times as large as it is.
#include <new>

#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  size_t size = size_argument(argc, argv);
  constexpr std::align_val_t align{64};
  void* block = ::operator new(size, align);
  size_t wrong = size * 20;
  suspect(block);
  dprintf(1, "%zu\n", wrong);
  BUG(::operator delete(block, wrong, align);)
  TWIN(::operator delete(block, size, align);)
  return 0;
}
