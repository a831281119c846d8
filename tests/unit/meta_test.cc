// base/meta.h
#include "base/meta.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "tests/unit/rig.h"

namespace {

class Meta : public testing::Test {
 protected:
  Meta() { hak_meta_init(&meta, os.table()); }

  uint8_t* alloc(size_t bytes, hak_meta_kind kind = HAK_META_OTHER) {
    return static_cast<uint8_t*>(hak_meta_alloc(&meta, kind, bytes));
  }
  void free(uint8_t* record, size_t bytes) { hak_meta_free(&meta, HAK_META_OTHER, record, bytes); }

  static bool is_zero(const uint8_t* record, size_t bytes) {
    return std::all_of(record, record + bytes, [](uint8_t b) { return b == 0; });
  }

  FakeOs os;
  hak_meta meta;
};

TEST_F(Meta, RecordsOfEverySizeAreZeroedAlignedAndApart) {
  std::vector<uint8_t*> records;
  constexpr size_t kStep = 61;
  for (size_t bytes = 1; bytes <= HAK_META_MAX_BYTES; bytes += kStep) {
    uint8_t* record = alloc(bytes);
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(address_of(record) % HAK_META_GRAIN, 0u);
    EXPECT_TRUE(is_zero(record, bytes));
    fill_block(record, bytes, static_cast<uint32_t>(records.size()));
    records.push_back(record);
  }
  for (size_t i = 0; i < records.size(); i++) {
    EXPECT_TRUE(block_holds(records[i], 1 + i * kStep, static_cast<uint32_t>(i)));
  }
}

TEST_F(Meta, AFreedRecordIsUsedAgainAndZeroedFirst) {
  uint8_t* record = alloc(200);
  memset(record, 0xff, 200);
  free(record, 200);
  EXPECT_EQ(alloc(200), record);
  EXPECT_TRUE(is_zero(record, 200));
}

TEST_F(Meta, ABodyHasAShadowThatIsClearedWithIt) {
  constexpr size_t kBytes = 4096;
  std::vector<uint8_t*> records;
  for (uint32_t i = 0; i < 2 * HAK_META_SHADOW / kBytes; i++) {
    uint8_t* record = alloc(kBytes, HAK_META_BODY);
    EXPECT_TRUE(is_zero(record + HAK_META_SHADOW, kBytes));
    fill_block(record, kBytes, i);
    fill_block(record + HAK_META_SHADOW, kBytes, i + 1000);
    records.push_back(record);
  }
  for (uint32_t i = 0; i < records.size(); i++) {
    EXPECT_TRUE(block_holds(records[i], kBytes, i));
    EXPECT_TRUE(block_holds(records[i] + HAK_META_SHADOW, kBytes, i + 1000)) << "it is nobody else's memory";
  }
  hak_meta_free(&meta, HAK_META_BODY, records[5], kBytes);
  ASSERT_EQ(alloc(kBytes, HAK_META_BODY), records[5]);
  EXPECT_TRUE(is_zero(records[5], kBytes));
  EXPECT_TRUE(is_zero(records[5] + HAK_META_SHADOW, kBytes));
}

TEST_F(Meta, ARecordIsUsedAgainForItsOwnSizeOnly) {
  uint8_t* record = alloc(256);
  free(record, 256);
  for (size_t bytes = 1; bytes <= 512; bytes++) {
    if ((bytes + 63) / 64 == 256 / 64) continue;
    EXPECT_NE(alloc(bytes), record) << bytes;
  }
  EXPECT_EQ(alloc(193), record);
}

TEST_F(Meta, ARecordIsUsedAgainForItsOwnKindOnly) {
  for (int freed = 0; freed < HAK_META_KINDS; freed++) {
    auto kind = static_cast<hak_meta_kind>(freed);
    uint8_t* record = alloc(320, kind);
    hak_meta_free(&meta, kind, record, 320);
    for (int other = 0; other < HAK_META_KINDS; other++) {
      if (other == freed) continue;
      EXPECT_NE(alloc(320, static_cast<hak_meta_kind>(other)), record);
    }
    EXPECT_EQ(alloc(320, kind), record);
  }
}

TEST_F(Meta, TheLastFreedComesFirst) {
  uint8_t* a = alloc(64);
  uint8_t* b = alloc(64);
  free(a, 64);
  free(b, 64);
  EXPECT_EQ(alloc(64), b);
  EXPECT_EQ(alloc(64), a);
}

TEST_F(Meta, OneMappingServesManyRecords) {
  for (int i = 0; i < 1000; i++) ASSERT_NE(alloc(64), nullptr);
  EXPECT_EQ(os.calls(FakeOs::kReserve), 1);
  EXPECT_EQ(os.calls(FakeOs::kCommit), 1);
  EXPECT_EQ(meta.mapped_bytes, os.reserved_bytes());
}

TEST_F(Meta, MoreMappingsComeWhenOneIsUsedUp) {
  std::set<uint8_t*> records;
  for (int i = 0; i < 200; i++) {
    uint8_t* record = alloc(HAK_META_MAX_BYTES);
    ASSERT_NE(record, nullptr);
    memset(record, 1, HAK_META_MAX_BYTES);
    EXPECT_TRUE(records.insert(record).second);
  }
  EXPECT_GT(os.calls(FakeOs::kReserve), 1);
  EXPECT_EQ(meta.mapped_bytes, os.reserved_bytes());
}

TEST_F(Meta, NothingIsEverGivenBack) {
  std::vector<uint8_t*> records;
  for (int i = 0; i < 100; i++) records.push_back(alloc(HAK_META_MAX_BYTES));
  for (uint8_t* record : records) free(record, HAK_META_MAX_BYTES);
  EXPECT_EQ(os.calls(FakeOs::kRelease), 0);
}

TEST_F(Meta, WithoutAddressSpaceThereIsNoRecordUntilThereIsSome) {
  os.fail(FakeOs::kReserve);
  EXPECT_EQ(alloc(64), nullptr);
  EXPECT_EQ(meta.mapped_bytes, 0u);
  EXPECT_NE(alloc(64), nullptr);
}

TEST_F(Meta, WithoutMemoryTheAddressSpaceGoesBack) {
  os.fail(FakeOs::kCommit);
  EXPECT_EQ(alloc(64), nullptr);
  EXPECT_EQ(os.reserved_bytes(), 0u);
  EXPECT_EQ(meta.mapped_bytes, 0u);
  EXPECT_NE(alloc(64), nullptr);
}

TEST_F(Meta, FreedRecordsServeWhenTheKernelGivesNoMore) {
  uint8_t* record = alloc(4096);
  free(record, 4096);
  os.fail(FakeOs::kReserve, 1, FakeOs::kForever);
  EXPECT_EQ(alloc(4096), record);
  while (alloc(HAK_META_MAX_BYTES) != nullptr) {
  }
  EXPECT_EQ(alloc(HAK_META_MAX_BYTES), nullptr);
}

TEST_F(Meta, ThreadsGetRecordsOfTheirOwn) {
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; t++) {
    threads.emplace_back([this, t] {
      for (uint32_t i = 0; i < 2000; i++) {
        size_t bytes = 64 + 64 * (i % 5);
        uint8_t* a = alloc(bytes);
        uint8_t* b = alloc(bytes);
        fill_block(a, bytes, t);
        fill_block(b, bytes, t + 100);
        EXPECT_TRUE(block_holds(a, bytes, t));
        free(a, bytes);
        EXPECT_TRUE(block_holds(b, bytes, t + 100));
        free(b, bytes);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
