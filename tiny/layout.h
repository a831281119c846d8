/* layout.h - the two block layouts of tiny blocks: bare, and with the class-index header.
 *
 * Purpose:      write, check and flip the header byte. The stride of both layouts is base/size_class.h's.
 * Thread rule:  the thread that allocates or frees the block.
 *
 * The header is the byte before the block. Whoever reads it has looked the address up in the map first: the byte
 * before an arbitrary pointer may be unmapped, or somebody's data.
 *
 *     live:  1 0 1 c c c c c        free:  0 1 0 c c c c c        c = size class
 */
#ifndef HAK_TINY_LAYOUT_H
#define HAK_TINY_LAYOUT_H

#include "base/size_class.h"

HAK_C_BEGIN

/* What the header of a live block of this class says; 0 for a class without headers. */
static inline uint8_t hak_header_live(unsigned class_index) { return hak_size_classes[class_index].header; }

static inline uint8_t hak_header_freed(uint8_t live) {
  return (uint8_t)((live & HAK_HEADER_CLASS_MASK) | HAK_HEADER_FREE);
}

static inline uint8_t* hak_header_of(uintptr_t block) { return (uint8_t*)block - 1; }

/* malloc: the block is live from here on. */
HAK_FAST void hak_header_mark_live(void* block, uint8_t live) {
  if (HAK_HEADER_CLASSIDX && live != 0) *hak_header_of((uintptr_t)block) = live;
}

/* free: true if the header is that of a live block of this class, which it then ceases to be. A wrong one was written
 * over, by this block's user or by its neighbour. */
HAK_FAST bool hak_header_mark_freed(uintptr_t block, uint8_t live) {
  if (!HAK_HEADER_CLASSIDX || live == 0) return true;
  uint8_t* header = hak_header_of(block);
  if (HAK_CHECKED && HAK_UNLIKELY(*header != live)) return false;
  *header = hak_header_freed(live);
  return true;
}

HAK_C_END

#endif
