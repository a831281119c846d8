/* client_request.h - the three requests to callgrind that the probe makes, by Valgrind's documented calling sequence,
 * so that building the probe needs no headers of Valgrind. Outside Valgrind the sequence does nothing. */
#ifndef HAK_CLI_PROBES_CLIENT_REQUEST_H
#define HAK_CLI_PROBES_CLIENT_REQUEST_H

#include <stdint.h>

enum {
  CALLGRIND_BASE = ('C' << 24) | ('T' << 16),
  CALLGRIND_ZERO_COUNTS = CALLGRIND_BASE + 1,
  CALLGRIND_DUMP_AT = CALLGRIND_BASE + 3, /* argument: a text that names the dump */
};

static inline void callgrind_request(uint64_t request, const char* argument) {
#if defined(__x86_64__)
  volatile uint64_t block[6] = {request, (uint64_t)(uintptr_t)argument, 0, 0, 0, 0};
  uint64_t answer = 0;
  /* Four rotations by 128 bits in all leave the register as it was; then the exchange marks the request. */
  __asm__ volatile("rolq $3, %%rdi\n\trolq $13, %%rdi\n\trolq $61, %%rdi\n\trolq $51, %%rdi\n\txchgq %%rbx, %%rbx"
                   : "+d"(answer)
                   : "a"(&block[0])
                   : "cc", "memory");
#else
  (void)request;
  (void)argument;
#endif
}

#endif /* HAK_CLI_PROBES_CLIENT_REQUEST_H */
