// What the C standard, POSIX and glibc promise of malloc and its relatives, asked of the functions by their real names.

#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "frontend/hakmem.h"
#include "tests/whole/support.h"

namespace {

// Sizes that no allocator can serve. volatile: the compiler would otherwise reject the calls at sight.
volatile size_t kImpossible[] = {SIZE_MAX,         SIZE_MAX - 1,          SIZE_MAX - 15,      SIZE_MAX - 4095,
                                 SIZE_MAX - 65535, SIZE_MAX - (4u << 20), size_t{1} << 63,    PTRDIFF_MAX,
                                 PTRDIFF_MAX - 1,  PTRDIFF_MAX - 4095,    (size_t{1} << 62u), (size_t{1} << 48u)};

const size_t kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));

bool Aligned(const void* p, size_t align) { return reinterpret_cast<uintptr_t>(p) % align == 0; }

// Every size up to behind the pool's last class, then the ends of each power of two.
std::vector<size_t> ManySizes() {
  std::vector<size_t> sizes;
  for (size_t bytes = 0; bytes <= 70000; bytes += bytes < 2100 ? 1 : 61) sizes.push_back(bytes);
  for (size_t power = 1024; power <= size_t{256} << 20; power *= 2) {
    for (size_t bytes : {power - 1, power, power + 1}) sizes.push_back(bytes);
  }
  return sizes;
}

TEST(CApi, IsServedByHakmem) {
  void* block = calloc(1, 1);
  EXPECT_TRUE(hak_owns(block));
  free(block);
  char* copy = strdup("libc allocates by the same names");
  EXPECT_TRUE(hak_owns(copy));
  free(copy);
}

TEST(CApi, GivesBlocksToLibcsOwnFunctions) {
  char* text = nullptr;
  ASSERT_GT(asprintf(&text, "%0*d", 5000, 7), 0);
  EXPECT_TRUE(hak_owns(text));
  FILE* stream = fmemopen(text, strlen(text), "r");
  char* line = nullptr;
  size_t room = 0;
  EXPECT_EQ(getline(&line, &room, stream), 5000);
  EXPECT_TRUE(hak_owns(line));
  EXPECT_EQ(strcmp(line, text), 0);
  fclose(stream);
  free(line);
  free(text);
}

// ---- malloc and free ----

TEST(Malloc, AlignsEverySizeTo16) {
  for (size_t bytes : ManySizes()) {
    void* block = malloc(bytes);
    ASSERT_NE(block, nullptr) << bytes;
    ASSERT_TRUE(Aligned(block, 16)) << bytes;
    free(block);
  }
}

TEST(Malloc, UsableSizeIsAtLeastTheRequestAndAllOfItIsWritable) {
  for (size_t bytes : ManySizes()) {
    void* block = malloc(bytes);
    size_t usable = malloc_usable_size(block);
    ASSERT_GE(usable, bytes);
    /* Past a few megabytes the classes are behind us and the memory is not free. */
    if (usable < (size_t{8} << 20)) memset(Hide(block), 0x5a, usable);
    free(block);
  }
}

TEST(Malloc, BlocksThatLiveTogetherKeepTheirContents) {
  std::vector<std::pair<void*, size_t>> blocks;
  for (size_t bytes : ManySizes()) {
    if (bytes > (size_t{1} << 20)) continue;
    void* block = malloc(bytes);
    size_t usable = malloc_usable_size(block);
    Stamp(block, usable, blocks.size());
    blocks.emplace_back(block, usable);
  }
  for (size_t i = 0; i < blocks.size(); i++) {
    ASSERT_TRUE(Stamped(blocks[i].first, blocks[i].second, i)) << blocks[i].second << " bytes";
    free(blocks[i].first);
  }
}

TEST(Malloc, OfZeroBytesIsABlockOfItsOwn) {
  void* one = malloc(0);
  void* two = malloc(0);
  ASSERT_NE(one, nullptr);
  ASSERT_NE(two, nullptr);
  EXPECT_NE(one, two);
  free(one);
  free(two);
}

TEST(Malloc, OfAnImpossibleSizeIsNullAndENOMEM) {
  for (size_t bytes : kImpossible) {
    errno = 0;
    void* block = malloc(bytes);
    EXPECT_EQ(block, nullptr) << bytes;
    EXPECT_EQ(errno, ENOMEM) << bytes;
    free(block);
  }
}

TEST(Free, IgnoresNull) { free(nullptr); }

TEST(Free, KeepsErrno) {
  for (const Regime& regime : kRegimes) {
    /* Several, so that slabs and runs are given back on the way. */
    std::vector<void*> blocks(regime.bytes > (1u << 20) ? 2 : 2000);
    for (void*& block : blocks) block = malloc(regime.bytes);
    for (void* block : blocks) {
      errno = 4711;
      free(block);
      ASSERT_EQ(errno, 4711) << regime.name;
    }
  }
  errno = 4711;
  free(nullptr);
  EXPECT_EQ(errno, 4711);
}

// ---- calloc ----

TEST(Calloc, ClearsMemoryThatWasUsedBefore) {
  for (size_t bytes : ManySizes()) {
    if (bytes > (size_t{80} << 20) || (bytes > 2048 && bytes < 65000 && bytes % 7 != 0)) continue;
    void* dirty = malloc(bytes);
    /* Some, so that calloc meets a window of used blocks and not only the one. */
    void* more = malloc(bytes);
    memset(dirty, 0xff, bytes);
    memset(more, 0xff, bytes);
    free(Hide(dirty));
    free(Hide(more));
    for (int i = 0; i < 2; i++) {
      void* block = calloc(1, bytes);
      ASSERT_NE(block, nullptr);
      ASSERT_TRUE(IsZero(block, bytes)) << bytes;
      memset(block, 0xff, bytes);
      free(Hide(block));
    }
  }
}

TEST(Calloc, MultipliesCountAndSize) {
  char* block = static_cast<char*>(calloc(1000, 77));
  EXPECT_GE(malloc_usable_size(block), 77000u);
  EXPECT_TRUE(IsZero(block, 77000));
  free(block);
}

TEST(Calloc, OfNothingIsABlockOfItsOwn) {
  for (auto [count, bytes] : {std::pair<size_t, size_t>{0, 0}, {0, 8}, {8, 0}, {0, SIZE_MAX}, {SIZE_MAX, 0}}) {
    void* block = calloc(count, bytes);
    EXPECT_NE(block, nullptr) << count << " * " << bytes;
    free(block);
  }
}

TEST(Calloc, OfAProductThatOverflowsIsNullAndENOMEM) {
  volatile size_t half = SIZE_MAX / 2 + 1;
  volatile size_t root = size_t{1} << 32;
  for (auto [count, bytes] : {std::pair<size_t, size_t>{half, 2},
                              {2, half},
                              {root, root},
                              {root + 1, root},
                              {SIZE_MAX, SIZE_MAX},
                              {half, 3},
                              {SIZE_MAX / 16 + 1, 16}}) {
    errno = 0;
    void* block = calloc(count, bytes);
    EXPECT_EQ(block, nullptr) << count << " * " << bytes;
    EXPECT_EQ(errno, ENOMEM);
    free(block);
  }
}

TEST(Calloc, OfAnImpossibleSizeIsNullAndENOMEM) {
  for (size_t bytes : kImpossible) {
    errno = 0;
    void* block = calloc(1, bytes);
    EXPECT_EQ(block, nullptr) << bytes;
    EXPECT_EQ(errno, ENOMEM) << bytes;
    free(block);
  }
}

// ---- realloc ----

TEST(Realloc, OfNullAllocates) {
  void* block = realloc(nullptr, 100);
  ASSERT_NE(block, nullptr);
  EXPECT_GE(malloc_usable_size(block), 100u);
  free(block);
  block = realloc(nullptr, 0);
  EXPECT_NE(block, nullptr);
  free(block);
}

TEST(Realloc, ToZeroFreesTheBlockAndReturnsNull) {
  for (const Regime& regime : kRegimes) {
    void* block = malloc(regime.bytes);
    void* before = Hide(block);
    EXPECT_EQ(realloc(block, 0), nullptr);
    EXPECT_FALSE(hak_owns(before)) << regime.name;
  }
}

TEST(Realloc, KeepsTheContentsFromEachRegimeToEachOther) {
  std::vector<size_t> sizes = {1,
                               15,
                               16,
                               17,
                               100,
                               1000,
                               1024,
                               1025,
                               2000,
                               8192,
                               30000,
                               65536,
                               65537,
                               200000,
                               1000000,
                               5000000,
                               60000,
                               70000,
                               524288,
                               600000,
                               4194304,
                               9000000,
                               size_t{65} << 20,
                               size_t{90} << 20};
  for (size_t from : sizes) {
    for (size_t to : sizes) {
      char* block = static_cast<char*>(malloc(from));
      size_t kept = std::min(from, to);
      Stamp(block, from, from);
      block = static_cast<char*>(realloc(block, to));
      ASSERT_NE(block, nullptr);
      ASSERT_TRUE(Aligned(block, 16));
      ASSERT_GE(malloc_usable_size(block), to);
      ASSERT_TRUE(StampedUpTo(kept, block, from, from)) << from << " to " << to;
      Stamp(block, to, to);
      ASSERT_TRUE(Stamped(block, to, to));
      free(block);
    }
  }
}

TEST(Realloc, GrowsAndShrinksAByteAtATime) {
  for (size_t start : {size_t{1}, size_t{1000}, size_t{65000}, size_t{131000}}) {
    size_t bytes = start;
    char* block = static_cast<char*>(malloc(bytes));
    memset(block, 'a', bytes);
    for (; bytes < start + 600; bytes++) {
      block = static_cast<char*>(realloc(block, bytes + 1));
      ASSERT_EQ(block[bytes - 1], 'a');
      block[bytes] = 'a';
    }
    for (; bytes > start; bytes--) {
      block = static_cast<char*>(realloc(block, bytes - 1));
      ASSERT_EQ(block[bytes - 2 < bytes ? bytes - 2 : 0], 'a');
    }
    for (size_t i = 0; i < bytes; i++) ASSERT_EQ(block[i], 'a');
    free(block);
  }
}

TEST(Realloc, OfAMappedBlockGrowsWithoutLosingAByte) {
  size_t bytes = size_t{64} << 20;
  char* block = static_cast<char*>(malloc(bytes));
  Stamp(block, bytes, 1);
  for (int step = 0; step < 6; step++) {
    size_t more = bytes + (size_t{32} << 20);
    block = static_cast<char*>(realloc(block, more));
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(Stamped(block, bytes, 1)) << more;
    Stamp(block, more, 1);
    bytes = more;
  }
  block = static_cast<char*>(realloc(block, 100));
  EXPECT_TRUE(StampedUpTo(100, block, bytes, 1));
  free(block);
}

TEST(Realloc, ToAnImpossibleSizeIsENOMEMAndLeavesTheBlock) {
  for (const Regime& regime : kRegimes) {
    void* block = malloc(regime.bytes);
    Stamp(block, regime.bytes, 5);
    for (size_t bytes : kImpossible) {
      errno = 0;
      EXPECT_EQ(realloc(Hide(block), bytes), nullptr) << bytes;
      EXPECT_EQ(errno, ENOMEM) << bytes;
    }
    EXPECT_TRUE(hak_owns(block));
    EXPECT_TRUE(Stamped(block, regime.bytes, 5)) << regime.name;
    free(block);
  }
}

TEST(Reallocarray, DoesWhatReallocDoesForTheProduct) {
  void* block = reallocarray(nullptr, 10, 30);
  ASSERT_GE(malloc_usable_size(block), 300u);
  Stamp(block, 300, 9);
  block = reallocarray(block, 100, 30);
  ASSERT_GE(malloc_usable_size(block), 3000u);
  EXPECT_TRUE(Stamped(block, 300, 9));
  EXPECT_EQ(reallocarray(block, 0, 30), nullptr);
}

TEST(Reallocarray, OfAProductThatOverflowsIsENOMEMAndLeavesTheBlock) {
  volatile size_t half = SIZE_MAX / 2 + 1;
  void* block = malloc(100);
  Stamp(block, 100, 3);
  errno = 0;
  EXPECT_EQ(reallocarray(Hide(block), half, 2), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(reallocarray(nullptr, half, half), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_TRUE(Stamped(block, 100, 3));
  free(block);
}

// ---- alignment ----

TEST(PosixMemalign, AlignsToEveryPowerOfTwoAndKeepsErrno) {
  for (size_t align = sizeof(void*); align <= size_t{64} << 20; align *= 2) {
    for (size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{1024}, size_t{5000}, size_t{65536}, size_t{70000},
                         size_t{1} << 20, size_t{5} << 20}) {
      void* blocks[3];
      for (void*& block : blocks) {
        errno = 4711;
        ASSERT_EQ(posix_memalign(&block, align, bytes), 0) << align << " " << bytes;
        ASSERT_EQ(errno, 4711);
        ASSERT_TRUE(Aligned(block, align)) << align << " " << bytes;
        ASSERT_GE(malloc_usable_size(block), bytes);
        Stamp(block, bytes, align);
      }
      for (void* block : blocks) {
        ASSERT_TRUE(Stamped(block, bytes, align)) << align << " " << bytes;
        free(block);
      }
    }
  }
}

TEST(PosixMemalign, OfAWrongAlignmentIsEINVALAndTouchesNothing) {
  for (size_t align : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{12}, size_t{24}, size_t{4095},
                       SIZE_MAX, size_t{3} << 40}) {
    void* block = &block;
    errno = 4711;
    EXPECT_EQ(posix_memalign(&block, align, 100), EINVAL) << align;
    EXPECT_EQ(errno, 4711) << align;
    EXPECT_EQ(block, &block) << align;
  }
}

TEST(PosixMemalign, OfAnImpossibleSizeIsENOMEMAndTouchesNothing) {
  for (size_t bytes : kImpossible) {
    for (size_t align : {size_t{8}, size_t{64}, size_t{4096}, size_t{1} << 20, size_t{1} << 30, size_t{1} << 47}) {
      void* block = &block;
      errno = 4711;
      EXPECT_EQ(posix_memalign(&block, align, bytes), ENOMEM) << align << " " << bytes;
      EXPECT_EQ(errno, 4711);
      EXPECT_EQ(block, &block);
    }
  }
}

TEST(PosixMemalign, OfAnAlignmentBeyondTheAddressSpaceIsENOMEM) {
  for (size_t align : {size_t{1} << 47, size_t{1} << 62, size_t{1} << 63}) {
    void* block = &block;
    EXPECT_EQ(posix_memalign(&block, align, 100), ENOMEM) << align;
    EXPECT_EQ(block, &block);
  }
}

TEST(AlignedAlloc, AlignsToEveryPowerOfTwo) {
  for (size_t align = 1; align <= size_t{4} << 20; align *= 2) {
    void* block = aligned_alloc(align, 3 * align);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(Aligned(block, std::max<size_t>(align, 16)));
    EXPECT_GE(malloc_usable_size(block), 3 * align);
    free(block);
    block = memalign(align, 40);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(Aligned(block, std::max<size_t>(align, 16)));
    free(block);
  }
}

TEST(AlignedAlloc, OfAWrongAlignmentIsNullAndEINVAL) {
  for (size_t align : {size_t{0}, size_t{3}, size_t{24}, size_t{100}}) {
    errno = 0;
    EXPECT_EQ(aligned_alloc(align, 96), nullptr);
    EXPECT_EQ(errno, EINVAL);
  }
}

extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* block, size_t bytes);
void* __libc_memalign(size_t align, size_t bytes);
void* __libc_valloc(size_t bytes);
void* __libc_pvalloc(size_t bytes);
void __libc_free(void* block);
}

TEST(SecondNames, OfGlibcAreHakmemsToo) {
  void* blocks[] = {__libc_malloc(100),       __libc_calloc(10, 10), __libc_realloc(nullptr, 100),
                    __libc_memalign(64, 100), __libc_valloc(100),    __libc_pvalloc(100)};
  for (void* block : blocks) {
    EXPECT_TRUE(hak_owns(block));
    __libc_free(block);
    EXPECT_FALSE(hak_owns(block));
  }
}

TEST(Memalign, TakesTheNextPowerOfTwo) {
  for (size_t align : {size_t{0}, size_t{3}, size_t{24}, size_t{100}, size_t{4097}}) {
    void* block = memalign(align, 96);
    ASSERT_NE(block, nullptr) << align;
    size_t power = 1;
    while (power < align) power *= 2;
    EXPECT_TRUE(Aligned(block, power)) << align;
    free(block);
  }
  errno = 0;
  EXPECT_EQ(memalign(SIZE_MAX, 96), nullptr);
  EXPECT_EQ(errno, EINVAL);
}

TEST(AlignedAlloc, OfAnImpossibleSizeIsNullAndENOMEM) {
  for (size_t bytes : kImpossible) {
    for (size_t align : {size_t{16}, size_t{64}, size_t{65536}, size_t{1} << 30}) {
      errno = 0;
      void* block = aligned_alloc(align, bytes);
      EXPECT_EQ(block, nullptr) << align << " " << bytes;
      EXPECT_EQ(errno, ENOMEM);
      free(block);
      errno = 0;
      block = memalign(align, bytes);
      EXPECT_EQ(block, nullptr) << align << " " << bytes;
      EXPECT_EQ(errno, ENOMEM);
      free(block);
    }
  }
}

TEST(AlignedAlloc, BlocksGrowThroughReallocWithTheirContents) {
  for (size_t align : {size_t{64}, size_t{4096}, size_t{1} << 17, size_t{8} << 20}) {
    void* block = aligned_alloc(align, align);
    Stamp(block, align, align);
    block = realloc(block, 2 * align + 1);
    EXPECT_TRUE(Stamped(block, align, align)) << align;
    free(block);
  }
}

TEST(Valloc, AlignsToAPage) {
  for (size_t bytes : {size_t{0}, size_t{1}, kPage, kPage + 1, 100 * kPage}) {
    void* block = valloc(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(Aligned(block, kPage));
    EXPECT_GE(malloc_usable_size(block), bytes);
    free(block);
  }
}

TEST(Pvalloc, RoundsUpToWholePages) {
  for (size_t bytes : {size_t{0}, size_t{1}, kPage, kPage + 1, 100 * kPage - 1}) {
    void* block = pvalloc(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(Aligned(block, kPage));
    EXPECT_GE(malloc_usable_size(block), (bytes + kPage - 1) / kPage * kPage);
    free(block);
  }
}

TEST(Valloc, AndPvallocOfAnImpossibleSizeAreNullAndENOMEM) {
  for (size_t bytes : kImpossible) {
    errno = 0;
    EXPECT_EQ(valloc(bytes), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    errno = 0;
    EXPECT_EQ(pvalloc(bytes), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
}

// ---- what glibc has beside the standard ----

TEST(UsableSize, OfNullIsZero) { EXPECT_EQ(malloc_usable_size(nullptr), 0u); }

TEST(Mallinfo, TellsWhatIsLiveAndWhatIsFree) {
  struct mallinfo2 before = mallinfo2();
  std::vector<void*> blocks(1000);
  for (void*& block : blocks) memset(block = malloc(10000), 1, 10000);
  struct mallinfo2 with = mallinfo2();
  EXPECT_GE(with.uordblks, before.uordblks + 1000 * 10000);
  EXPECT_GE(with.arena, with.uordblks);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  EXPECT_EQ(static_cast<size_t>(mallinfo().uordblks), with.uordblks);
#pragma GCC diagnostic pop
  for (void* block : blocks) free(block);
  struct mallinfo2 after = mallinfo2();
  EXPECT_LT(after.uordblks, with.uordblks - 9000000);
  EXPECT_GT(after.fordblks, with.fordblks);
  void* large = malloc(1 << 20);
  EXPECT_GE(mallinfo2().hblkhd, after.hblkhd + (1 << 20));
  free(large);
}

TEST(Mallinfo, CountsBlocksWithAMappingOfTheirOwn) {
  size_t bytes = size_t{100} << 20;
  struct mallinfo2 before = mallinfo2();
  void* block = malloc(bytes);
  struct mallinfo2 with = mallinfo2();
  EXPECT_GE(with.uordblks, before.uordblks + bytes);
  EXPECT_GE(with.hblkhd, before.hblkhd + bytes);
  free(block);
  EXPECT_EQ(mallinfo2().hblkhd, before.hblkhd);
}

TEST(MallocInfo, WritesOneXmlElement) {
  char* text = nullptr;
  size_t length = 0;
  FILE* stream = open_memstream(&text, &length);
  EXPECT_EQ(malloc_info(0, stream), 0);
  fclose(stream);
  std::string xml(text, length);
  free(text);
  EXPECT_EQ(xml.rfind("<malloc ", 0), 0u) << xml;
  EXPECT_NE(xml.find("name=\"live_bytes\""), std::string::npos);
  EXPECT_EQ(xml.substr(xml.size() - 10), "</malloc>\n");
}

TEST(MallocInfo, WithOptionsIsEINVAL) {
  errno = 0;
  EXPECT_EQ(malloc_info(1, stdout), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST(MallocInfo, SaysWhenTheStreamFails) {
  FILE* full = fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  setvbuf(full, nullptr, _IONBF, 0);
  EXPECT_EQ(malloc_info(0, full), -1);
  fclose(full);
}

TEST(MallocStats, PrintsTheCountersOnStderr) {
  testing::internal::CaptureStderr();
  malloc_stats();
  std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_NE(lines.find("hakmem: live_bytes = "), std::string::npos) << lines;
  EXPECT_NE(lines.find("hakmem: threads = "), std::string::npos) << lines;
}

TEST(Mallopt, AcceptsGlibcsKnobs) {
  EXPECT_EQ(mallopt(M_MMAP_THRESHOLD, 1 << 20), 1);
  EXPECT_EQ(mallopt(M_ARENA_MAX, 1), 1);
}

}  // namespace
