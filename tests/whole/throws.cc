// A C++ library for a program that knows nothing of C++.
#include <cstddef>
#include <new>

extern "C" __attribute__((visibility("default"))) int new_throws() {
  volatile size_t bytes = size_t{1} << 62;
  try {
    ::operator delete[](::operator new[](bytes));  // of a new expression the compiler may leave out both
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}
