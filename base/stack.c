#include "base/stack.h"

#include <execinfo.h>
#include <unistd.h>

void hak_stack_take(hak_stack* stack) {
  int count = backtrace(stack->frames, HAK_STACK_FRAMES);
  stack->count = count > 0 ? (unsigned)count : 0;
}

void hak_stack_print(const hak_stack* stack) { backtrace_symbols_fd(stack->frames, (int)stack->count, STDERR_FILENO); }
