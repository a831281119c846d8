// tiny/layout.h: the header byte of each class, in whichever layout this build has.
#include "tiny/layout.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/rig.h"

namespace {

bool has_header(unsigned c) { return HAK_HEADER_CLASSIDX && c < HAK_TINY_CLASSES - 1; }

// A block with a byte before it.
struct Memory {
  alignas(16) uint8_t bytes[64] = {};
  uintptr_t block() { return address_of(bytes) + 16; }
  uint8_t& header() { return bytes[15]; }
};

TEST(Layout, TheHeaderIsTheByteBeforeTheBlock) {
  Memory memory;
  EXPECT_EQ(hak_header_of(memory.block()), &memory.header());
}

TEST(Layout, ALiveHeaderNamesTheClass) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    uint8_t live = hak_header_live(c);
    EXPECT_EQ(live != 0, has_header(c));
    if (live == 0) continue;
    EXPECT_EQ(live & HAK_HEADER_CLASS_MASK, static_cast<int>(c));
    EXPECT_EQ(live & ~HAK_HEADER_CLASS_MASK, static_cast<int>(HAK_HEADER_LIVE));
    EXPECT_EQ(hak_header_freed(live) & HAK_HEADER_CLASS_MASK, static_cast<int>(c));
    EXPECT_NE(hak_header_freed(live), live);
  }
}

TEST(Layout, AllocWritesTheHeaderAndFreeTurnsIt) {
  for (unsigned c = 0; c < HAK_TINY_CLASSES; c++) {
    Memory memory;
    uint8_t live = hak_header_live(c);
    hak_header_mark_live(reinterpret_cast<void*>(memory.block()), live);
    EXPECT_EQ(memory.header(), live);
    EXPECT_TRUE(hak_header_mark_freed(memory.block(), live));
    EXPECT_EQ(memory.header(), live == 0 ? 0 : hak_header_freed(live));
  }
}

TEST(Layout, ClassesWithoutHeadersTouchNoByteBeforeTheBlock) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    if (has_header(c)) continue;
    Memory memory;
    memory.header() = 0x5a;
    hak_header_mark_live(reinterpret_cast<void*>(memory.block()), hak_header_live(c));
    EXPECT_TRUE(hak_header_mark_freed(memory.block(), hak_header_live(c)));
    EXPECT_EQ(memory.header(), 0x5a);
  }
}

TEST(Layout, AnOverwrittenHeaderIsSeen) {
  if (!HAK_HEADER_CLASSIDX || !HAK_CHECKED) GTEST_SKIP() << "no header, or nobody looks at it";
  for (unsigned c = 0; c + 1 < HAK_TINY_CLASSES; c++) {
    uint8_t live = hak_header_live(c);
    for (int value = 0; value < 256; value++) {
      Memory memory;
      memory.header() = static_cast<uint8_t>(value);
      ASSERT_EQ(hak_header_mark_freed(memory.block(), live), value == live);
      ASSERT_TRUE(value == live || memory.header() == value) << "left for the report";
    }
  }
}

}  // namespace
