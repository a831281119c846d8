// sizes.cc - numbers, sizes and named libraries as people type them; declared in options.h.
#include <cstdio>

#include "cli/errors.h"
#include "cli/options.h"

namespace hakctl {

namespace {

constexpr uint64_t kLargestBlock = uint64_t{1} << 30;

}  // namespace

bool parse_number(const std::string& text, uint64_t* number) {
  uint64_t value = 0;
  size_t at = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    if (__builtin_mul_overflow(value, uint64_t{10}, &value)) return false;
    if (__builtin_add_overflow(value, static_cast<uint64_t>(text[at] - '0'), &value)) return false;
  }
  if (at == 0 || text.size() > at + 1) return false;
  uint64_t unit = 1;
  if (at < text.size()) {
    if (text[at] == 'K' || text[at] == 'k') unit = 1024;
    if (text[at] == 'M' || text[at] == 'm') unit = 1024 * 1024;
    if (unit == 1) return false;
  }
  return !__builtin_mul_overflow(value, unit, number);
}

bool parse_size_range(const std::string& text, SizeRange* range, std::string* error) {
  size_t dots = text.find("..");
  uint64_t min = 0;
  uint64_t max = 0;
  bool read = dots == std::string::npos
                  ? parse_number(text, &min)
                  : parse_number(text.substr(0, dots), &min) && parse_number(text.substr(dots + 2), &max);
  if (dots == std::string::npos) max = min;
  if (!read) {
    *error = "give one size such as 256, or a range such as 8K..52K";
  } else if (min > max) {
    *error = "the smaller size comes first, as in " + format_bytes(max) + ".." + format_bytes(min);
  } else if (min == 0) {
    *error = "the smallest block has 1 byte";
  } else if (max > kLargestBlock) {
    *error = "the largest block has 1024M";
  } else {
    range->min = min;
    range->max = max;
    return true;
  }
  return false;
}

std::string format_bytes(uint64_t bytes) {
  if (bytes >= 1024 * 1024 && bytes % (1024 * 1024) == 0) return std::to_string(bytes / (1024 * 1024)) + "M";
  if (bytes >= 1024 && bytes % 1024 == 0) return std::to_string(bytes / 1024) + "K";
  return std::to_string(bytes);
}

std::string format_size_range(const SizeRange& range) {
  if (range.min == range.max) return format_bytes(range.min);
  return format_bytes(range.min) + ".." + format_bytes(range.max);
}

NamedLibrary parse_named_library(const std::string& text) {
  size_t equals = text.find('=');
  NamedLibrary library{text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1)};
  bool empty = library.name.empty() || (equals != std::string::npos && library.path.empty());
  if (empty) throw UsageError("'" + text + "' names no library: write NAME or NAME=LIBRARY.so");
  return library;
}

}  // namespace hakctl
