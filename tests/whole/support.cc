#include "tests/whole/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr unsigned kChildSeconds = 120;

// Field number `field` of /proc/self/statm, in bytes.
size_t Statm(int field) {
  char text[128] = {};
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) abort();
  close(fd);
  char* at = text;
  for (int i = 0; i < field; i++) strtoul(at, &at, 10);
  return strtoul(at, &at, 10) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

uint64_t Word(uint64_t seed, size_t at) { return (seed + at) * 0x9e3779b97f4a7c15u; }

constexpr size_t kStampedWhole = 4096;

// Calls visit(offset, length of at most 8 bytes) for each part of a block that carries the pattern.
template <typename Visitor>
bool ForEachStampedWord(size_t bytes, Visitor visit) {
  size_t whole = bytes <= kStampedWhole ? bytes : 64;
  for (size_t at = 0; at < whole; at += 8) {
    if (!visit(at, bytes - at < 8 ? bytes - at : 8)) return false;
  }
  if (whole == bytes) return true;
  for (size_t at = kStampedWhole; at + 8 <= bytes; at += kStampedWhole) {
    if (!visit(at, 8)) return false;
  }
  return visit(bytes - 8, 8);
}

}  // namespace

size_t VirtualBytes() { return Statm(0); }
size_t ResidentBytes() { return Statm(1); }

void Stamp(void* block, size_t bytes, uint64_t seed) {
  ForEachStampedWord(bytes, [=](size_t at, size_t length) {
    uint64_t word = Word(seed, at);
    memcpy(static_cast<char*>(block) + at, &word, length);
    return true;
  });
}

bool StampedUpTo(size_t kept, const void* block, size_t bytes, uint64_t seed) {
  // The last word of a large block may lie over one that was written before it: those bytes are the last word's.
  size_t last = bytes > kStampedWhole ? bytes - 8 : bytes;
  return ForEachStampedWord(bytes, [=](size_t at, size_t length) {
    size_t end = at < last && at + length > last ? last : at + length;
    if (end > kept) end = kept;
    uint64_t word = Word(seed, at);
    return end <= at || memcmp(static_cast<const char*>(block) + at, &word, end - at) == 0;
  });
}

bool Stamped(const void* block, size_t bytes, uint64_t seed) { return StampedUpTo(bytes, block, bytes, seed); }

bool IsZero(const void* block, size_t bytes) {
  const char* p = static_cast<const char*>(block);
  return bytes == 0 || (p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0);
}

std::string InChild(const std::function<std::string()>& body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  pid_t pid = fork();
  if (pid < 0) return std::string("no fork: ") + strerror(errno);
  if (pid == 0) {
    alarm(kChildSeconds);
    std::string wrong = body();
    ssize_t written = write(ends[1], wrong.data(), wrong.size());
    _exit(wrong.empty() && written == 0 ? 0 : 1);
  }
  close(ends[1]);
  std::string wrong;
  char chunk[512];
  for (ssize_t got; (got = read(ends[0], chunk, sizeof chunk)) > 0;) wrong.append(chunk, static_cast<size_t>(got));
  close(ends[0]);
  int status;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return "the child is lost";
  }
  if (WIFSIGNALED(status)) return "the child ended with signal " + std::to_string(WTERMSIG(status)) + " " + wrong;
  if (WEXITSTATUS(status) != 0 && wrong.empty()) return "the child's exit status was not 0";
  return wrong;
}
