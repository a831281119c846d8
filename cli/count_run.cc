#include "cli/count_run.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/errors.h"
#include "cli/machine.h"

namespace hakctl {

namespace {

constexpr const char* kPair = "malloc, free";
constexpr const char* kLastFirst = "100 mallocs, 100 frees, last first";
constexpr const char* kFirstFirst = "100 mallocs, 100 frees, first first";
constexpr const char* kCleared = "calloc, free";
constexpr const char* kDoubled = "malloc, realloc to double, free";
constexpr const char* kRandom = "free, malloc of a random size up to this, 4096 live";
constexpr const char* kCross = "malloc by one thread, free by another";

// Callgrind numbers its dumps behind the name that it is given.
class DumpFolder {
 public:
  DumpFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hakctl-count-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw RunError("no folder could be made in " + name);
    path_ = name;
  }
  ~DumpFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  DumpFolder(const DumpFolder&) = delete;
  DumpFolder& operator=(const DumpFolder&) = delete;

  std::string file() const { return path_ + "/counts"; }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      std::ifstream file(entry.path());
      std::ostringstream text;
      text << file.rdbuf();
      all.push_back(text.str());
    }
    return all;
  }

 private:
  std::string path_;
};

// What follows a key at the beginning of a line; "" when no line has it.
std::string value_after(const std::string& text, const std::string& key) {
  size_t at = text.compare(0, key.size(), key) == 0 ? 0 : text.find("\n" + key);
  if (at == std::string::npos) return "";
  size_t begin = text.find(key, at) + key.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string last_line(const std::string& text) {
  size_t end = text.find_last_not_of("\n ");
  if (end == std::string::npos) return "";
  size_t begin = text.rfind('\n', end);
  begin = begin == std::string::npos ? 0 : begin + 1;
  return text.substr(begin, end + 1 - begin);
}

}  // namespace

const std::vector<CountRow>& count_rows() {
  static const auto* rows = new std::vector<CountRow>{
      {"pair:16", kPair, 27, 22},
      {"pair:64", kPair, 27, 22},
      {"pair:256", kPair, 27, 22},
      {"pair:1024", kPair, 27, 22},
      {"pair:4096", kPair, 36, 30},
      {"pair:16384", kPair, 36, 30},
      {"pair:65536", kPair, 36, 30},
      {"lifo100:16", kLastFirst, 27, 22},
      {"lifo100:64", kLastFirst, 27, 22},
      {"lifo100:256", kLastFirst, 27, 22},
      {"lifo100:1024", kLastFirst, 30, 25},
      {"lifo100:4096", kLastFirst, 46, 40},
      {"lifo100:16384", kLastFirst, 46, 40},
      {"lifo100:65536", kLastFirst, 46, 40},
      {"fifo100:16", kFirstFirst, 27, 22},
      {"fifo100:64", kFirstFirst, 27, 22},
      {"fifo100:256", kFirstFirst, 27, 22},
      {"fifo100:1024", kFirstFirst, 30, 25},
      {"fifo100:4096", kFirstFirst, 46, 40},
      {"fifo100:16384", kFirstFirst, 46, 40},
      {"fifo100:65536", kFirstFirst, 46, 40},
      {"calloc:16", kCleared, 36, 32},
      {"calloc:256", kCleared, 62, 58},
      {"calloc:4096", kCleared, 0, 0},
      {"realloc2x:16", kDoubled, 100, 90},
      {"realloc2x:256", kDoubled, 130, 120},
      {"realloc2x:4096", kDoubled, 0, 0},
      {"churn4096:256", kRandom, 29, 24},
      {"churn4096:4096", kRandom, 46, 40},
      {"cross100:16", kCross, 54, 48},
      {"cross100:256", kCross, 54, 48},
      {"cross100:4096", kCross, 105, 100},
  };
  return *rows;
}

void require_valgrind() {
  if (find_program("valgrind").empty()) throw MissingError("valgrind is not installed: apt-get install valgrind");
}

Allocator empty_allocator() { return {"empty", sibling_program("probes/libempty_malloc.so")}; }

bool parse_dump(const std::string& text, std::string* row, double* instructions) {
  std::string label = value_after(text, "desc: Trigger: Client Request: ");
  // Not "totals": these lack what calls that were under way at the dump had cost.
  std::string total = value_after(text, "summary: ");
  size_t colon = label.rfind(':');
  if (colon == std::string::npos || total.empty()) return false;
  double calls = strtod(label.c_str() + colon + 1, nullptr);
  if (calls <= 0) return false;
  *row = label.substr(0, colon);
  *instructions = strtod(total.c_str(), nullptr) / calls;
  return true;
}

Counts count_gross(const Allocator& allocator) {
  DumpFolder folder;
  ProcessResult result = run_captured({"valgrind", "--tool=callgrind", "--callgrind-out-file=" + folder.file(),
                                       "--combine-dumps=no", sibling_program("probes/call_cost")},
                                      environment_of(allocator));
  Counts counts;
  for (const std::string& text : folder.texts()) {
    std::string row;
    double instructions = 0;
    if (parse_dump(text, &row, &instructions)) counts[row] = instructions;
  }
  if (result.exit_status != 0 || counts.size() != count_rows().size()) {
    throw RunError(allocator.name + ": callgrind gave " + std::to_string(counts.size()) + " of " +
                   std::to_string(count_rows().size()) + " counts: " + last_line(result.errors));
  }
  return counts;
}

Counts net_of(const Counts& gross, const Counts& empty) {
  Counts net;
  for (const auto& [row, instructions] : gross) {
    auto found = empty.find(row);
    if (found != empty.end()) net[row] = instructions - found->second;
  }
  return net;
}

}  // namespace hakctl
