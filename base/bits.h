/* bits.h - address and bit helpers. Pure functions; no state. */
#ifndef HAK_BASE_BITS_H
#define HAK_BASE_BITS_H

#include "base/config.h"

HAK_C_BEGIN

static inline uintptr_t hak_align_down(uintptr_t x, uintptr_t align) { return x & ~(align - 1); }
static inline uintptr_t hak_align_up(uintptr_t x, uintptr_t align) { return (x + align - 1) & ~(align - 1); }
static inline bool hak_is_power_of_two(size_t x) { return x != 0 && (x & (x - 1)) == 0; }

/* Index of the lowest set bit; x is not 0. */
static inline unsigned hak_lowest_bit(uint64_t x) { return (unsigned)__builtin_ctzll(x); }
/* The same for the fast path, as a full-width index. */
HAK_FAST uint64_t hak_lowest_bit_index(uint64_t x) {
#if defined(__x86_64__)
  uint64_t index;
  __asm__("rep bsfq %1, %0" : "=r"(index) : "r"(x) : "cc"); /* tzcnt where the processor has it */
  return index;
#else
  return (uint64_t)__builtin_ctzll(x);
#endif
}
/* The same, and whether x has a bit set at all. */
HAK_FAST bool hak_lowest_bit_of(uint64_t x, uint64_t* index) {
#if defined(__x86_64__)
  bool none;
  __asm__("bsfq %2, %0" : "=r"(*index), "=@ccz"(none) : "r"(x));
  return !none;
#else
  *index = x == 0 ? 0 : (uint64_t)__builtin_ctzll(x);
  return x != 0;
#endif
}
/* x without its bit `index`. */
HAK_FAST uint64_t hak_without_bit(uint64_t x, uint64_t index) {
#if defined(__x86_64__)
  __asm__("btrq %1, %0" : "+r"(x) : "r"(index) : "cc");
  return x;
#else
  return x & ~(UINT64_C(1) << index);
#endif
}
/* In words of two, four and eight bits, then all bytes added up; without the popcnt instruction, which a baseline
 * x86-64 lacks, the compiler would call a library. */
static inline unsigned hak_count_bits(uint64_t x) {
  x -= (x >> 1) & UINT64_C(0x5555555555555555);
  x = (x & UINT64_C(0x3333333333333333)) + ((x >> 2) & UINT64_C(0x3333333333333333));
  x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
  return (unsigned)((x * UINT64_C(0x0101010101010101)) >> 56);
}

/* The lowest n bits set, n from 0 to 64. */
static inline uint64_t hak_low_mask(unsigned n) { return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1; }

/* The bit array at address `bits`, written by one thread only: sets bit `index` and says what it was. In two forms: one
 * of a few instructions, and one that x86-64 has as a single instruction on memory, which takes the longer on
 * processors of today. The sanitizers see no inline assembly, so they get the C form. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
HAK_FAST bool hak_bit_test_and_set(uintptr_t bits, uintptr_t index) {
  bool was;
  uint64_t* word = (uint64_t*)bits + (index >> 6);
  uint64_t x = *word;
  __asm__("btsq %2, %0" : "+r"(x), "=@ccc"(was) : "r"(index));
  *word = x;
  return was;
}
HAK_FAST bool hak_bit_test_and_set_short(uintptr_t bits, uintptr_t index) {
  bool was;
  __asm__ volatile("btsq %2, (%1)" : "=@ccc"(was) : "r"(bits), "r"(index) : "memory");
  return was;
}
#else
HAK_FAST bool hak_bit_test_and_set(uintptr_t bits, uintptr_t index) {
  uint64_t* word = (uint64_t*)(bits + (index >> 6) * sizeof(uint64_t));
  uint64_t bit = UINT64_C(1) << (index & 63);
  uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
  __atomic_store_n(word, old | bit, __ATOMIC_RELAXED);
  return (old & bit) != 0;
}
HAK_FAST bool hak_bit_test_and_set_short(uintptr_t bits, uintptr_t index) { return hak_bit_test_and_set(bits, index); }
#endif

/* The same for a bit array that many threads set bits of; sequentially consistent. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
HAK_FAST bool hak_bit_test_and_set_shared(uintptr_t bits, uintptr_t index) {
  bool was;
  __asm__ volatile("lock btsq %2, (%1)" : "=@ccc"(was) : "r"(bits), "r"(index) : "memory");
  return was;
}
#else
HAK_FAST bool hak_bit_test_and_set_shared(uintptr_t bits, uintptr_t index) {
  uint64_t* word = (uint64_t*)(bits + (index >> 6) * sizeof(uint64_t));
  uint64_t bit = UINT64_C(1) << (index & 63);
  return (__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST) & bit) != 0;
}
#endif

/* Asks for the cache line of such a bit, to be written to. */
HAK_FAST void hak_bit_prefetch(uintptr_t bits, uintptr_t index) {
  const uint64_t* word = (const uint64_t*)bits + (index >> 6);
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*word)); /* which gcc's own form is on no processor that it may assume */
#else
  __builtin_prefetch(word, 1);
#endif
}

/* A bit of such an array, read in passing. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
HAK_FAST bool hak_bit_test(uintptr_t bits, uintptr_t index) {
  bool is;
  __asm__ volatile("btq %2, (%1)" : "=@ccc"(is) : "r"(bits), "r"(index) : "memory");
  return is;
}
#else
HAK_FAST bool hak_bit_test(uintptr_t bits, uintptr_t index) {
  const uint64_t* word = (const uint64_t*)(bits + (index >> 6) * sizeof(uint64_t));
  return ((__atomic_load_n(word, __ATOMIC_RELAXED) >> (index & 63)) & 1) != 0;
}
#endif

/* The address of the thread's control block, which every thread has and no two living threads share. The ABI of x86-64
 * keeps it at %fs:0, so that a comparison needs no load of its own. */
HAK_FAST uintptr_t hak_thread_pointer(void) { return (uintptr_t)__builtin_thread_pointer(); }

/* (x ^ *key) == thread pointer; rest: the three of them, 0 if so */
HAK_FAST bool hak_xor_is_thread(uintptr_t x, const uint64_t* key, uint64_t* rest) {
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
  bool differs;
  __asm__("xorq %2, %0\n\txorq %%fs:0, %0" : "+r"(x), "=@ccnz"(differs) : "m"(*key));
  *rest = x;
  return !differs;
#else
  *rest = x ^ __atomic_load_n(key, __ATOMIC_RELAXED) ^ hak_thread_pointer();
  return *rest == 0;
#endif
}

/* *x ^= y; true if they differ */
HAK_FAST bool hak_xor_differs(uint64_t* x, uint64_t y) {
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
  bool differs;
  __asm__ volatile("xorq %2, %0" : "+r"(*x), "=@ccnz"(differs) : "r"(y));
  return differs;
#else
  *x ^= y;
  return *x != 0;
#endif
}

HAK_C_END

#endif
