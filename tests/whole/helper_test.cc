// The thread that gives memory back, in a real process: when it comes, when it goes, and what it must not disturb.

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/size_class.h"
#include "tests/whole/support.h"

namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

// libc's errno lies behind these in every thread, the helper among them: it was the helper's stack.
thread_local char large_locals[kMegabyte];

bool Within10Seconds(const std::function<bool()>& holds) {
  for (int i = 0; i < 500; i++) {
    if (holds()) return true;
    usleep(20000);
  }
  return false;
}

// Without malloc: the bins of a process that is asked often would move on, and the helper have work for as long.
size_t Tasks() {
  char status[4096];
  int file = open("/proc/self/status", O_RDONLY);
  ssize_t length = read(file, status, sizeof status - 1);
  close(file);
  if (length <= 0) return 0;
  status[length] = '\0';
  const char* threads = strstr(status, "\nThreads:");
  return threads == nullptr ? 0 : strtoul(threads + strlen("\nThreads:"), nullptr, 10);
}

void FreeTenMegabytes() {
  void* block = malloc(10 * kMegabyte);
  memset(block, 1, 10 * kMegabyte);
  free(Hide(block));
}

void AllocateAndFree(size_t bytes, size_t count) {
  std::vector<void*> blocks;
  for (size_t i = 0; i < count; i++) {
    blocks.push_back(malloc(bytes));
    memset(blocks.back(), 1, bytes);
  }
  for (void* block : blocks) free(block);
}

TEST(Helper, WorksBesideLargeThreadLocals) {
  memset(large_locals, 1, sizeof large_locals);
  asm volatile("" : : "r"(large_locals) : "memory");
  FreeTenMegabytes();
  EXPECT_TRUE(Within10Seconds([] { return Counter("dirty_bytes") == 0; }));
}

// The spares of a bin are not dirty; they alone did not start the thread.
TEST(Helper, ComesForSpareSlabs) {
  if (!HAK_POOL_TLS) GTEST_SKIP() << "blocks of this size have no slabs in this build";
  ASSERT_TRUE(Within10Seconds([] { return Tasks() == 1; }));
  AllocateAndFree(HAK_POOL_MAX_BYTES, 250); /* eight slabs: more than a bin keeps would be dirty */
  EXPECT_TRUE(Within10Seconds([] { return Counter("used_bytes") + Counter("dirty_bytes") < 8 * kMegabyte; }));
}

// From now on clone fails with EAGAIN in this process.
bool RefuseClone() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter = {std::size(program), program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(Helper, LeavesErrnoAsItIsWhereItCannotBeStarted) {
  ASSERT_TRUE(Within10Seconds([] { return Tasks() == 1; }));
  EXPECT_EQ(InChild([]() -> std::string {
              if (!RefuseClone()) return "no filter";
              void* block = malloc(10 * kMegabyte);
              memset(block, 1, 10 * kMegabyte);
              errno = 77;
              free(Hide(block));
              return errno == 77 ? "" : "free has changed errno";
            }),
            "");
}

// Nine in ten blocks are free, and every slab has a live one.
TEST(Helper, GivesBackPagesOfSlabsThatAreNotEmpty) {
  if (!HAK_POOL_TLS) GTEST_SKIP() << "blocks of this size have no slabs in this build";
  if (HAK_SEALED || (HAK_HEADER_CLASSIDX && HAK_CHECKED)) GTEST_SKIP() << "freed blocks have contents in this build";
  constexpr size_t kBlocks = 5000;
  constexpr size_t kBytes = 20000;
  std::vector<void*> blocks(kBlocks);
  for (size_t i = 0; i < kBlocks; i++) Stamp(blocks[i] = malloc(kBytes), kBytes, i);
  size_t full = ResidentBytes();
  for (size_t i = 0; i < kBlocks; i++) {
    if (i % 10 != 0) free(blocks[i]);
  }
  EXPECT_TRUE(Within10Seconds([full] { return ResidentBytes() < full - kBlocks * kBytes / 2; }));
  for (size_t i = 0; i < kBlocks; i += 10) {
    EXPECT_TRUE(Stamped(blocks[i], kBytes, i));
    free(blocks[i]);
  }
}

// The owner of the slabs does nothing meanwhile.
TEST(Helper, GivesBackWhatOthersFreeOfAThreadThatSleeps) {
  if (HAK_SEALED || (HAK_HEADER_CLASSIDX && HAK_CHECKED)) GTEST_SKIP() << "freed blocks have contents in this build";
  constexpr size_t kBlocks = 50000;
  constexpr size_t kBytes = 1000;
  std::vector<void*> blocks(kBlocks);
  std::promise<void> allocated, freed;
  std::thread owner([&] {
    for (size_t i = 0; i < kBlocks; i++) Stamp(blocks[i] = malloc(kBytes), kBytes, i);
    allocated.set_value();
    freed.get_future().wait();
    AllocateAndFree(kBytes, kBlocks);
  });
  allocated.get_future().wait();
  EXPECT_TRUE(Within10Seconds([] { return Tasks() == 2; })) << "it has seen the new slabs, and goes";
  size_t full = ResidentBytes();
  /* Half of each slab. The second time it is in the owner's queue, and nobody is told. */
  for (size_t half = 1; half <= 2; half++) {
    for (size_t i = 0; i < kBlocks; i++) {
      if (i / 30 % 2 != half - 1) continue;
      EXPECT_TRUE(Stamped(blocks[i], kBytes, i));
      free(blocks[i]);
    }
    EXPECT_TRUE(Within10Seconds([=] { return ResidentBytes() < full - half * kBlocks / 10 * kBytes * 4; })) << half;
    sleep(2);
  }
  freed.set_value();
  owner.join();
}

// Spares of threads that stayed with the parent are nobody's work.
TEST(Helper, EndsInAChildToo) {
  std::string wrong;
  std::thread([&wrong] {
    AllocateAndFree(64, 40000);
    wrong = InChild([]() -> std::string {
      std::thread([] {}).join();
      FreeTenMegabytes();
      return Within10Seconds([] { return Tasks() == 1; }) ? "" : "the helper is still there";
    });
  }).join();
  EXPECT_EQ(wrong, "");
  std::thread other([] { AllocateAndFree(64, 40000); });
  other.join();
}

}  // namespace
