/* helper.h - the thread that gives memory back while the program makes no call.
 *
 * Purpose:      decay without the program's help: every half decay_ms it takes the empty slabs that threads have kept,
 *               the units that have been free since its last round, and whole free pages inside other slabs, and gives
 *               their memory to the kernel.
 * Owns:         one mapping, the thread's stack.
 * Thread rule:  hak_helper_consider from any thread that holds no lock of ours. It makes no call into libc that could
 *               take a lock: free may be called with libc's locks held.
 * Failure rule: where no thread is to be had (HAKMEM_BACKGROUND=off, a seccomp filter that answers with an error, not
 *               x86-64) memory goes back on the slow paths of malloc and free alone.
 *
 * The thread is started when there is something to give back and ends when there is not; but it stays, and looks ever
 * more rarely, while a megabyte of slabs waits for threads that sleep to have home what others have freed of them, for
 * nobody is told when that becomes more. libc does not know it: it does not keep the process alive, no fork waits for
 * it, and no signal is delivered to it. The kernel does know it, and that shows in two places: setuid and its like,
 * which libc carries out in each thread it knows, leave this one with the credentials that the process had before; and
 * unshare with a flag for processes of one thread (a user namespace) fails while it is there.
 */
#ifndef HAK_FRONTEND_HELPER_H
#define HAK_FRONTEND_HELPER_H

#include "base/options.h"

HAK_C_BEGIN

struct hak_process;

/* Before the first request. */
void hak_helper_init(const hak_options* options);

/* Starts the thread if it is wanted and not there, and ends a nap. Cheap when there is nothing to do. */
void hak_helper_consider(struct hak_process* process);

/* Held by the thread while it is at work; a fork takes it first, so that the child finds no work half done. */
void hak_helper_before_fork(void);
void hak_helper_after_fork_in_parent(void);
void hak_helper_after_fork_in_child(void);

HAK_C_END

#endif
