// footprint.h - the workloads that report memory: what they need beside the Run.
//
// Purpose:      the rows of the footprint family, which the registry adds to its table, and the meter that they share.
// Owns:         tables of blocks outside the malloc under test, so that resident memory is that of the blocks alone.
// Thread rule:  one thread at a time has a FootprintMeter; a BlockTable is one worker's.
// Failure rule: no memory for a table ends the run with an error.
#ifndef HAK_CLI_WORKLOADS_FOOTPRINT_H
#define HAK_CLI_WORKLOADS_FOOTPRINT_H

#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/workload.h"

namespace hakctl {

const std::vector<Workload>& footprint_workloads();

// Blocks in a mapping of its own, resident from the start.
class BlockTable {
 public:
  explicit BlockTable(uint64_t blocks);
  ~BlockTable();
  BlockTable(BlockTable&& other) noexcept;
  BlockTable(const BlockTable&) = delete;
  BlockTable& operator=(const BlockTable&) = delete;

  bool usable() const { return blocks_ != nullptr; }
  uint64_t size() const { return count_; }
  Block& operator[](uint64_t i) { return blocks_[i]; }

 private:
  Block* blocks_;
  uint64_t count_;
};

// The first of so many parts of a run is its early part.
constexpr uint64_t kEarly = 10;

// What the process holds beyond what it held when the meter was made, as the kernel accounts it.
class FootprintMeter {
 public:
  FootprintMeter();
  // Program and libraries too.
  static FootprintMeter of_whole_process();

  // The early part of the run is over: finish() will also note how much the peak has grown since.
  void note_early();
  // What the process holds at this moment: finish() will also note the most of these.
  void note_standing();
  // The run is over and its blocks are freed. Waits out the idle time without a call into malloc, then notes
  // requested, peak, peak to requested, end and idle. `requested` is the most that was live at once.
  void finish(Run& run, uint64_t requested);

 private:
  double beyond_base(double bytes) const;
  double peak_beyond_base() const;

  double base_;
  double early_ = 0;
  double standing_ = 0;
};

}  // namespace hakctl

#endif  // HAK_CLI_WORKLOADS_FOOTPRINT_H
