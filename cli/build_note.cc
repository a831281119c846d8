#include "cli/build_note.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/errors.h"

namespace hakctl {

namespace {

constexpr char kOwner[] = "hakmem";
constexpr Elf64_Word kNoteType = 1;
constexpr char kFormat[] = "1";

// The notes of a real file take some hundred bytes; a header that promises more than this is not followed.
constexpr uint64_t kMostNoteBytes = 1 << 20;

// ---- a file, read in pieces: the libraries that a process has mapped may be large ----

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {
    struct stat status;
    if (descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
      regular_ = true;
      size_ = static_cast<uint64_t>(status.st_size);
      device_ = status.st_dev;
      inode_ = status.st_ino;
    }
  }
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool regular() const { return regular_; }
  std::pair<dev_t, ino_t> identity() const { return {device_, inode_}; }

  // False when the file does not reach that far.
  bool read_at(uint64_t offset, uint64_t bytes, std::string* into) const {
    if (offset > size_ || bytes > size_ - offset) return false;
    into->resize(bytes);
    for (uint64_t have = 0; have < bytes;) {
      ssize_t got = pread(descriptor_, &(*into)[have], bytes - have, static_cast<off_t>(offset + have));
      if (got <= 0) return false;
      have += static_cast<uint64_t>(got);
    }
    return true;
  }

  template <typename T>
  bool read_at(uint64_t offset, T* into) const {
    std::string bytes;
    if (!read_at(offset, sizeof(T), &bytes)) return false;
    memcpy(into, bytes.data(), sizeof(T));
    return true;
  }

 private:
  int descriptor_;
  bool regular_ = false;
  uint64_t size_ = 0;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Not blocking: a path may name a pipe.
int open_to_read(const std::string& path) { return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }

// ---- from an ELF file to the note's text ----

uint64_t padded(uint64_t bytes, uint64_t align) { return (bytes + align - 1) / align * align; }

// The text of hakmem's note among the notes of one segment or section; false when it is not there.
bool find_in_notes(const std::string& notes, uint64_t align, std::string* text) {
  for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
    Elf64_Nhdr header;
    memcpy(&header, notes.data() + at, sizeof(header));
    uint64_t name = at + sizeof(header);
    uint64_t description = at + padded(sizeof(header) + uint64_t{header.n_namesz}, align);
    uint64_t end = description + header.n_descsz;
    if (end > notes.size()) return false;
    if (header.n_type == kNoteType && header.n_namesz == sizeof(kOwner) &&
        memcmp(notes.data() + name, kOwner, sizeof(kOwner)) == 0) {
      *text = notes.substr(description, header.n_descsz);
      return true;
    }
    at = at + padded(end - at, align);
  }
  return false;
}

enum class Found { kNote, kNothing, kCutOff, kNoElf };

struct Region {
  uint64_t offset, bytes, align;
};

Found search(const File& file, const Region& region, std::string* text) {
  std::string notes;
  if (region.bytes > kMostNoteBytes || !file.read_at(region.offset, region.bytes, &notes)) return Found::kCutOff;
  return find_in_notes(notes, region.align == 8 ? 8 : 4, text) ? Found::kNote : Found::kNothing;
}

// Headers of a table that describe notes: those of segments in what runs, of sections in what is still to be linked.
template <typename Header>
Found search_table(const File& file, uint64_t table, uint64_t count, uint64_t entry_bytes,
                   bool (*to_region)(const Header&, Region*), std::string* text) {
  if (count == 0) return Found::kNothing;
  if (entry_bytes != sizeof(Header)) return Found::kCutOff;
  std::string headers;
  if (!file.read_at(table, count * entry_bytes, &headers)) return Found::kCutOff;
  Found worst = Found::kNothing;
  for (uint64_t i = 0; i < count; ++i) {
    Header header;
    memcpy(&header, headers.data() + i * entry_bytes, sizeof(header));
    Region region;
    if (!to_region(header, &region)) continue;
    Found found = search(file, region, text);
    if (found == Found::kNote) return found;
    if (found == Found::kCutOff) worst = found;
  }
  return worst;
}

bool note_segment(const Elf64_Phdr& segment, Region* region) {
  *region = {segment.p_offset, segment.p_filesz, segment.p_align};
  return segment.p_type == PT_NOTE;
}

bool note_section(const Elf64_Shdr& section, Region* region) {
  *region = {section.sh_offset, section.sh_size, section.sh_addralign};
  return section.sh_type == SHT_NOTE;
}

Found find_note(const File& file, std::string* text) {
  Elf64_Ehdr header;
  if (!file.read_at(0, &header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return Found::kNoElf;
  // hakmem is there for such machines alone.
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) return Found::kNothing;
  Found segments =
      search_table<Elf64_Phdr>(file, header.e_phoff, header.e_phnum, header.e_phentsize, note_segment, text);
  if (segments == Found::kNote) return segments;
  Found sections =
      search_table<Elf64_Shdr>(file, header.e_shoff, header.e_shnum, header.e_shentsize, note_section, text);
  return sections == Found::kNothing ? segments : sections;
}

// ---- from the text to the flags ----

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// False, with the reason, when the text is not what this program can read.
bool parse_text(const std::string& text, BuildNote* note, std::string* why) {
  std::istringstream lines(text.substr(0, text.find('\0')));
  std::string line;
  std::string format;
  *why = "carries a damaged note of hakmem";
  while (std::getline(lines, line)) {
    size_t equals = line.find('=');
    if (equals == std::string::npos || equals == 0 || !printable(line)) return false;
    std::string name = line.substr(0, equals);
    std::string value = line.substr(equals + 1);
    if (name == "format") {
      format = value;
    } else if (name == "compiler") {
      note->compiler = value;
    } else {
      note->flags.push_back({name, value});
    }
  }
  if (format == kFormat) return true;
  if (!format.empty()) *why = "carries a note of format " + format + ", which this hakctl does not know";
  return false;
}

// False, with the reason, when there is no note that can be read.
bool read_note(const File& file, BuildNote* note, std::string* why) {
  std::string text;
  switch (find_note(file, &text)) {
    case Found::kNote:
      return parse_text(text, note, why);
    case Found::kNothing:
      *why = "carries no note of hakmem";
      return false;
    case Found::kCutOff:
      *why = "is a damaged ELF file, without a note of hakmem";
      return false;
    case Found::kNoElf:
      *why = "is not an ELF file";
      return false;
  }
  return false;
}

// ---- processes ----

struct Mapping {
  std::string range;  // "55d0c0a00000-55d0c0a01000"
  uint64_t inode = 0;
  std::string path;
};

// Of a line such as "7f12-7f13 r--p 00000000 fe:01 1234   /usr/lib/libc.so.6". False for memory without a file.
bool parse_mapping(const std::string& line, Mapping* mapping) {
  std::istringstream words(line);
  std::string rights, offset, device;
  if (!(words >> mapping->range >> rights >> offset >> device >> mapping->inode)) return false;
  std::getline(words >> std::ws, mapping->path);
  return !mapping->path.empty() && mapping->path[0] == '/';
}

// The mapped file itself, also when its name is gone or names another one by now. The kernel gives it to root; others
// go by the name, and see by the inode whether it is still the same.
int open_mapped(const std::string& process, const Mapping& mapping) {
  int mapped = open_to_read(process + "/map_files/" + mapping.range);
  if (mapped >= 0) return mapped;
  int named = open_to_read(process + "/root" + mapping.path);
  if (named < 0) named = open_to_read(mapping.path);
  struct stat status;
  if (named >= 0 && (fstat(named, &status) != 0 || status.st_ino != mapping.inode)) {
    close(named);
    return -1;
  }
  return named;
}

// ---- presets ----

struct PresetFlags {
  const char* name;
  FlagValues flags;
};

const std::vector<PresetFlags>& preset_table() {
  static const auto* table = new std::vector<PresetFlags>{
#include "cli/preset_flags.inc"
  };
  return *table;
}

FlagValues sorted(FlagValues flags) {
  std::sort(flags.begin(), flags.end());
  return flags;
}

}  // namespace

BuildNote read_build_note(const std::string& path) {
  int descriptor = open_to_read(path);
  if (descriptor < 0) throw MissingError(path + " cannot be read: " + strerror(errno));
  File file(descriptor);
  BuildNote note;
  note.file = path;
  std::string why = "is not an ELF file";
  if (!file.regular() || !read_note(file, &note, &why)) throw MissingError(path + " " + why);
  return note;
}

std::vector<BuildNote> build_notes_of_process(const std::string& pid) {
  std::string process = "/proc/" + pid;
  if (access(process.c_str(), F_OK) != 0) throw MissingError("there is no process " + pid);
  std::ifstream maps(process + "/maps");
  if (!maps) throw MissingError("process " + pid + " may not be looked into: " + strerror(errno));
  std::vector<BuildNote> notes;
  std::set<std::pair<dev_t, ino_t>> seen;
  std::set<std::string> unread;
  std::string line;
  while (std::getline(maps, line)) {
    Mapping mapping;
    if (!parse_mapping(line, &mapping)) continue;
    File file(open_mapped(process, mapping));
    if (!file.regular()) {
      unread.insert(mapping.path);
      continue;
    }
    if (!seen.insert(file.identity()).second) continue;
    BuildNote note;
    note.file = mapping.path;
    std::string why;
    if (read_note(file, &note, &why)) notes.push_back(note);
  }
  if (!notes.empty()) return notes;
  std::string unread_part = unread.empty() ? "" : "; " + std::to_string(unread.size()) + " of them could not be read";
  throw MissingError("no file that process " + pid + " has mapped carries a note of hakmem" + unread_part);
}

std::string preset_with(const FlagValues& flags) {
  for (const PresetFlags& preset : preset_table()) {
    if (sorted(preset.flags) == sorted(flags)) return preset.name;
  }
  return "";
}

std::vector<std::string> presets_with_flags() {
  std::vector<std::string> names;
  for (const PresetFlags& preset : preset_table()) names.push_back(preset.name);
  return names;
}

}  // namespace hakctl
