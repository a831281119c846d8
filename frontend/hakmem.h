/* hakmem.h - the allocator under its own names.
 *
 * Purpose:      what malloc and its relatives do, for programs that keep another malloc beside it, and for tests.
 *               //frontend:hakmem gives the same functions the names of libc and C++.
 * Ownership:    a block belongs to the caller from the call that returns it until the call that takes it back.
 * Thread rule:  every function may be called by any thread at any time, after fork too; a block may be freed by another
 *               thread than the one that allocated it.
 * Errors:       NULL and errno ENOMEM when memory or a limit is exhausted, or when a size is not to be had. A pointer
 *               that is not a live block of ours ends the process with one line on stderr that names the fault and the
 *               address, and SIGABRT (checks other than `fast`).
 * Alignment:    every block is a multiple of 16 bytes, more where it is asked for.
 */
#ifndef HAK_FRONTEND_HAKMEM_H
#define HAK_FRONTEND_HAKMEM_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A block of at least `bytes` bytes; of 0 bytes: a block of its own all the same. */
void* hak_malloc(size_t bytes);
/* Gives a block back; NULL is ignored. errno stays as it is. */
void hak_free(void* block);
/* A zeroed block for count items of `bytes` bytes; ENOMEM if the product overflows. */
void* hak_calloc(size_t count, size_t bytes);
/* The block with a new size, perhaps elsewhere; the contents up to the smaller size stay. block NULL: hak_malloc.
 * bytes 0: frees and returns NULL, as glibc does. On failure the block stays as it was. A block of up to
 * 64 KiB, or one of up to 288 that has not grown before, gets a quarter more where it grows by less, for the next time;
 * but not in checks=hardened and debug. */
void* hak_realloc(void* block, size_t bytes);
/* The same for count items; ENOMEM if the product overflows. */
void* hak_reallocarray(void* block, size_t count, size_t bytes);

/* A block aligned to `align`, a power of two; else NULL and EINVAL. */
void* hak_aligned_alloc(size_t align, size_t bytes);
/* The same with the result in *block and the error (EINVAL, ENOMEM) returned; align is also a multiple of
 * sizeof(void*). errno and, on failure, *block stay as they are. */
int hak_posix_memalign(void** block, size_t align, size_t bytes);

/* Bytes of the block that may be written, at least those asked for; 0 for NULL. */
size_t hak_usable_size(const void* block);

/* A live block of hakmem's begins at the address, which may be any at all. */
bool hak_owns(const void* address);

/* Gives memory that is free back to the kernel now. True if there was some. */
bool hak_trim(void);

#ifdef __cplusplus
}
#endif
#endif
