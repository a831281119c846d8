/* The operators new and delete of C++, under the names that the Itanium ABI gives them for x86-64 and other systems
 * whose size_t is unsigned long. In C, so that the core needs no C++ runtime; the exception is thrown by the runtime's
 * own function, which is there in every program that can call these. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "frontend/entry.h"
#include "frontend/new_handler.h"

#define HAK_API __attribute__((visibility("default")))

/* std::get_new_handler() and std::__throw_bad_alloc(), where a C++ runtime is loaded. */
typedef void (*new_handler)(void);
extern new_handler runtime_get_new_handler(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
extern void runtime_throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak, noreturn));

/* The same where the runtime came later, with a library that the program has opened. (A program without libdl opens
 * none.) */
#pragma weak dlsym
#pragma weak dlopen
static HAK_SLOW void* runtime_find(const char* symbol) {
  if (dlsym == NULL || dlopen == NULL) return NULL;
  void* found = dlsym(RTLD_DEFAULT, symbol);
  void* runtime = found == NULL ? dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD) : NULL;
  return runtime != NULL ? dlsym(runtime, symbol) : found;
}

static new_handler current_handler(void) {
  new_handler (*get)(void) = runtime_get_new_handler;
  if (get == NULL) *(void**)&get = runtime_find("_ZSt15get_new_handlerv");
  return get != NULL ? get() : NULL;
}

static void throw_bad_alloc(void) {
  void (*throw)(void) = runtime_throw_bad_alloc;
  if (throw == NULL) *(void**)&throw = runtime_find("_ZSt17__throw_bad_allocv");
  if (throw != NULL) throw();
}

/* What the standard asks of new: call the handler, which may free memory or throw, and try again. */
static HAK_SLOW void* new_slow(size_t align, size_t bytes, bool may_throw) {
  for (;;) {
    new_handler handler = current_handler();
    if (handler == NULL) break;
    if (may_throw) {
      handler();
    } else if (!hak_new_handler_returns(handler)) {
      return NULL;
    }
    void* block = hak_entry_aligned(align, bytes);
    if (block != NULL) return block;
  }
  if (!may_throw) return NULL;
  throw_bad_alloc();
  hak_fatal("operator new: out of memory, and no C++ runtime to throw", bytes);
}

/* A function of its own, so that new needs no stack where a block is at hand. */
static HAK_MEDIUM void* new_refill(size_t bytes) {
  void* block = hak_entry_alloc(bytes);
  return HAK_LIKELY(block != NULL) ? block : new_slow(HAK_ALIGNMENT, bytes, true);
}
HAK_FAST void* new_block(size_t bytes) {
  void* block = hak_entry_try(bytes);
  return HAK_LIKELY(block != NULL) ? block : new_refill(bytes);
}

/* A program on the shared library may replace some forms and not others. Those that it leaves to us then come to its
 * own as they do in the C++ runtime, which the standard describes: the array forms to those for one object, the nothrow
 * and sized ones to those without. Hence a second name for each form that others come to, which is always ours. */
#define OURS(symbol) ours##symbol
#define DECLARE_OURS(result, symbol, ...) \
  extern result OURS(symbol)(__VA_ARGS__) __attribute__((alias(#symbol), visibility("hidden")))
#define IS_REPLACED(symbol) HAK_UNLIKELY(symbol != OURS(symbol))

HAK_API void* _Znwm(size_t bytes);
HAK_API void* _ZnwmSt11align_val_t(size_t bytes, size_t align);
HAK_API void _ZdlPv(void* block);
HAK_API void _ZdlPvSt11align_val_t(void* block, size_t align);

HAK_API void* _Znwm(size_t bytes) { return new_block(bytes); }
HAK_API void* _ZnwmSt11align_val_t(size_t bytes, size_t align) {
  void* block = hak_entry_aligned(align, bytes);
  return HAK_LIKELY(block != NULL) ? block : new_slow(align, bytes, true);
}
HAK_API void _ZdlPv(void* block) { hak_entry_delete(block); }
HAK_API void _ZdlPvSt11align_val_t(void* block, size_t align) { hak_entry_free_aligned(block, 0, align); }

DECLARE_OURS(void*, _Znwm, size_t bytes);
DECLARE_OURS(void*, _ZnwmSt11align_val_t, size_t bytes, size_t align);
DECLARE_OURS(void, _ZdlPv, void* block);
DECLARE_OURS(void, _ZdlPvSt11align_val_t, void* block, size_t align);

HAK_API void* _Znam(size_t bytes);
HAK_API void* _ZnamSt11align_val_t(size_t bytes, size_t align);
HAK_API void _ZdaPv(void* block);
HAK_API void _ZdaPvSt11align_val_t(void* block, size_t align);

HAK_API void* _Znam(size_t bytes) { return IS_REPLACED(_Znwm) ? _Znwm(bytes) : new_block(bytes); }
HAK_API void* _ZnamSt11align_val_t(size_t bytes, size_t align) { return _ZnwmSt11align_val_t(bytes, align); }
HAK_API void _ZdaPv(void* block) {
  if (IS_REPLACED(_ZdlPv)) {
    _ZdlPv(block);
  } else {
    hak_entry_delete(block);
  }
}
HAK_API void _ZdaPvSt11align_val_t(void* block, size_t align) { _ZdlPvSt11align_val_t(block, align); }

DECLARE_OURS(void*, _Znam, size_t bytes);
DECLARE_OURS(void*, _ZnamSt11align_val_t, size_t bytes, size_t align);
DECLARE_OURS(void, _ZdaPv, void* block);
DECLARE_OURS(void, _ZdaPvSt11align_val_t, void* block, size_t align);

/* A form for arrays comes to that for one object in the end. */
#define IS_EITHER_REPLACED(array, single) (IS_REPLACED(array) || IS_REPLACED(single))

/* ---- the forms with more parameters ---- */

/* replaced: whether to call base, a form that may be the program's. */
#define NEW_NOTHROW(symbol, base, replaced)                                           \
  HAK_API void* symbol(size_t bytes, const void* nothrow);                            \
  HAK_API void* symbol(size_t bytes, const void* nothrow) {                           \
    (void)nothrow;                                                                    \
    if (replaced) return hak_new_or_null(base, bytes);                                \
    void* block = hak_entry_alloc(bytes);                                             \
    return HAK_LIKELY(block != NULL) ? block : new_slow(HAK_ALIGNMENT, bytes, false); \
  }
#define NEW_ALIGNED_NOTHROW(symbol, base, replaced)                           \
  HAK_API void* symbol(size_t bytes, size_t align, const void* nothrow);      \
  HAK_API void* symbol(size_t bytes, size_t align, const void* nothrow) {     \
    (void)nothrow;                                                            \
    if (replaced) return hak_new_aligned_or_null(base, bytes, align);         \
    void* block = hak_entry_aligned(align, bytes);                            \
    return HAK_LIKELY(block != NULL) ? block : new_slow(align, bytes, false); \
  }
#define DELETE_NOTHROW(symbol, base)                      \
  HAK_API void symbol(void* block, const void* nothrow);  \
  HAK_API void symbol(void* block, const void* nothrow) { \
    (void)nothrow;                                        \
    base(block);                                          \
  }
#define DELETE_SIZED(symbol, base, replaced)       \
  HAK_API void symbol(void* block, size_t bytes);  \
  HAK_API void symbol(void* block, size_t bytes) { \
    if (replaced) {                                \
      base(block);                                 \
    } else {                                       \
      hak_entry_free_sized(block, bytes);          \
    }                                              \
  }
#define DELETE_SIZED_ALIGNED(symbol, base, replaced)             \
  HAK_API void symbol(void* block, size_t bytes, size_t align);  \
  HAK_API void symbol(void* block, size_t bytes, size_t align) { \
    if (replaced) {                                              \
      base(block, align);                                        \
    } else {                                                     \
      hak_entry_free_aligned(block, bytes, align);               \
    }                                                            \
  }
#define DELETE_ALIGNED_NOTHROW(symbol, base)                            \
  HAK_API void symbol(void* block, size_t align, const void* nothrow);  \
  HAK_API void symbol(void* block, size_t align, const void* nothrow) { \
    (void)nothrow;                                                      \
    base(block, align);                                                 \
  }

NEW_NOTHROW(_ZnwmRKSt9nothrow_t, _Znwm, IS_REPLACED(_Znwm))
NEW_NOTHROW(_ZnamRKSt9nothrow_t, _Znam, IS_EITHER_REPLACED(_Znam, _Znwm))
NEW_ALIGNED_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t, _ZnwmSt11align_val_t, IS_REPLACED(_ZnwmSt11align_val_t))
NEW_ALIGNED_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t, _ZnamSt11align_val_t,
                    IS_EITHER_REPLACED(_ZnamSt11align_val_t, _ZnwmSt11align_val_t))
DELETE_NOTHROW(_ZdlPvRKSt9nothrow_t, _ZdlPv)
DELETE_NOTHROW(_ZdaPvRKSt9nothrow_t, _ZdaPv)
DELETE_SIZED(_ZdlPvm, _ZdlPv, IS_REPLACED(_ZdlPv))
DELETE_SIZED(_ZdaPvm, _ZdaPv, IS_EITHER_REPLACED(_ZdaPv, _ZdlPv))
DELETE_SIZED_ALIGNED(_ZdlPvmSt11align_val_t, _ZdlPvSt11align_val_t, IS_REPLACED(_ZdlPvSt11align_val_t))
DELETE_SIZED_ALIGNED(_ZdaPvmSt11align_val_t, _ZdaPvSt11align_val_t,
                     IS_EITHER_REPLACED(_ZdaPvSt11align_val_t, _ZdlPvSt11align_val_t))
DELETE_ALIGNED_NOTHROW(_ZdlPvSt11align_val_tRKSt9nothrow_t, _ZdlPvSt11align_val_t)
DELETE_ALIGNED_NOTHROW(_ZdaPvSt11align_val_tRKSt9nothrow_t, _ZdaPvSt11align_val_t)
