/* config.h - the build's switches and the sizes that every layer stands on.
 *
 * Each switch is a flag of the top BUILD file and reaches the compiler as 0 or 1 (HAK_CHECK_LEVEL: 0 to 3); a build
 * that forgets one stops here instead of silently reading 0.
 */
#ifndef HAK_BASE_CONFIG_H
#define HAK_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The core is C11; its headers are read by tests in C++ as well. */
#ifdef __cplusplus
#define HAK_C_BEGIN extern "C" {
#define HAK_C_END }
#define _Static_assert static_assert
#define _Alignas alignas
#else
#define HAK_C_BEGIN
#define HAK_C_END
#endif

#if !defined(HAK_POOL_TLS) || !defined(HAK_HEADER_CLASSIDX) || !defined(HAK_AGGRESSIVE_INLINE) || \
    !defined(HAK_PREWARM_TLS) || !defined(HAK_P0_BATCH_REFILL) || !defined(HAK_CHECK_LEVEL)
#error "a build switch is missing: build with Bazel, or define every HAK_ switch of tools/flags.bzl"
#endif

#if HAK_CHECK_LEVEL < 0 || HAK_CHECK_LEVEL > 3
#error "HAK_CHECK_LEVEL is 0 (fast), 1 (default), 2 (hardened) or 3 (debug)"
#endif

/* The names of the levels, so that code asks for what it means. */
#define HAK_CHECKED (HAK_CHECK_LEVEL >= 1)  /* double free, foreign and interior pointers */
#define HAK_SEALED (HAK_CHECK_LEVEL >= 2)   /* writes behind a block, and after its free */
#define HAK_HARDENED (HAK_CHECK_LEVEL == 2) /* blocks at random places, inaccessible pages behind slabs */
#define HAK_DEBUG (HAK_CHECK_LEVEL == 3)    /* the allocator's own invariants, lock ranks, filled blocks */

#define HAK_LIKELY(x) __builtin_expect(!!(x), 1)
#define HAK_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A function of the fast path; aggressive_inline=0 leaves the choice to the compiler, to see what inlining is worth. */
#if HAK_AGGRESSIVE_INLINE
#define HAK_FAST static inline __attribute__((always_inline))
#else
#define HAK_FAST static inline
#endif
/* A variable of the core: a hidden declaration is what lets the fast paths reach it without the GOT. */
#define HAK_HIDDEN __attribute__((visibility("hidden")))
/* Functions that stand apart from every fast path: those that come up every few dozen calls, and the rare ones, which
 * the compiler may make small instead of fast: no loop, memset or memcpy belongs into one of those. */
#define HAK_MEDIUM __attribute__((noinline))
#define HAK_SLOW __attribute__((noinline, cold))
/* Reads without synchronization what another thread may be giving to a new use: what it finds may be wrong, and each
 * use of it is bounded. The sanitizer is not told of these reads. */
#define HAK_RACY __attribute__((noinline, no_sanitize_thread))

/* Address space is dealt in units; 64 of them make a chunk, whose free units fit one machine word. */
#define HAK_UNIT_SHIFT 16
#define HAK_UNIT_BYTES ((size_t)1 << HAK_UNIT_SHIFT)
#define HAK_CHUNK_UNITS 64
#define HAK_CHUNK_SHIFT 22
#define HAK_CHUNK_BYTES ((size_t)1 << HAK_CHUNK_SHIFT)

#define HAK_CACHE_LINE 64

_Static_assert(HAK_UNIT_BYTES* HAK_CHUNK_UNITS == HAK_CHUNK_BYTES, "a chunk is 64 units");

#endif
