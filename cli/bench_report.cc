#include "cli/bench_report.h"

#include <algorithm>

#include "cli/notes_table.h"
#include "cli/stats.h"
#include "cli/text_table.h"

namespace hakctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kMiB = 1024.0 * 1024.0;

Summary summarize_metric(const BenchRow& row, const Metric& metric) {
  std::vector<double> samples;
  for (const Measurement& repeat : row.repeats) samples.push_back(metric.value(repeat));
  return summarize(samples);
}

// Empty when any repeat lacks the counter: a median over some of them would compare with nothing.
std::vector<double> counter_samples(const BenchRow& row, size_t counter) {
  std::vector<double> samples;
  for (const Measurement& repeat : row.repeats) {
    if (!repeat.counters[counter].present) return {};
    samples.push_back(repeat.counters[counter].value);
  }
  return samples;
}

std::vector<double> note_samples(const BenchRow& row, unsigned note) {
  std::vector<double> samples;
  for (const Measurement& repeat : row.repeats) {
    if (note < repeat.outcome.notes) samples.push_back(repeat.outcome.note[note].value);
  }
  return samples;
}

const Metric& metric_named(const std::string& key) {
  for (const Metric& metric : metrics()) {
    if (key == metric.key) return metric;
  }
  return metrics().front();
}

std::string spread_of(const Summary& summary) { return format_figure(summary.min) + ".." + format_figure(summary.max); }

std::string threads_of(const BenchRow& row) { return std::to_string(row.repeats.front().outcome.threads); }

void write_time_table(std::ostream& out, const BenchReport& report) {
  TextTable table({"workload", "threads", "Mops/s", "ns/op", "min..max", "CPU s", "peak MiB", "minor faults",
                   "major faults", "switches"});
  for (const BenchRow& row : report.rows) {
    Summary ns = summarize_metric(row, metric_named("ns_per_op"));
    auto median = [&row](const char* key) { return summarize_metric(row, metric_named(key)).median; };
    table.add({row.planned.workload->name, threads_of(row), format_figure(median("ops_per_second") / 1e6),
               format_figure(ns.median), spread_of(ns), format_figure(median("cpu_seconds")),
               format_figure(median("peak_bytes") / kMiB), format_figure(median("minor_faults")),
               format_figure(median("major_faults")), format_figure(median("context_switches"))});
  }
  table.write_aligned(out);
}

// Per operation, so that rows with other iteration counts can be compared.
std::string counter_cell(const BenchRow& row, size_t counter) {
  std::vector<double> samples = counter_samples(row, counter);
  if (samples.empty()) return "n/a";
  double operations = static_cast<double>(row.repeats.front().outcome.operations);
  return operations > 0 ? format_figure(summarize(samples).median / operations) : "n/a";
}

void write_counter_table(std::ostream& out, const BenchReport& report) {
  std::vector<std::string> header = {"counters per operation"};
  for (const CounterSpec& spec : kCounterTable) {
    header.push_back(std::string(spec.unit) == "ns" ? std::string(spec.name) + " ns" : spec.name);
  }
  TextTable table(header);
  for (const BenchRow& row : report.rows) {
    std::vector<std::string> cells = {std::string(row.planned.workload->name) + " x" + threads_of(row)};
    for (size_t i = 0; i < kCounters; ++i) cells.push_back(counter_cell(row, i));
    table.add(cells);
  }
  table.write_aligned(out);
}

std::vector<std::string> absences(const BenchReport& report) {
  std::vector<std::string> reasons;
  for (const BenchRow& row : report.rows) {
    for (const Measurement& repeat : row.repeats) {
      for (size_t i = 0; i < kCounters; ++i) {
        if (repeat.counters[i].present) continue;
        std::string reason = explain_absence(kCounterTable[i], repeat.counters[i].error);
        if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
      }
    }
  }
  return reasons;
}

// The medians over the repeats.
std::vector<Note> notes_of(const BenchRow& row) {
  const Outcome& first = row.repeats.front().outcome;
  std::vector<Note> notes(first.note, first.note + first.notes);
  for (unsigned i = 0; i < first.notes; ++i) notes[i].value = summarize(note_samples(row, i)).median;
  return notes;
}

std::vector<NotedRow> noted_rows(const BenchReport& report) {
  std::vector<NotedRow> rows;
  for (const BenchRow& row : report.rows) {
    rows.push_back({std::string(row.planned.workload->name) + " x" + threads_of(row), notes_of(row)});
  }
  return rows;
}

void write_table(std::ostream& out, const BenchReport& report) {
  size_t repeats = report.rows.front().repeats.size();
  write_time_table(out, report);
  out << "\n";
  write_counter_table(out, report);
  for (const std::string& reason : absences(report)) out << "n/a: " << reason << "\n";
  write_notes_tables(out, "workload", noted_rows(report));
  out << "\nMedians of " << repeats << (repeats == 1 ? " repeat" : " repeats")
      << ", each in a forked process of its own. ns/op is what one thread waits for one operation.\n";
}

Json summary_json(const Summary& summary, const char* unit) {
  return {{"unit", unit}, {"median", summary.median}, {"min", summary.min}, {"max", summary.max}};
}

Json counters_json(const BenchRow& row) {
  Json counters = Json::object();
  for (size_t i = 0; i < kCounters; ++i) {
    const CounterSpec& spec = kCounterTable[i];
    std::vector<double> samples = counter_samples(row, i);
    if (samples.empty()) {
      counters[spec.name] = {{"unit", spec.unit},
                             {"median", nullptr},
                             {"reason", explain_absence(spec, row.repeats.front().counters[i].error)}};
    } else {
      counters[spec.name] = summary_json(summarize(samples), spec.unit);
    }
  }
  return counters;
}

Json repeats_json(const BenchRow& row) {
  Json repeats = Json::array();
  for (const Measurement& repeat : row.repeats) {
    Json one;
    for (const Metric& metric : metrics()) one[metric.key] = metric.value(repeat);
    repeats.push_back(one);
  }
  return repeats;
}

Json row_json(const BenchRow& row) {
  Json json = params_json(row.planned);
  const Outcome& outcome = row.repeats.front().outcome;
  json["threads_run"] = outcome.threads;
  json["operations"] = outcome.operations;
  json["operation"] = row.planned.workload->operation;
  Json figures;
  for (const Metric& metric : metrics()) {
    figures[metric.key] = summary_json(summarize_metric(row, metric), metric.unit);
  }
  json["metrics"] = figures;
  json["counters"] = counters_json(row);
  Json notes = Json::object();
  for (unsigned i = 0; i < outcome.notes; ++i) {
    notes[outcome.note[i].name] = summary_json(summarize(note_samples(row, i)), outcome.note[i].unit);
  }
  json["notes"] = notes;
  json["repeats"] = repeats_json(row);
  return json;
}

void write_json(std::ostream& out, const BenchReport& report) {
  Json json;
  json["version"] = kVersion;
  json["command_line"] = report.command_line;
  json["machine"] = machine_json(report.machine);
  json["method"] = "each repeat in a forked process of its own; figures cover the timed part";
  json["results"] = Json::array();
  for (const BenchRow& row : report.rows) json["results"].push_back(row_json(row));
  out << json.dump(2) << "\n";
}

void write_csv(std::ostream& out, const BenchReport& report) {
  std::vector<std::string> header = {"workload", "threads",  "iters", "working_set",
                                     "size_min", "size_max", "seed",  "repeats"};
  for (const Metric& metric : metrics()) {
    for (const char* which : {"", "_min", "_max"}) header.push_back(std::string(metric.key) + which);
  }
  for (const CounterSpec& spec : kCounterTable) header.push_back(spec.name);
  const std::vector<std::string> notes = note_names(noted_rows(report));
  header.insert(header.end(), notes.begin(), notes.end());
  TextTable table(header);
  for (const BenchRow& row : report.rows) {
    const Params& p = row.planned.params;
    std::vector<std::string> cells = {row.planned.workload->name, threads_of(row),
                                      std::to_string(p.iters),    std::to_string(p.working_set),
                                      std::to_string(p.size.min), std::to_string(p.size.max),
                                      std::to_string(p.seed),     std::to_string(row.repeats.size())};
    for (const Metric& metric : metrics()) {
      Summary summary = summarize_metric(row, metric);
      for (double value : {summary.median, summary.min, summary.max}) cells.push_back(format_exact(value));
    }
    for (size_t i = 0; i < kCounters; ++i) {
      std::vector<double> samples = counter_samples(row, i);
      cells.push_back(samples.empty() ? "n/a" : format_exact(summarize(samples).median));
    }
    for (const std::string& name : notes) cells.push_back(note_cell(notes_of(row), name));
    table.add(cells);
  }
  table.write_csv(out);
}

}  // namespace

Json machine_json(const Machine& machine) {
  Json json = {{"cpu", machine.cpu},
               {"cores", machine.cores},
               {"kernel", machine.kernel},
               {"transparent_huge_pages", machine.huge_pages}};
  json["commit"] = machine.commit.empty() ? Json(nullptr) : Json(machine.commit);
  return json;
}

Json params_json(const PlannedRun& planned) {
  const Params& p = planned.params;
  return {{"workload", planned.workload->name},
          {"threads", p.threads},
          {"iters", p.iters},
          {"working_set", p.working_set},
          {"size_min", p.size.min},
          {"size_max", p.size.max},
          {"seed", p.seed},
          {"idle_seconds", p.idle_seconds}};
}

void write_bench_report(std::ostream& out, const BenchReport& report, Format format) {
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
