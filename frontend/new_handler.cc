#include "frontend/new_handler.h"

/* Weak, so that C programs need no C++ runtime; where a handler can be set, the runtime is there. */
__asm__(".weak __gxx_personality_v0\n.weak __cxa_begin_catch\n.weak __cxa_end_catch\n");

extern "C" bool hak_new_handler_returns(void (*handler)(void)) {
  try {
    handler();
    return true;
  } catch (...) {
    return false;
  }
}

extern "C" void* hak_new_or_null(void* (*operator_new)(size_t), size_t bytes) {
  try {
    return operator_new(bytes);
  } catch (...) {
    return nullptr;
  }
}

extern "C" void* hak_new_aligned_or_null(void* (*operator_new)(size_t, size_t), size_t bytes, size_t align) {
  try {
    return operator_new(bytes, align);
  } catch (...) {
    return nullptr;
  }
}
