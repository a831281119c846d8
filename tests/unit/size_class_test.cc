// base/size_class.h: the table itself, in whichever layout this build has.
#include "base/size_class.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/bits.h"
#include "tests/unit/rig.h"

namespace {

bool has_header(unsigned c) { return HAK_HEADER_CLASSIDX && c < HAK_TINY_CLASSES - 1; }
size_t slab_bytes(const hak_size_class& row) { return size_t{row.units} * HAK_UNIT_BYTES; }

TEST(SizeClass, EveryRequestFitsItsClass) {
  for (size_t bytes = 0; bytes <= HAK_POOL_MAX_BYTES; bytes++) {
    unsigned c = hak_size_class_for(bytes);
    ASSERT_LT(c, unsigned{HAK_CLASSES}) << bytes;
    ASSERT_GE(row_of(c).usable, bytes);
  }
}

TEST(SizeClass, NoSmallerClassWouldDo) {
  for (size_t bytes = 0; bytes <= HAK_POOL_MAX_BYTES; bytes++) {
    unsigned c = hak_size_class_for(bytes);
    ASSERT_TRUE(c == 0 || row_of(c - 1).usable < bytes) << bytes;
  }
}

TEST(SizeClass, ARequestIsForItsClassAndForTheOneThatStandsInForIt) {
  for (size_t bytes = 0; bytes <= HAK_TINY_MAX_BYTES; bytes++) {
    unsigned c = hak_size_class_for(bytes);
    ASSERT_LE(hak_class_least(c), bytes);
    while (!hak_class_leads(c)) c++;
    ASSERT_LE(hak_class_least(c), bytes);
    ASSERT_TRUE(c + 1 == HAK_CLASSES || hak_class_least(c + 1) > bytes) << bytes;
  }
}

TEST(SizeClass, TheLastTinyClassLeads) { EXPECT_TRUE(hak_class_leads(HAK_TINY_CLASSES - 1)); }

TEST(SizeClass, ClassesGrow) {
  for (unsigned c = 1; c < HAK_CLASSES; c++) {
    EXPECT_GT(row_of(c).stride, row_of(c - 1).stride);
    EXPECT_GT(row_of(c).usable, row_of(c - 1).usable);
  }
}

TEST(SizeClass, EachGroupEndsWhereItsNameSays) {
  EXPECT_EQ(row_of(HAK_TINY_CLASSES - 1).usable, unsigned{HAK_TINY_MAX_BYTES});
  EXPECT_EQ(row_of(HAK_TINY_CLASSES + HAK_POOL_CLASSES - 1).usable, unsigned{HAK_POOL_MAX_BYTES});
  EXPECT_EQ(row_of(HAK_CLASSES - 1).usable, unsigned{HAK_WIDE_MAX_BYTES});
}

TEST(SizeClass, EveryBlockIsAligned) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    EXPECT_EQ(row_of(c).stride % HAK_ALIGNMENT, 0u);
    EXPECT_EQ(row_of(c).first % HAK_ALIGNMENT, 0u);
  }
}

// What memalign counts on.
TEST(SizeClass, TheClassOfAMultipleOfAPowerOfTwoIsOneToo) {
  for (size_t align = HAK_ALIGNMENT; align <= HAK_UNIT_BYTES; align *= 2) {
    for (size_t bytes = align; bytes <= HAK_POOL_MAX_BYTES; bytes += align) {
      unsigned c = hak_size_class_for(bytes);
      if (has_header(c)) continue;
      ASSERT_EQ(row_of(c).first, 0u) << bytes;
      ASSERT_EQ(row_of(c).stride % align, 0u) << bytes;
    }
  }
}

TEST(SizeClass, AllBlocksLieInsideTheSlabAndOneMoreWouldNot) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    const hak_size_class& row = row_of(c);
    // The last byte of a block with a header is its neighbour's header; the last block has no neighbour.
    size_t end = row.first + size_t{row.capacity} * row.stride - (has_header(c) ? 1 : 0);
    EXPECT_LE(end, slab_bytes(row)) << row.stride;
    EXPECT_GT(end + row.stride, slab_bytes(row)) << row.stride;
    EXPECT_LE(row.first + size_t{row.capacity - 1} * row.stride + row.usable, slab_bytes(row)) << row.stride;
  }
}

TEST(SizeClass, AtMostAThirtySecondOfASlabIsInNoBlock) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    const hak_size_class& row = row_of(c);
    EXPECT_LE((slab_bytes(row) - size_t{row.capacity} * row.stride) * 32, slab_bytes(row)) << row.stride;
  }
}

TEST(SizeClass, ARequestWastesAQuarterOrASmallestBlockAtMost) {
  for (size_t bytes = 1; bytes <= HAK_POOL_MAX_BYTES; bytes++) {
    size_t waste = row_of(hak_size_class_for(bytes)).stride - bytes;
    size_t header = HAK_HEADER_CLASSIDX && bytes < HAK_TINY_MAX_BYTES ? 1 : 0;
    ASSERT_LE(waste, std::max<size_t>(HAK_ALIGNMENT, (bytes + 3) / 4 + header)) << bytes;
  }
}

TEST(SizeClass, WhereProgramsHaveMostOfTheirBytesItWastesAnEighthAtMost) {
  for (size_t bytes = 257; bytes < 8192; bytes++) {
    if (bytes >= 1024 && bytes <= 2048) continue;
    ASSERT_LE((row_of(hak_size_class_for(bytes)).stride - bytes) * 8, bytes + 7) << bytes;
  }
}

TEST(SizeClass, AStrideIsAnOddNumberOfGrains) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    const hak_size_class& row = row_of(c);
    EXPECT_EQ(size_t{row.grains} << row.shift, row.stride);
    EXPECT_EQ(row.grains % 2, 1);
    EXPECT_LE(row.grains, HAK_MAX_GRAINS);
  }
}

TEST(SizeClass, ThePhasesOfAClassSayWhereBlocksBeginWordAfterWord) {
  for (unsigned grains = 1; grains <= HAK_MAX_GRAINS; grains += 2) {
    for (unsigned lead = 0; lead < grains; lead++) {
      const hak_phase* phase = &hak_phases[grains][lead];
      for (unsigned word = 0; word < 20; word++, phase = phase->next) {
        for (unsigned bit = 0; bit < 64; bit++) {
          unsigned grain = word * 64 + bit;
          bool begins = grain >= lead && (grain - lead) % grains == 0;
          ASSERT_EQ((phase->starts >> bit) & 1, begins) << grains << " grains, lead " << lead << ", grain " << grain;
        }
      }
    }
  }
}

TEST(SizeClass, BareBlocksBeginAtTheSlabAndUseTheWholeStride) {
  if (HAK_HEADER_CLASSIDX) GTEST_SKIP() << "blocks have headers in this build";
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    EXPECT_EQ(row_of(c).first, 0u);
    EXPECT_EQ(row_of(c).usable, row_of(c).stride);
    EXPECT_EQ(row_of(c).header, 0);
  }
}

TEST(SizeClass, AHeaderTakesOneByteOfEachTinyBlockBelow1024) {
  if (!HAK_HEADER_CLASSIDX) GTEST_SKIP() << "blocks have no headers in this build";
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    const hak_size_class& row = row_of(c);
    EXPECT_EQ(row.first, has_header(c) ? 16u : 0u);
    EXPECT_EQ(row.usable, has_header(c) ? row.stride - 1 : row.stride);
    EXPECT_EQ(row.header, has_header(c) ? HAK_HEADER_LIVE | c : 0u);
  }
}

TEST(SizeClass, NoSingleFlippedBitMakesALiveHeaderAFreeOne) {
  EXPECT_EQ(HAK_HEADER_LIVE & HAK_HEADER_FREE, 0);
  EXPECT_GE(hak_count_bits(HAK_HEADER_LIVE ^ HAK_HEADER_FREE), 2u);
  EXPECT_EQ((HAK_HEADER_LIVE | HAK_HEADER_FREE) & HAK_HEADER_CLASS_MASK, 0);
}

TEST(SizeClass, ASlabHoldsEnoughBlocksToMakeRefillsRare) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    EXPECT_GE(row_of(c).capacity, row_of(c).stride <= HAK_POOL_MAX_BYTES ? 16u : 8u) << row_of(c).stride;
  }
}

}  // namespace
