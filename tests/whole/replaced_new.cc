// A program with an operator new and an operator delete of its own (or, with ARRAYS, with those for arrays), and no
// other form: each other form has to come to these. They put a mark before the block, so that one that goes elsewhere
// is found.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

namespace {

constexpr size_t kMark = 16;
size_t made, gone;
bool full;

}  // namespace

#ifdef ARRAYS
#define NEW operator new[]
#define DELETE operator delete[]
#else
#define NEW operator new
#define DELETE operator delete
#endif

void* NEW(size_t bytes) {
  if (full) throw std::bad_alloc();
  auto* block = static_cast<char*>(malloc(bytes + kMark));
  made++;
  return block + kMark;
}

void DELETE(void* block) noexcept {
  if (block == nullptr) return;
  gone++;
  free(static_cast<char*>(block) - kMark);
}

int main() {
  size_t expected = 0;
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{30000}}) {
    operator delete(operator new(bytes));
    operator delete(operator new(bytes), bytes);
    operator delete(operator new(bytes, std::nothrow), std::nothrow);
    operator delete[](operator new[](bytes));
    operator delete[](operator new[](bytes), bytes);
    operator delete[](operator new[](bytes, std::nothrow), std::nothrow);
#ifdef ARRAYS
    expected += 3; /* those for one object go on being the library's */
#else
    expected += 6;
#endif
  }
  bool counted = made == expected && gone == expected;
  std::vector<std::string>(100, std::string(100, 'x')).clear();
  full = true;
  bool null = operator new[](1, std::nothrow) == nullptr;
  puts(counted && made == gone && null ? "all is well" : "a form went past the program's own");
}
