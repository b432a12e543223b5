// SPDX-License-Identifier: Apache-2.0
/*
 * <mswsock.h> for unchanged Windows sources: the extension functions, which joinleaf/mswsock.h describes, the
 * types of pointers to them, and their numbers for SIO_GET_EXTENSION_FUNCTION_POINTER. A HANDLE of a file is the
 * number of its descriptor. SO_UPDATE_ACCEPT_CONTEXT, SO_UPDATE_CONNECT_CONTEXT and SO_CONNECT_TIME are in
 * winsock2.h.
 */
#ifndef JOINLEAF_COMPAT_MSWSOCK_H
#define JOINLEAF_COMPAT_MSWSOCK_H

#include "winsock2.h"

#include <joinleaf/mswsock.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef BOOL(PASCAL* LPFN_ACCEPTEX)(SOCKET listener, SOCKET accepted, PVOID buffer, DWORD data_room,
                                    DWORD local_room, DWORD remote_room, LPDWORD received,
                                    LPOVERLAPPED overlapped);
typedef VOID(PASCAL* LPFN_GETACCEPTEXSOCKADDRS)(PVOID buffer, DWORD data_room, DWORD local_room,
                                                DWORD remote_room, struct sockaddr** local, LPINT local_length,
                                                struct sockaddr** remote, LPINT remote_length);
typedef BOOL(PASCAL* LPFN_CONNECTEX)(SOCKET s, const struct sockaddr* name, int length, PVOID data,
                                     DWORD size, LPDWORD sent, LPOVERLAPPED overlapped);
typedef BOOL(PASCAL* LPFN_DISCONNECTEX)(SOCKET s, LPOVERLAPPED overlapped, DWORD flags, DWORD reserved);

typedef BOOL(PASCAL* LPFN_TRANSMITFILE)(SOCKET s, HANDLE file, DWORD size, DWORD size_per_send,
                                        LPOVERLAPPED overlapped, LPTRANSMIT_FILE_BUFFERS buffers, DWORD flags);
typedef BOOL(PASCAL* LPFN_TRANSMITPACKETS)(SOCKET s, LPTRANSMIT_PACKETS_ELEMENT elements, DWORD count,
                                           DWORD size_per_send, LPOVERLAPPED overlapped, DWORD flags);
typedef INT(PASCAL* LPFN_WSARECVMSG)(SOCKET s, LPWSAMSG message, LPDWORD received, LPWSAOVERLAPPED overlapped,
                                     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
typedef INT(PASCAL* LPFN_WSASENDMSG)(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD sent,
                                     LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/*
 * Sends a file on a connected stream.
 * [any]
 */
static inline BOOL TransmitFile(SOCKET s, HANDLE file, DWORD size, DWORD size_per_send,
                                LPOVERLAPPED overlapped, LPTRANSMIT_FILE_BUFFERS buffers, DWORD flags) {
    return jl_transmit_file(s, file, size, size_per_send, overlapped, buffers, flags);
}

/*
 * Accepts one connection into a socket that is there already.
 * [any]
 */
static inline BOOL AcceptEx(SOCKET listener, SOCKET accepted, PVOID buffer, DWORD data_room, DWORD local_room,
                            DWORD remote_room, LPDWORD received, LPOVERLAPPED overlapped) {
    return jl_accept_ex(listener, accepted, buffer, data_room, local_room, remote_room, received, overlapped);
}

/*
 * Finds the addresses in the buffer that AcceptEx has filled.
 * [any]
 */
static inline VOID GetAcceptExSockaddrs(PVOID buffer, DWORD data_room, DWORD local_room, DWORD remote_room,
                                        struct sockaddr** local, LPINT local_length, struct sockaddr** remote,
                                        LPINT remote_length) {
    jl_get_accept_ex_sockaddrs(buffer, data_room, local_room, remote_room, local, local_length, remote,
                               remote_length);
}

#ifdef __cplusplus
}
#endif

#endif /* JOINLEAF_COMPAT_MSWSOCK_H */
