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
