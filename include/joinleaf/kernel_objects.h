// SPDX-License-Identifier: Apache-2.0
/*
 * The waitable objects of Windows that console programs use beside sockets: events of both kinds, semaphores,
 * mutexes, threads. Each function has its Windows name in compat/windows.h.
 *
 * A HANDLE here is a WSAEVENT, readable as a descriptor while the object is signaled: WSASetEvent, WSAResetEvent,
 * WSACloseEvent, WSAEventSelect and WSAOVERLAPPED.hEvent take those of events. No function needs WSAStartup.
 * Failures leave a code for WSAGetLastError.
 */
#ifndef JOINLEAF_KERNEL_OBJECTS_H
#define JOINLEAF_KERNEL_OBJECTS_H

#ifndef JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_KERNEL_OBJECTS_H_SET_NO_BSD_NAMES
#endif
#include "winsock2.h"
#ifdef JOINLEAF_KERNEL_OBJECTS_H_SET_NO_BSD_NAMES
#undef JOINLEAF_NO_BSD_NAMES
#undef JOINLEAF_KERNEL_OBJECTS_H_SET_NO_BSD_NAMES
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a thread begins with, and its exit code. */
typedef DWORD (*jl_thread_start)(void* argument);

/* The exit code of a thread that has not ended. */
#define JL_STILL_ACTIVE 259u

/*
 * An event. manual FALSE: a wait of jl_wait_for_objects that ends with it resets it, so that one waiter goes on
 * for each time it is set; WSAWaitForMultipleEvents leaves it set. Owned by the caller until WSACloseEvent.
 * NULL: WSA_NOT_ENOUGH_MEMORY.
 * [any]
 */
JL_API HANDLE WSAAPI jl_create_event(BOOL manual, BOOL set);

/*
 * A semaphore: signaled while its count is above 0; a wait takes one off. NULL: WSA_INVALID_PARAMETER (count not
 * in 0 ... maximum, maximum below 1), WSA_NOT_ENOUGH_MEMORY.
 * [any]
 */
JL_API HANDLE WSAAPI jl_create_semaphore(LONG count, LONG maximum);

/*
 * Adds to the count; *former (or NULL) is what it was. FALSE, and nothing is added: WSA_INVALID_HANDLE,
 * WSA_INVALID_PARAMETER (added below 1, or beyond the maximum).
 * [any]
 */
JL_API BOOL WSAAPI jl_release_semaphore(HANDLE semaphore, LONG added, LONG* former);

/*
 * A mutex, signaled while no thread owns it; a wait takes it, the owner as often as it likes. When its owner ends
 * without releasing it, the next wait gets it with WAIT_ABANDONED_0. NULL: WSA_NOT_ENOUGH_MEMORY.
 * [any]
 */
JL_API HANDLE WSAAPI jl_create_mutex(BOOL owned);

/*
 * Gives one taking back. FALSE: WSA_INVALID_HANDLE, ERROR_NOT_OWNER (288).
 * [any]
 */
JL_API BOOL WSAAPI jl_release_mutex(HANDLE mutex);

/*
 * Starts a thread; *id (or NULL) is its number in the system. suspended: it begins with jl_resume_thread. The
 * handle is signaled when the thread has ended; closing it does not end the thread. NULL: WSA_INVALID_PARAMETER,
 * WSA_NOT_ENOUGH_MEMORY.
 * [any]
 */
JL_API HANDLE WSAAPI jl_create_thread(jl_thread_start start, void* argument, size_t stack, BOOL suspended,
                                      DWORD* id);

/*
 * Lets a suspended thread begin: 1 if it was suspended, 0 if not; (DWORD)-1: WSA_INVALID_HANDLE.
 * [any]
 */
JL_API DWORD WSAAPI jl_resume_thread(HANDLE thread);

/*
 * What the thread ended with, or JL_STILL_ACTIVE. FALSE: WSA_INVALID_HANDLE, WSAEFAULT.
 * [any]
 */
JL_API BOOL WSAAPI jl_get_exit_code_thread(HANDLE thread, DWORD* code);

/*
 * Ends the calling thread, which jl_create_thread has started, with this exit code.
 * [any]
 */
JL_API __attribute__((noreturn)) void WSAAPI jl_exit_thread(DWORD code);

/*
 * The system's numbers of the calling thread and of the process.
 * [any]
 */
JL_API DWORD WSAAPI jl_current_thread_id(void);
JL_API DWORD WSAAPI jl_current_process_id(void);

/*
 * Waits for one or all of 1 ... 64 objects, at most so many milliseconds, and takes what it ends with: an
 * automatic event is reset, a semaphore counts down, a mutex has a new owner; all at one moment. Returns the
 * lowest index that is signaled (0 for all), WAIT_ABANDONED_0 (0x80) plus it, WSA_WAIT_TIMEOUT, or
 * WSA_WAIT_FAILED: WSA_INVALID_PARAMETER, WSA_INVALID_HANDLE, WSAEFAULT.
 * [any]
 */
JL_API DWORD WSAAPI jl_wait_for_objects(DWORD count, const HANDLE* objects, BOOL all, DWORD milliseconds);

#ifdef __cplusplus
}
#endif

#endif
