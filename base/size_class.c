#include "base/size_class.h"

#include "base/bits.h"

/* One row a class: stride and units of a slab. Slabs hold enough blocks to make refills rare, and stay small enough
 * that a thread which needs one block does not claim much address space; memory is only taken by blocks in use. 224 and
 * 256 have a unit more than their neighbours: it saves refills where a thread has a few hundred such blocks
 * (docs/performance.md).
 *
 * Four classes to a doubling waste a tenth of a block in the mean, eight half of that, and each class costs every
 * thread that uses it a page: eight where programs have most of their bytes, and from 8 to 12 KiB, where four have
 * their widest steps (docs/memory.md has figures). */
/* clang-format off */
#define FOR_EACH_TINY_CLASS(ROW) \
  ROW(16, 1) ROW(32, 1) ROW(48, 1) ROW(64, 1) \
  ROW(80, 1) ROW(96, 1) ROW(112, 1) ROW(128, 1) \
  ROW(160, 2) ROW(192, 2) ROW(224, 3) ROW(256, 3) \
  ROW(288, 2) ROW(320, 2) ROW(352, 2) ROW(384, 2) ROW(416, 2) ROW(448, 2) ROW(480, 2) ROW(512, 2) \
  ROW(576, 4) ROW(640, 4) ROW(704, 4) ROW(768, 4) ROW(832, 4) ROW(896, 4) ROW(960, 4) ROW(1024, 4)
#define FOR_EACH_POOL_CLASS(ROW) \
  ROW(1280, 4) ROW(1536, 4) ROW(1792, 4) ROW(2048, 4) \
  ROW(2304, 8) ROW(2560, 8) ROW(2816, 8) ROW(3072, 8) ROW(3328, 8) ROW(3584, 8) ROW(3840, 8) ROW(4096, 8) \
  ROW(4608, 8) ROW(5120, 8) ROW(5632, 8) ROW(6144, 8) ROW(6656, 8) ROW(7168, 8) ROW(7680, 8) ROW(8192, 8) \
  ROW(9216, 16) ROW(10240, 16) ROW(11264, 16) ROW(12288, 16) ROW(14336, 16) ROW(16384, 16) \
  ROW(20480, 16) ROW(24576, 16) ROW(28672, 16) ROW(32768, 32) \
  ROW(40960, 32) ROW(49152, 32) ROW(57344, 32) ROW(65536, 32)
#define FOR_EACH_WIDE_CLASS(ROW) \
  ROW(81920, 30) ROW(98304, 30) ROW(114688, 28) ROW(147456, 36) \
  ROW(163840, 30) ROW(196608, 30) ROW(245760, 30) ROW(294912, 36)
/* clang-format on */

#define GRAIN(stride) ((stride) & -(stride))
#define HAS_HEADER(stride) (HAK_HEADER_CLASSIDX && (stride) < HAK_TINY_MAX_BYTES)
#define SLAB_BYTES(units) ((units)*65536)
/* The first header stands one byte before block 0, so that 15 bytes at the front and no more are lost to it. */
#define CAPACITY(stride, units) ((SLAB_BYTES(units) - (HAS_HEADER(stride) ? HAK_ALIGNMENT - 1 : 0)) / (stride))
/* Bytes that have to be free in a full slab before it is worth a refill. The more, the rarer and larger the refills,
 * and the more memory lies idle in every full slab. A part of the slab would be too much of the large ones. */
#define WAKE_BYTES(stride) ((stride) <= HAK_TINY_MAX_BYTES ? 8192 : 24576)
#define WAKE(stride) ((stride) < WAKE_BYTES(stride) ? WAKE_BYTES(stride) / (stride) : 1)

enum {
/* Class numbers, for the header bytes. */
#define NAME_TINY(stride, units) TINY_##stride,
  FOR_EACH_TINY_CLASS(NAME_TINY) TINY_COUNT,
#define COUNT_POOL(stride, units) POOL_##stride,
  FOR_EACH_POOL_CLASS(COUNT_POOL) POOL_COUNT,
#define COUNT_WIDE(stride, units) WIDE_##stride,
  FOR_EACH_WIDE_CLASS(COUNT_WIDE) WIDE_COUNT,
};
_Static_assert((int)TINY_COUNT == (int)HAK_TINY_CLASSES, "size_class.h counts the tiny rows");
_Static_assert((int)POOL_COUNT - (int)TINY_COUNT - 1 == (int)HAK_POOL_CLASSES, "size_class.h counts the pool rows");
_Static_assert((int)WIDE_COUNT - (int)POOL_COUNT - 1 == (int)HAK_WIDE_CLASSES, "size_class.h counts the wide rows");
_Static_assert(SLAB_BYTES(1) == HAK_UNIT_BYTES, "a slab is made of units");

#define CLASS_ROW(s, u, header_byte)               \
  {                                                \
      .stride = (s),                               \
      .usable = (s) - (HAS_HEADER(s) ? 1 : 0),     \
      .first = HAS_HEADER(s) ? HAK_ALIGNMENT : 0,  \
      .capacity = CAPACITY(s, u),                  \
      .wake = WAKE(s),                             \
      .units = (u),                                \
      .shift = __builtin_ctz(GRAIN(s)),            \
      .grains = (s) / GRAIN(s),                    \
      .header = HAS_HEADER(s) ? (header_byte) : 0, \
  },
#define TINY_ROW(s, u) CLASS_ROW(s, u, HAK_HEADER_LIVE | TINY_##s)
#define POOL_ROW(s, u) CLASS_ROW(s, u, 0)

const hak_size_class hak_size_classes[HAK_CLASSES] = {FOR_EACH_TINY_CLASS(TINY_ROW) FOR_EACH_POOL_CLASS(POOL_ROW)
                                                          FOR_EACH_WIDE_CLASS(POOL_ROW)};

#define CHECK_ROW(s, u)                                                                                       \
  _Static_assert((s) % HAK_ALIGNMENT == 0, "strides keep blocks aligned");                                    \
  _Static_assert(GRAIN(s) <= HAK_UNIT_BYTES, "slabs begin at grains");                                        \
  _Static_assert((s) / GRAIN(s) <= HAK_MAX_GRAINS && (s) / GRAIN(s) != 0, "there are phases for its grains"); \
  _Static_assert(WAKE(s) < CAPACITY(s, u), "a slab is partial before it is empty");                           \
  _Static_assert(SLAB_BYTES(u) / GRAIN(s) <= HAK_MAX_SLAB_GRAINS, "a slab's record has bits for its grains"); \
  _Static_assert(                                                                                             \
      (HAS_HEADER(s) ? HAK_ALIGNMENT : 0) + CAPACITY(s, u) * (s) - (HAS_HEADER(s) ? 1 : 0) <= SLAB_BYTES(u),  \
      "the last block ends inside the slab");
FOR_EACH_TINY_CLASS(CHECK_ROW)
FOR_EACH_POOL_CLASS(CHECK_ROW)
FOR_EACH_WIDE_CLASS(CHECK_ROW)

unsigned hak_size_class_for(size_t bytes) {
  unsigned c = 0;
  while (hak_size_classes[c].usable < bytes) c++;
  return c;
}

uint32_t hak_class_least(unsigned class_index) {
  unsigned c = class_index;
  while (hak_class_leads(class_index) && c > 0 && !hak_class_leads(c - 1)) c--;
  return c == 0 ? 0 : hak_size_classes[c - 1].usable + 1;
}

/* Every g-th bit from bit 0 on. */
#define EVERY_1 (~UINT64_C(0))
#define EVERY_3 UINT64_C(0x9249249249249249)
#define EVERY_5 UINT64_C(0x1084210842108421)
#define EVERY_7 UINT64_C(0x8102040810204081)
#define EVERY_9 UINT64_C(0x8040201008040201)
#define EVERY_11 UINT64_C(0x80100200400801)
#define EVERY_13 UINT64_C(0x10008004002001)
#define EVERY_15 UINT64_C(0x1000200040008001)
/* A word holds 64 grains, so the first start of the next word is 64 grains nearer, modulo g. */
#define PHASE(g, lead) [lead] = {EVERY_##g << (lead), &hak_phases[g][((lead) + 64 * ((g)-1)) % (g)]}
#define PHASES_2(g, lead) PHASE(g, lead), PHASE(g, (lead) + 1)
#define PHASES_4(g, lead) PHASES_2(g, lead), PHASES_2(g, (lead) + 2)
#define PHASES_8(g, lead) PHASES_4(g, lead), PHASES_4(g, (lead) + 4)

const hak_phase hak_phases[HAK_MAX_GRAINS + 1][HAK_MAX_GRAINS] = {
    [1] = {PHASE(1, 0)},
    [3] = {PHASE(3, 0), PHASES_2(3, 1)},
    [5] = {PHASE(5, 0), PHASES_4(5, 1)},
    [7] = {PHASE(7, 0), PHASES_2(7, 1), PHASES_4(7, 3)},
    [9] = {PHASE(9, 0), PHASES_8(9, 1)},
    [11] = {PHASE(11, 0), PHASES_2(11, 1), PHASES_8(11, 3)},
    [13] = {PHASE(13, 0), PHASES_4(13, 1), PHASES_8(13, 5)},
    [15] = {PHASE(15, 0), PHASES_2(15, 1), PHASES_4(15, 3), PHASES_8(15, 7)},
};
