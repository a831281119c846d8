// footprint.h - the workloads that report memory: what they need beside the Run.
//
// Purpose:      the rows of the footprint family, which the registry adds to its table, and the meter that they share.
// Owns:         tables of blocks outside the malloc under test, so that resident memory is that of the blocks alone.
// Thread rule:  Resident and FootprintMeter on one thread; a BlockTable is one worker's.
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

// What the process holds beyond what it held when the meter was made, as the kernel accounts it.
class FootprintMeter {
 public:
  FootprintMeter();
  // The run is over and its blocks are freed. Waits out the idle time without a call into malloc, then notes
  // requested, peak, peak to requested, end and idle. `requested` is the most that was live at once.
  void finish(Run& run, uint64_t requested);

 private:
  double base_;
};

}  // namespace hakctl

#endif  // HAK_CLI_WORKLOADS_FOOTPRINT_H
