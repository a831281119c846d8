// frontend/introspect.h: what the views say agrees with what was allocated. The test's own data lie on another heap.
#include "frontend/introspect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "frontend/hakmem.h"
#include "tests/unit/heap.h"
#include "tests/unit/rig.h"

namespace {

class Introspect : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    switch_helper_off();
    use_every_class();
  }
  void SetUp() override { hak_trim(); }
  void TearDown() override {
    for (void* block : blocks) hak_free(block);
    hak_trim();
  }
  void alloc(size_t bytes, size_t count) {
    for (size_t i = 0; i < count; i++) blocks.push_back(hak_malloc(bytes));
  }
  std::vector<void*> blocks;
};

TEST_F(Introspect, EveryCounterHasANameAUnitAndHelp) {
  hak_counter counters[HAK_MOST_COUNTERS];
  size_t count = hak_counters(counters, HAK_MOST_COUNTERS);
  ASSERT_LE(count, 64u);
  std::set<std::string> names;
  for (size_t i = 0; i < count; i++) {
    EXPECT_TRUE(names.insert(counters[i].name).second) << counters[i].name;
    EXPECT_TRUE(std::set<std::string>({"bytes", "events", "items"}).count(counters[i].unit)) << counters[i].unit;
    EXPECT_GT(std::string(counters[i].help).size(), 10u);
  }
  for (const char* name : {"live_bytes", "large_bytes", "used_bytes", "dirty_bytes", "committed_bytes",
                           "reserved_bytes", "purged_bytes", "threads", "slabs_attached"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
  }
}

TEST_F(Introspect, CountersFillNoMoreThanTheyAreGiven) {
  hak_counter counters[3] = {};
  counters[2].name = "untouched";
  size_t all = hak_counters(counters, 2);
  EXPECT_GT(all, 2u);
  EXPECT_STREQ(counters[2].name, "untouched");
  EXPECT_EQ(hak_counters(nullptr, 0), all);
}

TEST_F(Introspect, WithoutABlockThereIsNothingLive) {
  EXPECT_EQ(counter("live_bytes"), 0u);
  EXPECT_EQ(counter("used_bytes"), 0u);
  EXPECT_EQ(counter("large_bytes"), 0u);
  EXPECT_TRUE(all_slabs().empty());
  for (const hak_chunk_info& chunk : all_chunks()) EXPECT_EQ(chunk.used, 0u);
}

TEST_F(Introspect, TheSlabsOfAClassHoldItsBlocks) {
  for (unsigned c = 0; c < kSlabClasses; c++) alloc(largest_of(row_of(c)), 10 + 7 * c);
  std::map<unsigned, unsigned> used;
  for (const hak_slab_info& slab : all_slabs()) {
    const hak_size_class& row = row_of(slab.size_class);
    EXPECT_EQ(slab.stride, row.stride);
    EXPECT_EQ(slab.block_bytes, row.usable);
    EXPECT_EQ(slab.capacity, row.capacity);
    EXPECT_EQ(slab.bytes, row.units * HAK_UNIT_BYTES);
    EXPECT_EQ(slab.used + slab.free + slab.remote, slab.capacity);
    EXPECT_EQ(slab.pool, slab.size_class >= HAK_TINY_CLASSES);
    EXPECT_EQ(slab.superslab % HAK_CHUNK_BYTES, 0u);
    EXPECT_EQ(slab.address, slab.superslab + slab.index * HAK_UNIT_BYTES);
    EXPECT_TRUE(std::set<std::string>({"current", "full", "partial", "spare"}).count(slab.state)) << slab.state;
    EXPECT_NE(slab.owner, 0u);
    used[slab.size_class] += slab.used;
  }
  for (unsigned c = 0; c < kSlabClasses; c++) EXPECT_EQ(used[c], 10 + 7 * c) << c;
}

TEST_F(Introspect, LiveBytesAreTheBytesOfLiveBlocks) {
  uint64_t expected = 0;
  std::vector<size_t> sizes;
  for (size_t bytes : {size_t{10}, size_t{100}, size_t{1000}, size_t{10000}, size_t{100000}, size_t{70} << 20}) {
    alloc(bytes, 3);
    for (int i = 0; i < 3; i++) {
      expected += block_bytes_for(bytes);
      sizes.push_back(bytes);
    }
    EXPECT_EQ(counter("live_bytes"), expected) << bytes;
  }
  while (!blocks.empty()) {
    expected -= block_bytes_for(sizes.back());
    sizes.pop_back();
    hak_free(blocks.back());
    blocks.pop_back();
    EXPECT_EQ(counter("live_bytes"), expected);
  }
}

TEST_F(Introspect, LargeBytesAreThoseOfRunsAndMappings) {
  alloc(400000, 1);
  alloc(size_t{80} << 20, 1);
  EXPECT_EQ(counter("large_bytes"), block_bytes_for(400000) + block_bytes_for(size_t{80} << 20));
}

TEST_F(Introspect, UsedBytesAreThoseOfSlabsAndLargeBlocks) {
  alloc(100, 5000);
  alloc(5000, 100);
  alloc(400000, 5);
  uint64_t slabs = 0;
  for (const hak_slab_info& slab : all_slabs()) slabs += bytes_in_arena(slab.bytes);
  uint64_t runs = 5 * bytes_in_arena(block_bytes_for(400000));
  EXPECT_EQ(counter("used_bytes"), slabs + runs);
  uint64_t units = 0;
  for (const hak_chunk_info& chunk : all_chunks()) {
    EXPECT_EQ(chunk.units, unsigned{HAK_CHUNK_UNITS});
    EXPECT_EQ(chunk.bytes, HAK_CHUNK_BYTES);
    EXPECT_EQ(chunk.address % HAK_CHUNK_BYTES, 0u);
    EXPECT_EQ(chunk.used + chunk.dirty + chunk.clean, chunk.units);
    units += chunk.used;
  }
  EXPECT_EQ(counter("used_bytes"), units * HAK_UNIT_BYTES);
}

TEST_F(Introspect, FreedBlocksAreDirtyUntilTheyAreTrimmed) {
  alloc(400000, 20);
  for (void* block : blocks) hak_free(block);
  blocks.clear();
  EXPECT_GT(counter("dirty_bytes"), 0u);
  uint64_t dirty = 0;
  for (const hak_chunk_info& chunk : all_chunks()) dirty += chunk.dirty * HAK_UNIT_BYTES;
  EXPECT_EQ(counter("dirty_bytes"), dirty);
  hak_trim();
  EXPECT_EQ(counter("dirty_bytes"), 0u);
}

TEST_F(Introspect, BlocksFreedByAnotherThreadAreCountedAsRemote) {
  alloc(100, 50);
  std::thread([&] {
    for (int i = 0; i < 20; i++) {
      hak_free(blocks.back());
      blocks.pop_back();
    }
  }).join();
  hak_slab_info slab = slab_of(blocks[0]);
  EXPECT_EQ(slab.remote, 20u);
  EXPECT_EQ(slab.used + slab.free + slab.remote, slab.capacity);
  EXPECT_TRUE(!HAK_CHECKED || slab.used == 30) << slab.used;
}

TEST_F(Introspect, SlabsOfAThreadThatIsGoneAreAbandonedAndHaveNoOwner) {
  std::thread([&] { alloc(3000, 10); }).join();
  hak_slab_info slab = slab_of(blocks[0]);
  EXPECT_STREQ(slab.state, "abandoned");
  EXPECT_EQ(slab.owner, 0u);
  EXPECT_EQ(slab.used, 10u);
  hak_free(blocks.back());
  blocks.pop_back();
  slab = slab_of(blocks[0]);
  EXPECT_NE(slab.owner, 0u) << "it has been adopted by the thread that freed into it";
  EXPECT_GE(counter("slabs_abandoned"), 1u);
  EXPECT_GE(counter("slabs_adopted"), 1u);
}

TEST_F(Introspect, ThreadsAreCountedWhileTheyLiveAndAfterwards) {
  alloc(1, 1);
  uint64_t threads = counter("threads");
  uint64_t now = counter("threads_now");
  uint64_t during = 0;
  std::thread([&] {
    hak_free(hak_malloc(1));
    during = counter("threads_now");
  }).join();
  EXPECT_EQ(during, now + 1);
  EXPECT_EQ(counter("threads_now"), now);
  EXPECT_EQ(counter("threads"), threads + 1);
}

TEST_F(Introspect, AVisitorStopsTheVisit) {
  alloc(100, 5000);
  alloc(5000, 100);
  int visits = 0;
  auto stop_at_two = [](auto*, void* arg) { return ++*static_cast<int*>(arg) < 2; };
  hak_visit_slabs(stop_at_two, &visits);
  EXPECT_EQ(visits, 2);
  alloc(200000, 30);
  visits = 0;
  hak_visit_chunks(stop_at_two, &visits);
  EXPECT_EQ(visits, 2);
}

TEST_F(Introspect, AVisitorMayAllocate) {
  alloc(100, 1000);
  struct Arg {
    std::vector<void*> made;
  } arg;
  hak_visit_slabs(
      [](const hak_slab_info*, void* p) {
        auto* made = &static_cast<Arg*>(p)->made;
        made->push_back(hak_malloc(100));
        return made->size() < 100;
      },
      &arg);
  EXPECT_FALSE(arg.made.empty());
  for (void* block : arg.made) hak_free(block);
}

TEST_F(Introspect, AnyThreadMayLookWhileOthersAllocate) {
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; t++) {
    threads.emplace_back([&, t] {
      Random random(static_cast<uint64_t>(t) + 1);
      for (int round = 0; round < 60 / kSlowdown; round++) {
        std::vector<void*> own;
        size_t bytes = size_t{16} << random.below(12);
        for (int i = 0; i < 2000; i++) own.push_back(hak_malloc(bytes));
        for (void* block : own) hak_free(block);
        if (round % 8 == 0) hak_trim();
      }
      done = true;
    });
  }
  while (!done) {
    counter("live_bytes");
    for (const hak_slab_info& slab : all_slabs()) {
      ASSERT_LT(slab.size_class, unsigned{HAK_CLASSES});
      ASSERT_EQ(slab.used + slab.free + slab.remote, slab.capacity);
    }
    for (const hak_chunk_info& chunk : all_chunks()) ASSERT_LE(chunk.used + chunk.dirty + chunk.clean, chunk.units);
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
