/* Which sizes of large blocks the program asks for again soon after it has freed one.
 *
 * A freed block of a megabyte and more is worth keeping, dirty, for a program that makes and frees such blocks in turn:
 * it would pay for every page of each. To most programs it is only memory that they do not have: a table that has been
 * outgrown, a file that has been read. So the first such block goes back to the kernel as it is freed. Where one of a
 * size that it could have served is wanted soon after, those that are freed from then on are kept; until a step of
 * decay finds that none was wanted since the one before. By octaves: bit n stands for sizes from 2^n bytes on.
 *
 * Without the lock, and without order: nothing but memory and time depends on these words. */
#include "arena/internal.h"

static uint64_t octave(size_t bytes) { return UINT64_C(1) << (63 - __builtin_clzll(bytes)); }

bool hak_reuse_freed(hak_arena* arena, size_t bytes) {
  if ((hak_load_relaxed(&arena->reuse.keeps) & octave(bytes)) != 0) return true;
  hak_or_relaxed(&arena->reuse.gone, octave(bytes));
  return false;
}

void hak_reuse_wanted(hak_arena* arena, size_t bytes) {
  uint64_t would_serve = octave(bytes) | octave(bytes) << 1;
  would_serve &= hak_load_relaxed(&arena->reuse.gone) | hak_load_relaxed(&arena->reuse.keeps);
  if (would_serve == 0) return;
  hak_or_relaxed(&arena->reuse.wanted, would_serve);
  hak_or_relaxed(&arena->reuse.keeps, would_serve);
}

bool hak_reuse_may_age(const hak_arena* arena) {
  return (hak_load_relaxed(&arena->reuse.gone) | hak_load_relaxed(&arena->reuse.keeps)) != 0;
}

void hak_reuse_age(hak_arena* arena) {
  hak_store_relaxed(&arena->reuse.keeps, hak_load_relaxed(&arena->reuse.wanted));
  hak_store_relaxed(&arena->reuse.wanted, UINT64_C(0));
  hak_store_relaxed(&arena->reuse.gone, UINT64_C(0));
}
