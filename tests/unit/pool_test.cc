// pool_tls/pool.h: from a mid-size request to the bin of its class.
#include "pool_tls/pool.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/rig.h"

namespace {

class Pool : public testing::Test {
 protected:
  void* alloc(size_t bytes) {
    hak_bin_at bin = hak_pool_bin(owner, bytes);
    void* block = hak_pool_take(&bin);
    return block != nullptr ? block : hak_owner_refill(owner, hak_bin_get(&bin));
  }
  Rig rig;
  hak_owner* owner = rig.make_owner();
};

TEST_F(Pool, EverySizeComesToTheBinOfItsClass) {
  for (size_t bytes = HAK_TINY_MAX_BYTES + 1; bytes <= HAK_POOL_MAX_BYTES; bytes++) {
    hak_bin_at bin = hak_pool_bin(owner, bytes);
    ASSERT_EQ(hak_bin_get(&bin) - owner->bins, static_cast<long>(hak_size_class_for(bytes))) << bytes;
  }
}

TEST_F(Pool, EveryWideSizeComesToTheBinOfItsClass) {
  for (size_t bytes = HAK_POOL_MAX_BYTES + 1; bytes <= HAK_WIDE_MAX_BYTES; bytes++) {
    ASSERT_EQ(hak_pool_wide_bin(owner, bytes) - owner->bins, static_cast<long>(hak_size_class_for(bytes))) << bytes;
  }
}

TEST_F(Pool, NoSizeFallsBetweenTinyAndThePool) {
  unsigned first = hak_size_class_for(HAK_TINY_MAX_BYTES + 1);
  EXPECT_EQ(first, unsigned{HAK_TINY_CLASSES});
  EXPECT_EQ(hak_size_class_for(HAK_TINY_MAX_BYTES), first - 1);
}

// Fault: a block of 64 KiB of which two pages were touched took all 64 KiB, since huge pages were asked for.
TEST_F(Pool, HugePagesAreNotForBlocksOfManyPages) {
  if (!HAK_POOL_TLS) GTEST_SKIP() << "these sizes are large blocks in this build";
  rig.options.huge_pages = HAK_HUGE_PAGES_AUTO;
  for (size_t bytes : {size_t{2000}, size_t{8000}, size_t{20000}, size_t{60000}}) {
    bool huge = false;
    for (size_t taken = 0; taken < (size_t{200} << 20); taken += bytes) {
      void* block = alloc(bytes);
      ASSERT_NE(block, nullptr);
      huge |= hak_map_slot(&rig.map, address_of(block))->huge;
    }
    EXPECT_EQ(huge, bytes <= 8192) << bytes;
  }
}

TEST_F(Pool, ABlockIsLargeEnoughAlignedAndWritable) {
  for (size_t bytes = HAK_TINY_MAX_BYTES + 1; bytes <= HAK_POOL_MAX_BYTES; bytes += 53) {
    void* block = alloc(bytes);
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(address_of(block) % HAK_ALIGNMENT, 0u);
    const hak_size_class* row = hak_slab_class(rig.cell(block));
    ASSERT_GE(row->usable, bytes);
    static_cast<char*>(block)[0] = 1;
    static_cast<char*>(block)[row->usable - 1] = 1;
    ASSERT_TRUE(rig.free(owner, block));
  }
  rig.check();
}

TEST_F(Pool, BlocksOfPowerOfTwoClassesAreAlignedToTheirSize) {
  for (size_t stride = 2048; stride <= HAK_POOL_MAX_BYTES; stride *= 2) {
    for (int i = 0; i < 20; i++) EXPECT_EQ(address_of(alloc(stride)) % stride, 0u);
  }
}

TEST_F(Pool, AnEmptyBinHasNoBlockAtHand) {
  for (size_t bytes = 2048; bytes <= HAK_POOL_MAX_BYTES; bytes *= 2) {
    hak_bin_at bin = hak_pool_bin(owner, bytes);
    EXPECT_EQ(hak_pool_take(&bin), nullptr);
  }
}

TEST_F(Pool, WithoutMemoryThereIsNoBlock) {
  rig.os.fail(FakeOs::kCommit, 1, FakeOs::kForever);
  EXPECT_EQ(alloc(9000), nullptr);
  rig.os.heal();
  EXPECT_NE(alloc(9000), nullptr);
}

TEST_F(Pool, PrewarmGivesBinsUpToTheSizeBlocksAtHand) {
  hak_pool_prewarm(owner, 8192);
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    bool warm = c >= HAK_TINY_CLASSES && row_of(c).usable <= 8192;
    EXPECT_EQ(hak_bin_take(&owner->bins[c]) != nullptr, warm) << row_of(c).stride;
  }
  rig.check();
}

}  // namespace
