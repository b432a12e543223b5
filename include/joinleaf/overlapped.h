// SPDX-License-Identifier: Apache-2.0
/*
 * What Windows keeps outside winsock2.h and overlapped socket programs need: completion ports, alertable
 * sleep, queued procedure calls, cancelling. Each function has its Windows name in compat/windows.h.
 *
 * A HANDLE is the number of a descriptor, also where an event, a port or a thread is meant; a SOCKET may be
 * given as a HANDLE after a cast. Failures leave a code for WSAGetLastError.
 */
#ifndef JOINLEAF_OVERLAPPED_H
#define JOINLEAF_OVERLAPPED_H

#ifndef JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_OVERLAPPED_H_SET_NO_BSD_NAMES
#endif
#include "winsock2.h"
#ifdef JOINLEAF_OVERLAPPED_H_SET_NO_BSD_NAMES
#undef JOINLEAF_NO_BSD_NAMES
#undef JOINLEAF_OVERLAPPED_H_SET_NO_BSD_NAMES
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* System error codes that these functions add to those of winsock2.h. */
#define ERROR_ABANDONED_WAIT_0 735
#define ERROR_NOT_FOUND 1168

/* Where a completion port is made without a socket. */
#ifdef __cplusplus
#define INVALID_HANDLE_VALUE (reinterpret_cast<HANDLE>(~static_cast<ULONG_PTR>(0)))
#else
#define INVALID_HANDLE_VALUE ((HANDLE) ~(ULONG_PTR)0)
#endif

/* The value of WSAOVERLAPPED.Internal while the operation is pending; afterwards it is the operation's
   Winsock code, 0 for success. */
#define STATUS_PENDING 0x103u
#define HasOverlappedIoCompleted(overlapped)                                                                 \
    (__atomic_load_n(&(overlapped)->Internal, __ATOMIC_ACQUIRE) != STATUS_PENDING)

/* A procedure call queued to a thread; runs only while that thread waits alertably. */
typedef void(CALLBACK* PAPCFUNC)(ULONG_PTR argument);

/* A packet as jl_get_queued_completion_status_ex hands it over. */
typedef struct OVERLAPPED_ENTRY {
    ULONG_PTR lpCompletionKey;
    LPWSAOVERLAPPED lpOverlapped;
    ULONG_PTR Internal; /* the operation's Winsock code */
    DWORD dwNumberOfBytesTransferred;
} OVERLAPPED_ENTRY, *LPOVERLAPPED_ENTRY;

/* Flags of jl_set_file_completion_notification_modes. */
#define FILE_SKIP_COMPLETION_PORT_ON_SUCCESS 0x1u
#define FILE_SKIP_SET_EVENT_ON_HANDLE 0x2u

/*
 * Sleeps for so many milliseconds (WSA_INFINITE: for ever); alertable: returns WSA_WAIT_IO_COMPLETION as soon
 * as a completion routine or a queued call has run, else 0 (IO-49). Needs no WSAStartup.
 * [any]
 */
JL_API DWORD WSAAPI jl_sleep_ex(DWORD milliseconds, BOOL alertable);

/*
 * Queues a call to a thread, which runs it with its argument in its next alertable wait. Nonzero, or 0:
 * WSA_INVALID_PARAMETER (function), WSA_INVALID_HANDLE (no thread's handle, or the thread has ended).
 * [any]
 */
JL_API DWORD WSAAPI jl_queue_user_apc(PAPCFUNC function, HANDLE thread, ULONG_PTR argument);

/*
 * Stands for whichever thread uses it; not to be closed.
 * [any]
 */
JL_API HANDLE WSAAPI jl_current_thread(void);

/*
 * A handle of the calling thread that other threads can use, signaled when the thread has ended; owned by
 * the caller until jl_close_handle. NULL: WSA_NOT_ENOUGH_MEMORY.
 * [any]
 */
JL_API HANDLE WSAAPI jl_open_current_thread(void);

/*
 * Closes a handle of an event, a completion port or a thread; a SOCKET is closed as by closesocket. FALSE:
 * WSA_INVALID_HANDLE, or closesocket's code. Who waits at a port that is closed gets
 * ERROR_ABANDONED_WAIT_0.
 * [any]
 */
JL_API BOOL WSAAPI jl_close_handle(HANDLE handle);

/*
 * Makes a completion port (file INVALID_HANDLE_VALUE), or associates an overlapped socket with one, or both
 * (port NULL). From then on each overlapped operation of the socket that has no completion routine queues
 * one packet with this key (IO-53). A socket is associated once, for its life. threads: how many may run at
 * a time, 0 for the number of processors; read when the port is made. Returns the port, owned by the caller
 * until jl_close_handle. NULL: WSA_INVALID_HANDLE, WSA_INVALID_PARAMETER (associated already, not an
 * overlapped socket, port given with no socket), WSA_NOT_ENOUGH_MEMORY.
 * [any]
 */
JL_API HANDLE WSAAPI jl_create_io_completion_port(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads);

/*
 * Takes the next packet, waiting at most so many milliseconds. TRUE: of an operation that succeeded, or
 * posted. FALSE with *overlapped set: of one that failed, its code is the last error. FALSE with *overlapped
 * NULL: WSA_WAIT_TIMEOUT, ERROR_ABANDONED_WAIT_0 (closed meanwhile), WSA_INVALID_HANDLE, WSAEFAULT.
 * [any]
 */
JL_API BOOL WSAAPI jl_get_queued_completion_status(HANDLE port, LPDWORD transferred, ULONG_PTR* key,
                                                   LPWSAOVERLAPPED* overlapped, DWORD milliseconds);

/*
 * Takes up to count packets, failures among them, into entries; *taken is their number. FALSE:
 * WSA_WAIT_TIMEOUT, WSA_WAIT_IO_COMPLETION (alertable, a call ran instead), ERROR_ABANDONED_WAIT_0,
 * WSA_INVALID_HANDLE, WSA_INVALID_PARAMETER (count 0), WSAEFAULT.
 * [any]
 */
JL_API BOOL WSAAPI jl_get_queued_completion_status_ex(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG count,
                                                      PULONG taken, DWORD milliseconds, BOOL alertable);

/*
 * Queues a packet of the application's own; overlapped is passed on as it is. FALSE: WSA_INVALID_HANDLE.
 * [any]
 */
JL_API BOOL WSAAPI jl_post_queued_completion_status(HANDLE port, DWORD transferred, ULONG_PTR key,
                                                    LPWSAOVERLAPPED overlapped);

/*
 * FILE_SKIP_COMPLETION_PORT_ON_SUCCESS: operations of this socket that end at once with success queue no
 * packet. FILE_SKIP_SET_EVENT_ON_HANDLE is always so. Neither can be taken back. FALSE: WSA_INVALID_HANDLE,
 * WSA_INVALID_PARAMETER.
 * [any]
 */
JL_API BOOL WSAAPI jl_set_file_completion_notification_modes(HANDLE file, UCHAR flags);

/*
 * Cancels the pending operation of a socket that uses this structure, or all of them (NULL), whichever
 * thread began them; each ends with WSA_OPERATION_ABORTED and its usual indication, unless it was faster.
 * FALSE: WSA_INVALID_HANDLE, ERROR_NOT_FOUND (nothing is pending).
 * [any]
 */
JL_API BOOL WSAAPI jl_cancel_io_ex(HANDLE file, LPWSAOVERLAPPED overlapped);

/*
 * Cancels what the calling thread began on a socket. FALSE: WSA_INVALID_HANDLE.
 * [any]
 */
JL_API BOOL WSAAPI jl_cancel_io(HANDLE file);

#ifdef __cplusplus
}
#endif

#endif
