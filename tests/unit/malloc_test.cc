// hak_malloc, hak_calloc, hak_free, hak_usable_size, hak_owns and hak_trim.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "frontend/hakmem.h"
#include "frontend/route.h"
#include "tests/unit/heap.h"
#include "tests/unit/rig.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

bool reads_as_zero(const void* block, size_t bytes) {
  const auto* p = static_cast<const uint8_t*>(block);
  return std::all_of(p, p + bytes, [](uint8_t b) { return b == 0; });
}

class Malloc : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    switch_helper_off();
    use_every_class();
  }
};

TEST_F(Malloc, EveryBorderSizeIsServedAlignedAndUsable) {
  for (size_t bytes : border_sizes()) {
    auto* block = static_cast<char*>(hak_malloc(bytes));
    ASSERT_NE(block, nullptr) << bytes;
    EXPECT_EQ(address_of(block) % 16, 0u) << bytes;
    size_t usable = hak_usable_size(block);
    EXPECT_EQ(usable, usable_for(bytes));
    ASSERT_GE(usable, bytes);
    EXPECT_LE(block_bytes_for(bytes), bytes + bytes / 4 + 4096);
    if (usable > 0) block[0] = block[usable - 1] = 1;
    hak_free(block);
  }
}

// Two threads that allocated and freed 64 to 256 KiB waited for each other at the arena's lock.
TEST_F(Malloc, WideBlocksComeFromTheThreadsSlabs) {
  if (!HAK_POOL_TLS || HAK_SEALED) GTEST_SKIP() << "this build has none";
  for (size_t bytes : {size_t{HAK_POOL_MAX_BYTES} + 1, size_t{100000}, size_t{HAK_WIDE_MAX_BYTES}}) {
    void* block = hak_malloc(bytes);
    EXPECT_TRUE(is_of_slab(block)) << bytes;
    hak_free(block);
  }
  void* larger = hak_malloc(HAK_WIDE_MAX_BYTES + 1);
  EXPECT_FALSE(is_of_slab(larger));
  hak_free(larger);
}

// What is zero already is not cleared, and what has grown goes on growing in place.
TEST_F(Malloc, WideBlocksThatAreClearedOrHaveGrownAreRunsOfTheirOwn) {
  void* cleared = hak_calloc(1, 100000);
  EXPECT_FALSE(is_of_slab(cleared));
  hak_free(cleared);
  void* grown = hak_realloc(hak_malloc(50000), 100000);
  EXPECT_FALSE(is_of_slab(grown));
  EXPECT_FALSE(is_of_slab(grown = hak_realloc(grown, 90000)));
  hak_free(grown);
}

TEST_F(Malloc, EverySizeUpToSomePagesIsServedAndKeepsItsContents) {
  std::vector<void*> blocks;
  for (uint32_t bytes = 0; bytes < 9000; bytes += 1 + bytes / 512) {
    blocks.push_back(hak_malloc(bytes));
    ASSERT_NE(blocks.back(), nullptr);
    fill_block(blocks.back(), bytes, bytes);
  }
  size_t i = 0;
  for (uint32_t bytes = 0; bytes < 9000; bytes += 1 + bytes / 512) {
    ASSERT_TRUE(block_holds(blocks[i], bytes, bytes)) << bytes;
    hak_free(blocks[i++]);
  }
}

TEST_F(Malloc, BlocksOfNoBytesAreDifferentBlocks) {
  std::set<void*> blocks;
  for (int i = 0; i < 1000; i++) EXPECT_TRUE(blocks.insert(hak_malloc(0)).second);
  EXPECT_EQ(blocks.count(nullptr), 0u);
  for (void* block : blocks) hak_free(block);
}

TEST_F(Malloc, SizesThatNobodyHasGiveNullAndEnomem) {
  for (size_t bytes :
       {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 65536, size_t{PTRDIFF_MAX} + 1, size_t{PTRDIFF_MAX}, size_t{1} << 62}) {
    errno = 0;
    EXPECT_EQ(hak_malloc(bytes), nullptr) << bytes;
    EXPECT_EQ(errno, ENOMEM);
    errno = 0;
    EXPECT_EQ(hak_calloc(1, bytes), nullptr) << bytes;
    EXPECT_EQ(errno, ENOMEM);
  }
}

TEST_F(Malloc, SuccessLeavesErrnoAlone) {
  errno = 77;
  for (size_t bytes : border_sizes()) {
    void* block = hak_malloc(bytes);
    void* zeroed = hak_calloc(1, bytes);
    EXPECT_EQ(errno, 77) << bytes;
    hak_free(block);
    hak_free(zeroed);
    EXPECT_EQ(errno, 77) << bytes;
  }
}

TEST_F(Malloc, FreeOfNullDoesNothing) {
  errno = 77;
  hak_free(nullptr);
  EXPECT_EQ(errno, 77);
  std::thread([] { hak_free(nullptr); }).join();
}

TEST_F(Malloc, UsableSizeOfNullIsZero) { EXPECT_EQ(hak_usable_size(nullptr), 0u); }

TEST_F(Malloc, AFreedBlockIsUsedAgain) {
  void* keep = hak_malloc(100);
  std::set<void*> seen;
  for (int i = 0; i < 10000; i++) {
    void* block = hak_malloc(100);
    seen.insert(block);
    hak_free(block);
  }
  // The fast build goes on through the slab, and sealed blocks come home when it is used up.
  uint32_t slab = row_of(hak_size_class_for(100 + kSealBytes)).capacity;
  EXPECT_LE(seen.size(), HAK_SEALED ? 2 * slab : HAK_CHECKED ? 64 : slab);
  hak_free(keep);
}

TEST_F(Malloc, CallocGivesZeroesOverDirtyMemory) {
  for (size_t bytes : border_sizes()) {
    if (bytes > 8 * kMiB) continue;
    std::vector<void*> blocks;
    for (int i = 0; i < 4; i++) {
      blocks.push_back(hak_malloc(bytes));
      memset(blocks.back(), 0xff, hak_usable_size(blocks.back()));
    }
    for (void* block : blocks) hak_free(block);
    blocks.clear();
    for (int i = 0; i < 4; i++) {
      blocks.push_back(hak_calloc(1, bytes));
      ASSERT_TRUE(reads_as_zero(blocks.back(), bytes)) << bytes;
      memset(blocks.back(), 0xff, hak_usable_size(blocks.back()));
    }
    for (void* block : blocks) hak_free(block);
  }
}

TEST_F(Malloc, CallocMultipliesItsArguments) {
  for (size_t count : {0, 1, 3, 7, 1000}) {
    for (size_t bytes : {0, 1, 16, 100, 4096}) {
      void* block = hak_calloc(count, bytes);
      ASSERT_NE(block, nullptr);
      EXPECT_GE(hak_usable_size(block), count * bytes);
      EXPECT_TRUE(reads_as_zero(block, count * bytes));
      hak_free(block);
    }
  }
}

TEST_F(Malloc, CallocSeesAnOverflow) {
  struct Product {
    size_t count, bytes;
  };
  for (Product p : {Product{SIZE_MAX, 2}, Product{2, SIZE_MAX}, Product{SIZE_MAX / 16 + 1, 16},
                    Product{size_t{1} << 32, size_t{1} << 32}, Product{SIZE_MAX, SIZE_MAX}}) {
    errno = 0;
    EXPECT_EQ(hak_calloc(p.count, p.bytes), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
}

TEST_F(Malloc, OwnsLiveBlocksAndNothingElse) {
  for (size_t bytes : border_sizes()) {
    auto* block = static_cast<char*>(hak_malloc(bytes));
    EXPECT_TRUE(hak_owns(block)) << bytes;
    EXPECT_FALSE(hak_owns(block + 1));
    EXPECT_FALSE(hak_owns(block - 1));
    EXPECT_FALSE(hak_owns(block + hak_usable_size(block)) && bytes >= 65536 && (HAK_CHECKED || !is_in_slab(bytes)));
    for (size_t inside = 16; inside < hak_usable_size(block); inside *= 2) EXPECT_FALSE(hak_owns(block + inside));
    hak_free(block);
    EXPECT_EQ(HAK_CHECKED && hak_owns(block), false) << bytes;
  }
}

TEST_F(Malloc, OwnsNoForeignAddressHoweverStrange) {
  int on_stack = 0;
  static int in_data = 0;
  auto on_other_heap = std::make_unique<int>(0);
  void* live = hak_malloc(100);
  for (const void* address :
       {static_cast<const void*>(nullptr), static_cast<const void*>(&on_stack), static_cast<const void*>(&in_data),
        static_cast<const void*>(on_other_heap.get()), reinterpret_cast<const void*>(&hak_malloc),
        reinterpret_cast<const void*>(UINTPTR_MAX), reinterpret_cast<const void*>(UINTPTR_MAX & ~uintptr_t{15})}) {
    EXPECT_FALSE(hak_owns(address)) << address;
  }
  // The same place in other windows of the map, and every bit flipped once.
  for (unsigned bit = 0; bit < 64; bit++) {
    EXPECT_FALSE(hak_owns(reinterpret_cast<void*>(address_of(live) ^ (uintptr_t{1} << bit)))) << bit;
  }
  hak_free(live);
}

TEST_F(Malloc, OwnsABlockUntilAnyThreadFreesIt) {
  void* block = hak_malloc(100);
  std::thread([&] {
    EXPECT_TRUE(hak_owns(block));
    hak_free(block);
    EXPECT_FALSE(hak_owns(block));
  }).join();
  EXPECT_FALSE(hak_owns(block));
}

TEST_F(Malloc, TrimGivesFreeMemoryBack) {
  std::vector<void*> blocks;
  for (int i = 0; i < 20000; i++) {
    blocks.push_back(hak_malloc(500));
    memset(blocks.back(), 1, 500);
  }
  for (void* block : blocks) hak_free(block);
  uint64_t purged = counter("purged_bytes");
  EXPECT_TRUE(hak_trim());
  EXPECT_GE(counter("purged_bytes") - purged, 20000u * 500 / 2);
  EXPECT_FALSE(hak_trim()) << "nothing is left";
}

TEST_F(Malloc, RandomSizesNeverOverlap) {
  struct Live {
    void* block;
    size_t bytes;
    uint32_t tag;
  };
  std::vector<Live> live;
  Random random(9);
  for (uint32_t step = 0; step < 20000 / kSlowdown; step++) {
    if (live.size() < 2000 && random.below(2) == 0) {
      size_t bytes = random.below(size_t{1} << (4 + random.below(13)));
      void* block = hak_malloc(bytes);
      ASSERT_NE(block, nullptr);
      fill_block(block, bytes, step);
      live.push_back({block, bytes, step});
    } else if (!live.empty()) {
      std::swap(live[random.below(live.size())], live.back());
      ASSERT_TRUE(block_holds(live.back().block, live.back().bytes, live.back().tag));
      hak_free(live.back().block);
      live.pop_back();
    }
  }
  for (const Live& item : live) {
    ASSERT_TRUE(block_holds(item.block, item.bytes, item.tag));
    hak_free(item.block);
  }
}

// A refill would leave the blocks of that window behind, and nobody would look there again: with prewarm_tls, or when
// the thread takes over the owner of one that died without leaving.
TEST_F(Malloc, TheFirstRequestOfAThreadTakesFromAWindowThatIsOpen) {
  constexpr size_t kBytes = 6000;
  std::thread([&] {
    hak_owner* owner = hak_thread_attach();
    hak_bin* bin = &owner->bins[hak_size_class_for(kBytes)];
    ASSERT_TRUE(hak_owner_open_window(owner, bin));
    const hak_slab* head = bin->current;
    std::vector<void*> blocks = {hak_route_alloc_slow(kBytes)};
    while (blocks.size() < hak_slab_class(head)->capacity) blocks.push_back(hak_route_alloc(kBytes));
    EXPECT_EQ(bin->current, head);
    hak_owner_check(owner);
    for (void* block : blocks) hak_route_free(block);
  }).join();
}

}  // namespace
