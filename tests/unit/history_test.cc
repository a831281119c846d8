// Each fault that the history of this design is known for, held by a test that fails without its guard. The tests run
// on the whole allocator where the fault could be seen there, else on the layer that has the guard.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "frontend/hakmem.h"
#include "tests/unit/heap.h"
#include "tests/unit/rig.h"

namespace {

struct Block {
  uint8_t* bytes;
  size_t size;
  uint8_t tag;
};

Block make(size_t size, uint8_t tag) {
  auto* bytes = static_cast<uint8_t*>(hak_malloc(size));
  EXPECT_NE(bytes, nullptr);
  memset(bytes, tag, size);
  return {bytes, size, tag};
}

// Every byte is as it was written.
bool is_whole(const Block& block) {
  return block.bytes[0] == block.tag && memcmp(block.bytes, block.bytes + 1, block.size - 1) == 0;
}

// Writes, all over the block, the byte that the headers of its class have.
void write_headers(uint8_t* block, size_t size, unsigned c) {
  memset(block, HAK_HEADER_LIVE | static_cast<int>(c), size);
}

void expect_whole_and_free(const Block& block) {
  ASSERT_TRUE(is_whole(block)) << "a block of " << block.size << " bytes was written over";
  hak_free(block.bytes);
}

class History : public testing::Test {
 protected:
  static void SetUpTestSuite() { switch_helper_off(); }
};
using HistoryDeathTest = History;

// Fault: the carve and the first capacity of a slab used the bare class size while allocation wrote headers; blocks
// overran the slab and the free lists broke after about 100,000 iterations. All of a block is written, so that a stride
// too small by one byte shows.
TEST_F(History, EveryByteOfEveryClassIsTheBlocksOwnFor100000Iterations) {
  for (unsigned first = 0; first < kSlabClasses; first += 4) {
    Random random(first + 1);
    unsigned classes = std::min(4u, kSlabClasses - first);
    std::vector<Block> live;
    int iterations = (row_of(first).stride <= HAK_TINY_MAX_BYTES ? 100000 : 10000) / kSlowdown;
    for (int i = 0; i < iterations; i++) {
      if (live.size() < 300 && random.below(2) == 0) {
        unsigned c = first + static_cast<unsigned>(random.below(classes));
        live.push_back(make(largest_of(row_of(c)), static_cast<uint8_t>(i)));
      } else if (!live.empty()) {
        std::swap(live[random.below(live.size())], live.back());
        expect_whole_and_free(live.back());
        live.pop_back();
        if (HasFatalFailure()) return;
      }
    }
    for (const Block& block : live) expect_whole_and_free(block);
  }
}

// Fault: carve past the usable bytes of a slab.
TEST_F(History, SlabsThatAreFullToTheLastBlockDoNotReachIntoOneAnother) {
  for (unsigned c = 0; c < kSlabClasses; c++) {
    const hak_size_class& row = row_of(c);
    std::vector<Block> blocks;
    for (uint32_t i = 0; i < 3 * row.capacity; i++) blocks.push_back(make(largest_of(row), static_cast<uint8_t>(i)));
    std::vector<hak_slab_info> slabs = all_slabs();
    for (const Block& block : blocks) {
      auto start = address_of(block.bytes);
      bool inside = false;
      for (const hak_slab_info& slab : slabs) {
        inside = inside || (start >= slab.address && start + row.usable <= slab.address + slab.bytes);
      }
      ASSERT_TRUE(inside) << row.stride;
    }
    for (const Block& block : blocks) expect_whole_and_free(block);
    hak_trim();
  }
}

// Fault: the two ways of refill, by batch and one by one, disagreed on the stride. This file runs with both.
TEST_F(History, BlocksOfBothWaysOfRefillLieOnTheStrideOfTheTable) {
  for (unsigned c = 0; c < kSlabClasses; c++) {
    const hak_size_class& row = row_of(c);
    std::set<uintptr_t> seen;
    std::vector<void*> blocks;
    for (uint32_t i = 0; i < row.capacity + 1; i++) blocks.push_back(hak_malloc(largest_of(row)));
    hak_slab_info slab = slab_of(blocks[0]);
    for (void* block : blocks) {
      uintptr_t address = address_of(block);
      ASSERT_TRUE(seen.insert(address).second);
      if (address < slab.address || address >= slab.address + slab.bytes) slab = slab_of(block);
      uintptr_t offset = address - slab.address;
      ASSERT_GE(offset, row.first);
      ASSERT_EQ((offset - row.first) % row.stride, 0u) << row.stride;
      ASSERT_LT((offset - row.first) / row.stride, row.capacity);
    }
    for (void* block : blocks) hak_free(block);
  }
}

// Fault: the sentinel at the end of the remote list, or a node of another owner, was spliced into the owner's free
// list.
TEST(HistoryOfDrain, TheSentinelAndForeignNodesAreNeverTakenForOwnSlabs) {
  Rig rig;
  hak_owner* owner = rig.make_owner();
  hak_owner* other = rig.make_owner();
  void* mine = rig.alloc(owner, 3);
  void* theirs = rig.alloc(other, 3);
  void* released = rig.alloc(owner, 4);
  ASSERT_TRUE(rig.free(other, mine));
  ASSERT_TRUE(rig.free(owner, theirs));
  hak_slab* sentinel = rig.head(mine)->remote_next;
  hak_slab before = *sentinel;
  ASSERT_TRUE(rig.free(owner, released));
  // One list with all that may be met in it: a slab that is gone, one of another owner, one of our own, the end.
  hak_slab* gone = rig.head(released);
  owner->remote_slabs = nullptr;
  hak_owner_trim(owner);
  ASSERT_EQ(gone->kind, HAK_CELL_NONE);
  other->remote_slabs = nullptr;
  gone->remote_next = rig.head(theirs);
  rig.head(theirs)->remote_next = rig.head(mine);
  rig.head(mine)->remote_next = sentinel;
  owner->remote_slabs = gone;
  hak_owner_drain(owner);
  rig.check();
  EXPECT_EQ(memcmp(&before, sentinel, sizeof before), 0) << "nobody writes to the sentinel";
  EXPECT_EQ(gone->kind, HAK_CELL_NONE);
  EXPECT_EQ(hak_slab_count_remote(rig.head(mine)), 0u);
  EXPECT_EQ(hak_slab_count_remote(rig.head(theirs)), 1u) << "left for its owner";
  EXPECT_EQ(other->remote_slabs, rig.head(theirs));
  // What comes out of the owner's bin afterwards are blocks of its own slabs.
  for (int i = 0; i < 5000; i++) {
    void* block = rig.alloc(owner, 3);
    ASSERT_NE(rig.head(block), sentinel);
    ASSERT_EQ(rig.head(block)->owner, owner);
  }
}

// Fault: an arena that grew unmapped its old chunk while the program still held blocks in it; the mid-size benchmark
// crashed between 150 and 200 iterations (1 thread, working set 256, seed 42).
TEST_F(History, TheMidSizeLoadOf256BlocksSeed42RunsFor50000Iterations) {
  Random random(42);
  std::vector<Block> set(256, Block{nullptr, 0, 0});
  for (int i = 0; i < 50000; i++) {
    Block& slot = set[random.below(set.size())];
    if (slot.bytes != nullptr) {
      expect_whole_and_free(slot);
      if (HasFatalFailure()) return;
    }
    slot = make(8192 + random.below(52 * 1024 - 8192), static_cast<uint8_t>(i));
  }
  for (const Block& block : set) {
    if (block.bytes != nullptr) expect_whole_and_free(block);
  }
}

TEST(HistoryOfGrowth, RegionsWithALiveRunAreNeverReleased) {
  Rig rig;
  std::vector<uintptr_t> runs;
  auto write = [](uintptr_t run, uint8_t tag) { memset(reinterpret_cast<void*>(run), tag, HAK_UNIT_BYTES); };
  // Several regions, one after the other full; then all but one unit of each is free.
  while (rig.stats().reserved_bytes < 40 * HAK_CHUNK_BYTES) runs.push_back(rig.alloc_run(1));
  for (uintptr_t run : runs) ASSERT_TRUE(rig.os.is_reserved(run, HAK_UNIT_BYTES));
  std::vector<uintptr_t> kept;
  for (size_t i = 0; i < runs.size(); i++) {
    if (i % 1000 == 0) {
      kept.push_back(runs[i]);
      write(runs[i], static_cast<uint8_t>(i / 1000 + 1));
    } else {
      hak_arena_free(&rig.arena, runs[i], 1);
    }
  }
  // Address space runs out while a run longer than all holes is wanted: what is held for nothing may go, no more.
  rig.os.set_reserve_budget(rig.os.reserved_bytes());
  EXPECT_EQ(rig.alloc_run(5000), 0u);
  hak_arena_purge(&rig.arena);
  for (size_t i = 0; i < kept.size(); i++) {
    ASSERT_TRUE(rig.os.is_reserved(kept[i], HAK_UNIT_BYTES));
    ASSERT_EQ(*reinterpret_cast<uint8_t*>(kept[i]), i + 1);
    ASSERT_NE(hak_map_find(&rig.map, kept[i]), nullptr);
    hak_arena_free(&rig.arena, kept[i], 1);
  }
  EXPECT_EQ(rig.stats().used_bytes, 0u);
}

// Fault: a thread's chunks went when the thread went, while another thread still held blocks in them.
TEST_F(History, BlocksOfAThreadThatIsGoneAreWhole) {
  for (int round = 0; round < 10; round++) {
    std::vector<Block> blocks;
    std::thread([&] {
      std::vector<Block> own;
      for (int i = 0; i < 400; i++) {
        Block block = make(i % 2 == 0 ? 100 : 8192 + static_cast<size_t>(i) * 100, static_cast<uint8_t>(i));
        (i % 4 < 2 ? blocks : own).push_back(block);
      }
      for (const Block& block : own) expect_whole_and_free(block);
    }).join();
    hak_trim();
    // New threads take what is free now, and write to it.
    std::thread([] {
      std::vector<Block> own;
      for (int i = 0; i < 400; i++) own.push_back(make(i % 2 == 0 ? 100 : 20000, 0xee));
      for (const Block& block : own) expect_whole_and_free(block);
    }).join();
    for (const Block& block : blocks) {
      ASSERT_TRUE(hak_owns(block.bytes));
      expect_whole_and_free(block);
    }
  }
  hak_trim();
  EXPECT_EQ(counter("live_bytes"), 0u) << "and none is lost";
}

// Fault: a mincore for each free.
TEST(HistoryOfSystemCalls, FreesAskTheKernelForNothing) {
  if (HAK_GUARD_UNITS) GTEST_SKIP() << "guards are closed and opened by the kernel";
  Rig rig;
  hak_owner* owner = rig.make_owner();
  hak_owner* other = rig.make_owner();
  auto load = [&] {
    for (unsigned c = 0; c < HAK_CLASSES; c += 3) {
      std::vector<void*> blocks;
      for (int i = 0; i < 500; i++) blocks.push_back(rig.alloc(owner, c));
      for (size_t i = 0; i < blocks.size(); i++) ASSERT_TRUE(rig.free(i % 3 == 0 ? other : owner, blocks[i]));
    }
  };
  for (int i = 0; i < 10; i++) load(); /* until every slab that the load needs is there */
  int before = rig.os.all_calls() - rig.os.calls(FakeOs::kClock);
  for (int i = 0; i < 10; i++) load();
  EXPECT_EQ(rig.os.all_calls() - rig.os.calls(FakeOs::kClock), before);
}

TEST(HistoryOfSystemCalls, FreesOfEveryClassAskTheKernelForNothing) {
  if (HAK_GUARD_UNITS) GTEST_SKIP() << "guards are opened by the kernel";
  Rig rig;
  hak_owner* owner = rig.make_owner();
  hak_owner* other = rig.make_owner();
  auto calls = [&] { return rig.os.all_calls() - rig.os.calls(FakeOs::kClock); };
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    std::vector<void*> blocks;
    for (int i = 0; i < 500; i++) blocks.push_back(rig.alloc(owner, c));
    int before = calls();
    for (size_t i = 0; i < blocks.size(); i++) ASSERT_TRUE(rig.free(i % 3 == 0 ? other : owner, blocks[i]));
    EXPECT_EQ(calls(), before) << row_of(c).stride;
  }
  bool zeroed;
  void* large = hak_large_alloc(&rig.arena, 1 << 19, HAK_UNIT_BYTES, &zeroed);
  int before = calls();
  EXPECT_TRUE(hak_large_free(&rig.arena, rig.cell(large)));
  EXPECT_EQ(calls(), before);
}

TEST_F(HistoryDeathTest, MallocAndFreeRunWhereEverySystemCallIsForbidden) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer's run time makes system calls of its own";
#endif
  use_every_class();  // none gets its first slab later
  std::vector<void*> blocks(3000);
  auto load = [&] {
    for (size_t i = 0; i < blocks.size(); i++) blocks[i] = hak_malloc(i % 1500);
    for (void* block : blocks) hak_free(block);
  };
  load();
  EXPECT_EXIT(
      {
        load();
        // Nothing but read, write and exit from here on; anything else is SIGKILL.
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) syscall(SYS_exit, 3);
        for (int i = 0; i < 50; i++) load();
        syscall(SYS_exit, 0);
      },
      testing::ExitedWithCode(0), "");
}

// Fault: the header before a pointer was read before it was known whose memory that is.
TEST_F(HistoryDeathTest, APointerBehindAnUnmappedPageIsNamedWithoutALookAtTheByteBeforeIt) {
  if (!HAK_CHECKED) GTEST_SKIP() << "the fast build trusts its pointers";
  void* keep = hak_malloc(1);
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* mapped = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  auto* foreign = static_cast<char*>(mapped) + page;
  ASSERT_EQ(munmap(mapped, page), 0);
  EXPECT_FALSE(hak_owns(foreign));
  EXPECT_FATAL_LINE(hak_free(foreign), "invalid free of " + hex(foreign) + ": not a pointer of this allocator");
  EXPECT_FATAL_LINE(hak_realloc(foreign, 1),
                    "invalid realloc of " + hex(foreign) + ": not a pointer of this allocator");
  munmap(foreign, page);
  hak_free(keep);
}

TEST_F(HistoryDeathTest, TheFirstByteOfASlabIsNotReadBackwards) {
  if (!HAK_CHECKED) GTEST_SKIP() << "the fast build trusts its pointers";
  if (!HAK_HEADER_CLASSIDX) GTEST_SKIP() << "a block begins there in this build";
  // The first slab of the process lies at the start of its region; the byte before it is nobody's.
  for (unsigned c = 0; c + 1 < HAK_TINY_CLASSES; c++) {
    void* block = hak_malloc(largest_of(row_of(c)));
    hak_slab_info slab = slab_of(block);
    auto* start = reinterpret_cast<void*>(slab.address);
    EXPECT_FATAL_LINE(hak_free(start),
                      "invalid free of " + hex(start) + ": no live block begins there" + described(slab));
    hak_free(block);
  }
}

TEST_F(HistoryDeathTest, UserDataThatLookLikeAHeaderAreNotTakenForOne) {
  if (!HAK_CHECKED) GTEST_SKIP() << "the fast build trusts its pointers";
  for (unsigned c = 3; c + 1 < HAK_TINY_CLASSES; c++) {
    auto* block = static_cast<uint8_t*>(hak_malloc(largest_of(row_of(c))));
    write_headers(block, largest_of(row_of(c)), c);
    size_t grain = size_t{1} << row_of(c).shift;
    for (size_t inside = 16; inside < row_of(c).usable; inside += grain) {
      EXPECT_FATAL_LINE(hak_free(block + inside), "invalid free of " + hex(block + inside) + ": inside block " +
                                                      hex(block) + described(slab_of(block)));
    }
    hak_free(block);
  }
}

// Fault: a combination of toggles that nobody built. The matrix is built elsewhere; here the core shows that it was
// built with the toggles that this test was built with.
TEST_F(History, TheCoreHasTheTogglesOfThisBuild) {
  for (int toggle : {HAK_POOL_TLS, HAK_HEADER_CLASSIDX, HAK_AGGRESSIVE_INLINE, HAK_PREWARM_TLS, HAK_P0_BATCH_REFILL}) {
    EXPECT_TRUE(toggle == 0 || toggle == 1);
  }
  EXPECT_GE(HAK_CHECK_LEVEL, 0);
  EXPECT_LE(HAK_CHECK_LEVEL, 3);
  EXPECT_EQ(row_of(0).header != 0, HAK_HEADER_CLASSIDX == 1);
  hak_trim();
  uint64_t large = counter("large_bytes");
  void* mid = hak_malloc(20000);
  EXPECT_EQ(counter("large_bytes") > large, HAK_POOL_TLS == 0) << "without the pool a mid-size block is a run";
  hak_free(mid);
  std::atomic<uint64_t> attached{0};
  std::thread([&] {
    uint64_t before = counter("slabs_attached");
    hak_free(hak_malloc(1));
    attached = counter("slabs_attached") - before;
  }).join();
  EXPECT_EQ(attached > 10, HAK_PREWARM_TLS == 1) << "a prewarmed thread has a slab of every tiny class at once";
}

}  // namespace
