// SPDX-License-Identifier: Apache-2.0
/*
 * <ioapiset.h> for unchanged Windows sources: completion ports and the outcome of overlapped operations, of
 * sockets only. The functions are those of joinleaf/overlapped.h, where each is described. Failed operations
 * have their Winsock code as last error, where Windows has a system code (WSAECONNRESET for 64).
 */
#ifndef JOINLEAF_COMPAT_IOAPISET_H
#define JOINLEAF_COMPAT_IOAPISET_H

#include <joinleaf/overlapped.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Makes a port, or associates an overlapped socket with one.
 * [any]
 */
static inline HANDLE CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads) {
    return jl_create_io_completion_port(file, port, key, threads);
}

/*
 * Takes one packet.
 * [any]
 */
static inline BOOL GetQueuedCompletionStatus(HANDLE port, LPDWORD transferred, ULONG_PTR* key,
                                             LPOVERLAPPED* overlapped, DWORD milliseconds) {
    return jl_get_queued_completion_status(port, transferred, key, overlapped, milliseconds);
}

/*
 * Takes several packets.
 * [any]
 */
static inline BOOL GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG count,
                                               PULONG taken, DWORD milliseconds, BOOL alertable) {
    return jl_get_queued_completion_status_ex(port, entries, count, taken, milliseconds, alertable);
}

/*
 * Queues a packet of the program's own.
 * [any]
 */
static inline BOOL PostQueuedCompletionStatus(HANDLE port, DWORD transferred, ULONG_PTR key,
                                              LPOVERLAPPED overlapped) {
    return jl_post_queued_completion_status(port, transferred, key, overlapped);
}

/*
 * Says which operations of a socket queue no packet.
 * [any]
 */
static inline BOOL SetFileCompletionNotificationModes(HANDLE file, UCHAR flags) {
    return jl_set_file_completion_notification_modes(file, flags);
}

/*
 * Cancels one pending operation of a socket, or all.
 * [any]
 */
static inline BOOL CancelIoEx(HANDLE file, LPOVERLAPPED overlapped) {
    return jl_cancel_io_ex(file, overlapped);
}

/*
 * Cancels what the calling thread began on a socket.
 * [any]
 */
static inline BOOL CancelIo(HANDLE file) {
    return jl_cancel_io(file);
}

/*
 * WSAGetOverlappedResult without the flags.
 * [any]
 */
static inline BOOL GetOverlappedResult(HANDLE file, LPOVERLAPPED overlapped, LPDWORD transferred, BOOL wait) {
    DWORD flags = 0;
#ifdef __cplusplus
    const SOCKET s = reinterpret_cast<SOCKET>(file);
#else
    const SOCKET s = (SOCKET)file;
#endif
    return WSAGetOverlappedResult(s, overlapped, transferred, wait, &flags);
}

#ifdef __cplusplus
}
#endif

#endif /* JOINLEAF_COMPAT_IOAPISET_H */
