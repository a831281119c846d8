// base/bits.h
#include "base/bits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <bitset>
#include <thread>
#include <vector>

#include "tests/unit/rig.h"

namespace {

TEST(Bits, AlignDownGoesToTheMultipleBelow) {
  EXPECT_EQ(hak_align_down(0, 16), 0u);
  EXPECT_EQ(hak_align_down(15, 16), 0u);
  EXPECT_EQ(hak_align_down(16, 16), 16u);
  EXPECT_EQ(hak_align_down(65537, 65536), 65536u);
  EXPECT_EQ(hak_align_down(UINTPTR_MAX, 4096), UINTPTR_MAX - 4095);
}

TEST(Bits, AlignUpGoesToTheMultipleAbove) {
  EXPECT_EQ(hak_align_up(0, 16), 0u);
  EXPECT_EQ(hak_align_up(1, 16), 16u);
  EXPECT_EQ(hak_align_up(16, 16), 16u);
  EXPECT_EQ(hak_align_up(65537, 65536), 131072u);
}

TEST(Bits, AlignUpOfTheLastBytesWrapsToZero) { EXPECT_EQ(hak_align_up(UINTPTR_MAX, 4096), 0u); }

TEST(Bits, PowersOfTwoAreFound) {
  EXPECT_FALSE(hak_is_power_of_two(0));
  for (unsigned i = 0; i < 64; i++) {
    size_t power = size_t{1} << i;
    EXPECT_TRUE(hak_is_power_of_two(power));
    if (power > 2) {
      EXPECT_FALSE(hak_is_power_of_two(power - 1));
      EXPECT_FALSE(hak_is_power_of_two(power + 1));
    }
  }
}

TEST(Bits, LowestBitsAreFoundInEveryPlace) {
  for (unsigned low = 0; low < 64; low++) {
    for (unsigned high = low; high < 64; high++) {
      uint64_t word = (UINT64_C(1) << low) | (UINT64_C(1) << high);
      EXPECT_EQ(hak_lowest_bit(word), low);
      EXPECT_EQ(hak_lowest_bit_index(word), low);
      EXPECT_EQ(hak_count_bits(word), low == high ? 1u : 2u);
    }
  }
}

TEST(Bits, TheLowestBitIsFoundOrMissed) {
  uint64_t index = 99;
  uint64_t word = 0;
  EXPECT_FALSE(hak_lowest_bit_of(word, &index));
  for (unsigned low = 0; low < 64; low++) {
    word = ~UINT64_C(0) << low;
    EXPECT_TRUE(hak_lowest_bit_of(word, &index));
    EXPECT_EQ(index, low);
  }
}

TEST(Bits, BitsAreCounted) {
  Random random(2);
  for (int i = 0; i < 1000; i++) {
    uint64_t word = random.next() & random.next();
    EXPECT_EQ(hak_count_bits(word), std::bitset<64>(word).count());
  }
  EXPECT_EQ(hak_count_bits(~UINT64_C(0)), 64u);
}

TEST(Bits, LowMaskHasAsManyBitsAsAskedFor) {
  for (unsigned n = 0; n <= 64; n++) EXPECT_EQ(hak_count_bits(hak_low_mask(n)), n);
  EXPECT_EQ(hak_low_mask(0), 0u);
  EXPECT_EQ(hak_low_mask(3), 7u);
  EXPECT_EQ(hak_low_mask(64), ~UINT64_C(0));
}

TEST(Bits, ABitArrayRemembersEachBitAlone) {
  constexpr size_t kWords = 5;
  uint64_t words[kWords] = {};
  uintptr_t bits = address_of(words);
  std::bitset<kWords * 64> model;
  Random random(1);
  for (int step = 0; step < 20000; step++) {
    size_t index = random.below(model.size());
    if (random.below(2) == 0) {
      EXPECT_EQ(hak_bit_test_and_set(bits, index), model[index]);
      model.set(index);
    } else {
      words[index / 64] = hak_without_bit(words[index / 64], index % 64);
      model.reset(index);
    }
    size_t other = random.below(model.size());
    ASSERT_EQ(hak_bit_test(bits, other), model[other]);
  }
}

TEST(Bits, OfManyThreadsThatSetABitOneIsTheFirst) {
  constexpr size_t kBits = 64 * 50;
  std::vector<uint64_t> words(kBits / 64);
  std::atomic<size_t> firsts{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&] {
      for (size_t i = 0; i < kBits; i++) firsts += !hak_bit_test_and_set_shared(address_of(words.data()), i);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(firsts, kBits);
  for (uint64_t word : words) EXPECT_EQ(word, ~UINT64_C(0));
}

TEST(Bits, ThreadPointersOfLivingThreadsDiffer) {
  uintptr_t here = hak_thread_pointer();
  uintptr_t there = 0;
  std::thread([&] { there = hak_thread_pointer(); }).join();
  EXPECT_EQ(here, hak_thread_pointer());
  EXPECT_NE(here, 0u);
  EXPECT_NE(here, there);
}

TEST(Bits, XorWithTheKeyGivesTheThreadPointerOnlyForTheRightAddress) {
  uintptr_t address = 0x7f0012340000;
  uint64_t key = address ^ hak_thread_pointer();
  uint64_t rest = 1;
  EXPECT_TRUE(hak_xor_is_thread(address, &key, &rest));
  EXPECT_EQ(rest, 0u);
  for (unsigned bit = 0; bit < 64; bit++) {
    EXPECT_FALSE(hak_xor_is_thread(address ^ (UINT64_C(1) << bit), &key, &rest));
    EXPECT_EQ(rest, UINT64_C(1) << bit);
    EXPECT_TRUE(hak_xor_differs(&rest, 0));
    EXPECT_FALSE(hak_xor_differs(&rest, UINT64_C(1) << bit));
    EXPECT_EQ(rest, 0u);
  }
  bool there = true;
  uintptr_t other = 0;
  std::thread([&] {
    there = hak_xor_is_thread(address, &key, &rest);
    other = hak_thread_pointer();
  }).join();
  EXPECT_FALSE(there);
  EXPECT_EQ(rest, other ^ hak_thread_pointer());
}

}  // namespace
