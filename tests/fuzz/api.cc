#include "tests/fuzz/api.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "frontend/hakmem.h"
#include "frontend/process.h"

namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

// The bytes that decide what is done; zeros when they are used up.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  // Small sizes most often, up to some megabytes.
  size_t bytes() {
    size_t magnitude = byte() % 23;
    size_t low = byte();
    return ((size_t{1} << magnitude) - 1) + (low << magnitude >> 8);
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

struct Block {
  uint8_t* bytes = nullptr;
  size_t size = 0;
  uint8_t tag = 0;
};

// The ends and a few places between: blocks may have megabytes.
void fill(const Block& block) {
  if (block.size <= 4096) {
    memset(block.bytes, block.tag, block.size);
    return;
  }
  memset(block.bytes, block.tag, 2048);
  memset(block.bytes + block.size - 2048, block.tag, 2048);
}

void expect_whole(const Block& block, size_t size) {
  for (size_t i = 0; i < size && i < 2048; i++) expect(block.bytes[i] == block.tag, "a block was written over");
  if (size != block.size) return;
  size_t tail = size < 2048 ? 0 : size - 2048;
  for (size_t i = tail; i < size; i++) expect(block.bytes[i] == block.tag, "the end of a block was written over");
}

void check_structures() {
  if (hak_thread_has_owner()) hak_owner_check(hak_thread_owner);
  hak_arena_check(&hak_the_process.arena);
}

class Run {
 public:
  Run(const uint8_t* data, size_t size) : input_(data, size), blocks_(64) {}

  void run() {
    while (!input_.empty()) {
      step();
      check_structures();
    }
    for (Block& block : blocks_) drop(block);
    hak_trim();
    check_structures();
  }

 private:
  void keep(Block& slot, void* bytes, size_t size, size_t align) {
    if (bytes == nullptr) {
      slot = {};
      return;
    }
    expect(reinterpret_cast<uintptr_t>(bytes) % align == 0, "a block is not aligned");
    expect(hak_usable_size(bytes) >= size, "a block is smaller than its request");
    expect(hak_owns(bytes), "a live block is nobody's");
    for (const Block& other : blocks_) {
      expect(other.bytes == nullptr || &other == &slot || other.bytes + other.size <= bytes ||
                 static_cast<uint8_t*>(bytes) + size <= other.bytes,
             "two live blocks overlap");
    }
    slot = {static_cast<uint8_t*>(bytes), size, ++tag_};
    fill(slot);
  }

  void drop(Block& slot) {
    if (slot.bytes != nullptr) expect_whole(slot, slot.size);
    hak_free(slot.bytes);
    slot = {};
  }

  void step() {
    uint8_t what = input_.byte();
    Block& slot = blocks_[what & 63];
    switch (what >> 6 | (input_.byte() & 3) << 2) {
      case 0:
      case 1:
      case 2:
        drop(slot);
        break;
      case 3: {
        drop(slot);
        size_t size = input_.bytes();
        void* bytes = hak_calloc(1, size);
        for (size_t i = 0; bytes != nullptr && i < size; i += i < 4096 ? 1 : 509) {
          expect(static_cast<uint8_t*>(bytes)[i] == 0, "calloc gave a block that is not clear");
        }
        keep(slot, bytes, size, HAK_ALIGNMENT);
        break;
      }
      case 4: {
        size_t size = input_.bytes() + 1;
        if (slot.bytes != nullptr) expect_whole(slot, slot.size);
        void* bytes = hak_realloc(slot.bytes, size);
        if (bytes == nullptr) break;
        slot.bytes = static_cast<uint8_t*>(bytes);
        expect_whole(slot, slot.size < size ? slot.size : size);
        keep(slot, bytes, size, HAK_ALIGNMENT);
        break;
      }
      case 5: {
        drop(slot);
        size_t align = size_t{1} << input_.byte() % 23;
        size_t size = input_.bytes();
        keep(slot, hak_aligned_alloc(align, size), size, align);
        break;
      }
      case 6:
        if (slot.bytes != nullptr) expect_whole(slot, slot.size);
        std::thread([&] { hak_free(slot.bytes); }).join();
        slot = {};
        break;
      case 7: {
        // A block that another thread made and left behind.
        drop(slot);
        size_t size = input_.bytes();
        void* bytes = nullptr;
        std::thread([&] { bytes = hak_malloc(size); }).join();
        keep(slot, bytes, size, HAK_ALIGNMENT);
        break;
      }
      case 8:
        hak_trim();
        break;
      case 9:
        hak_arena_tick(&hak_the_process.arena);
        break;
      default: {
        drop(slot);
        size_t size = input_.bytes();
        keep(slot, hak_malloc(size), size, HAK_ALIGNMENT);
        break;
      }
    }
  }

  Input input_;
  std::vector<Block> blocks_;
  uint8_t tag_ = 0;
};

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  setenv("HAKMEM_BACKGROUND", "0", 0);
  Run(data, size).run();
  return 0;
}
