/* size_class.h - the one table of size classes, and the one definition of the stride.
 *
 * Purpose:      what a slab of a class looks like. Capacity, carving, refill, the bump window and the validation of
 *               pointers all read these rows; nothing else in the project computes a stride.
 * Thread rule:  constant data.
 *
 * A slab of a class, without and with the class-index header (header_classidx):
 *
 *     |block 0        |block 1        |...  |tail|          first = 0
 *     |..... h|block 0 ..... h|block 1 ...    |tail|        first = 16: the header h is the byte before each block
 *      <- first ->     <- stride ->
 *
 * The stride is the same in both layouts and a multiple of 16, so that every block is 16-aligned; with headers a block
 * gives its last byte to its neighbour's header. The last tiny class has no header in either layout.
 *
 * A slab's state is one bit for each grain, the largest power of two that divides the stride; the bit of a block is
 * that of its first grain. grains = stride / grain is odd and at most HAK_MAX_GRAINS: every class is (4 to 7) * 2^n or
 * (8 to 15) * 2^n.
 */
#ifndef HAK_BASE_SIZE_CLASS_H
#define HAK_BASE_SIZE_CLASS_H

#include "base/config.h"

HAK_C_BEGIN

enum {
  HAK_ALIGNMENT = 16,    /* of every block */
  HAK_TINY_CLASSES = 28, /* the first classes of the table */
  HAK_POOL_CLASSES = 34, /* those that follow */
  HAK_WIDE_CLASSES = 8,  /* the last ones: the pool's, too, but off the fast path */
  HAK_CLASSES = HAK_TINY_CLASSES + HAK_POOL_CLASSES + HAK_WIDE_CLASSES,
  HAK_TINY_MAX_BYTES = 1024,
  HAK_POOL_MAX_BYTES = 65536,
  HAK_WIDE_MAX_BYTES = 294912,
  HAK_MAX_GRAINS = 15,        /* of a block */
  HAK_MAX_SLAB_GRAINS = 6144, /* of a slab */
};

/* The class-index header: three magic bits and the class in the lower five; the magic of a live block and that of a
 * free one have no bit in common, so that no single flipped bit turns one into the other. */
enum {
  HAK_HEADER_LIVE = 0xa0,
  HAK_HEADER_FREE = 0x40,
  HAK_HEADER_CLASS_MASK = 0x1f,
};
_Static_assert(HAK_TINY_CLASSES <= HAK_HEADER_CLASS_MASK + 1, "a header holds every tiny class");

typedef struct hak_size_class {
  uint32_t stride;   /* bytes from one block to the next */
  uint32_t usable;   /* bytes of a block that the program may write */
  uint32_t first;    /* offset of block 0 in the slab */
  uint32_t capacity; /* blocks in a slab */
  uint32_t wake;     /* free blocks that make a full slab worth a refill */
  uint8_t units;     /* arena units in a slab */
  uint8_t shift;     /* log2 of the grain */
  uint8_t grains;    /* grains in a stride */
  uint8_t header;    /* the live header byte of the class, 0 where blocks have none */
} hak_size_class;

extern const hak_size_class hak_size_classes[HAK_CLASSES];

/* A tiny class whose blocks are one grain or three leads: it stands in for the classes between the leading one below
 * and itself in a thread that has few such blocks (superslab/owner.c).
 *
 *     256*  288  320  352  384*  416  448  480  512*        * leads
 */
static inline bool hak_class_leads(unsigned class_index) {
  return class_index < HAK_TINY_CLASSES && hak_size_classes[class_index].grains <= 3;
}
/* Its blocks are more than HAK_POOL_MAX_BYTES: hak_owner_take_wide is the way to one. */
static inline bool hak_class_is_wide(unsigned class_index) {
  return class_index >= HAK_TINY_CLASSES + HAK_POOL_CLASSES;
}
/* The smallest request that a block of the class may have been made for. */
uint32_t hak_class_least(unsigned class_index);

/* Smallest class with at least `bytes` usable bytes; bytes <= HAK_WIDE_MAX_BYTES. Slow: for tables and tests. */
unsigned hak_size_class_for(size_t bytes);

/* Where blocks begin in a word of 64 grains: every grains-th bit, from the first block that begins in the word on. The
 * words of a slab go through the phases of their class in a circle, because 64 is no multiple of the grains of a block
 * (unless there is one). */
typedef struct hak_phase hak_phase;
struct hak_phase {
  uint64_t starts;
  const hak_phase* next; /* of the next word */
};
/* [grains of a block][grain of the first start in the word] */
extern HAK_HIDDEN const hak_phase hak_phases[HAK_MAX_GRAINS + 1][HAK_MAX_GRAINS];

HAK_C_END

#endif
