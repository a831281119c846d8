/* sealed.h - blocks with a seal behind them (checks=hardened, checks=debug).
 *
 * Purpose:      finds what the bits of a slab cannot: writes behind a block, and writes into one after its free. The
 *               functions stand in for malloc and its relatives and have their arguments and results.
 * Owns:         the last bytes of each block, and the rule that free memory reads as zero.
 * Thread rule:  any thread.
 * Failure rule: as malloc; a broken seal or a dirty free block ends the process with one line that names it.
 *
 *     block                bytes                                                  usable
 *     | what was asked for . | guard bytes, one at the least . | origin | seal, 8 bytes |
 *
 * The seal is the number of bytes asked for, the guard bytes are all one value of 0x80 to 0xbf; both are coded with a
 * secret of the process and the block's address, so that they cannot be forged or copied from another block. The origin
 * (origin.h) says who allocated the block, in builds with checks=debug alone. All of them are looked at whenever the
 * block is freed, resized or asked for its size, which is exactly what was asked for.
 *
 * free fills the block with zeros and leaves it to its owner as if another thread had freed it: it comes home when the
 * owner's current slab is used up, and not before, so that no block is used again at once. malloc looks whether it is
 * zero still. calloc needs to clear nothing.
 */
#ifndef HAK_FRONTEND_SEALED_H
#define HAK_FRONTEND_SEALED_H

#include "base/config.h"

HAK_C_BEGIN

enum { HAK_SEAL_ORIGIN_BYTES = HAK_DEBUG ? sizeof(uint32_t) : 0 };
/* Bytes behind a block at the least. */
enum { HAK_SEAL_BYTES = 1 + HAK_SEAL_ORIGIN_BYTES + sizeof(uint64_t) };

void* hak_sealed_alloc(size_t align, size_t bytes, bool zeroed);
void* hak_sealed_calloc(size_t count, size_t bytes);
void* hak_sealed_realloc(void* block, size_t bytes);
void hak_sealed_free(void* block);
/* The size that was asked for. function: for the line, if the block is none. */
size_t hak_sealed_usable(const char* function, void* block);
/* What the seal of a live block says, broken or not: the size that was asked for, and its origin. usable: the block's
 * bytes, seal included. For reports while no other thread frees. */
size_t hak_sealed_read(uintptr_t block, size_t usable, uint32_t* origin);
/* delete: the size, and the alignment, must be those of new; bytes 0: not given. */
void hak_sealed_free_sized(void* block, size_t bytes);
void hak_sealed_free_aligned(void* block, size_t bytes, size_t align);

HAK_C_END

#endif
