#include "cli/machine.h"

#include <limits.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "cli/process.h"

namespace hakctl {

namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  std::string line;
  while (std::getline(info, line)) {
    if (line.compare(0, 10, "model name") != 0) continue;
    size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string huge_page_mode() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  std::getline(file, line);
  size_t open = line.find('[');
  size_t close = line.find(']');
  if (open == std::string::npos || close == std::string::npos) return "unknown";
  return line.substr(open + 1, close - open - 1);
}

std::string commit_of(const std::string& workspace) {
  if (workspace.empty()) return "";
  // A tree with changes is not the commit: git says so with a suffix.
  ProcessResult git = run_captured({"git", "-C", workspace, "describe", "--always", "--dirty", "--abbrev=12"}, {});
  if (git.exit_status != 0) return "";
  return git.output.substr(0, git.output.find('\n'));
}

bool exists(const std::string& path) { return access(path.c_str(), R_OK) == 0; }

}  // namespace

Machine describe_machine() {
  Machine machine;
  machine.cpu = cpu_model();
  utsname name;
  if (uname(&name) == 0) machine.kernel = std::string(name.sysname) + " " + name.release;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  machine.cores = cores > 0 ? static_cast<unsigned>(cores) : 0;
  machine.huge_pages = huge_page_mode();
  machine.commit = commit_of(find_workspace());
  return machine;
}

std::string find_workspace() {
  const char* exported = getenv("HAKCTL_WORKSPACE");
  if (exported != nullptr && exported[0] != '\0') return exported;
  char buffer[PATH_MAX];
  if (getcwd(buffer, sizeof(buffer)) == nullptr) return "";
  std::string folder = buffer;
  for (;;) {
    if (exists(folder + "/.bazelrc")) return folder;
    size_t slash = folder.rfind('/');
    if (slash == std::string::npos || folder.size() <= 1) return "";
    folder.resize(slash);
  }
}

std::string program_folder() {
  char buffer[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", buffer, sizeof(buffer));
  if (length <= 0) return ".";
  std::string path(buffer, static_cast<size_t>(length));
  return path.substr(0, path.rfind('/'));
}

}  // namespace hakctl
