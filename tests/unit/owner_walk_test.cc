// Random walks over everything that owners can do, against a model of which blocks are live and what they hold.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "superslab/owner.h"
#include "tests/unit/rig.h"

namespace {

struct Block {
  void* address;
  uint32_t tag;
  unsigned class_index;
};

class Walk {
 public:
  Walk(std::vector<unsigned> classes, uint64_t seed) : classes_(std::move(classes)), random_(seed) {
    for (int i = 0; i < 3; i++) owners_.push_back(rig_.make_owner());
  }

  void run(int steps) {
    size_t target = 100;
    for (int step = 0; step < steps && !testing::Test::HasFailure(); step++) {
      // The load swells and shrinks, so that slabs fill up and empty.
      if (step % 1000 == 0) target = 20 + random_.below(3000);
      if (blocks_.size() < target ? random_.below(10) < 7 : random_.below(10) < 3) {
        alloc();
      } else {
        free();
      }
      if (random_.below(100) == 0) rare();
      if (random_.below(200) == 0) compare();
    }
    finish();
  }

 private:
  hak_owner* any_owner() { return owners_[random_.below(owners_.size())]; }

  void alloc() {
    unsigned c = classes_[random_.below(classes_.size())];
    Block block{rig_.alloc(any_owner(), c), next_tag_++, c};
    if (random_.below(200) == 0) rig_.os.heal();
    if (block.address == nullptr) return;
    ASSERT_EQ(address_of(block.address) % HAK_ALIGNMENT, 0u);
    ASSERT_EQ(rig_.head(block.address)->class_index, c);
    fill_block(block.address, filled(c), block.tag);
    blocks_.push_back(block);
  }

  void free() {
    if (blocks_.empty()) return;
    size_t at = random_.below(blocks_.size());
    Block block = blocks_[at];
    blocks_[at] = blocks_.back();
    blocks_.pop_back();
    ASSERT_TRUE(block_holds(block.address, filled(block.class_index), block.tag));
    // Most often its owner, as in programs; also others, and threads that never had an owner.
    hak_owner* who = rig_.head(block.address)->owner;
    if (random_.below(3) == 0) who = any_owner();
    if (random_.below(10) == 0) who = nullptr;
    bool known = false;
    for (hak_owner* owner : owners_) known = known || owner == who;
    ASSERT_TRUE(rig_.free(known ? who : nullptr, block.address));
    ASSERT_FALSE(rig_.free(any_owner(), block.address)) << "a double free";
  }

  void rare() {
    hak_owner* owner = any_owner();
    switch (random_.below(6)) {
      case 0:
        hak_owner_drain(owner);
        break;
      case 1:
        hak_owner_trim(owner);
        break;
      case 2:
        hak_owner_abandon(owner);
        hak_owner_init(owner, &rig_.pool, 1);
        break;
      case 3:
        hak_arena_tick(&rig_.arena);
        break;
      case 4:
        hak_arena_purge(&rig_.arena);
        break;
      default:
        // A guard that cannot be opened again is fatal.
        rig_.os.fail(random_.below(2) == 0 && !HAK_GUARD_UNITS ? FakeOs::kCommit : FakeOs::kReserve, 1, 3);
        break;
    }
  }

  // Every slab has as many live blocks as the model has in it, and the arena has no units but those of these slabs and
  // of empty ones.
  void compare() {
    rig_.check();
    rig_.settle();
    std::map<hak_slab*, uint32_t> live;
    for (const Block& block : blocks_) live[rig_.head(block.address)]++;
    uint64_t units = 0;
    for (const auto& [head, count] : live) {
      ASSERT_EQ(head->kind, HAK_CELL_SLAB);
      ASSERT_EQ(hak_slab_count_live(head) - hak_slab_count_remote(head), count);
      units += units_in_arena(hak_slab_class(head)->units);
    }
    ASSERT_GE(rig_.stats().used_bytes, units * HAK_UNIT_BYTES);
  }

  void finish() {
    rig_.os.heal();
    compare();
    while (!blocks_.empty() && !testing::Test::HasFailure()) free();
    for (hak_owner* owner : owners_) hak_owner_abandon(owner);
    EXPECT_EQ(rig_.stats().used_bytes, 0u);
    for (unsigned c = 0; c < HAK_CLASSES; c++) EXPECT_EQ(rig_.pool.abandoned_count[c], 0u);
    hak_arena_purge(&rig_.arena);
    EXPECT_EQ(rig_.stats().dirty_bytes, 0u);
  }

  // The ends of a large block tell enough.
  static size_t filled(unsigned c) { return std::min<size_t>(row_of(c).usable, 256); }

  Rig rig_;
  std::vector<unsigned> classes_;
  std::vector<hak_owner*> owners_;
  std::vector<Block> blocks_;
  Random random_;
  uint32_t next_tag_ = 0;
};

class OwnerWalk : public testing::TestWithParam<int> {};

TEST_P(OwnerWalk, OneSmallClass) { Walk({0}, static_cast<uint64_t>(GetParam())).run(20000 / kSlowdown); }

TEST_P(OwnerWalk, ClassesOfEveryNumberOfGrains) {
  Walk({class_of_stride(64), class_of_stride(48), class_of_stride(80), class_of_stride(112)},
       static_cast<uint64_t>(GetParam()))
      .run(20000 / kSlowdown);
}

TEST_P(OwnerWalk, LargeClasses) {
  Walk({class_of_stride(1024), class_of_stride(1280), class_of_stride(8192), class_of_stride(57344)},
       static_cast<uint64_t>(GetParam()))
      .run(10000 / kSlowdown);
}

TEST_P(OwnerWalk, AllClasses) {
  std::vector<unsigned> all;
  for (unsigned c = 0; c < HAK_CLASSES; c++) all.push_back(c);
  Walk(all, static_cast<uint64_t>(GetParam())).run(20000 / kSlowdown);
}

INSTANTIATE_TEST_SUITE_P(Seeds, OwnerWalk, testing::Range(1, 6));

}  // namespace
