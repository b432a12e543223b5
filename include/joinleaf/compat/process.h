// SPDX-License-Identifier: Apache-2.0
/*
 * <process.h> for unchanged Windows sources: threads as the C library of Windows begins them. Here they differ
 * in nothing from those of CreateThread.
 */
#ifndef JOINLEAF_COMPAT_PROCESS_H
#define JOINLEAF_COMPAT_PROCESS_H

#include "windows.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * CreateThread in other words: 0 where that has NULL. Owned by the caller until CloseHandle.
 * [any]
 */
static inline uintptr_t _beginthreadex(void* attributes, unsigned stack, unsigned (*start)(void*),
                                       void* argument, unsigned flags, unsigned* id) {
    const HANDLE made =
        CreateThread(JL_CAST(LPSECURITY_ATTRIBUTES, attributes), stack, start, argument, flags, id);
    uintptr_t number = 0;
    memcpy(&number, &made, sizeof number);
    return number;
}

/*
 * Ends the calling thread, which _beginthreadex has started.
 * [any]
 */
__attribute__((noreturn)) static inline void _endthreadex(unsigned code) {
    ExitThread(code);
}

#define _getpid() JL_CAST(int, GetCurrentProcessId())

#ifdef __cplusplus
}
#endif

#endif /* JOINLEAF_COMPAT_PROCESS_H */
