// The note of a built library: read from whole files, never believed in damaged ones.
#include "cli/build_note.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "cli/errors.h"

namespace hakctl {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kText = "format=1\nchecks=fast\nprewarm_tls=False\ncompiler=gcc 12.2.0\n";

template <typename T>
std::string bytes_of(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string to_multiple_of_4(std::string bytes) {
  bytes.resize((bytes.size() + 3) / 4 * 4, '\0');
  return bytes;
}

std::string note(const std::string& owner, Elf64_Word type, const std::string& text) {
  Elf64_Nhdr header = {};
  header.n_namesz = static_cast<Elf64_Word>(owner.size() + 1);
  header.n_descsz = static_cast<Elf64_Word>(text.size() + 1);
  header.n_type = type;
  return bytes_of(header) + to_multiple_of_4(owner + '\0') + to_multiple_of_4(text + '\0');
}

// A file of one segment, which holds the notes.
std::string elf_with(const std::string& notes) {
  Elf64_Ehdr header = {};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_phoff = sizeof(header);
  header.e_phnum = 1;
  header.e_phentsize = sizeof(Elf64_Phdr);
  Elf64_Phdr segment = {};
  segment.p_type = PT_NOTE;
  segment.p_offset = sizeof(header) + sizeof(segment);
  segment.p_filesz = notes.size();
  segment.p_align = 4;
  return bytes_of(header) + bytes_of(segment) + notes;
}

// Changes one field of a header at an offset.
template <typename T, typename Field>
std::string with(std::string file, size_t at, Field T::*field, Field value) {
  T header;
  memcpy(&header, file.data() + at, sizeof(header));
  header.*field = value;
  memcpy(&file[at], &header, sizeof(header));
  return file;
}

std::string written(const std::string& bytes) {
  std::string path = std::string(getenv("TEST_TMPDIR")) + "/file";
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  return path;
}

BuildNote read_bytes(const std::string& bytes) { return read_build_note(written(bytes)); }

// What is said of a file without a note; "" when one was read.
std::string complaint(const std::string& bytes) {
  std::string path = written(bytes);
  try {
    read_build_note(path);
  } catch (const MissingError& error) {
    std::string text = error.what();
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    return text.substr(path.size() + 1);
  }
  return "";
}

std::string built_library() {
  std::ifstream file("frontend/libhakmem.so", std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(BuildNote, SaysWhatTheLibraryWasBuiltWith) {
  BuildNote built = read_build_note("frontend/libhakmem.so");
  EXPECT_EQ(built.file, "frontend/libhakmem.so");
  constexpr const char* kLevels[] = {"fast", "default", "hardened", "debug"};
  auto on = [](int macro) { return macro ? "True" : "False"; };
  EXPECT_THAT(built.flags,
              testing::UnorderedElementsAre(
                  Pair("pool_tls_phase1", on(HAK_POOL_TLS)), Pair("header_classidx", on(HAK_HEADER_CLASSIDX)),
                  Pair("aggressive_inline", on(HAK_AGGRESSIVE_INLINE)), Pair("prewarm_tls", on(HAK_PREWARM_TLS)),
                  Pair("p0_batch_refill", on(HAK_P0_BATCH_REFILL)), Pair("checks", kLevels[HAK_CHECK_LEVEL])));
  EXPECT_THAT(built.compiler, HasSubstr(__VERSION__));
}

TEST(BuildNote, IsInAProgramThatLinksHakmem) {
  EXPECT_EQ(read_build_note("tests/cli/linked_with_hakmem").flags, read_build_note("frontend/libhakmem.so").flags);
}

TEST(BuildNote, IsInAVariantWithItsOwnFlags) {
  BuildNote built = read_build_note("frontend/libhakmem_fast.so");
  EXPECT_THAT(built.flags, Contains(Pair("checks", "fast")));
}

TEST(BuildNote, SurvivesLinkTimeOptimisationAndTheRemovalOfUnusedSections) {
  BuildNote built = read_build_note("tests/goldens/libhakmem_optimised.so");
  EXPECT_EQ(preset_with(built.flags), "default");
}

TEST(BuildNote, IsFoundInAProcessThatHasTheLibraryMapped) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    setenv("LD_PRELOAD", "frontend/libhakmem.so", 1);
    dup2(ready[1], STDOUT_FILENO);
    execlp("sh", "sh", "-c", "echo ready; kill -STOP $$", nullptr);
    _exit(127);
  }
  char word[6];
  ASSERT_EQ(read(ready[0], word, sizeof(word)), 6);
  std::vector<BuildNote> notes = build_notes_of_process(std::to_string(child));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0].file, HasSubstr("libhakmem.so"));
  EXPECT_EQ(notes[0].flags, read_build_note("frontend/libhakmem.so").flags);
}

TEST(BuildNote, IsMissedInAProcessWithoutHakmem) {
  EXPECT_THROW(build_notes_of_process(std::to_string(getpid())), MissingError);
  EXPECT_THROW(build_notes_of_process("4294967295"), MissingError);
}

TEST(Presets, AreNamedByTheirFlags) {
  BuildNote fast = read_build_note("frontend/libhakmem_fast.so");
  for (auto& [name, value] : fast.flags) {
    if (name != "checks") value = name == "header_classidx" || name == "prewarm_tls" ? "False" : "True";
  }
  EXPECT_EQ(preset_with(fast.flags), "fast");
  std::reverse(fast.flags.begin(), fast.flags.end());
  EXPECT_EQ(preset_with(fast.flags), "fast");
  for (auto& [name, value] : fast.flags) {
    if (name == "prewarm_tls") value = "True";
  }
  EXPECT_EQ(preset_with(fast.flags), "");
}

TEST(ElfFile, IsSearchedBehindTheNotesOfOthers) {
  std::string others = note("GNU", 1, "abi") + note("hakmem", 2, "later") + note("hakmen", 1, "almost");
  BuildNote found = read_bytes(elf_with(others + note("hakmem", 1, kText)));
  EXPECT_THAT(found.flags, testing::ElementsAre(Pair("checks", "fast"), Pair("prewarm_tls", "False")));
  EXPECT_EQ(found.compiler, "gcc 12.2.0");
}

TEST(ElfFile, WithoutTheNoteIsNamedAsSuch) {
  EXPECT_EQ(complaint(elf_with(note("GNU", 1, "abi"))), "carries no note of hakmem");
  EXPECT_EQ(complaint(elf_with("")), "carries no note of hakmem");
}

TEST(ElfFile, OfAnotherKindOfMachineHasNoNote) {
  std::string file = elf_with(note("hakmem", 1, kText));
  file[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(complaint(file), "carries no note of hakmem");
}

TEST(ElfFile, IsToldFromOtherFiles) {
  EXPECT_EQ(complaint(""), "is not an ELF file");
  EXPECT_EQ(complaint("#!/bin/sh\n"), "is not an ELF file");
  EXPECT_EQ(complaint(ELFMAG), "is not an ELF file");
  EXPECT_THROW(read_build_note("."), MissingError);
  EXPECT_THROW(read_build_note("/dev/zero"), MissingError);
  EXPECT_THROW(read_build_note("/nowhere"), MissingError);
}

TEST(ElfFile, ThatIsCutOffAnywhereIsRefused) {
  std::string whole = elf_with(note("hakmem", 1, kText));
  for (size_t length = 0; length < whole.size(); ++length) EXPECT_NE(complaint(whole.substr(0, length)), "") << length;
  EXPECT_EQ(complaint(whole), "");
}

TEST(ElfFile, WithNumbersTooLargeIsRefused) {
  const std::string whole = elf_with(note("hakmem", 1, kText));
  const std::string damaged = "is a damaged ELF file, without a note of hakmem";
  constexpr size_t kSegment = sizeof(Elf64_Ehdr);
  constexpr size_t kNote = kSegment + sizeof(Elf64_Phdr);
  for (uint64_t huge : {uint64_t{1} << 20, uint64_t{1} << 40, UINT64_MAX - 8, UINT64_MAX}) {
    EXPECT_EQ(complaint(with(whole, 0, &Elf64_Ehdr::e_phoff, huge)), damaged);
    EXPECT_EQ(complaint(with(whole, kSegment, &Elf64_Phdr::p_offset, huge)), damaged);
    EXPECT_EQ(complaint(with(whole, kSegment, &Elf64_Phdr::p_filesz, huge)), damaged);
  }
  for (unsigned huge : {unsigned{1} << 20, UINT32_MAX - 8, UINT32_MAX}) {
    EXPECT_NE(complaint(with(whole, kNote, &Elf64_Nhdr::n_namesz, huge)), "");
    EXPECT_NE(complaint(with(whole, kNote, &Elf64_Nhdr::n_descsz, huge)), "");
  }
  EXPECT_EQ(complaint(with(whole, 0, &Elf64_Ehdr::e_phnum, Elf64_Half{UINT16_MAX})), damaged);
  EXPECT_EQ(complaint(with(whole, 0, &Elf64_Ehdr::e_phentsize, Elf64_Half{1})), damaged);
}

TEST(NoteText, OfAnotherFormatIsNotGuessedAt) {
  EXPECT_EQ(complaint(elf_with(note("hakmem", 1, "format=2\nchecks=fast\n"))),
            "carries a note of format 2, which this hakctl does not know");
}

TEST(NoteText, ThatIsNotLinesOfPlainTextIsRefused) {
  for (const char* text : {"", "checks=fast\n", "format=1\nchecks\n", "format=1\n=fast\n", "format=1\nchecks=\x1b[2J\n",
                           "format=1\nchecks=\xff\n"}) {
    EXPECT_EQ(complaint(elf_with(note("hakmem", 1, text))), "carries a damaged note of hakmem") << text;
  }
}

// Nothing is expected but that each ends, with a note or with one line.
TEST(BuiltLibrary, WithBytesChangedOrCutOffIsReadOrRefused) {
  const std::string whole = built_library();
  ASSERT_GT(whole.size(), sizeof(Elf64_Ehdr));
  std::mt19937_64 random(42);
  for (int round = 0; round < 1000; ++round) {
    std::string changed = whole;
    // The headers are at the start and at the end.
    for (int i = 0; i < 8; ++i) {
      size_t at = random() % 1024;
      changed[random() % 2 ? at : changed.size() - 1 - at] = static_cast<char>(random());
    }
    memcpy(&changed[0], ELFMAG, SELFMAG);
    if (random() % 4 == 0) changed.resize(random() % changed.size());
    complaint(changed);
  }
}

}  // namespace
}  // namespace hakctl
