// block.h - a block under test: its pointer, its size, and a mark in its first and last byte that must survive.
//
// Purpose:      every workload touches what it allocates and finds out when somebody else wrote there.
// Owns:         nothing.
// Thread rule:  a block is in one thread's hands at a time; handing it over is the workload's business.
// Failure rule: take() answers false without memory, give_back() false for a damaged block, which it still frees.
#ifndef HAK_CLI_WORKLOADS_BLOCK_H
#define HAK_CLI_WORKLOADS_BLOCK_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "cli/workloads/workload.h"

namespace hakctl {

// Two shifts and a multiplication at most: the generator must not be what a workload measures.
class Rng {
 public:
  // Neighbouring seeds and threads must not give neighbouring streams, hence the mixing.
  Rng(uint64_t seed, unsigned thread) {
    uint64_t z = seed + (thread + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    state_ = (z ^ (z >> 31)) | 1;
  }
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // 0 to n - 1 without a division; n below 2^32.
  uint64_t below(uint64_t n) { return ((next() & 0xffffffffu) * n) >> 32; }

 private:
  uint64_t state_;
};

// Sizes of a range: every size as likely as the next, or every power of two as likely as the next.
class SizePicker {
 public:
  enum Law { kUniform, kByPowersOfTwo };
  SizePicker(const SizeRange& range, Law law) {
    size_t low = range.min;
    while (law == kByPowersOfTwo && low <= range.max / 2) {
      size_t high = 1;
      while (high <= low) high *= 2;
      add(low, high - 1);
      low = high;
    }
    add(low, range.max);
  }
  size_t pick(uint64_t random) const {
    size_t i = ((random & 0xffffffffu) * count_) >> 32;
    return low_[i] + (((random >> 32) * span_[i]) >> 32);
  }

 private:
  void add(size_t low, size_t high) {
    low_[count_] = low;
    span_[count_++] = high - low + 1;
  }
  size_t low_[64];
  size_t span_[64];
  size_t count_ = 0;
};

struct Block {
  unsigned char* bytes = nullptr;
  uint32_t size = 0;
  uint16_t mark = 0;

  void stamp() {
    bytes[0] = static_cast<unsigned char>(mark);
    bytes[size - 1] = static_cast<unsigned char>(mark >> 8);
  }
  bool intact() const {
    bool last = bytes[size - 1] == static_cast<unsigned char>(mark >> 8);
    return last && (size == 1 || bytes[0] == static_cast<unsigned char>(mark));
  }
  bool take(size_t bytes_wanted, uint64_t random) {
    return adopt(static_cast<unsigned char*>(malloc(bytes_wanted)), bytes_wanted, random);
  }
  bool take_cleared(size_t bytes_wanted, uint64_t random) {
    unsigned char* p = static_cast<unsigned char*>(calloc(1, bytes_wanted));
    bool cleared = p == nullptr || (p[0] == 0 && p[bytes_wanted / 2] == 0 && p[bytes_wanted - 1] == 0);
    return adopt(p, bytes_wanted, random) && cleared;
  }
  bool resize(size_t bytes_wanted, uint64_t random) {
    bool sound = intact();
    unsigned char first = bytes[0];
    unsigned char* p = static_cast<unsigned char*>(realloc(bytes, bytes_wanted));
    if (p == nullptr) return false;
    sound = sound && p[0] == first;
    return adopt(p, bytes_wanted, random) && sound;
  }
  bool give_back() {
    bool sound = intact();
    free(bytes);
    bytes = nullptr;
    return sound;
  }

 private:
  bool adopt(unsigned char* p, size_t bytes_wanted, uint64_t random) {
    if (p == nullptr) return false;
    bytes = p;
    size = static_cast<uint32_t>(bytes_wanted);
    mark = static_cast<uint16_t>(random >> 24);
    stamp();
    return true;
  }
};

}  // namespace hakctl

#endif  // HAK_CLI_WORKLOADS_BLOCK_H
