// Another thread than the owner says that the block is twice as large as it is.
#include "cli/misuse/programs/misuse.h"

namespace {

size_t size;

void* Delete(void* block) {
  BUG(::operator delete(block, size * 2);)
  TWIN(::operator delete(block, size);)
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  size = size_argument(argc, argv);
  void* block = ::operator new(size);
  suspect(block);
  in_thread(Delete, block);
  return 0;
}
