// snapshot.h - the allocator of this process at one moment: its chunks, slabs and counters.
//
// Purpose:      copies what frontend/introspect.h shows, and writes the copy as tables or as JSON.
// Owns:         the copies. Names and help texts of counters stay the allocator's.
// Thread rule:  take_snapshot while the other threads stand still, else figures lie a few operations apart.
// Failure rule: nothing fails. The copies are made with the very malloc that is shown: a few blocks are theirs.
#ifndef HAK_CLI_SNAPSHOT_H
#define HAK_CLI_SNAPSHOT_H

#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "cli/options.h"
#include "frontend/introspect.h"

namespace hakctl {

struct Snapshot {
  std::vector<hak_chunk_info> chunks;
  std::vector<hak_slab_info> slabs;
  std::vector<hak_counter> counters;
};

Snapshot take_snapshot();

void write_snapshot_tables(std::ostream& out, const Snapshot& snapshot);
nlohmann::ordered_json snapshot_json(const Snapshot& snapshot);

}  // namespace hakctl

#endif  // HAK_CLI_SNAPSHOT_H
