/* new_handler.h - the one place where the core meets C++ exceptions. */
#ifndef HAK_FRONTEND_NEW_HANDLER_H
#define HAK_FRONTEND_NEW_HANDLER_H

#include "base/config.h"

HAK_C_BEGIN

/* Calls the handler for a nothrow form of new: false if it threw, which ends the attempt. */
bool hak_new_handler_returns(void (*handler)(void));

/* The program's own operator new, without and with an alignment: NULL if it throws. */
void* hak_new_or_null(void* (*operator_new)(size_t), size_t bytes);
void* hak_new_aligned_or_null(void* (*operator_new)(size_t, size_t), size_t bytes, size_t align);

HAK_C_END

#endif
