// Misuse under LD_PRELOAD of libhakmem.so: each ends its program with one line on stderr and SIGABRT; its twin without
// the fault runs through in silence.
//
// The table below has a row for each program in programs/. A line is a regular expression with these in it:
//
// - %p, the pointer that the program names on stdout, and %s, what it says in a second line there
// - %b, a block of the row's size: "(112-byte class, slab 3 of superslab 0x7f...)" or "(large block of 102400 bytes)"
// - %i and %m, what a pointer into such a block and one to its middle are
// - %d and %h, the double and the half of the size

#include <fcntl.h>
#include <gtest/gtest.h>
#include <regex.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

// ---- sizes ----

// One way to be served, by the size that leads to it, and how lines describe a block of the size (%b), a pointer behind
// its start (%i) and a pointer to its middle (%m).
struct Regime {
  const char* name;
  const char* argument;
  const char* block;
  const char* inside;
  const char* middle;
};

#define SLAB(stride) "\\(" stride "-byte class, slab [0-9]+ of superslab 0x[0-9a-f]+\\)"
#define LARGE(bytes) "\\(large block of " bytes " bytes\\)"
const char kInside[] = "inside block %s %b";

const Regime kTiny = {"tiny", "100", SLAB("112"), kInside, kInside};
const Regime kPool = HAK_POOL_TLS ? Regime{"pool", "20000", SLAB("20480"), kInside, kInside}
                                  : Regime{"pool", "20000", LARGE("20480"), kInside, kInside};
const Regime kLarge = {"large", "102400", LARGE("102400"), kInside, kInside};
const Regime kLarger = {"8MB", "8388608", LARGE("8388608"), kInside, kInside};
const Regime kMapped = {"mapped", "104857600", LARGE("104857600"), kInside, kInside};
// The size is the program's own, or there is none.
const Regime kOwn = {"", "", ".*", kInside, kInside};

const std::vector<Regime> kOnce = {kOwn};
const std::vector<Regime> kTinyOnly = {kTiny};
const std::vector<Regime> kAll = {kTiny, kPool, kLarge, kLarger, kMapped};

Regime Wild(const char* name, const char* number) { return {name, number, "", "", ""}; }
const std::vector<Regime> kWild = {
    Wild("middle_of_nowhere", "1234567890"),
    Wild("minus_one", "ffffffffffffffff"),
    Wild("minus_sixteen", "fffffffffffffff0"),
    Wild("not_canonical", "dead000000000000"),
    Wild("not_canonical_low", "0000800000000000"),
    Wild("last_of_user_space", "00007ffffffffff0"),
    Wild("first_page", "10"),
    Wild("one", "1"),
};

// ---- the table ----

struct Row {
  const char* program;
  std::vector<Regime> regimes;
  const char* line;  // after "hakmem: "
  bool header_only = false;
};

const char kDoubleFree[] = "double free of %p %b";
const char kFreedRealloc[] = "invalid realloc of %p: block was freed before %b";
const char kFreedUsableSize[] = "invalid malloc_usable_size of %p: block was freed before %b";
const char kInsideFree[] = "invalid free of %p: %i";
const char kForeignFree[] = "invalid free of %p: not a pointer of this allocator";

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      // free, twice
      {"double_free_at_once", kAll, kDoubleFree},
      {"double_free_after_other_frees", kAll, kDoubleFree},
      {"double_free_after_other_sizes", kAll, kDoubleFree},
      {"double_free_of_the_last_block", kAll, kDoubleFree},
      {"double_free_of_calloc", kAll, kDoubleFree},
      {"double_free_of_aligned", kAll, "double free of %p .*"},
      {"double_free_after_realloc", kAll, kDoubleFree},
      {"double_free_after_realloc_to_zero", kAll, kDoubleFree},
      {"double_free_by_another_thread", kAll, kDoubleFree},
      {"double_free_after_another_thread", kAll, kDoubleFree},
      {"double_free_by_two_threads", kAll, kDoubleFree},
      {"double_free_in_another_thread", kAll, kDoubleFree},
      {"double_free_of_a_dead_threads_block", kAll, kDoubleFree},
      {"double_free_of_a_dead_threads_only_block", kAll, kDoubleFree},
      {"double_free_in_the_child", kAll, kDoubleFree},
      {"double_delete", kOnce, kDoubleFree},
      {"double_delete_of_an_array", kAll, kDoubleFree},
      {"double_delete_of_an_aligned_object", kOnce, kDoubleFree},
      {"delete_of_freed", kAll, kDoubleFree},
      // free of what is no block
      {"free_inside_by_1", kAll, kInsideFree},
      {"free_inside_by_8", kAll, kInsideFree},
      {"free_inside_by_16", kAll, kInsideFree},
      {"free_of_the_middle", kAll, "invalid free of %p: %m"},
      {"free_inside_in_another_thread", kAll, kInsideFree},
      {"free_inside_of_a_dead_threads_block", kAll, kInsideFree},
      {"delete_inside_an_array", kOnce, "invalid delete of %p: %i"},
      {"free_of_the_stack", kOnce, kForeignFree},
      {"free_of_the_stack_in_another_thread", kOnce, kForeignFree},
      {"free_of_a_static", kOnce, kForeignFree},
      {"free_of_a_literal", kOnce, kForeignFree},
      {"free_of_a_function", kOnce, kForeignFree},
      {"free_of_a_mapping", kOnce, kForeignFree},
      {"free_of_a_wild_pointer", kWild, kForeignFree},
      {"free_of_a_wild_pointer_first", kWild, kForeignFree},
      {"delete_of_the_stack", kOnce, "invalid delete of %p: not a pointer of this allocator"},
      // realloc and malloc_usable_size
      {"realloc_of_freed", kAll, kFreedRealloc},
      {"realloc_to_zero_of_freed", kAll, kFreedRealloc},
      {"realloc_after_another_threads_free", kAll, kFreedRealloc},
      {"realloc_of_freed_in_another_thread", kAll, kFreedRealloc},
      {"realloc_inside", kAll, "invalid realloc of %p: %i"},
      {"realloc_of_a_static", kOnce, "invalid realloc of %p: not a pointer of this allocator"},
      {"usable_size_of_freed", kAll, kFreedUsableSize},
      {"usable_size_after_another_threads_free", kAll, kFreedUsableSize},
      {"usable_size_inside", kAll, "invalid malloc_usable_size of %p: %i"},
      {"usable_size_of_a_static", kOnce, "invalid malloc_usable_size of %p: not a pointer of this allocator"},
      // what delete says of the block
      {"sized_delete_too_small", kAll, "delete with wrong size %h of %p %b"},
      {"sized_delete_too_large", kAll, "delete with wrong size %d of %p %b"},
      {"sized_delete_in_another_thread", kAll, "delete with wrong size %d of %p %b"},
      {"sized_delete_of_the_wrong_type", kOnce, "delete with wrong size 20 of %p %b"},
      {"aligned_delete_of_unaligned", kAll, "delete with wrong alignment %s of %p %b"},
      {"aligned_sized_delete_too_large", kAll, "delete with wrong size %s of %p .*"},
      // writes where the block is not
      {"overflow_by_one", kTinyOnly, "overwritten header of %p %b", true},
      {"underflow_by_one", kTinyOnly, "overwritten header of %p %b", true},
  };
  return rows;
}

// ---- running a program ----

struct Outcome {
  int status;
  std::string out, err;
};

std::string ReadAll(int fd) {
  std::string text;
  char chunk[1024];
  for (ssize_t got; (got = read(fd, chunk, sizeof chunk)) > 0;) text.append(chunk, static_cast<size_t>(got));
  close(fd);
  return text;
}

Outcome RunProgram(const std::string& program, const char* argument) {
  std::string path = "tests/misuse/programs/" + program;
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) return {-1, "", "no pipe"};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  char* arguments[] = {path.data(), *argument == '\0' ? nullptr : const_cast<char*>(argument), nullptr};
  pid_t pid = 0;
  static std::string preload = "LD_PRELOAD=" + std::filesystem::canonical("frontend/libhakmem.so").string();
  char* environment[] = {preload.data(), nullptr};
  int error = posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  close(err[1]);
  // The few lines of these programs fit into the pipes.
  Outcome outcome = {-1, ReadAll(out[0]), ReadAll(err[0])};
  if (error != 0) return {-1, "", path + ": " + strerror(error)};
  waitpid(pid, &outcome.status, 0);
  return outcome;
}

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at; (at = text.find(what)) != std::string::npos;) text.replace(at, what.size(), with);
  return text;
}

// The whole text is what the extended regular expression says.
bool Matches(const std::string& text, const std::string& expression) {
  regex_t compiled;
  // REG_NEWLINE: a dot is not the end of the line.
  if (regcomp(&compiled, ("^" + expression + "$").c_str(), REG_EXTENDED | REG_NEWLINE) != 0) return false;
  regmatch_t all;
  bool matches = regexec(&compiled, text.c_str(), 1, &all, 0) == 0 && all.rm_so == 0 &&
                 static_cast<size_t>(all.rm_eo) == text.size();
  regfree(&compiled);
  return matches;
}

// ---- the tests ----

struct Case {
  const Row* row;
  Regime regime;
};

std::ostream& operator<<(std::ostream& out, const Case& test_case) {
  return out << test_case.row->program << " " << test_case.regime.argument;
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const Row& row : Rows()) {
    for (const Regime& regime : row.regimes) cases.push_back({&row, regime});
  }
  return cases;
}

std::string CaseName(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.row->program;
  if (*info.param.regime.name != '\0') name += std::string("_") + info.param.regime.name;
  return name;
}

class Misuse : public testing::TestWithParam<Case> {
 protected:
  static void SetUpTestSuite() {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
  }
};

INSTANTIATE_TEST_SUITE_P(Programs, Misuse, testing::ValuesIn(Cases()), CaseName);

TEST_P(Misuse, IsNamedInOneLineAndEndsTheProcess) {
  const Row& row = *GetParam().row;
  const Regime& regime = GetParam().regime;
  if (HAK_CHECK_LEVEL == 0) GTEST_SKIP() << "checks=fast looks for no misuse";
  if (row.header_only && !HAK_HEADER_CLASSIDX) GTEST_SKIP() << "without headers there is nothing between two blocks";
  Outcome outcome = RunProgram(row.program, regime.argument);
  EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT)
      << "wait status " << outcome.status << ", stderr: " << outcome.err;
  std::string pointer, second;
  std::istringstream said(outcome.out);
  ASSERT_TRUE(std::getline(said, pointer)) << "the program has not named its pointer";
  std::getline(said, second);
  size_t bytes = strtoul(regime.argument, nullptr, 10);
  std::string line = row.line;
  line = Replaced(line, "%i", regime.inside);
  line = Replaced(line, "%m", regime.middle);
  line = Replaced(line, "%b", regime.block);
  line = Replaced(line, "%p", pointer);
  line = Replaced(line, "%s", second);
  line = Replaced(line, "%h", std::to_string(bytes / 2));
  line = Replaced(line, "%d", std::to_string(bytes * 2));
  EXPECT_TRUE(Matches(outcome.err, "hakmem: " + line + "\n"))
      << "expected: hakmem: " << line << "\n     got: " << outcome.err;
}

class Twin : public Misuse {};

INSTANTIATE_TEST_SUITE_P(Programs, Twin, testing::ValuesIn(Cases()), CaseName);

TEST_P(Twin, RunsThroughInSilence) {
  Outcome outcome = RunProgram(GetParam().row->program + std::string("_twin"), GetParam().regime.argument);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
}

TEST(MisuseTable, HasARowForEachProgram) {
  std::set<std::string> rows;
  for (const Row& row : Rows()) EXPECT_TRUE(rows.insert(row.program).second) << row.program;
  FILE* list = popen("ls tests/misuse/programs", "r");
  char name[256];
  size_t programs = 0;
  while (fgets(name, sizeof name, list) != nullptr) {
    name[strcspn(name, "\n")] = '\0';
    std::string program = name;
    if (program.size() > 5 && program.compare(program.size() - 5, 5, "_twin") == 0) continue;
    EXPECT_EQ(rows.count(program), 1u) << program;
    programs++;
  }
  pclose(list);
  EXPECT_EQ(programs, rows.size());
}

}  // namespace
