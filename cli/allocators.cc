#include "cli/allocators.h"

#include <elf.h>
#include <limits.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "cli/errors.h"
#include "cli/machine.h"
#include "cli/suggest.h"

namespace hakctl {

namespace {

struct Peer {
  const char* name;
  std::vector<const char*> files;  // the first that is there counts
};

const std::vector<Peer>& known_peers() {
  static const auto* table = new std::vector<Peer>{
      {"mimalloc", {"libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so.2.0"}},
      {"jemalloc", {"libjemalloc.so.2"}},
      {"tcmalloc", {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"}},
  };
  return *table;
}

std::vector<std::string> library_folders() {
  utsname machine;
  std::string triplet = uname(&machine) == 0 ? std::string(machine.machine) + "-linux-gnu" : "x86_64-linux-gnu";
  return {"/usr/local/lib", "/usr/lib/" + triplet, "/usr/lib64", "/usr/lib"};
}

bool readable(const std::string& path) { return access(path.c_str(), R_OK) == 0; }

std::string find_peer(const Peer& peer) {
  for (const char* file : peer.files) {
    for (const std::string& folder : library_folders()) {
      std::string path = folder + "/" + file;
      if (readable(path)) return path;
    }
  }
  return "";
}

std::string real_path(const std::string& path) {
  char buffer[PATH_MAX];
  return realpath(path.c_str(), buffer) != nullptr ? std::string(buffer) : path;
}

Allocator known_allocator(const std::string& name) {
  if (name == "hakmem") return hakmem_allocator("");
  if (name.compare(0, 7, "hakmem_") == 0) return hakmem_allocator(name.substr(7));
  if (name == "glibc") return {"glibc", ""};
  std::vector<std::string> names = {"hakmem", "glibc"};
  for (const Peer& peer : known_peers()) {
    names.push_back(peer.name);
    if (name != peer.name) continue;
    std::string library = find_peer(peer);
    if (library.empty()) throw MissingError(name + " is not installed; name its library: " + name + "=LIB.so");
    return {name, library};
  }
  throw UsageError("no allocator is known as " + name + suggestion(name, names) + "; or name its library: " + name +
                   "=LIB.so");
}

std::vector<Allocator> installed_peers() {
  std::vector<Allocator> found = {{"glibc", ""}};
  for (const Peer& peer : known_peers()) {
    std::string library = find_peer(peer);
    if (!library.empty()) found.push_back({peer.name, library});
  }
  return found;
}

void put(std::vector<Allocator>* allocators, const Allocator& allocator) {
  for (Allocator& other : *allocators) {
    if (other.name != allocator.name) continue;
    other = allocator;
    return;
  }
  allocators->push_back(allocator);
}

Allocator from_library(const NamedLibrary& named) {
  if (named.path == "-") return {named.name, ""};
  if (!readable(named.path)) throw MissingError("there is no library " + named.path);
  return {named.name, real_path(named.path)};
}

// A program without an interpreter is not loaded by the dynamic loader: nothing can be preloaded into it, and asking
// the loader would run it instead.
bool dynamically_linked(std::ifstream* file) {
  Elf64_Ehdr header;
  if (!file->read(reinterpret_cast<char*>(&header), sizeof(header))) return false;
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    file->seekg(static_cast<std::streamoff>(header.e_phoff + i * header.e_phentsize));
    if (!file->read(reinterpret_cast<char*>(&segment), sizeof(segment))) return false;
    if (segment.p_type == PT_INTERP) return true;
  }
  return false;
}

// The program that the kernel starts: for a script, its interpreter.
std::string started_program(std::string path) {
  for (int depth = 0; depth < 4; ++depth) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line) || line.compare(0, 2, "#!") != 0) return path;
    size_t begin = line.find_first_not_of(" \t", 2);
    if (begin == std::string::npos) return path;
    path = line.substr(begin, line.find_first_of(" \t", begin) - begin);
  }
  return path;
}

}  // namespace

std::string sibling_program(const std::string& name) {
  std::string path = program_folder() + "/" + name;
  if (access(path.c_str(), X_OK) != 0) {
    throw MissingError(name + " is not beside hakctl; build it: ./bazelw build --config=opt //cli:hakctl");
  }
  return path;
}

Allocator hakmem_allocator(const std::string& variant) {
  std::string name = variant.empty() ? "hakmem" : "hakmem_" + variant;
  std::string path = program_folder() + "/../frontend/lib" + name + ".so";
  if (!readable(path)) {
    throw MissingError("lib" + name + ".so is not built: ./bazelw build --config=opt //frontend:lib" + name + ".so");
  }
  return {name, real_path(path)};
}

std::vector<Allocator> named_allocators(const std::vector<NamedLibrary>& named, const std::string& variant) {
  std::vector<Allocator> chosen;
  for (const NamedLibrary& one : named) {
    if (one.name == "hakmem" && !one.path.empty()) chosen = {from_library(one)};
  }
  if (chosen.empty()) chosen.push_back(hakmem_allocator(variant));
  for (const NamedLibrary& one : named) {
    if (one.name != "hakmem") put(&chosen, one.path.empty() ? known_allocator(one.name) : from_library(one));
  }
  return chosen;
}

std::vector<Allocator> choose_allocators(const std::vector<NamedLibrary>& with) {
  bool only_named = std::any_of(with.begin(), with.end(), [](const NamedLibrary& one) { return one.path.empty(); });
  std::vector<Allocator> named = named_allocators(with, "");
  if (only_named) return named;
  std::vector<Allocator> chosen = {named[0]};
  for (const Allocator& peer : installed_peers()) chosen.push_back(peer);
  for (size_t i = 1; i < named.size(); ++i) put(&chosen, named[i]);
  return chosen;
}

Environment environment_of(const Allocator& allocator) { return {{"LD_PRELOAD", allocator.library}}; }

void verify_loads(const Allocator& allocator) {
  ProcessResult asked = run_captured({sibling_program("hakload"), "--whose-malloc"}, environment_of(allocator));
  std::string owner = asked.output.substr(0, asked.output.find('\n'));
  if (asked.exit_status != 0) {
    throw MissingError(allocator.name + ": a program on " + allocator.library +
                       " does not start: " + asked.errors.substr(0, asked.errors.find('\n')));
  }
  if (!allocator.library.empty() && real_path(owner) != real_path(allocator.library)) {
    throw MissingError(allocator.name + ": " + allocator.library + " was not loaded, malloc stayed that of " + owner);
  }
}

void verify_loads_into(const Allocator& allocator, const std::vector<std::string>& command) {
  if (allocator.library.empty()) return;
  std::string program = started_program(find_program(command[0]));
  std::ifstream file(program, std::ios::binary);
  if (!dynamically_linked(&file)) {
    throw MissingError(program + " is linked statically: no allocator can be preloaded into it");
  }
  Environment environment = environment_of(allocator);
  environment.push_back({"LD_TRACE_LOADED_OBJECTS", "1"});
  ProcessResult asked = run_captured({program}, environment);
  if (asked.output.find(allocator.library) == std::string::npos) {
    throw MissingError(allocator.name + ": the loader does not load " + allocator.library + " into " + program);
  }
}

}  // namespace hakctl
