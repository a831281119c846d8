#include "cli/snapshot.h"

#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "cli/text_table.h"

namespace hakctl {

namespace {

using Json = nlohmann::ordered_json;

// Room for most programs, had before the visit starts: a vector that grows inside it would change what is visited.
constexpr size_t kRoom = 4096;

bool keep_chunk(const hak_chunk_info* info, void* arg) {
  static_cast<Snapshot*>(arg)->chunks.push_back(*info);
  return true;
}

bool keep_slab(const hak_slab_info* info, void* arg) {
  static_cast<Snapshot*>(arg)->slabs.push_back(*info);
  return true;
}

std::string hex(uintptr_t address) {
  char text[32];
  snprintf(text, sizeof(text), "0x%zx", static_cast<size_t>(address));
  return text;
}

const char* front_of(const hak_slab_info& slab) { return slab.pool ? "pool" : "tiny"; }

void write_chunks(std::ostream& out, const Snapshot& snapshot) {
  TextTable table({"superslab", "bytes", "units", "used", "dirty", "clean", "huge pages"});
  for (const hak_chunk_info& chunk : snapshot.chunks) {
    table.add({hex(chunk.address), format_bytes(chunk.bytes), std::to_string(chunk.units), std::to_string(chunk.used),
               std::to_string(chunk.dirty), std::to_string(chunk.clean), chunk.huge_pages ? "asked" : "no"});
  }
  table.write_aligned(out);
}

void write_slabs(std::ostream& out, const Snapshot& snapshot) {
  TextTable table({"slab", "superslab", "unit", "bytes", "front", "class", "stride", "block", "capacity", "used",
                   "free", "remote", "state", "owner"});
  for (const hak_slab_info& slab : snapshot.slabs) {
    table.add({hex(slab.address), hex(slab.superslab), std::to_string(slab.index), format_bytes(slab.bytes),
               front_of(slab), std::to_string(slab.size_class), std::to_string(slab.stride),
               std::to_string(slab.block_bytes), std::to_string(slab.capacity), std::to_string(slab.used),
               std::to_string(slab.free), std::to_string(slab.remote), slab.state,
               slab.owner == 0 ? "-" : std::to_string(slab.owner)});
  }
  table.write_aligned(out);
}

struct ClassTotals {
  size_t stride = 0;
  size_t slabs = 0;
  uint64_t capacity = 0;
  uint64_t used = 0;
  uint64_t free = 0;
  uint64_t remote = 0;
};

// tiny and pool each number their classes: both belong to the key. Strides order the rows.
using ClassKey = std::pair<size_t, std::pair<bool, unsigned>>;

std::map<ClassKey, ClassTotals> totals_by_class(const Snapshot& snapshot) {
  std::map<ClassKey, ClassTotals> classes;
  for (const hak_slab_info& slab : snapshot.slabs) {
    ClassTotals& totals = classes[{slab.stride, {slab.pool, slab.size_class}}];
    totals.stride = slab.stride;
    totals.slabs += 1;
    totals.capacity += slab.capacity;
    totals.used += slab.used;
    totals.free += slab.free;
    totals.remote += slab.remote;
  }
  return classes;
}

void write_classes(std::ostream& out, const Snapshot& snapshot) {
  TextTable table({"class", "front", "stride", "slabs", "capacity", "used", "free", "remote"});
  for (const auto& [key, totals] : totals_by_class(snapshot)) {
    table.add({std::to_string(key.second.second), key.second.first ? "pool" : "tiny", std::to_string(totals.stride),
               std::to_string(totals.slabs), std::to_string(totals.capacity), std::to_string(totals.used),
               std::to_string(totals.free), std::to_string(totals.remote)});
  }
  table.write_aligned(out);
}

void write_counters(std::ostream& out, const Snapshot& snapshot) {
  size_t name_width = 0;
  size_t figure_width = 0;
  std::vector<std::string> figures;
  for (const hak_counter& counter : snapshot.counters) {
    figures.push_back(format_figure(static_cast<double>(counter.value)) + " " + counter.unit);
    name_width = std::max(name_width, std::string(counter.name).size());
    figure_width = std::max(figure_width, figures.back().size());
  }
  for (size_t i = 0; i < snapshot.counters.size(); ++i) {
    std::string name = snapshot.counters[i].name;
    name.resize(name_width + 2, ' ');
    out << name << std::string(figure_width - figures[i].size(), ' ') << figures[i] << "  " << snapshot.counters[i].help
        << "\n";
  }
}

Json slab_json(const hak_slab_info& slab) {
  return {{"address", hex(slab.address)},
          {"superslab", hex(slab.superslab)},
          {"index", slab.index},
          {"bytes", slab.bytes},
          {"front", front_of(slab)},
          {"class", slab.size_class},
          {"stride", slab.stride},
          {"block_bytes", slab.block_bytes},
          {"capacity", slab.capacity},
          {"used", slab.used},
          {"free", slab.free},
          {"remote", slab.remote},
          {"state", slab.state},
          {"owner", slab.owner}};
}

Json chunk_json(const hak_chunk_info& chunk) {
  return {
      {"address", hex(chunk.address)}, {"bytes", chunk.bytes}, {"units", chunk.units},          {"used", chunk.used},
      {"dirty", chunk.dirty},          {"clean", chunk.clean}, {"huge_pages", chunk.huge_pages}};
}

}  // namespace

Snapshot take_snapshot() {
  Snapshot snapshot;
  snapshot.chunks.reserve(kRoom);
  snapshot.slabs.reserve(kRoom);
  size_t count = hak_counters(nullptr, 0);
  snapshot.counters.resize(count);
  // Counters first: the visits below may allocate.
  snapshot.counters.resize(std::min(count, hak_counters(snapshot.counters.data(), count)));
  hak_visit_chunks(keep_chunk, &snapshot);
  hak_visit_slabs(keep_slab, &snapshot);
  return snapshot;
}

void write_snapshot_tables(std::ostream& out, const Snapshot& snapshot) {
  write_chunks(out, snapshot);
  out << "\n";
  write_slabs(out, snapshot);
  out << "\n";
  write_classes(out, snapshot);
  out << "\n";
  write_counters(out, snapshot);
}

Json snapshot_json(const Snapshot& snapshot) {
  Json json;
  json["superslabs"] = Json::array();
  for (const hak_chunk_info& chunk : snapshot.chunks) json["superslabs"].push_back(chunk_json(chunk));
  json["slabs"] = Json::array();
  for (const hak_slab_info& slab : snapshot.slabs) json["slabs"].push_back(slab_json(slab));
  json["counters"] = Json::object();
  for (const hak_counter& counter : snapshot.counters) {
    json["counters"][counter.name] = {{"unit", counter.unit}, {"value", counter.value}, {"help", counter.help}};
  }
  return json;
}

}  // namespace hakctl
