// libhakmem.so opened with dlopen by a program that keeps the C library's malloc.

#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

const char kLibrary[] = "frontend/libhakmem.so";

struct Library {
  void* handle = nullptr;
  void* (*alloc)(size_t) = nullptr;
  void (*free)(void*) = nullptr;
  void* (*realloc)(void*, size_t) = nullptr;
  size_t (*usable_size)(const void*) = nullptr;
  bool (*owns)(const void*) = nullptr;

  Library() : handle(dlopen(kLibrary, RTLD_LOCAL | RTLD_NOW)) {
    if (handle == nullptr) return;
    Find(&alloc, "hak_malloc");
    Find(&free, "hak_free");
    Find(&realloc, "hak_realloc");
    Find(&usable_size, "hak_usable_size");
    Find(&owns, "hak_owns");
  }

 private:
  template <typename Function>
  void Find(Function** function, const char* name) {
    *function = reinterpret_cast<Function*>(dlsym(handle, name));
  }
};

class Dlopen : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(library.handle, nullptr) << dlerror();
    ASSERT_NE(library.alloc, nullptr);
    ASSERT_NE(library.owns, nullptr);
  }
  void TearDown() override { dlclose(library.handle); }

  Library library;
};

void Churn(const Library& library) {
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{1000}, size_t{20000}, size_t{300000}, size_t{70} << 20}) {
    for (int i = 0; i < 20; i++) {
      char* block = static_cast<char*>(library.alloc(bytes));
      ASSERT_NE(block, nullptr);
      ASSERT_TRUE(library.owns(block));
      ASSERT_GE(library.usable_size(block), bytes);
      block[0] = block[bytes - 1] = 'x';
      block = static_cast<char*>(library.realloc(block, bytes * 2));
      ASSERT_EQ(block[bytes - 1], 'x');
      library.free(block);
    }
  }
}

TEST_F(Dlopen, ServesBlocksOfEverySize) { Churn(library); }

TEST_F(Dlopen, LeavesTheProgramsOwnMallocAlone) {
  void* own = calloc(1, 100);
  EXPECT_FALSE(library.owns(own));
  free(own);
  char* copy = strdup("libc goes on with its own");
  EXPECT_FALSE(library.owns(copy));
  free(copy);
  EXPECT_NE(dlsym(library.handle, "malloc"), dlsym(RTLD_DEFAULT, "malloc"));
}

TEST_F(Dlopen, ServesThreadsThatWereThereBeforeIt) {
  std::atomic<const Library*> opened{nullptr};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&opened] {
      while (opened == nullptr) std::this_thread::yield();
      Churn(*opened);
    });
  }
  Library again;
  opened = &again;
  for (std::thread& thread : threads) thread.join();
  dlclose(again.handle);
}

TEST_F(Dlopen, BlocksOutliveDlclose) {
  char* block = static_cast<char*>(library.alloc(1000));
  memset(block, 'x', 1000);
  dlclose(library.handle);
  library = Library();
  ASSERT_NE(library.handle, nullptr);
  EXPECT_TRUE(library.owns(block));
  EXPECT_EQ(block[999], 'x');
  library.free(block);
}

TEST_F(Dlopen, ThreadsEndWithLiveBlocksAfterDlclose) {
  Library again;
  void* block = nullptr;
  std::thread([&] {
    block = again.alloc(5000);
    dlclose(again.handle);
  }).join();
  EXPECT_TRUE(library.owns(block));
  library.free(block);
}

// A library that is opened late gets its thread-locals out of the little that libc keeps for such cases.
TEST(StaticTls, IsAtMost64Bytes) {
  std::vector<char> file;
  FILE* stream = fopen(kLibrary, "rb");
  ASSERT_NE(stream, nullptr);
  char chunk[65536];
  for (size_t got; (got = fread(chunk, 1, sizeof chunk, stream)) > 0;) file.insert(file.end(), chunk, chunk + got);
  fclose(stream);
  ASSERT_GT(file.size(), sizeof(Elf64_Ehdr));
  Elf64_Ehdr header;
  memcpy(&header, file.data(), sizeof header);
  ASSERT_EQ(memcmp(header.e_ident, ELFMAG, SELFMAG), 0);
  size_t tls_bytes = 0;
  for (size_t i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr segment;
    memcpy(&segment, &file[header.e_phoff + i * sizeof segment], sizeof segment);
    if (segment.p_type == PT_TLS) tls_bytes = segment.p_memsz;
  }
  EXPECT_GT(tls_bytes, 0u);
  EXPECT_LE(tls_bytes, 64u);
}

}  // namespace
