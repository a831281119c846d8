// The fuzzer's harness: bytes in, calls of the allocator's interface out, every block and structure looked at on the
// way.
#ifndef HAKMEM_TESTS_FUZZ_API_H_
#define HAKMEM_TESTS_FUZZ_API_H_

#include <cstddef>
#include <cstdint>

// libFuzzer's entry. Ends the process with SIGABRT when something is wrong.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#endif  // HAKMEM_TESTS_FUZZ_API_H_
