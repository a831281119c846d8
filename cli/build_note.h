// build_note.h - the note by which a library or program on hakmem says how it was built (frontend/note.c writes it).
//
// Purpose:      from a file or a process to the flags and the compiler of the hakmem in it.
// Owns:         the reading of ELF files; nothing in such a file is trusted.
// Thread rule:  one thread.
// Failure rule: a file or process that has no note throws MissingError with one line that says why.
#ifndef HAK_CLI_BUILD_NOTE_H
#define HAK_CLI_BUILD_NOTE_H

#include <string>
#include <utility>
#include <vector>

namespace hakctl {

using FlagValues = std::vector<std::pair<std::string, std::string>>;  // "checks" and "fast", "prewarm_tls" and "True"

struct BuildNote {
  std::string file;
  FlagValues flags;
  std::string compiler;
};

BuildNote read_build_note(const std::string& file);

// Of the files that the process has mapped, those that carry a note; never none.
std::vector<BuildNote> build_notes_of_process(const std::string& pid);

// The preset whose flags these are, "" when there is none. Flags alone count, not how the compiler was called.
std::string preset_with(const FlagValues& flags);

// The names of the presets that preset_with knows.
std::vector<std::string> presets_with_flags();

}  // namespace hakctl

#endif  // HAK_CLI_BUILD_NOTE_H
