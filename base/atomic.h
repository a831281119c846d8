/* atomic.h - atomic accesses with the memory order in the name. Each call site names its partner in a comment.
 *
 * A field that several threads touch at once is declared HAK_SHARED(type) and read and written through these only.
 */
#ifndef HAK_BASE_ATOMIC_H
#define HAK_BASE_ATOMIC_H

#define HAK_SHARED(type) type

#define hak_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define hak_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define hak_load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define hak_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define hak_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define hak_store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define hak_swap_acq_rel(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define hak_swap_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define hak_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define hak_sub_relaxed(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define hak_or_relaxed(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define hak_or_seq_cst(p, v) __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define hak_and_acq_rel(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
/* A relaxed load that the compiler may fold into the instruction that uses it. Data races are looked for in the form
 * that names the atomic. */
#ifdef __SANITIZE_THREAD__
#define hak_load_folded(p) hak_load_relaxed(p)
#elif !defined(__x86_64__)
#define hak_load_folded(p) hak_load_seq_cst(p) /* where it stands behind a locked instruction, it has to stay there */
#else
#define hak_load_folded(p) (*(p))
#endif
/* Compare and swap: true if *p was *expected and is v now; else *expected is what it was. */
#define hak_cas_acq_rel(p, expected, v) \
  __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define hak_cas_seq_cst(p, expected, v) \
  __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* Plain fields that only their owner writes and that tools read from other threads. */
#define hak_peek(p) hak_load_relaxed(p)
#define hak_poke(p, v) hak_store_relaxed(p, v)
#define hak_count(p, n) hak_store_relaxed((p), *(p) + (n))

#endif
