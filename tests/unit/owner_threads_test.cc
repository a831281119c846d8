// Real threads on one slab pool: remote frees while the owner allocates, exits, and its slabs change hands. What
// matters here is what the thread sanitizer and the validators say.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "superslab/owner.h"
#include "tests/unit/rig.h"

namespace {

constexpr size_t kFilled = 64;

struct Item {
  void* block = nullptr;
  uint32_t tag = 0;
  size_t bytes = 0;
};

// Blocks on their way from one thread to another.
class Exchange {
 public:
  void put(Item item) {
    std::lock_guard<std::mutex> lock(mutex_);
    items_.push_back(item);
  }
  bool take(Item* item, size_t which) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (items_.empty()) return false;
    std::swap(items_[which % items_.size()], items_.back());
    *item = items_.back();
    items_.pop_back();
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<Item> items_;
};

class OwnerThreads : public testing::Test {
 protected:
  using Owner = std::unique_ptr<hak_owner>;

  // For the calling thread.
  Owner make_owner() {
    auto owner = std::make_unique<hak_owner>();
    hak_owner_init(owner.get(), &rig.pool, ++numbers);
    return owner;
  }
  Item make(hak_owner* owner, unsigned c, uint32_t tag) {
    Item item{rig.alloc(owner, c), tag, std::min<size_t>(row_of(c).usable, kFilled)};
    EXPECT_NE(item.block, nullptr);
    if (item.block != nullptr) fill_block(item.block, item.bytes, tag);
    return item;
  }
  void check_and_free(hak_owner* self, const Item& item) {
    EXPECT_TRUE(block_holds(item.block, item.bytes, item.tag));
    EXPECT_TRUE(rig.free(self, item.block));
  }
  void expect_nothing_left() {
    EXPECT_EQ(rig.stats().used_bytes, 0u);
    for (unsigned c = 0; c < HAK_CLASSES; c++) EXPECT_EQ(rig.pool.abandoned_count[c], 0u);
  }
  static void run(int count, const std::function<void(int)>& body) {
    std::vector<std::thread> threads;
    for (int t = 0; t < count; t++) threads.emplace_back(body, t);
    for (auto& thread : threads) thread.join();
  }

  // Owners are records that are never given back: a thread may have read one just before its slab changed hands.
  void bury(Owner owner) {
    std::lock_guard<std::mutex> lock(graveyard_mutex);
    graveyard.push_back(std::move(owner));
  }

  Rig rig;
  std::atomic<uint64_t> numbers{0};
  std::mutex graveyard_mutex;
  std::vector<Owner> graveyard;
};

TEST_F(OwnerThreads, OthersFreeWhileTheOwnerAllocatesAndExits) {
  Exchange exchange;
  std::atomic<bool> done{false};
  auto freer = [&](int t) {
    // One thread in two has an owner of its own, so that both ways of an ownerless slab are met.
    Owner self = t % 2 == 0 ? make_owner() : nullptr;
    Item item;
    for (size_t i = 0;; i++) {
      bool last = done;
      if (exchange.take(&item, i * 7)) {
        check_and_free(self.get(), item);
      } else if (last) {
        break;
      } else {
        std::this_thread::yield();
      }
    }
    if (self == nullptr) return;
    hak_owner_abandon(self.get());
    bury(std::move(self));
  };
  auto owner_thread = [&] {
    for (uint32_t life = 0; life < 12 / kSlowdown + 2; life++) {
      Owner self = make_owner();
      Random random(life);
      for (uint32_t i = 0; i < 4000; i++) {
        unsigned c = static_cast<unsigned>(random.below(4)) * 7;
        exchange.put(make(self.get(), c, i));
        if (i % 500 == 0) hak_owner_check(self.get());
      }
      hak_owner_abandon(self.get());
      bury(std::move(self));
    }
    done = true;
  };
  std::thread owner(owner_thread);
  run(4, freer);
  owner.join();
  expect_nothing_left();
}

TEST_F(OwnerThreads, EveryThreadFreesWhatAnyThreadAllocated) {
  Exchange exchange;
  run(4, [&](int t) {
    Owner self = make_owner();
    Random random(static_cast<uint64_t>(t) + 1);
    for (uint32_t i = 0; i < 20000 / kSlowdown; i++) {
      Item item;
      if (random.below(2) == 0) {
        exchange.put(make(self.get(), static_cast<unsigned>(random.below(HAK_CLASSES - 10)), i));
      } else if (exchange.take(&item, random.below(1000))) {
        check_and_free(self.get(), item);
      }
      if (random.below(500) == 0) hak_owner_check(self.get());
      if (random.below(1000) == 0) hak_owner_trim(self.get());
      if (random.below(2000) == 0) {
        hak_owner_abandon(self.get());
        hak_owner_init(self.get(), &rig.pool, ++numbers);
      }
    }
    hak_owner_abandon(self.get());
    bury(std::move(self));
  });
  Item item;
  while (exchange.take(&item, 0)) check_and_free(nullptr, item);
  expect_nothing_left();
}

TEST_F(OwnerThreads, OfManyThreadsThatFreeABlockOneSucceeds) {
  Owner owner = make_owner();
  constexpr int kThreads = 4;
  constexpr size_t kBlocks = 500;
  std::vector<void*> blocks;
  for (size_t i = 0; i < kBlocks; i++) blocks.push_back(rig.alloc(owner.get(), 3));
  // Keeps the slab from going away under the late ones.
  std::vector<void*> keep = {rig.alloc(owner.get(), 3)};
  std::array<std::atomic<int>, kBlocks> freed{};
  run(kThreads, [&](int) {
    for (size_t i = 0; i < kBlocks; i++) {
      hak_cell* cell = rig.cell(blocks[i]);
      freed[i] += hak_slab_free_remote(&rig.pool, nullptr, cell, address_of(blocks[i]));
    }
  });
  for (size_t i = 0; i < kBlocks; i++) EXPECT_EQ(freed[i], 1);
  hak_owner_drain(owner.get());
  hak_owner_check(owner.get());
  EXPECT_EQ(owner->counters.remote_blocks, kBlocks);
  ASSERT_TRUE(rig.free(owner.get(), keep[0]));
  hak_owner_abandon(owner.get());
  expect_nothing_left();
}

TEST_F(OwnerThreads, AbandonedSlabsAreAdoptedByOneThreadOnly) {
  for (int round = 0; round < 30 / kSlowdown + 1; round++) {
    std::vector<Item> items;
    {
      Owner first = make_owner();
      std::vector<Item> gone;
      for (uint32_t i = 0; i < 3000; i++) (i % 5 == 0 ? items : gone).push_back(make(first.get(), 9, i));
      for (const Item& item : gone) check_and_free(first.get(), item);
      hak_owner_abandon(first.get());
      bury(std::move(first));
    }
    Exchange made;
    std::atomic<size_t> next{0};
    run(4, [&](int t) {
      Owner self = make_owner();
      for (uint32_t i = 0; i < 1000; i++) {
        Item item = make(self.get(), 9, static_cast<uint32_t>(t) * 10000 + i);
        size_t at = next++;
        if (at < items.size()) check_and_free(self.get(), items[at]);
        made.put(item);
      }
      hak_owner_check(self.get());
      hak_owner_abandon(self.get());
      bury(std::move(self));
    });
    Item item;
    while (made.take(&item, 0)) check_and_free(nullptr, item);
    expect_nothing_left();
  }
}

}  // namespace
