// Every workload runs small and finds its own blocks sound; and damage does not go unseen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cli/workloads/block.h"
#include "cli/workloads/workload.h"

namespace hakctl {
namespace {

using testing::HasSubstr;

Params small(const Workload& workload, unsigned threads) {
  Params params = workload.defaults;
  params.threads = threads;
  params.iters = 3000;
  params.working_set = 50;
  params.idle_seconds = 0;
  params.size.max = std::min<size_t>(params.size.max, 1024 * 1024);
  return params;
}

class LiveCheck : public Observer {
 public:
  void begin() override { ++begun; }
  void end_with_blocks_live() override { ++ended; }
  int begun = 0;
  int ended = 0;
};

class EachWorkload : public testing::TestWithParam<const char*> {
 protected:
  Outcome run(unsigned threads) {
    const Workload* workload = find_workload(GetParam());
    return run_workload(*workload, small(*workload, threads), &observer);
  }
  LiveCheck observer;
};

TEST_P(EachWorkload, RunsOnOneThreadAndFindsItsBlocksSound) {
  Outcome outcome = run(1);
  EXPECT_STREQ(outcome.error, "");
  EXPECT_GT(outcome.operations, 0u);
}

TEST_P(EachWorkload, RunsOnThreeThreadsAndFindsItsBlocksSound) {
  Outcome outcome = run(3);
  EXPECT_STREQ(outcome.error, "");
  EXPECT_GE(outcome.threads, 3u);
  EXPECT_GT(outcome.operations, 3000u);
}

TEST_P(EachWorkload, StopsOnceWithItsBlocksLive) {
  run(2);
  EXPECT_EQ(observer.begun, 1);
  EXPECT_EQ(observer.ended, 1);
}

TEST_P(EachWorkload, CountsTheSameOperationsForTheSameSeed) { EXPECT_EQ(run(1).operations, run(1).operations); }

TEST_P(EachWorkload, RunsWithTheSmallestWorkingSetAndBlocks) {
  const Workload* workload = find_workload(GetParam());
  Params params = small(*workload, 2);
  params.working_set = 1;
  params.size = {workload->min_size, workload->min_size};
  EXPECT_STREQ(run_workload(*workload, params, nullptr).error, "");
}

std::vector<const char*> names() {
  std::vector<const char*> all;
  for (const Workload& workload : workloads()) all.push_back(workload.name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, EachWorkload, testing::ValuesIn(names()),
                         [](const auto& one) { return std::string(one.param); });

TEST(WorkloadTable, HasTheHistoricMidLargeLoad) {
  const Workload* historic = find_workload("mid_large_mt");
  ASSERT_NE(historic, nullptr);
  EXPECT_EQ(historic->defaults.size.min, 8u * 1024);
  EXPECT_EQ(historic->defaults.size.max, 52u * 1024);
  EXPECT_EQ(historic->defaults.working_set, 256u);
  EXPECT_EQ(historic->defaults.seed, 42u);
}

TEST(WorkloadTable, HasNoNameTwice) {
  std::set<std::string> seen;
  for (const Workload& workload : workloads()) EXPECT_TRUE(seen.insert(workload.name).second) << workload.name;
}

TEST(WorkloadTable, GivesStressMoreThreadsThanCores) { EXPECT_GE(find_workload("stress")->defaults.threads, 4u); }

TEST(WorkloadTable, KnowsNoUnknownName) { EXPECT_EQ(find_workload("nothing"), nullptr); }

TEST(Locality, NotesTheWalkInAFreshAndInAChurnedHeap) {
  const Workload* locality = find_workload("locality");
  Outcome outcome = run_workload(*locality, small(*locality, 1), nullptr);
  ASSERT_EQ(outcome.notes, 3u);
  EXPECT_STREQ(outcome.note[0].name, "walk_fresh");
  EXPECT_STREQ(outcome.note[1].name, "walk_churned");
}

TEST(ProducerConsumer, RoundsThreadsUpToPairs) {
  const Workload* workload = find_workload("producer_consumer");
  EXPECT_EQ(run_workload(*workload, small(*workload, 1), nullptr).threads, 2u);
  EXPECT_EQ(run_workload(*workload, small(*workload, 3), nullptr).threads, 4u);
}

// Most of the notes are about a process of its own; this one has run all sorts of things.
TEST(Footprint, NotesWhatWasAskedForAndWhatTheProcessHeld) {
  for (const Workload& workload : workloads()) {
    if (workload.family != kFootprint) continue;
    Outcome outcome = run_workload(workload, small(workload, 2), nullptr);
    ASSERT_GE(outcome.notes, 5u) << workload.name;
    const char* names[] = {"requested", "peak", "peak_to_requested", "end", "after_idle"};
    for (size_t i = 0; i < 5; ++i) EXPECT_STREQ(outcome.note[i].name, names[i]) << workload.name;
    EXPECT_GE(outcome.note[0].value, 50 * workload.min_size) << workload.name;
  }
}

Outcome one_footprint(const char* name, uint64_t iters, uint64_t working_set, SizeRange size) {
  Params params = find_workload(name)->defaults;
  params.threads = 1;
  params.iters = iters;
  params.working_set = working_set;
  params.size = size;
  params.idle_seconds = 0;
  return run_workload(*find_workload(name), params, nullptr);
}

TEST(Footprint, CountsWhatWasLiveAtOnce) {
  EXPECT_EQ(one_footprint("footprint_idle", 1000, 100, {120, 120}).note[0].value, 100 * 120);
  EXPECT_EQ(one_footprint("footprint_exact", 100, 100, {16, 128}).note[0].value, 100 * (16 + 32 + 64 + 128));
  EXPECT_EQ(one_footprint("footprint_threads", 1000, 100, {50, 50}).note[0].value, 100 * 50);
  EXPECT_EQ(one_footprint("footprint_classes", 100, 100, {64, 192}).note[0].value, 100 * 64);
  EXPECT_EQ(one_footprint("footprint_holes", 100, 100, {50, 50}).note[0].value, 100 * 50);
  EXPECT_EQ(one_footprint("footprint_handover", 1000, 100, {50, 50}).note[0].value, 100 * 50);
  EXPECT_EQ(one_footprint("footprint_parked", 100, 100, {50, 50}).note[0].value, 100 * 50);
  EXPECT_EQ(one_footprint("footprint_asleep", 1000, 100, {50, 50}).note[0].value, 100 * 50);
  EXPECT_EQ(one_footprint("footprint_large", 1000, 1, {70000, 70000}).note[0].value, 70000);
}

TEST(Footprint, ShrinksWithTheIterations) {
  EXPECT_EQ(one_footprint("footprint_idle", 10, 1000000, {120, 120}).note[0].value, 10 * 120);
}

TEST(Footprint, NotesTheGrowthOfLoadsThatGoOnAlike) {
  for (const char* name : {"footprint_threads", "footprint_handover"}) {
    Outcome outcome = one_footprint(name, 10000, 100, {50, 50});
    ASSERT_GE(outcome.notes, 6u) << name;
    EXPECT_STREQ(outcome.note[5].name, "growth");
    EXPECT_GE(outcome.note[5].value, 1);
  }
}

TEST(Footprint, WritesEveryPageOfLargeBlocks) {
  constexpr size_t kBytes = 16 * 1024 * 1024;
  Outcome outcome = one_footprint("footprint_large", 1, 1, {kBytes, kBytes});
  EXPECT_GT(outcome.note[1].value, 0.9 * kBytes);
}

TEST(Footprint, OfAnEmptyProgramIsThatOfTheWholeProcess) {
  Outcome outcome = one_footprint("footprint_start", 1, 1, {16, 16});
  EXPECT_GT(outcome.note[1].value, 1024 * 1024);
  EXPECT_GT(outcome.note[3].value, 1024 * 1024);
}

TEST(Footprint, SeesThePagesOfItsBlocks) {
  Outcome outcome = one_footprint("footprint_idle", 500000, 500000, {120, 120});
  EXPECT_GT(outcome.note[1].value, 0.9 * outcome.note[0].value);
  EXPECT_LT(outcome.note[3].value, outcome.note[1].value + 1);
}

TEST(TestBlock, KnowsWhenItsFirstOrLastByteChanged) {
  Block block;
  ASSERT_TRUE(block.take(100, 0x123456789abcdef0));
  EXPECT_TRUE(block.intact());
  block.bytes[99] ^= 1;
  EXPECT_FALSE(block.intact());
  block.bytes[99] ^= 1;
  block.bytes[0] ^= 0x80;
  EXPECT_FALSE(block.give_back());
}

TEST(TestBlock, OfOneByteHoldsItsMark) {
  Block block;
  ASSERT_TRUE(block.take(1, 0xffffffffffffffff));
  EXPECT_TRUE(block.give_back());
}

TEST(SizePicking, StaysInsideTheRangeAndReachesBothEnds) {
  for (SizePicker::Law law : {SizePicker::kUniform, SizePicker::kByPowersOfTwo}) {
    SizePicker sizes({10, 40}, law);
    Rng rng(1, 0);
    std::set<size_t> seen;
    for (int i = 0; i < 10000; ++i) seen.insert(sizes.pick(rng.next()));
    EXPECT_EQ(*seen.begin(), 10u);
    EXPECT_EQ(*seen.rbegin(), 40u);
  }
}

TEST(SizePicking, OfASingleSizeGivesThatSize) {
  SizePicker sizes({256, 256}, SizePicker::kByPowersOfTwo);
  Rng rng(1, 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sizes.pick(rng.next()), 256u);
}

TEST(FailedRun, KeepsTheFirstReason) {
  hakctl::Run run(Params(), nullptr);
  run.fail_corrupt(24);
  run.fail_allocation(8);
  EXPECT_TRUE(run.failed());
  EXPECT_THAT(run.outcome().error, HasSubstr("a block of 24 bytes no longer holds"));
}

}  // namespace
}  // namespace hakctl
