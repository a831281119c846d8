/* sample.h - HAKMEM_GUARD_SAMPLE=N: one request in N is served with a guarded block (arena/guarded.h).
 *
 * Purpose:      finds writes and reads behind a block, and after its free, in programs in production: at the
 *               instruction that does it, with the stacks of the allocation and of the free.
 * Owns:         the pool of guarded blocks, and a handler for SIGSEGV, which hands on what is not its business.
 * Thread rule:  as each function says.
 *
 * Off, which is the default, it costs nothing: a thread that shall sample gets tables in which every size leads to one
 * bin without blocks, so that each of its requests comes to the slow path, where they are counted.
 */
#ifndef HAK_FRONTEND_SAMPLE_H
#define HAK_FRONTEND_SAMPLE_H

#include "arena/guarded.h"
#include "frontend/process.h"

HAK_C_BEGIN

/* Once, when malloc works already: makes the pool and sets the handler, if the option is set. */
void hak_sample_start(hak_process* process);
/* A new thread: takes part from now on. */
void hak_sample_attach(hak_thread* thread);
/* The pool's lock, for fork; NULL if there is no pool. */
hak_lock* hak_sample_lock(void);
/* A request of a sampling thread: all of them come to its owner's closed bin. NULL if there is no memory. */
void* hak_sample_alloc(hak_owner* owner, size_t bytes);
/* A block whose cell is of kind HAK_CELL_GUARDED. */
void hak_sample_free(hak_cell* cell, uintptr_t address);

HAK_C_END

#endif
