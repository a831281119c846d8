// count.cc - `hakctl count`: instructions of each kind of call, for hakmem and for any library.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/count_run.h"
#include "cli/errors.h"
#include "cli/machine.h"
#include "cli/plan.h"
#include "cli/text_table.h"

namespace hakctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHelp =
    "Counts the instructions of malloc and free, by callgrind, in a program on the preloaded library; those of the\n"
    "loop and of a call to a malloc that does nothing are subtracted. Counts repeat exactly. hakmem comes first, then\n"
    "the allocators that are named: glibc, mimalloc, jemalloc, tcmalloc, or NAME=LIBRARY.\n"
    "\n"
    "Rows are CASE:SIZE, in instructions for one round of the case:\n"
    "  pair       malloc, free                      lifo100, fifo100  100 mallocs, then 100 frees, a pair of them\n"
    "  calloc     calloc, free                      realloc2x         malloc, realloc to double, free\n"
    "  churn4096  free, malloc of a random size     cross100          malloc by one thread, free by another\n"
    "\n"
    "With --goal the goals of that build stand beside the counts; a row that misses its goal is exit status 1. Unless\n"
    "hakmem=LIBRARY says otherwise, --goal fast counts libhakmem_fast.so.\n"
    "\n"
    "Examples:\n"
    "  hakctl count\n"
    "  hakctl count mimalloc glibc\n"
    "  hakctl count --goal default\n"
    "  hakctl count hakmem=/tmp/libhakmem.so other=/tmp/libother.so --format json\n";

// A count that is not whole (a refill now and then) may lie this much above a goal.
constexpr double kTolerance = 0.5;

struct Counted {
  Allocator allocator;
  Counts counts;
};

double goal_of(const CountRow& row, const std::string& build) {
  if (build.empty()) return 0;
  return build == "fast" ? row.goal_fast : row.goal_default;
}

bool misses(const CountRow& row, const Counted& first, const std::string& build) {
  double goal = goal_of(row, build);
  return goal > 0 && first.counts.at(row.name) > goal + kTolerance;
}

std::string one_decimal(double value) {
  char text[32];
  snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

void write_table(std::ostream& out, const std::vector<Counted>& all, const std::string& goal) {
  std::vector<std::string> header = {"instructions"};
  for (const Counted& one : all) header.push_back(one.allocator.name);
  if (!goal.empty()) header.insert(header.end(), {"goal", ""});
  TextTable table(header);
  for (const CountRow& row : count_rows()) {
    std::vector<std::string> cells = {row.name};
    for (const Counted& one : all) cells.push_back(one_decimal(one.counts.at(row.name)));
    if (goal_of(row, goal) > 0) {
      cells.push_back(one_decimal(goal_of(row, goal)));
      cells.push_back(misses(row, all[0], goal) ? "misses" : "");
    }
    table.add(cells);
  }
  table.write_aligned(out);
}

void write_goal_line(std::ostream& out, size_t missed, const std::string& goal) {
  size_t rows = 0;
  for (const CountRow& row : count_rows()) rows += goal_of(row, goal) > 0 ? 1 : 0;
  out << rows - missed << " of " << rows << " rows at the goal\n";
}

void write_json(std::ostream& out, const std::vector<Counted>& all, const Options& options) {
  Json json = {{"version", kVersion}, {"command_line", options.command_line}, {"unit", "instructions"}};
  json["rows"] = Json::array();
  for (const CountRow& row : count_rows()) {
    Json one = {{"row", row.name}, {"explanation", row.explanation}};
    for (const Counted& counted : all) one["counts"][counted.allocator.name] = counted.counts.at(row.name);
    double goal = goal_of(row, options.goal);
    if (goal > 0) {
      one["goal"] = goal;
      one["reached"] = !misses(row, all[0], options.goal);
    }
    json["rows"].push_back(one);
  }
  out << json.dump(2) << "\n";
}

std::vector<Allocator> allocators_of(const Options& options) {
  std::vector<NamedLibrary> named;
  for (const std::string& word : options.words) named.push_back(parse_named_library(word));
  return named_allocators(named, options.goal == "fast" ? "fast" : "");
}

int run_count(const Options& options, const Streams& streams) {
  std::vector<Allocator> allocators = allocators_of(options);
  require_valgrind();
  for (const Allocator& allocator : allocators) verify_loads(allocator);
  std::vector<Counted> all;
  {
    Progress progress;
    progress.show("counting: the empty malloc");
    Counts empty = count_gross(empty_allocator());
    for (const Allocator& allocator : allocators) {
      progress.show("counting: " + allocator.name);
      all.push_back({allocator, net_of(count_gross(allocator), empty)});
    }
  }
  auto missed = std::count_if(count_rows().begin(), count_rows().end(),
                              [&](const CountRow& row) { return misses(row, all[0], options.goal); });
  if (options.format == Format::kJson) {
    write_json(streams.out, all, options);
  } else {
    write_table(streams.out, all, options.goal);
    if (!options.goal.empty()) write_goal_line(streams.out, static_cast<size_t>(missed), options.goal);
  }
  return missed == 0 ? kExitSuccess : kExitFailure;
}

}  // namespace

Command count_command() {
  return {"count",
          "count the instructions of malloc and free, against goals and other libraries",
          "hakctl count [NAME[=LIB]...] [--goal default|fast] [--format table|json]",
          {{"goal", "format=table|json"}, true, false},
          kHelp,
          run_count};
}

}  // namespace hakctl
