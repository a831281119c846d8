// footprint_meter.cc - what a process holds, as the kernel accounts it, read without a call into malloc.
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

#include "cli/workloads/footprint.h"

namespace hakctl {

namespace {

// Without stdio's files, which would call the malloc that is measured.
bool read_own(const char* path, char* text, size_t room) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t length = read(file, text, room - 1);
  close(file);
  if (length <= 0) return false;
  text[length] = '\0';
  return true;
}

double resident_bytes() {
  char text[128];
  unsigned long pages = 0;
  if (!read_own("/proc/self/statm", text, sizeof(text)) || sscanf(text, "%*u %lu", &pages) != 1) return 0;
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Of this program. getrusage() knows also what the process held before it became this program.
double peak_resident_bytes() {
  char text[4096];
  unsigned long kilobytes = 0;
  if (!read_own("/proc/self/status", text, sizeof(text))) return 0;
  const char* line = strstr(text, "VmHWM:");
  if (line == nullptr || sscanf(line, "VmHWM: %lu", &kilobytes) != 1) return 0;
  return static_cast<double>(kilobytes) * 1024;
}

void stand_idle(double seconds) {
  timespec left = {static_cast<time_t>(seconds),
                   static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
  while (nanosleep(&left, &left) != 0) {
  }
}

size_t bytes_of(uint64_t blocks) { return static_cast<size_t>(std::max<uint64_t>(blocks, 1)) * sizeof(Block); }

}  // namespace

BlockTable::BlockTable(uint64_t blocks) : blocks_(nullptr), count_(blocks) {
  void* memory =
      mmap(nullptr, bytes_of(blocks), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return;
  blocks_ = static_cast<Block*>(memory);
  for (uint64_t i = 0; i < blocks; ++i) new (&blocks_[i]) Block();
}

BlockTable::~BlockTable() {
  if (blocks_ != nullptr) munmap(blocks_, bytes_of(count_));
}

BlockTable::BlockTable(BlockTable&& other) noexcept : blocks_(other.blocks_), count_(other.count_) {
  other.blocks_ = nullptr;
}

FootprintMeter::FootprintMeter() : base_(resident_bytes()) {}

FootprintMeter FootprintMeter::of_whole_process() {
  FootprintMeter meter;
  meter.base_ = 0;
  return meter;
}

// Of nothing there is no growth: a page is the least.
void FootprintMeter::note_early() { early_ = std::max(peak_beyond_base(), 4096.0); }

void FootprintMeter::note_standing() { standing_ = std::max(standing_, beyond_base(resident_bytes())); }

double FootprintMeter::beyond_base(double bytes) const { return std::max(0.0, bytes - base_); }

// The kernel brings its peak up to date now and then only.
double FootprintMeter::peak_beyond_base() const {
  return beyond_base(std::max(resident_bytes(), peak_resident_bytes()));
}

void FootprintMeter::finish(Run& run, uint64_t requested) {
  double wanted = static_cast<double>(requested);
  double peak = peak_beyond_base();
  double end = beyond_base(resident_bytes());
  stand_idle(run.params().idle_seconds);
  double idle = beyond_base(resident_bytes());
  peak = std::max({peak, end, idle});  // whatever a reading says was held was not above the peak
  run.note("requested", "bytes", wanted);
  run.note("peak", "bytes", peak);
  run.note("peak_to_requested", "ratio", wanted > 0 ? peak / wanted : 0);
  run.note("end", "bytes", end);
  run.note("after_idle", "bytes", idle);
  if (early_ > 0) run.note("growth", "ratio", std::max(1.0, peak / early_));
  if (standing_ > 0) run.note("round_end", "bytes", standing_);
}

}  // namespace hakctl
