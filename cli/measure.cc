#include "cli/measure.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "cli/errors.h"

namespace hakctl {

namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// Reads the kernel's figures and the counters where the timed part begins and where it ends.
class Meter : public Observer {
 public:
  void begin() override {
    getrusage(RUSAGE_SELF, &before_);
    counters_.start();
  }
  void end_with_blocks_live() override {
    counters_.stop();
    rusage after;
    getrusage(RUSAGE_SELF, &after);
    result.peak_bytes = static_cast<double>(after.ru_maxrss) * 1024;
    result.minor_faults = static_cast<double>(after.ru_minflt - before_.ru_minflt);
    result.major_faults = static_cast<double>(after.ru_majflt - before_.ru_majflt);
    result.context_switches =
        static_cast<double>(after.ru_nvcsw - before_.ru_nvcsw + after.ru_nivcsw - before_.ru_nivcsw);
    result.cpu_seconds = seconds_of(after.ru_utime) + seconds_of(after.ru_stime) - seconds_of(before_.ru_utime) -
                         seconds_of(before_.ru_stime);
    for (size_t i = 0; i < kCounters; ++i) result.counters[i] = counters_.read(i);
  }

  Measurement result = {};

 private:
  CounterSet counters_;
  rusage before_ = {};
};

[[noreturn]] void child_body(const Workload& workload, const Params& params, int pipe_end) {
  Meter meter;
  meter.result.outcome = run_workload(workload, params, &meter);
  const char* bytes = reinterpret_cast<const char*>(&meter.result);
  size_t sent = 0;
  while (sent < sizeof(meter.result)) {
    ssize_t now = write(pipe_end, bytes + sent, sizeof(meter.result) - sent);
    if (now < 0 && errno != EINTR) _exit(1);
    if (now > 0) sent += static_cast<size_t>(now);
  }
  _exit(0);
}

bool receive(int pipe_end, Measurement* result) {
  char* bytes = reinterpret_cast<char*>(result);
  size_t received = 0;
  while (received < sizeof(*result)) {
    ssize_t now = read(pipe_end, bytes + received, sizeof(*result) - received);
    if (now == 0 || (now < 0 && errno != EINTR)) return false;
    if (now > 0) received += static_cast<size_t>(now);
  }
  return true;
}

std::string end_of(int status) {
  if (WIFSIGNALED(status)) return std::string("ended by a signal: ") + strsignal(WTERMSIG(status));
  return "ended with exit status " + std::to_string(WEXITSTATUS(status));
}

double ops_per_second(const Measurement& m) {
  return m.outcome.seconds > 0 ? static_cast<double>(m.outcome.operations) / m.outcome.seconds : 0;
}
double ns_per_op(const Measurement& m) {
  double each = static_cast<double>(m.outcome.operations) / m.outcome.threads;
  return each > 0 ? m.outcome.seconds * 1e9 / each : 0;
}

}  // namespace

const std::vector<Metric>& metrics() {
  static const auto* table = new std::vector<Metric>{
      {"ops_per_second", "ops/s", "1/s", ops_per_second},
      {"ns_per_op", "ns/op", "ns", ns_per_op},
      {"seconds", "seconds", "s", [](const Measurement& m) { return m.outcome.seconds; }},
      {"cpu_seconds", "CPU s", "s", [](const Measurement& m) { return m.cpu_seconds; }},
      {"peak_bytes", "peak MiB", "bytes", [](const Measurement& m) { return m.peak_bytes; }},
      {"minor_faults", "minor faults", "events", [](const Measurement& m) { return m.minor_faults; }},
      {"major_faults", "major faults", "events", [](const Measurement& m) { return m.major_faults; }},
      {"context_switches", "switches", "events", [](const Measurement& m) { return m.context_switches; }},
  };
  return *table;
}

Measurement measure(const Workload& workload, const Params& params) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw RunError("no pipe could be had");
  pid_t child = fork();
  if (child < 0) throw RunError("no process could be started");
  if (child == 0) child_body(workload, params, ends[1]);
  close(ends[1]);
  Measurement result = {};
  bool complete = receive(ends[0], &result);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::string name = workload.name;
  if (!complete) throw RunError(name + ": the process that ran it " + end_of(status));
  if (result.outcome.error[0] != '\0') throw RunError(name + ": " + result.outcome.error);
  return result;
}

}  // namespace hakctl
