/* stack.h - the calls that led here.
 *
 * Purpose:      who allocated a block, who freed it, for reports.
 * Thread rule:  any thread.
 * Failure rule: where the unwinder finds no way, the stack is shorter, or empty.
 */
#ifndef HAK_BASE_STACK_H
#define HAK_BASE_STACK_H

#include "base/config.h"

HAK_C_BEGIN

enum { HAK_STACK_FRAMES = 16 }; /* the innermost */

typedef struct hak_stack {
  unsigned count;
  void* frames[HAK_STACK_FRAMES];
} hak_stack;

/* libc's walk. The first one of a process loads the unwinder, and so allocates: whoever takes stacks inside malloc
 * makes that first call elsewhere. */
void hak_stack_take(hak_stack* stack);

/* One line a frame on stderr. */
void hak_stack_print(const hak_stack* stack);

HAK_C_END

#endif
