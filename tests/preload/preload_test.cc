// Real programs under LD_PRELOAD of libhakmem.so: they print what they print without it, and end with the same status.
//
// A row of the table is a script in programs/. bash runs it twice, in an empty folder each time; every process of the
// second run, bash included, has the library in its maps.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Program {
  const char* script;
  std::vector<const char*> needs;
};

std::ostream& operator<<(std::ostream& out, const Program& program) { return out << program.script; }

const std::vector<Program> kPrograms = {
    {"bash", {"bash"}},
    {"gawk", {"gawk"}},
    {"gcc_c", {"gcc"}},
    {"git", {"git", "tar"}},
    {"gxx_templates", {"g++"}},
    {"jq", {"jq"}},
    {"node", {"node"}},
    {"perl", {"perl"}},
    {"perl_threads", {"perl"}},
    {"python_json", {"python3"}},
    {"python_re", {"python3"}},
    {"python_subprocess", {"python3"}},
    {"python_threads", {"python3"}},
    {"redis", {"redis-server", "redis-cli"}},
    {"sort_and_xz", {"sort", "xz", "tar", "gzip"}},
    {"sqlite3", {"sqlite3"}},
    {"xmllint", {"xmllint"}},
};

const char kPath[] = "/usr/local/bin:/usr/bin:/bin";

fs::path Library() { return fs::canonical("frontend/libhakmem.so"); }

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool Installed(const std::string& name) {
  std::istringstream folders(kPath);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

struct Outcome {
  int status = -1;
  std::string out, err;
};

// Runs bash with the arguments in a new folder, in an environment of its own.
Outcome RunBash(const fs::path& folder, std::vector<std::string> arguments, std::vector<std::string> environment) {
  fs::create_directories(folder / "work");
  environment.insert(environment.end(), {std::string("PATH=") + kPath, "HOME=" + (folder / "work").string(), "LC_ALL=C",
                                         "TZ=UTC", "PYTHONMALLOC=malloc", "PYTHONHASHSEED=0", "PERL_HASH_SEED=0"});
  arguments.insert(arguments.begin(), "bash");
  std::vector<char*> argv, envp;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  for (std::string& variable : environment) envp.push_back(variable.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, (folder / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, (folder / "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addchdir_np(&actions, (folder / "work").c_str());
  pid_t pid = 0;
  int error = posix_spawn(&pid, "/bin/bash", &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return {-1, "", strerror(error)};
  Outcome outcome;
  waitpid(pid, &outcome.status, 0);
  outcome.out = ReadFile(folder / "out");
  outcome.err = ReadFile(folder / "err");
  return outcome;
}

fs::path NewFolder(const std::string& name) {
  const char* top = getenv("TEST_TMPDIR");
  fs::path folder = fs::path(top != nullptr ? top : "/tmp") / ("preload_test." + std::to_string(getpid())) / name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

// What makes the dynamic linker write a file ld.PID for each process.
std::vector<std::string> Preloaded(const fs::path& folder, const std::string& debug) {
  fs::create_directories(folder / "ld");
  return {"LD_PRELOAD=" + Library().string(), "LD_DEBUG=" + debug, "LD_DEBUG_OUTPUT=" + (folder / "ld/ld").string()};
}

// Each process that the dynamic linker started has called the library's initializers; says how many there were.
int CountProcessesWithLibrary(const fs::path& folder) {
  int processes = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "ld")) {
    std::string log = ReadFile(entry.path());
    EXPECT_NE(log.find("calling init: " + Library().string()), std::string::npos) << log.substr(0, 2000);
    processes++;
  }
  return processes;
}

class Preload : public testing::TestWithParam<Program> {};

INSTANTIATE_TEST_SUITE_P(Programs, Preload, testing::ValuesIn(kPrograms),
                         [](const testing::TestParamInfo<Program>& program) { return program.param.script; });

TEST_P(Preload, PrintsWhatItPrintsWithout) {
  const Program& program = GetParam();
  for (const char* command : program.needs) {
    if (!Installed(command)) GTEST_SKIP() << command << " is not installed";
  }
  fs::path script = fs::canonical(std::string("tests/preload/programs/") + program.script + ".sh");
  fs::path folder = NewFolder(program.script);
  Outcome without = RunBash(folder / "without", {"-e", "-o", "pipefail", script}, {});
  Outcome with = RunBash(folder / "with", {"-e", "-o", "pipefail", script}, Preloaded(folder / "with", "files"));
  EXPECT_EQ(without.status, 0) << "the script itself fails: " << without.err;
  EXPECT_FALSE(without.out.empty());
  EXPECT_EQ(with.status, without.status);
  EXPECT_EQ(with.out, without.out);
  EXPECT_EQ(with.err, without.err);
  EXPECT_GE(CountProcessesWithLibrary(folder / "with"), 1);
  if (!HasFailure()) fs::remove_all(folder);
}

TEST(PreloadedLibrary, IsInTheMapsOfTheProgram) {
  fs::path folder = NewFolder("maps");
  Outcome outcome = RunBash(folder, {"-c", "cat /proc/self/maps"}, Preloaded(folder, "files"));
  EXPECT_NE(outcome.out.find(Library().string()), std::string::npos) << outcome.out;
}

// Each of these names, wherever it is called from, is hakmem's.
TEST(PreloadedLibrary, ServesTheNamesOfMallocToProgramAndLibraries) {
  fs::path folder = NewFolder("bindings");
  RunBash(folder, {"-c", "exec sort /dev/null"}, Preloaded(folder, "bindings"));
  std::string log;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "ld")) log += ReadFile(entry.path());
  int seen = 0;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    for (const char* name : {"malloc", "free", "calloc", "realloc", "reallocarray"}) {
      // binding file sort [0] to /.../libhakmem.so [0]: normal symbol `malloc' [GLIBC_2.2.5]
      if (line.find(std::string("symbol `") + name + "'") == std::string::npos) continue;
      EXPECT_NE(line.find("to " + Library().string()), std::string::npos) << line;
      seen++;
    }
  }
  EXPECT_GE(seen, 4) << log.substr(0, 2000);
}

TEST(PreloadedLibrary, PassesTheShowOfTheReadme) {
  if (!Installed("python3")) GTEST_SKIP() << "python3 is not installed";
  fs::path folder = NewFolder("readme");
  const char command[] = "python3 -c 'import json; print(len(json.dumps(list(range(10**6)))))'";
  EXPECT_EQ(RunBash(folder / "with", {"-c", command}, Preloaded(folder / "with", "files")).out,
            RunBash(folder / "without", {"-c", command}, {}).out);
}

}  // namespace
