#include "cli/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/errors.h"
#include "cli/workloads/workload.h"

namespace hakctl {

namespace {

// Of a child; -1 leaves it ours.
struct Ends {
  int input = -1;
  int output = -1;
  int errors = -1;
};

std::vector<char*> to_argv(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  return argv;
}

void apply(const Environment& environment) {
  for (const auto& [name, value] : environment) {
    if (value.empty()) {
      unsetenv(name.c_str());
    } else {
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
}

// Of a child with a limit: a group that is killed as one, and no core file.
void stand_apart() {
  setpgid(0, 0);
  rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

pid_t start(const std::vector<std::string>& command, const Environment& environment, const Ends& ends,
            bool apart = false) {
  std::vector<char*> argv = to_argv(command);
  pid_t child = fork();
  if (child != 0) return child;
  if (apart) stand_apart();
  if (ends.input >= 0) dup2(ends.input, STDIN_FILENO);
  if (ends.output >= 0) dup2(ends.output, STDOUT_FILENO);
  if (ends.errors >= 0) dup2(ends.errors, STDERR_FILENO);
  apply(environment);
  execvp(argv[0], argv.data());
  dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

void read_into(int descriptor, bool* open, std::string* text) {
  char buffer[65536];
  ssize_t got = read(descriptor, buffer, sizeof(buffer));
  if (got > 0) text->append(buffer, static_cast<size_t>(got));
  if (got == 0 || (got < 0 && errno != EINTR)) *open = false;
}

// Milliseconds for poll; never, as poll says it, without a limit or once it has been used.
int remaining(double deadline) {
  if (deadline == 0) return -1;
  return static_cast<int>(std::max(0.0, deadline - monotonic_seconds()) * 1000);
}

// Kills the child's group at the deadline, if there is one, and goes on to what is left in the pipes.
void drain(int output, int errors, pid_t child, double deadline, ProcessResult* result) {
  bool output_open = output >= 0;
  bool errors_open = errors >= 0;
  while (output_open || errors_open) {
    pollfd both[2] = {{output_open ? output : -1, POLLIN, 0}, {errors_open ? errors : -1, POLLIN, 0}};
    int ready = poll(both, 2, remaining(deadline));
    if (ready < 0 && errno != EINTR) return;
    if (ready == 0) {
      kill(-child, SIGKILL);
      deadline = 0;
    }
    if (ready <= 0) continue;
    if (both[0].revents != 0) read_into(output, &output_open, &result->output);
    if (both[1].revents != 0) read_into(errors, &errors_open, &result->errors);
  }
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

void wait_for(pid_t child, ProcessResult* result) {
  int status = 0;
  rusage usage;
  while (wait4(child, &status, 0, &usage) < 0) {
    if (errno != EINTR) throw RunError("a child process was lost");
  }
  result->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  result->cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  result->peak_bytes = static_cast<double>(usage.ru_maxrss) * 1024;
  result->minor_faults = static_cast<double>(usage.ru_minflt);
  result->major_faults = static_cast<double>(usage.ru_majflt);
  result->context_switches = static_cast<double>(usage.ru_nvcsw + usage.ru_nivcsw);
}

ProcessResult run_with(const std::vector<std::string>& command, const Environment& environment, bool keep_output,
                       unsigned seconds = 0) {
  int output[2] = {-1, -1};
  int errors[2] = {-1, -1};
  if (pipe2(errors, O_CLOEXEC) != 0) throw RunError("no pipe could be had");
  if (keep_output && pipe2(output, O_CLOEXEC) != 0) throw RunError("no pipe could be had");
  int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  ProcessResult result;
  double begin = monotonic_seconds();
  pid_t child = start(command, environment, {nowhere, keep_output ? output[1] : nowhere, errors[1]}, seconds != 0);
  close(errors[1]);
  if (output[1] >= 0) close(output[1]);
  if (nowhere >= 0) close(nowhere);
  if (child < 0) throw RunError("no process could be started");
  drain(output[0], errors[0], child, seconds != 0 ? begin + seconds : 0, &result);
  wait_for(child, &result);
  result.wall_seconds = monotonic_seconds() - begin;
  close(errors[0]);
  if (output[0] >= 0) close(output[0]);
  return result;
}

}  // namespace

ProcessResult run_captured(const std::vector<std::string>& command, const Environment& environment) {
  return run_with(command, environment, true);
}

ProcessResult run_silently(const std::vector<std::string>& command, const Environment& environment) {
  return run_with(command, environment, false);
}

ProcessResult run_limited(const std::vector<std::string>& command, const Environment& environment, unsigned seconds) {
  return run_with(command, environment, true, seconds);
}

void replace_program(const std::vector<std::string>& command, const Environment& environment) {
  apply(environment);
  std::vector<char*> argv = to_argv(command);
  execvp(argv[0], argv.data());
}

int run_visibly(const std::vector<std::string>& command, const Environment& environment) {
  pid_t child = start(command, environment, {});
  if (child < 0) throw RunError("no process could be started");
  ProcessResult result;
  wait_for(child, &result);
  return result.exit_status;
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = getenv("PATH");
  std::string folders = path != nullptr ? path : "/usr/bin:/bin";
  for (size_t at = 0; at <= folders.size();) {
    size_t colon = std::min(folders.find(':', at), folders.size());
    std::string candidate = folders.substr(at, colon - at) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    at = colon + 1;
  }
  return "";
}

}  // namespace hakctl
