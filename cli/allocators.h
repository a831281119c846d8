// allocators.h - the allocators that can be compared: ours, the C library's, and the installed ones.
//
// Purpose:      from names on the command line to libraries that are proven to load.
// Owns:         the table of known peers and where their libraries are looked for.
// Thread rule:  one thread.
// Failure rule: a name or a library that is not there, or that does not load, throws with one line that says which.
#ifndef HAK_CLI_ALLOCATORS_H
#define HAK_CLI_ALLOCATORS_H

#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/process.h"

namespace hakctl {

struct Allocator {
  std::string name;
  std::string library;  // "" is the program's own malloc
};

// libhakmem.so in the folder beside this program's, where the build puts it, or a variant of it such as
// libhakmem_fast.so. Throws MissingError when it is not built.
Allocator hakmem_allocator(const std::string& variant);

// hakmem (the one named so, else the variant that is built here), then the others that are named: hakmem_fast and the
// like, known peers, or libraries.
std::vector<Allocator> named_allocators(const std::vector<NamedLibrary>& named, const std::string& variant);

// What --with asks for. Nothing: hakmem, glibc and each installed peer. NAME=LIBRARY adds one to these; a name without
// a library keeps only what is named, and hakmem.
std::vector<Allocator> choose_allocators(const std::vector<NamedLibrary>& with);

// The environment that puts a program on the allocator.
Environment environment_of(const Allocator& allocator);

// Asks a small program on that allocator whose malloc it has; throws MissingError when it is not the library's.
void verify_loads(const Allocator& allocator);

// Asks the dynamic loader whether it would load the library into this command; throws MissingError when not.
void verify_loads_into(const Allocator& allocator, const std::vector<std::string>& command);

// The path of a program that is built beside this one.
std::string sibling_program(const std::string& name);

}  // namespace hakctl

#endif  // HAK_CLI_ALLOCATORS_H
