#include "cli/perf_counters.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace hakctl {

const CounterSpec kCounterTable[kCounters] = {
    {"task-clock", "ns", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, false},
    {"page-faults", "events", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, false},
    {"cycles", "events", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, true},
    {"instructions", "events", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, true},
    {"cache-misses", "events", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, true},
    {"branch-misses", "events", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, true},
};

namespace {

int open_counter(const CounterSpec& spec) {
  perf_event_attr attr;
  memset(&attr, 0, sizeof(attr));
  attr.size = sizeof(attr);
  attr.type = spec.type;
  attr.config = spec.config;
  attr.disabled = 1;
  attr.inherit = 1;  // the threads that are started later count too
  attr.exclude_hv = 1;
  // Without privileges the kernel allows the program's own part only.
  attr.exclude_kernel = 1;
  attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return static_cast<int>(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

}  // namespace

CounterSet::CounterSet() {
  for (size_t i = 0; i < kCounters; ++i) {
    descriptors_[i] = open_counter(kCounterTable[i]);
    errors_[i] = descriptors_[i] < 0 ? errno : 0;
  }
}

CounterSet::~CounterSet() {
  for (int descriptor : descriptors_) {
    if (descriptor >= 0) close(descriptor);
  }
}

void CounterSet::start() {
  for (int descriptor : descriptors_) {
    if (descriptor < 0) continue;
    ioctl(descriptor, PERF_EVENT_IOC_RESET, 0);
    ioctl(descriptor, PERF_EVENT_IOC_ENABLE, 0);
  }
}

void CounterSet::stop() {
  for (int descriptor : descriptors_) {
    if (descriptor >= 0) ioctl(descriptor, PERF_EVENT_IOC_DISABLE, 0);
  }
}

CounterReading CounterSet::read(size_t counter) const {
  if (descriptors_[counter] < 0) return {false, errors_[counter], 0};
  struct {
    uint64_t value;
    uint64_t enabled;
    uint64_t running;
  } data;
  if (::read(descriptors_[counter], &data, sizeof(data)) != sizeof(data)) return {false, errno, 0};
  // More counters than the processor holds take turns; one that never had its turn counted nothing.
  if (data.running == 0 && kCounterTable[counter].hardware) return {false, EBUSY, 0};
  double scale = data.running == 0 ? 1.0 : static_cast<double>(data.enabled) / static_cast<double>(data.running);
  return {true, 0, static_cast<double>(data.value) * scale};
}

std::string explain_absence(const CounterSpec& spec, int error) {
  if (error == ENOENT || error == EOPNOTSUPP || error == ENODEV) {
    return spec.hardware ? "this machine offers no hardware counters (most virtual machines do not)"
                         : "this kernel lacks the event";
  }
  if (error == EACCES || error == EPERM) {
    return "the kernel refuses (see /proc/sys/kernel/perf_event_paranoid, or the sandbox's rules)";
  }
  if (error == ENOSYS) return "this kernel has no perf_event_open";
  if (error == EBUSY) return "the processor's counters are in use by others";
  return std::string("perf_event_open: ") + strerror(error);
}

}  // namespace hakctl
