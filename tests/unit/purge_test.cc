// superslab/owner.h: whole pages of free blocks go back to the kernel, where nobody is about to allocate them.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "superslab/owner.h"
#include "tests/unit/rig.h"

namespace {

constexpr size_t kPage = 4096;
constexpr uint32_t kKeepOneIn = 10;
constexpr bool kFreeBlocksHaveContents = HAK_SEALED || (HAK_HEADER_CLASSIDX && HAK_CHECKED);

class Purge : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    if (kFreeBlocksHaveContents) GTEST_SKIP() << "freed blocks have contents in this build";
  }

  // Slabs of the class, the last of them current, with every tenth block live.
  void leave_holes(size_t slabs) { leave_holes_of(slabs, owner); }
  // The others are freed by this thread (nullptr: one without an owner).
  void leave_holes_of(size_t slabs, hak_owner* self) {
    std::vector<void*> blocks;
    for (size_t i = 0; i < slabs * row.capacity; i++) {
      blocks.push_back(rig.alloc(owner, GetParam()));
      fill_block(blocks.back(), row.usable, static_cast<uint32_t>(i));
    }
    for (size_t i = 0; i < blocks.size(); i++) {
      if (i % kKeepOneIn == 0) {
        live.push_back({blocks[i], static_cast<uint32_t>(i)});
      } else {
        ASSERT_TRUE(rig.free(self, blocks[i]));
      }
    }
  }

  // As many ticks as it takes until all threads have slept for long enough.
  void let_it_sleep() {
    for (int tick = 0; tick == 0 || hak_slab_pool_wants_tick(&rig.pool); tick++) {
      ASSERT_LT(tick, 20);
      hak_slab_pool_tick(&rig.pool);
    }
  }

  hak_bin& bin() { return owner->bins[GetParam()]; }

  static bool is_more_than_a_window(const hak_slab* slab) {
    return hak_slab_body_of(slab)->end_grain - hak_slab_class(slab)->grains >= 64; /* where the last block begins */
  }

  // The blocks that the bin may deal from without a look, with what reaches out of the window: begin and end.
  std::pair<uintptr_t, uintptr_t> window() {
    uintptr_t grain = uintptr_t{1} << row.shift;
    if (HAK_CHECKED && hak_class_is_wide(GetParam())) return {bin().base, bin().base};
    return {bin().base, bin().base + (63 + row.grains) * grain};
  }

  // Whole pages without a byte of a live block, of its header, or of the window; of slabs at rest, and of current ones.
  size_t free_pages(bool of_current = true) {
    std::map<const hak_slab*, std::map<uintptr_t, uintptr_t>> slabs;
    for (const auto& [block, tag] : live) {
      const hak_slab* slab = rig.head(block);
      if (!of_current && slab->state == HAK_SLAB_CURRENT) continue;
      slabs[slab][address_of(block)] = address_of(block) + row.stride;
    }
    size_t pages = 0;
    for (auto& [slab, kept] : slabs) {
      uintptr_t base = hak_slab_body_of(slab)->base;
      uintptr_t gap = base + row.first;
      if (slab->state == HAK_SLAB_CURRENT) kept[window().first] = std::max(kept[window().first], window().second);
      for (const auto& [begin, end] : kept) {
        pages += whole_pages(gap, begin - (row.header != 0));
        gap = std::max(gap, end);
      }
      pages += whole_pages(gap, base + row.units * HAK_UNIT_BYTES);
    }
    return pages;
  }
  static size_t whole_pages(uintptr_t from, uintptr_t to) {
    uintptr_t start = hak_align_up(from, kPage);
    uintptr_t end = hak_align_down(to, kPage);
    return start < end ? (end - start) / kPage : 0;
  }

  void expect_live_blocks_whole() {
    for (const auto& [block, tag] : live) EXPECT_TRUE(block_holds(block, row.usable, tag));
    rig.check();
  }
  // As if another thread gave the slab's pages back; it takes its time.
  void pin_for_a_while(hak_slab* slab) {
    hak_store_seq_cst(&rig.pool.pinned, slab);
    other = std::thread([this] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      unpinned = true;
      hak_store_seq_cst(&rig.pool.pinned, static_cast<hak_slab*>(nullptr));
    });
  }
  uint64_t purged() const { return rig.pool.purged_bytes; }

  const hak_size_class& row = row_of(GetParam());
  Rig rig;
  hak_owner* owner = rig.make_owner();
  std::vector<std::pair<void*, uint32_t>> live;
  std::atomic<bool> unpinned{false};
  std::thread other;
};

TEST_P(Purge, TakesTheWholePagesAmongFreeBlocksAtTheSecondTick) {
  leave_holes(3);
  size_t expected = free_pages(false) * kPage;
  hak_slab_pool_tick(&rig.pool);
  EXPECT_EQ(purged(), 0u);
  hak_slab_pool_tick(&rig.pool);
  EXPECT_EQ(purged(), expected);
  expect_live_blocks_whole();
  let_it_sleep();
  int calls = rig.os.calls(FakeOs::kPurge);
  hak_slab_pool_tick(&rig.pool);
  EXPECT_EQ(rig.os.calls(FakeOs::kPurge), calls) << "once is enough";
  EXPECT_EQ(rig.pool.purge_more, 0u) << "nothing is left to wait for";
}

TEST_P(Purge, OfAllTakesThemAtOnce) {
  leave_holes(3);
  EXPECT_EQ(hak_slab_pool_purge(&rig.pool), free_pages() > 0);
  EXPECT_EQ(purged(), free_pages() * kPage);
  expect_live_blocks_whole();
  EXPECT_FALSE(hak_slab_pool_purge(&rig.pool));
}

TEST_P(Purge, TakesThoseOfSlabsWithoutAnOwner) {
  leave_holes(3);
  hak_owner_abandon(owner);
  size_t expected = free_pages() * kPage;
  hak_slab_pool_tick(&rig.pool);
  hak_slab_pool_tick(&rig.pool);
  EXPECT_EQ(purged(), expected);
  expect_live_blocks_whole();
}

// Fault: what others had freed of a thread's blocks stayed for as long as the thread slept.
TEST_P(Purge, TakesThoseOfBlocksThatOthersFreedWhileTheirOwnerSleeps) {
  leave_holes_of(3, nullptr);
  size_t expected = free_pages(false) * kPage;
  hak_slab_pool_tick(&rig.pool);
  hak_slab_pool_tick(&rig.pool);
  EXPECT_EQ(purged(), expected);
  let_it_sleep();
  EXPECT_EQ(purged(), free_pages() * kPage);
  expect_live_blocks_whole();
  /* It wakes, and has them home. */
  size_t slabs = rig.stats().runs;
  for (size_t i = 0; i < 3 * row.capacity - live.size(); i++) {
    void* block = rig.alloc(owner, GetParam());
    memset(block, 0xee, row.usable);
  }
  EXPECT_EQ(rig.stats().runs, slabs) << "from the same slabs";
  expect_live_blocks_whole();
}

TEST_P(Purge, IsAskedForByAFreeOfAnotherThreadsBlock) {
  void* block = rig.alloc(owner, GetParam());
  let_it_sleep();
  ASSERT_TRUE(rig.free(nullptr, block));
  EXPECT_NE(rig.pool.purge_more, 0u);
}

TEST_P(Purge, WaitsWhileBlocksAreFreed) {
  leave_holes(2);
  hak_slab_pool_tick(&rig.pool);
  ASSERT_NE(rig.head(live.front().first)->state, HAK_SLAB_CURRENT);
  ASSERT_TRUE(rig.free(owner, live.front().first));
  live.erase(live.begin());
  hak_slab_pool_tick(&rig.pool);
  EXPECT_EQ(purged(), 0u);
  EXPECT_NE(rig.pool.purge_more, 0u);
}

TEST_P(Purge, TakesThemAgainWhenTheBlocksHaveBeenInUseAgain) {
  leave_holes(3);
  hak_slab_pool_purge(&rig.pool);
  uint64_t first = purged();
  size_t slabs = rig.stats().runs;
  std::vector<void*> blocks;
  for (size_t i = 0; i < 3 * row.capacity - live.size(); i++) {
    blocks.push_back(rig.alloc(owner, GetParam()));
    memset(blocks.back(), 0xee, row.usable);
  }
  EXPECT_EQ(rig.stats().runs, slabs) << "from the same slabs";
  expect_live_blocks_whole();
  for (void* block : blocks) ASSERT_TRUE(rig.free(owner, block));
  hak_slab_pool_purge(&rig.pool);
  EXPECT_EQ(purged() - first, free_pages() * kPage);
  expect_live_blocks_whole();
}

TEST_P(Purge, LeavesSlabsWithFewFreeBlocksAlone) {
  std::vector<void*> blocks;
  for (size_t i = 0; i < 2 * size_t{row.capacity}; i++) blocks.push_back(rig.alloc(owner, GetParam()));
  for (size_t i = 0; i < (row.capacity - 1) / 5; i++) ASSERT_TRUE(rig.free(owner, blocks[i]));
  EXPECT_FALSE(hak_slab_pool_purge(&rig.pool));
}

// The allocating thread runs into a slab whose pages are being given back.
TEST_P(Purge, ABinWaitsForASlabThatIsPinned) {
  leave_holes(2);
  hak_slab* resting = rig.head(live.front().first);
  ASSERT_EQ(resting->state, HAK_SLAB_PARTIAL);
  pin_for_a_while(resting);
  void* block;
  do {
    block = rig.alloc(owner, GetParam());
  } while (rig.head(block) != resting);
  EXPECT_TRUE(unpinned);
  other.join();
}

TEST_P(Purge, AReleaseWaitsForASlabThatIsPinned) {
  leave_holes(2);
  hak_slab* resting = rig.head(live.front().first);
  pin_for_a_while(resting);
  for (const auto& [block, tag] : live) ASSERT_TRUE(rig.free(owner, block));
  hak_owner_trim(owner);
  EXPECT_TRUE(unpinned);
  other.join();
}

// Fault: what a thread had freed in its current slabs stayed with it for as long as it slept.
TEST_P(Purge, OfAThreadThatSleepsLeavesTheWindowAlone) {
  leave_holes(1);
  hak_slab* current = rig.head(live.front().first);
  ASSERT_EQ(current->state, HAK_SLAB_CURRENT);
  size_t expected = free_pages() * kPage;
  hak_slab_pool_tick(&rig.pool);
  hak_slab_pool_tick(&rig.pool);
  EXPECT_EQ(purged(), 0u) << "it may have been working a moment ago";
  let_it_sleep();
  EXPECT_EQ(purged(), expected);
  EXPECT_EQ(rig.os.calls(FakeOs::kFenceThreads), 1);
  EXPECT_EQ(bin().watched & HAK_WATCH_PURGE, 0);
  expect_live_blocks_whole();
  hak_slab_pool_tick(&rig.pool);
  EXPECT_EQ(purged(), expected) << "once is enough";
  EXPECT_EQ(rig.pool.purge_more, 0u) << "nothing is left to wait for";

  // The bin says when there is something again, and after as many blocks dealt as freed the slab looks as before.
  std::vector<void*> blocks;
  for (size_t i = live.size(); i < row.capacity; i++) {
    blocks.push_back(rig.alloc(owner, GetParam()));
    ASSERT_EQ(rig.head(blocks.back()), current);
    memset(blocks.back(), 0xee, row.usable);
  }
  EXPECT_TRUE(rig.pool.purge_more != 0 || !is_more_than_a_window(current));
  expect_live_blocks_whole();
  for (void* block : blocks) ASSERT_TRUE(rig.free(owner, block));
  size_t again = free_pages() * kPage;
  let_it_sleep();
  EXPECT_EQ(purged(), expected + again);
  expect_live_blocks_whole();
}

TEST_P(Purge, LeavesCurrentSlabsAloneWithoutTheBarrier) {
  leave_holes(1);
  rig.os.fail(FakeOs::kFenceThreads, 1, FakeOs::kForever);
  EXPECT_FALSE(hak_slab_pool_purge(&rig.pool));
  EXPECT_EQ(rig.os.calls(FakeOs::kFenceThreads), 1);
  EXPECT_EQ(bin().watched & HAK_WATCH_PURGE, 0);
}

// A bin changes its slab while all slabs are looked at, so that both are looked at as its current one.
TEST_P(Purge, ABinIsWatchedUntilAllItsSlabsAreDone) {
  std::vector<std::vector<void*>> slabs;
  for (int i = 0; i < 4; i++) slabs.push_back(rig.fill_slab(owner, GetParam()));
  hak_slab* first = rig.head(slabs[0][0]);
  hak_slab* middle = rig.head(slabs[1][0]);
  hak_slab* last = rig.head(slabs[2][0]);
  if (!(first < middle && middle < last)) GTEST_SKIP() << "they are met in another order";
  if (!is_more_than_a_window(first)) GTEST_SKIP() << "its blocks are one window";
  auto empty_but_for_one = [&](const std::vector<void*>& blocks) {
    for (size_t i = 1; i < blocks.size(); i++) EXPECT_TRUE(rig.free(owner, blocks[i]));
  };
  // The first one is current; the last and then the middle one are the next.
  empty_but_for_one(slabs[0]);
  ASSERT_EQ(rig.head(rig.alloc(owner, GetParam())), first);
  empty_but_for_one(slabs[2]);
  empty_but_for_one(slabs[1]);
  bool changed = false;
  int looks = 0;
  rig.os.set_during_purge([&](uintptr_t address) {
    hak_slab* slab = rig.head(reinterpret_cast<void*>(address));
    if (slab == middle && !changed) {
      changed = true;
      while (rig.head(rig.alloc(owner, GetParam())) != last) {
      }
    } else if (slab == last && bin().current == last) {
      looks++;
      EXPECT_NE(bin().watched & HAK_WATCH_PURGE, 0);
    }
  });
  hak_slab_pool_purge(&rig.pool);
  rig.os.set_during_purge(nullptr);
  EXPECT_TRUE(changed);
  EXPECT_GT(looks, 0);
}

// Another thread has set `watched` and is at the slab: nothing is dealt of another word until it has gone on.
TEST_P(Purge, AWindowThatMovesOnWaitsForItsSlab) {
  leave_holes(1);
  hak_slab* current = rig.head(live.front().first);
  if (!is_more_than_a_window(current)) GTEST_SKIP() << "its blocks are one window";
  hak_or_seq_cst(&bin().watched, HAK_WATCH_PURGE);
  pin_for_a_while(current);
  uintptr_t before = address_of(bin().word);
  void* block;
  do {
    block = rig.alloc(owner, GetParam());
  } while (address_of(bin().word) == before);
  EXPECT_TRUE(unpinned);
  EXPECT_EQ(rig.head(block), current);
  other.join();
  rig.settle();
  rig.check();
}

TEST_P(Purge, ABlockOfAWideClassWaitsInsideTheWindowToo) {
  if (!HAK_CHECKED || !hak_class_is_wide(GetParam())) GTEST_SKIP() << "no pages go back from inside the window";
  leave_holes(1);
  hak_slab* current = rig.head(live.front().first);
  do {
    ASSERT_EQ(rig.head(rig.alloc(owner, GetParam())), current);
  } while ((*bin().word & bin().starts) == 0);
  uintptr_t before = address_of(bin().word);
  hak_or_seq_cst(&bin().watched, HAK_WATCH_PURGE);
  pin_for_a_while(current);
  EXPECT_EQ(rig.head(rig.alloc(owner, GetParam())), current);
  EXPECT_EQ(address_of(bin().word), before);
  EXPECT_TRUE(unpinned);
  other.join();
}

// It goes back and leaves nothing of the old window open, whose blocks nobody leaves alone any more.
TEST_P(Purge, AStepThatWouldHaveToWaitIsNone) {
  leave_holes(1);
  ASSERT_TRUE(hak_owner_open_window(owner, &bin()));
  while (hak_bin_take(&bin()) != nullptr) {
  }
  uint64_t* word = bin().word;
  uintptr_t base = bin().base;
  hak_or_seq_cst(&bin().watched, HAK_WATCH_PURGE);
  EXPECT_EQ(hak_bin_step(&bin()), nullptr);
  EXPECT_EQ(bin().word, word);
  EXPECT_EQ(bin().base, base);
  EXPECT_EQ(hak_bin_take(&bin()), nullptr);
  bin().watched = 0;
  bool steps = HAK_P0_BATCH_REFILL && word + 1 < bin().step_end;
  EXPECT_EQ(hak_bin_step(&bin()) != nullptr, steps);
}

INSTANTIATE_TEST_SUITE_P(EachClass, Purge, testing::Range(0u, unsigned{HAK_CLASSES}), name_of_class);

// Fault: the first step of a round that nobody had asked for, through more slabs than a step looks at, asked for the
// next.
TEST(PurgeOfManySlabs, IsOverWhenNothingIsLeft) {
  if (kFreeBlocksHaveContents) GTEST_SKIP() << "freed blocks have contents in this build";
  constexpr size_t kSlabs = 5000;
  Rig rig;
  hak_owner* owner = rig.make_owner();
  unsigned class_index = class_of_stride(1024);
  for (size_t i = 0; i < kSlabs * row_of(class_index).capacity; i++) ASSERT_NE(rig.alloc(owner, class_index), nullptr);
  for (int tick = 0; hak_slab_pool_wants_tick(&rig.pool); tick++) {
    ASSERT_LT(tick, 100);
    hak_slab_pool_tick(&rig.pool);
  }
  for (int tick = 0; tick < 4; tick++) {
    hak_slab_pool_tick(&rig.pool);
    EXPECT_FALSE(hak_slab_pool_wants_tick(&rig.pool));
  }
}

// A block and its class. The ends and the middle are enough to notice that a page has gone.
struct Marked {
  uint8_t* block = nullptr;
  unsigned class_index = 0;

  uint8_t mark() const { return static_cast<uint8_t>(address_of(block) >> 4 | 1); }
  size_t last() const { return row_of(class_index).usable - 1; }
  void write() const { block[0] = block[last() / 2] = block[last()] = mark(); }
  bool whole() const { return block[0] == mark() && block[last() / 2] == mark() && block[last()] == mark(); }
};

// Threads that allocate in waves and free each other's blocks, while another gives back whatever is free at each
// moment.
TEST(PurgeStress, LiveBlocksKeepTheirContents) {
  if (kFreeBlocksHaveContents) GTEST_SKIP() << "freed blocks have contents in this build";
  Rig rig;
  std::atomic<int> working{3};
  std::atomic<int> damaged{0};
  std::vector<std::atomic<uint8_t*>> on_the_way(500);
  auto free_whole = [&rig, &damaged](hak_owner* owner, uint8_t* block) {
    if (block == nullptr) return;
    damaged += !Marked{block, rig.head(block)->class_index}.whole();
    rig.free(owner, block);
  };
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 3; t++) {
    hak_owner* owner = rig.make_owner();
    threads.emplace_back([&rig, &working, &on_the_way, &free_whole, owner, t] {
      hak_owner_init(owner, &rig.pool, t + 1);
      Random random(t);
      const unsigned classes[] = {class_of_stride(64), class_of_stride(1024), class_of_stride(4096),
                                  class_of_stride(16384), class_of_stride(98304)};
      std::vector<Marked> slots(1000);
      for (int wave = 0; wave < 200 / kSlowdown; wave++) {
        for (Marked& slot : slots) {
          if (slot.block != nullptr) continue;
          slot.class_index = classes[random.below(100) == 0 ? 4 : random.below(4)];
          slot.block = static_cast<uint8_t*>(rig.alloc(owner, slot.class_index));
          slot.write();
        }
        bool last = wave == 200 / kSlowdown - 1;
        for (Marked& slot : slots) {
          if (!last && random.below(4) == 0) continue;
          uint8_t* block = std::exchange(slot.block, nullptr);
          bool own = random.below(2) == 0;
          free_whole(owner, own ? block : on_the_way[random.below(on_the_way.size())].exchange(block));
        }
        if (t == 0) hak_slab_pool_purge(&rig.pool);
      }
      hak_owner_abandon(owner);
      working--;
    });
  }
  while (working > 0) hak_slab_pool_purge(&rig.pool);
  for (std::thread& thread : threads) thread.join();
  for (std::atomic<uint8_t*>& block : on_the_way) free_whole(nullptr, block);
  EXPECT_EQ(damaged, 0);
  EXPECT_GT(rig.pool.purged_bytes, 0u);
}

}  // namespace
