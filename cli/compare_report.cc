#include "cli/compare_report.h"

#include <algorithm>

#include "cli/bench_report.h"
#include "cli/notes_table.h"
#include "cli/text_table.h"

namespace hakctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kMiB = 1024.0 * 1024.0;

struct Column {
  const char* key;
  const char* unit;
  double Sample::*field;
};

const Column kColumns[] = {
    {"seconds", "s", &Sample::seconds},
    {"cpu_seconds", "s", &Sample::cpu_seconds},
    {"peak_bytes", "bytes", &Sample::peak_bytes},
    {"minor_faults", "events", &Sample::minor_faults},
    {"major_faults", "events", &Sample::major_faults},
};

double median_of(const Contender& contender, double Sample::*field) {
  return summarize(values_of(contender, field)).median;
}

std::string ratio_text(double ratio) {
  char text[32];
  snprintf(text, sizeof(text), "%.3f", ratio);
  return text;
}

std::string spread_text(const Summary& summary) { return ratio_text(summary.min) + ".." + ratio_text(summary.max); }

std::vector<NotedRow> noted_rows(const Comparison& comparison) {
  std::vector<NotedRow> rows;
  for (const Contender& contender : comparison.contenders)
    rows.push_back({contender.allocator.name, notes_of(contender)});
  return rows;
}

void write_comparison(std::ostream& out, const Comparison& comparison, const std::string& baseline_name) {
  const Contender& baseline = comparison.contenders[find_baseline(comparison, baseline_name)];
  TextTable table({comparison.load.label.substr(0, 60), "time ms", "ratio", "min..max", "CPU s", "ratio", "peak MiB",
                   "minor faults", "major faults"});
  for (const Contender& contender : comparison.contenders) {
    Summary ratio = ratio_to(contender, baseline, &Sample::seconds);
    table.add({contender.allocator.name, format_figure(median_of(contender, &Sample::seconds) * 1e3),
               ratio_text(ratio.median), spread_text(ratio), format_figure(median_of(contender, &Sample::cpu_seconds)),
               ratio_text(ratio_to(contender, baseline, &Sample::cpu_seconds).median),
               format_figure(median_of(contender, &Sample::peak_bytes) / kMiB),
               format_figure(median_of(contender, &Sample::minor_faults)),
               format_figure(median_of(contender, &Sample::major_faults))});
  }
  table.write_aligned(out);
  write_notes_tables(out, comparison.load.label, noted_rows(comparison));
  out << "\n";
}

// Times the best of the others: the largest of the ratios to each of them, round by round as everywhere.
double ratio_to_best_other(const Comparison& comparison) {
  double largest = 0;
  for (size_t i = 1; i < comparison.contenders.size(); ++i) {
    Summary ratio = ratio_to(comparison.contenders[0], comparison.contenders[i], &Sample::seconds);
    largest = std::max(largest, ratio.median);
  }
  return largest;
}

void write_standing(std::ostream& out, const CompareReport& report) {
  size_t first = 0;
  double worst = 0;
  std::string worst_row;
  for (const Comparison& comparison : report.comparisons) {
    double ratio = ratio_to_best_other(comparison);
    first += ratio <= 1 ? 1 : 0;
    if (ratio < worst) continue;
    worst = ratio;
    worst_row = comparison.load.label;
  }
  out << report.comparisons[0].contenders[0].allocator.name << " is first in " << first << " of "
      << report.comparisons.size() << " rows; its worst row is " << worst_row << " with " << ratio_text(worst)
      << " times the best of the others\n\n";
}

void write_overview(std::ostream& out, const CompareReport& report) {
  std::vector<std::string> header = {"time, ratio to " + report.baseline};
  const std::vector<Contender>& contenders = report.comparisons[0].contenders;
  for (const Contender& contender : contenders) header.push_back(contender.allocator.name);
  TextTable table(header);
  std::vector<std::vector<double>> columns(contenders.size());
  for (const Comparison& comparison : report.comparisons) {
    const Contender& baseline = comparison.contenders[find_baseline(comparison, report.baseline)];
    std::vector<std::string> cells = {comparison.load.label};
    for (size_t i = 0; i < comparison.contenders.size(); ++i) {
      columns[i].push_back(ratio_to(comparison.contenders[i], baseline, &Sample::seconds).median);
      cells.push_back(ratio_text(columns[i].back()));
    }
    table.add(cells);
  }
  std::vector<std::string> means = {"geometric mean"};
  for (const std::vector<double>& column : columns) means.push_back(ratio_text(geometric_mean(column)));
  table.add(means);
  table.write_aligned(out);
  out << "\n";
  if (contenders.size() > 1) write_standing(out, report);
}

void write_table(std::ostream& out, const CompareReport& report) {
  for (const Comparison& comparison : report.comparisons) write_comparison(out, comparison, report.baseline);
  if (report.comparisons.size() > 1) write_overview(out, report);
  out << "Medians of " << report.rounds << " interleaved rounds. A ratio is taken in each round against "
      << report.baseline << "; below 1 is better.\n"
      << (report.comparisons[0].load.reports_seconds
              ? "Time is that of the workload's timed part; CPU, memory and faults are the whole process's.\n"
              : "Time is from start to end of the command.\n");
}

Json contender_json(const Contender& contender, const Contender& baseline) {
  Json json = {{"name", contender.allocator.name}};
  json["library"] = contender.allocator.library.empty() ? Json(nullptr) : Json(contender.allocator.library);
  for (const Column& column : kColumns) {
    Summary summary = summarize(values_of(contender, column.field));
    Summary ratio = ratio_to(contender, baseline, column.field);
    json[column.key] = {{"unit", column.unit},
                        {"median", summary.median},
                        {"min", summary.min},
                        {"max", summary.max},
                        {"ratio", {{"median", ratio.median}, {"min", ratio.min}, {"max", ratio.max}}},
                        {"rounds", values_of(contender, column.field)}};
  }
  json["notes"] = Json::object();
  for (const Note& note : notes_of(contender)) {
    json["notes"][note.name] = {{"unit", note.unit}, {"median", note.value}};
  }
  return json;
}

void write_json(std::ostream& out, const CompareReport& report) {
  Json json;
  json["version"] = kVersion;
  json["command_line"] = report.command_line;
  json["machine"] = machine_json(report.machine);
  json["rounds"] = report.rounds;
  json["results"] = Json::array();
  for (const Comparison& comparison : report.comparisons) {
    const Contender& baseline = comparison.contenders[find_baseline(comparison, report.baseline)];
    Json row = {{"load", comparison.load.label}, {"baseline", baseline.allocator.name}};
    row["allocators"] = Json::array();
    for (const Contender& contender : comparison.contenders) {
      row["allocators"].push_back(contender_json(contender, baseline));
    }
    json["results"].push_back(row);
  }
  out << json.dump(2) << "\n";
}

void write_csv(std::ostream& out, const CompareReport& report) {
  std::vector<std::string> header = {"load", "allocator", "baseline", "rounds"};
  for (const Column& column : kColumns) {
    for (const char* which : {"", "_ratio", "_ratio_min", "_ratio_max"}) {
      header.push_back(std::string(column.key) + which);
    }
  }
  std::vector<NotedRow> noted;
  for (const Comparison& comparison : report.comparisons) {
    for (const NotedRow& row : noted_rows(comparison)) noted.push_back(row);
  }
  const std::vector<std::string> notes = note_names(noted);
  header.insert(header.end(), notes.begin(), notes.end());
  TextTable table(header);
  for (const Comparison& comparison : report.comparisons) {
    const Contender& baseline = comparison.contenders[find_baseline(comparison, report.baseline)];
    for (const Contender& contender : comparison.contenders) {
      std::vector<std::string> cells = {comparison.load.label, contender.allocator.name, baseline.allocator.name,
                                        std::to_string(report.rounds)};
      for (const Column& column : kColumns) {
        Summary ratio = ratio_to(contender, baseline, column.field);
        for (double value : {median_of(contender, column.field), ratio.median, ratio.min, ratio.max}) {
          cells.push_back(format_exact(value));
        }
      }
      for (const std::string& name : notes) cells.push_back(note_cell(notes_of(contender), name));
      table.add(cells);
    }
  }
  table.write_csv(out);
}

}  // namespace

void write_compare_report(std::ostream& out, const CompareReport& report, Format format) {
  switch (format) {
    case Format::kTable:
      write_table(out, report);
      return;
    case Format::kJson:
      write_json(out, report);
      return;
    case Format::kCsv:
      write_csv(out, report);
      return;
  }
}

}  // namespace hakctl
