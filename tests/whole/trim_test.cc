// malloc_trim, beside the allocator's own counters; a part of c_api_test.
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "tests/whole/support.h"

namespace {

TEST(MallocTrim, GivesFreeMemoryBackAndSaysSo) {
  std::vector<void*> blocks(200);
  for (void*& block : blocks) memset(block = malloc(100000), 1, 100000);
  for (void* block : blocks) free(block);
  size_t before = ResidentBytes();
  ASSERT_GT(Counter("dirty_bytes"), 0u);
  EXPECT_EQ(malloc_trim(0), 1);
  EXPECT_LT(ResidentBytes(), before);
  EXPECT_EQ(Counter("dirty_bytes"), 0u);
  EXPECT_EQ(malloc_trim(0), 0) << "nothing was left to give back";
}

}  // namespace
