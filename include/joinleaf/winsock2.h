// SPDX-License-Identifier: Apache-2.0
/*
 * Winsock 2 with multipoint sockets: the public C API (C11 and C++20).
 *
 * It stands on the host's socket headers. BSD-level constants (AF_*, SOCK_*, SO_*, IP_*, MSG_*, POLL*) and
 * address structures are the host's; every constant and structure that Winsock 2 itself adds has its Winsock
 * value and layout. Name resolution and byte order (getaddrinfo, inet_pton, htons ...) stay with the host's
 * C library.
 *
 * Names. BSD-named calls are exported as jl_socket, jl_bind and so on. The last part of this file maps the
 * plain names onto them with object-like macros, for this source file only. Define JOINLEAF_NO_BSD_NAMES
 * before the inclusion to keep libc's socket, bind, select, fd_set, u_long; a later inclusion without it
 * switches the mapping on. A C++ file that uses std::bind includes <functional> after this file, or defines
 * JOINLEAF_NO_BSD_NAMES.
 *
 * Rules that hold for every call below unless its comment says otherwise
 * - Thread tag: [any] means from any thread, concurrently. [caller] marks functions of the application that
 *   the library calls in the thread that made the call.
 * - A failing call returns SOCKET_ERROR (int), INVALID_SOCKET (SOCKET) or FALSE (BOOL) and leaves the
 *   reason, a WSA* code and never an errno value, in the calling thread's last error (ST-13, ER-31). A
 *   successful one need not clear it.
 * - Before WSAStartup: WSANOTINITIALISED; a descriptor that is no socket of this library: WSAENOTSOCK
 *   (ST-02, CT-91); an unreadable pointer: WSAEFAULT. These are not repeated.
 * - Pointers are borrowed until the call returns; nothing the application passes is freed by the library
 *   (JL-86).
 * - A SOCKET is a kernel descriptor number and may be given to poll, epoll or an event loop after a cast to
 *   int: readable means that accept, recv or a close indication is there. Only jl_closesocket closes it.
 */
#ifndef JOINLEAF_WINSOCK2_H
#define JOINLEAF_WINSOCK2_H

#include "winsock2_types.h"

/* The version of the library, MAJOR.MINOR.PATCH; the build reads it here. */
#define JOINLEAF_VERSION_STRING "0.1.0"

/* Marks what libjoinleaf.so exports. */
#ifndef JL_API
#define JL_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Start-up and last error. */

/*
 * Starts the library for this process, or counts one more user of it; reads the configuration on the first
 * start. version: MAKEWORD(2, 2) or lower; the version in force comes back in data (ST-04 ... ST-06).
 * Returns 0 or the code itself: WSAVERNOTSUPPORTED (major 0), WSAEFAULT, WSASYSNOTREADY (ST-03, ST-07,
 * ST-08).
 * [any]
 */
JL_API int WSAAPI WSAStartup(WORD version, LPWSADATA data);

/*
 * Ends one WSAStartup. The last one closes every socket and cancels every blocked and pending call (ST-09
 * ... ST-12). Errors: WSANOTINITIALISED, WSAENETDOWN.
 * [any]
 */
JL_API int WSAAPI WSACleanup(void);

/*
 * The calling thread's last error; reading does not clear it. Needs no WSAStartup (ST-13, ST-14).
 * [any]
 */
JL_API int WSAAPI WSAGetLastError(void);

/*
 * Sets the calling thread's last error. Needs no WSAStartup (ST-14).
 * [any]
 */
JL_API void WSAAPI WSASetLastError(int error);

/*
 * Belongs to Windows Sockets 1.1: with no 1.1-style blocking call in progress SOCKET_ERROR, WSAEINVAL
 * (ST-16).
 * [any]
 */
JL_API int WSAAPI WSACancelBlockingCall(void);

/* Catalog. */

/*
 * Lists the visible protocol entries in catalog order into infos; *length is the room in bytes, and the
 * bytes needed when that is too little. protocols: NULL for all, or a list of iProtocol values ended by 0.
 * Returns the number of entries. Errors: WSAENOBUFS, WSAEFAULT (CT-01 ... CT-07).
 * [any]
 */
JL_API int WSAAPI WSAEnumProtocolsA(LPINT protocols, LPWSAPROTOCOL_INFOA infos, LPDWORD length);

/*
 * WSAEnumProtocolsA with UTF-16 names.
 * [any]
 */
JL_API int WSAAPI WSAEnumProtocolsW(LPINT protocols, LPWSAPROTOCOL_INFOW infos, LPDWORD length);

/*
 * Lists all entries, the hidden and layered ones too. Needs no WSAStartup; its code is in *error, the last
 * error is not touched. Errors: WSAENOBUFS, WSAEFAULT (CT-06 ... CT-08).
 * [any]
 */
JL_API int WSAAPI WSCEnumProtocols(LPINT protocols, LPWSAPROTOCOL_INFOW infos, LPDWORD length, LPINT error);

/*
 * Appends count entries of the provider library at path to the catalog, for library instances started
 * afterwards: a drop-in of the configuration. An entry is told by family, type and protocol; everything else
 * is what the library says of it. Environment variables at the front of path, %NAME% or ${NAME}, are expanded
 * at load time. *error: WSANO_RECOVERY (GUID installed already, no right to write), WSAEFAULT, WSAEINVAL,
 * WSA_NOT_ENOUGH_MEMORY, WSAEINPROGRESS (another process is writing) (CT-20 ... CT-25, CT-32).
 * [any]
 */
JL_API int WSAAPI WSCInstallProvider(LPGUID provider, const WCHAR* path, const WSAPROTOCOL_INFOW* infos,
                                     DWORD count, LPINT error);

/*
 * Would install a layer with chains over the given base entries. Providers are transports here and there are
 * no layers: arguments are checked, then WSANO_RECOVERY. *error: WSAEINVAL (GUID installed, no such base
 * entry), WSAEFAULT, WSANO_RECOVERY (CT-26, CT-27).
 * [any]
 */
JL_API int WSAAPI WSCInstallProviderAndChains(LPGUID provider, LPWSTR path, LPWSTR layer_name,
                                              DWORD service_flags, LPWSAPROTOCOL_INFOW infos, DWORD count,
                                              LPDWORD entry, LPINT error);

/*
 * Removes all entries of a provider for later instances. *error: WSAEINVAL (unknown GUID), WSANO_RECOVERY (no
 * right to write; it is one part of a file that a person wrote), WSAEINPROGRESS. error NULL is WSAEFAULT in
 * the last error (CT-28).
 * [any]
 */
JL_API int WSAAPI WSCDeinstallProvider(LPGUID provider, LPINT error);

/*
 * Reorders the catalog: entries holds every entry id of WSCEnumProtocols once. Returns 0 or the code itself:
 * WSAEINVAL (nothing changes), WSANO_RECOVERY, WSAEINPROGRESS, WSAEFAULT (CT-29, CT-30).
 * [any]
 */
JL_API int WSAAPI WSCWriteProviderOrder(LPDWORD entries, DWORD count);

/*
 * The path with which a provider was installed, into room for *length UTF-16 units; *length becomes the
 * units needed. *error: WSAEINVAL (unknown GUID), WSAEFAULT (too little room).
 * [any]
 */
JL_API int WSAAPI WSCGetProviderPath(LPGUID provider, WCHAR* path, LPINT length, LPINT error);

/*
 * Replaces path and entries of a provider that WSCInstallProvider or `joinleaf install` wrote, keeping its
 * place and its options. *error: WSAEINVAL (unknown GUID), and as for WSCInstallProvider.
 * [any]
 */
JL_API int WSAAPI WSCUpdateProvider(LPGUID provider, const WCHAR* path, const WSAPROTOCOL_INFOW* infos,
                                    DWORD count, LPINT error);

/*
 * Tells of catalog changes. *notification NULL: a handle is stored there; with it, each call waits for the
 * next change, overlapped if asked. Errors: WSAEFAULT, WSA_INVALID_HANDLE, WSA_NOT_ENOUGH_MEMORY,
 * WSA_IO_PENDING (CT-31).
 * [any]
 */
JL_API int WSAAPI WSAProviderConfigChange(LPHANDLE notification, LPWSAOVERLAPPED overlapped,
                                          LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/* Sockets. */

/*
 * Makes a socket of the entry given by info, or of the first one that matches; multipoint sockets have
 * exactly one C_* and one D_* flag. Errors: WSAEAFNOSUPPORT, WSAESOCKTNOSUPPORT, WSAEPROTONOSUPPORT,
 * WSAEPROTOTYPE, WSAEINVAL, WSAEMFILE, WSAENOBUFS, WSAEPROVIDERFAILEDINIT, WSAEINVALIDPROVIDER (CT-40 ...
 * CT-69).
 * [any]
 */
JL_API SOCKET WSAAPI WSASocketA(int af, int type, int protocol, LPWSAPROTOCOL_INFOA info, GROUP group,
                                DWORD flags);

/*
 * WSASocketA with a UTF-16 entry.
 * [any]
 */
JL_API SOCKET WSAAPI WSASocketW(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group,
                                DWORD flags);

/*
 * Makes an overlapped socket without multipoint role of the first matching entry. Errors: as WSASocketA
 * (CT-40, CT-60).
 * [any]
 */
JL_API SOCKET WSAAPI jl_socket(int af, int type, int protocol);

/*
 * Closes a socket; leaves the session; cancels a pending join (LC-01 ... LC-21). Blocks only while
 * lingering, at most l_linger seconds. Errors: WSAEWOULDBLOCK (nonblocking, lingering, data unsent),
 * WSAEINPROGRESS.
 * [any]
 */
JL_API int WSAAPI jl_closesocket(SOCKET s);

/*
 * Gives s its local address. Errors: WSAEFAULT (length too small), WSAEINVAL (bound already), WSAEADDRINUSE,
 * WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAEACCES.
 * [any]
 */
JL_API int WSAAPI jl_bind(SOCKET s, const struct sockaddr* name, int length);

/*
 * The local address; *length is the room in bytes, then the size stored. Errors: WSAEINVAL (not bound),
 * WSAEFAULT.
 * [any]
 */
JL_API int WSAAPI jl_getsockname(SOCKET s, struct sockaddr* name, int* length);

/*
 * The peer: the leaf, the root or the session address (JL-78). Errors: WSAENOTCONN, WSAEFAULT.
 * [any]
 */
JL_API int WSAAPI jl_getpeername(SOCKET s, struct sockaddr* name, int* length);

/*
 * Reads an option; *length is the room in bytes, then the size stored. Reading SO_ERROR clears it (ER-33).
 * Errors: WSAENOPROTOOPT, WSAEINVAL, WSAEFAULT.
 * [any]
 */
JL_API int WSAAPI jl_getsockopt(SOCKET s, int level, int option, void* value, int* length);

/*
 * Sets an option; length in bytes. Errors: WSAENOPROTOOPT, WSAEINVAL, WSAEFAULT, and for memberships
 * WSAEADDRNOTAVAIL (IO-28, IO-29).
 * [any]
 */
JL_API int WSAAPI jl_setsockopt(SOCKET s, int level, int option, const void* value, int length);

/*
 * FIONBIO (0: blocking), FIONREAD (bytes queued) or SIOCATMARK on *argument. Errors: WSAEINVAL (unknown
 * code; FIONBIO 0 while events are registered, EV-05), WSAEFAULT (IO-34).
 * [any]
 */
JL_API int WSAAPI jl_ioctlsocket(SOCKET s, LONG command, jl_u_long* argument);

/*
 * Carries out an ioctl code. *returned: bytes stored in out; NULL only with overlapped. Errors: WSAEFAULT (a
 * buffer too small), WSAEINVAL (unknown code), WSAENOPROTOOPT, WSAEOPNOTSUPP, WSAEWOULDBLOCK, WSA_IO_PENDING
 * (IO-20 ... IO-36).
 * [any]
 */
JL_API int WSAAPI WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size,
                           LPDWORD returned, LPWSAOVERLAPPED overlapped,
                           LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/*
 * Fills info so that the process with this id can make one more descriptor of the same socket with
 * WSASocketA; the socket lives until the last is closed (LC-18). Errors: WSAEINVAL, WSAEMFILE, WSAEFAULT.
 * [any]
 */
JL_API int WSAAPI WSADuplicateSocketA(SOCKET s, DWORD process, LPWSAPROTOCOL_INFOA info);

/*
 * WSADuplicateSocketA for WSASocketW.
 * [any]
 */
JL_API int WSAAPI WSADuplicateSocketW(SOCKET s, DWORD process, LPWSAPROTOCOL_INFOW info);

/* Sessions and connections. */

/*
 * Joins a leaf to a multipoint session (JL-01 ... JL-99).
 * - s a c_root: invites the leaf listening at name and returns a new c_leaf socket for it. s a c_leaf: asks
 *   the root (rooted), or joins the session (nonrooted), at name and returns s itself.
 * - Blocking: returns when the outcome is known, waiting alertably. Nonblocking: a valid descriptor means
 *   started; it is usable after FD_CONNECT, which comes on s with 0 or the reason; jl_closesocket on it
 *   cancels.
 * - caller_data: bytes for the peer, or NULL. callee_data: room, then the peer's bytes, or NULL; the WSABUF
 *   and its buffer must live until completion (JL-81, JL-82).
 * - sqos: FLOWSPECs wanted, or NULL. gqos is reserved. flags: JL_SENDER_ONLY, JL_RECEIVER_ONLY or JL_BOTH.
 * Errors: WSAEFAULT, WSAEAFNOSUPPORT, WSAEINVAL, WSAEINPROGRESS, WSAEALREADY, WSAEISCONN, WSAEADDRNOTAVAIL,
 * WSAEPROTONOSUPPORT, WSAEOPNOTSUPP, WSAEADDRINUSE, WSAEMFILE, WSAENOBUFS, WSAENETDOWN, WSAEINTR; by return or
 * FD_CONNECT WSAECONNREFUSED, WSAENETUNREACH, WSAETIMEDOUT; never WSAEWOULDBLOCK (ER-01 ... ER-21).
 * [any]
 */
JL_API SOCKET WSAAPI WSAJoinLeaf(SOCKET s, const struct sockaddr* name, int length, LPWSABUF caller_data,
                                 LPWSABUF callee_data, LPQOS sqos, LPQOS gqos, DWORD flags);

/*
 * Makes a bound s take requests; backlog is cut to what the provider can queue. A listening c_leaf takes
 * invitations only. Errors: WSAEINVAL (not bound), WSAEOPNOTSUPP, WSAEISCONN (AC-01 ... AC-04, AC-19,
 * AC-24).
 * [any]
 */
JL_API int WSAAPI jl_listen(SOCKET s, int backlog);

/*
 * Takes the request at the head of the queue and returns its new socket, with the properties and event
 * registration of s; waits for one if s is blocking. address and *length (room, then size, in bytes) may be
 * NULL. Errors: WSAEWOULDBLOCK, WSAEINVAL (not listening), WSAEOPNOTSUPP, WSAEFAULT, WSAEMFILE,
 * WSAECONNRESET, WSAEACCES, WSAEINTR.
 * [any]
 */
JL_API SOCKET WSAAPI jl_accept(SOCKET s, struct sockaddr* address, int* length);

/*
 * jl_accept with a condition function asked first; NULL accepts. Errors: as jl_accept; WSAECONNREFUSED
 * (CF_REJECT), WSATRY_AGAIN (CF_DEFER, the request stays first) (AC-05 ... AC-18).
 * [any]
 */
JL_API SOCKET WSAAPI WSAAccept(SOCKET s, struct sockaddr* address, LPINT length, LPCONDITIONPROC condition,
                               DWORD_PTR callback_data);

/*
 * Connects, or sets a datagram socket's default peer. Nonblocking: WSAEWOULDBLOCK means started, FD_CONNECT
 * or writability tells the end. Errors: WSAEALREADY, WSAEISCONN, WSAECONNREFUSED, WSAENETUNREACH,
 * WSAEHOSTUNREACH, WSAETIMEDOUT, WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAEADDRINUSE, WSAEINVAL (listening)
 * (JL-36).
 * [any]
 */
JL_API int WSAAPI jl_connect(SOCKET s, const struct sockaddr* name, int length);

/*
 * jl_connect with connect data and QoS, which have the meaning and lifetime they have in WSAJoinLeaf.
 * Errors: as jl_connect; WSAEOPNOTSUPP (QoS), WSAEPROTONOSUPPORT or WSAEFAULT (connect data).
 * [any]
 */
JL_API int WSAAPI WSAConnect(SOCKET s, const struct sockaddr* name, int length, LPWSABUF caller_data,
                             LPWSABUF callee_data, LPQOS sqos, LPQOS gqos);

/*
 * Ends SD_SEND, SD_RECEIVE or SD_BOTH; on a c_root SD_SEND tells every leaf the end of data (LC-12 ...
 * LC-14). Errors: WSAEINVAL, WSAENOTCONN.
 * [any]
 */
JL_API int WSAAPI jl_shutdown(SOCKET s, int how);

/*
 * SD_SEND, with disconnect data (NULL: none) where the entry has XP1_DISCONNECT_DATA. Errors: WSAENOPROTOOPT,
 * WSAENOTCONN, WSAEFAULT.
 * [any]
 */
JL_API int WSAAPI WSASendDisconnect(SOCKET s, LPWSABUF data);

/*
 * SD_RECEIVE, and the peer's disconnect data if asked for. Errors: WSAENOPROTOOPT, WSAENOTCONN, WSAEFAULT.
 * [any]
 */
JL_API int WSAAPI WSARecvDisconnect(SOCKET s, LPWSABUF data);

/* Data. */

/*
 * Sends length bytes: to the peer, to every leaf (d_root), or to the session. Blocks while the queue is
 * full, unless s is nonblocking. Returns the bytes taken. Errors: WSAEWOULDBLOCK, WSAENOTCONN, WSAESHUTDOWN,
 * WSAEMSGSIZE, WSAEOPNOTSUPP (JL_RECEIVER_ONLY, no side chat, flag), WSAECONNABORTED, WSAECONNRESET (IO-01
 * ... IO-16).
 * [any]
 */
JL_API int WSAAPI jl_send(SOCKET s, const void* buffer, int length, int flags);

/*
 * jl_send to an address; on a joined rooted socket the address is ignored or WSAEISCONN (IO-09). Further
 * errors: WSAEDESTADDRREQ, WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAEACCES.
 * [any]
 */
JL_API int WSAAPI jl_sendto(SOCKET s, const void* buffer, int length, int flags, const struct sockaddr* to,
                            int to_length);

/*
 * Receives at most length bytes: what is there of a stream (0: graceful end), or one message. Blocks while
 * nothing is there, unless s is nonblocking. Errors: WSAEWOULDBLOCK, WSAEMSGSIZE (the first part was
 * stored), WSAEDISCON (end of messages), WSAECONNRESET, WSAECONNABORTED, WSAENOTCONN, WSAEINVAL (unbound),
 * WSAESHUTDOWN, WSAEOPNOTSUPP (JL_SENDER_ONLY, no side chat), WSAEINTR (IO-03 ... IO-15).
 * [any]
 */
JL_API int WSAAPI jl_recv(SOCKET s, void* buffer, int length, int flags);

/*
 * jl_recv that also tells the sender; from and *from_length (room, then size, in bytes) may be NULL.
 * [any]
 */
JL_API int WSAAPI jl_recvfrom(SOCKET s, void* buffer, int length, int flags, struct sockaddr* from,
                              int* from_length);

/*
 * Sends the bytes of count buffers as one message, or one run of a stream. Without overlapped it is jl_send,
 * *sent the bytes taken. With it, on an overlapped socket: 0 done, or WSA_IO_PENDING and exactly one
 * indication later; the WSABUF array is copied, the data stays in use (IO-40 ... IO-54). Errors: as jl_send;
 * WSA_OPERATION_ABORTED.
 * [any]
 */
JL_API int WSAAPI WSASend(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
                          LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/*
 * WSASend to an address, as jl_sendto.
 * [any]
 */
JL_API int WSAAPI WSASendTo(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
                            const struct sockaddr* to, int to_length, LPWSAOVERLAPPED overlapped,
                            LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/*
 * Receives into count buffers, filled in order; *flags goes in and comes out (MSG_PARTIAL). Overlapped as
 * WSASend. Errors: as jl_recv.
 * [any]
 */
JL_API int WSAAPI WSARecv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                          LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/*
 * WSARecv that also tells the sender. Overlapped: from and *from_length stay in use until completion.
 * [any]
 */
JL_API int WSAAPI WSARecvFrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                              struct sockaddr* from, LPINT from_length, LPWSAOVERLAPPED overlapped,
                              LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/*
 * WSASendTo with its arguments in a structure, whose buffers and address are those of the call. Errors: as
 * WSASendTo; WSAEOPNOTSUPP (control data).
 * [any]
 */
JL_API int WSAAPI WSASendMsg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD sent,
                             LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/*
 * Outcome of an overlapped operation; wait only if it has an event. FALSE: WSA_IO_INCOMPLETE (pending), the
 * operation's own error, WSA_INVALID_PARAMETER, WSAEFAULT (IO-45).
 * [any]
 */
JL_API BOOL WSAAPI WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD transferred,
                                          BOOL wait, LPDWORD flags);

/* Readiness and events. */

/*
 * Waits for readiness; the sets come back with the ready sockets only. timeout NULL: without end. nfds is
 * ignored. Returns the number of ready sockets, 0 on timeout. It reports no join outcome (EV-50, JL-56).
 * Errors: WSAEINVAL (all sets empty or NULL, bad timeout), WSAENOTSOCK, WSAEINTR.
 * [any]
 */
JL_API int WSAAPI jl_select(int nfds, jl_fd_set* readable, jl_fd_set* writable, jl_fd_set* exceptional,
                            const struct timeval* timeout);

/*
 * Waits for readiness of count sockets; timeout in milliseconds, negative: without end. Returns the number
 * of entries with revents set, 0 on timeout. Errors: WSAEINVAL (count 0), WSAEFAULT, WSAENOBUFS.
 * [any]
 */
JL_API int WSAAPI WSAPoll(LPWSAPOLLFD entries, ULONG count, INT timeout);

/*
 * Registers the FD_* bits of events on s, to be recorded and to set event; makes s nonblocking; replaces any
 * former registration; 0 ends it. Errors: WSAEINVAL (event) (EV-01 ... EV-11).
 * [any]
 */
JL_API int WSAAPI WSAEventSelect(SOCKET s, WSAEVENT event, LONG events);

/*
 * Moves the record of s into result and resets event, if not NULL, in one step (EV-20 ... EV-25).
 * Errors: WSAEINVAL, WSAEFAULT (nothing changes).
 * [any]
 */
JL_API int WSAAPI WSAEnumNetworkEvents(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS result);

/*
 * Registers the FD_* bits of events on s, each to be posted as message to the queue that receiver is;
 * otherwise like WSAEventSelect. Errors: WSAEINVAL (receiver) (EV-60 ... EV-65).
 * [any]
 */
JL_API int WSAAPI WSAAsyncSelect(SOCKET s, HWND receiver, UINT message, LONG events);

/*
 * Makes a nonsignaled event object with manual reset, owned by the caller until WSACloseEvent.
 * WSA_INVALID_EVENT: WSA_NOT_ENOUGH_MEMORY (EV-70).
 * [any]
 */
JL_API WSAEVENT WSAAPI WSACreateEvent(void);

/*
 * Signals an event. FALSE: WSA_INVALID_HANDLE (EV-70).
 * [any]
 */
JL_API BOOL WSAAPI WSASetEvent(WSAEVENT event);

/*
 * Makes an event nonsignaled. FALSE: WSA_INVALID_HANDLE (EV-70).
 * [any]
 */
JL_API BOOL WSAAPI WSAResetEvent(WSAEVENT event);

/*
 * Closes an event. FALSE: WSA_INVALID_HANDLE (EV-70).
 * [any]
 */
JL_API BOOL WSAAPI WSACloseEvent(WSAEVENT event);

/*
 * Waits for one or all of 1 ... WSA_MAXIMUM_WAIT_EVENTS events, at most timeout milliseconds. Returns
 * WSA_WAIT_EVENT_0 plus the lowest signaled index, WSA_WAIT_TIMEOUT, WSA_WAIT_IO_COMPLETION (alertable, a
 * routine ran), or WSA_WAIT_FAILED: WSA_INVALID_PARAMETER, WSA_INVALID_HANDLE, WSA_NOT_ENOUGH_MEMORY (EV-71
 * ... EV-77).
 * [any]
 */
JL_API DWORD WSAAPI WSAWaitForMultipleEvents(DWORD count, const WSAEVENT* events, BOOL all, DWORD timeout,
                                             BOOL alertable);

/* Quality of service by name, byte order, addresses. */

/*
 * Fills qos from the template called name. With qos NULL: stores the names of all templates in name, each with
 * its zero, and one more zero at the end. FALSE: WSAEINVAL (no such template), WSAENOBUFS (too little room,
 * name->len is what is needed), WSAEFAULT.
 * [any]
 */
JL_API BOOL WSAAPI WSAGetQOSByName(SOCKET s, LPWSABUF name, LPQOS qos);

/*
 * Host to network order of the entry s belongs to (iNetworkByteOrder), 32 bits, into *out.
 * [any]
 */
JL_API int WSAAPI WSAHtonl(SOCKET s, jl_u_long value, jl_u_long* out);

/*
 * WSAHtonl for 16 bits.
 * [any]
 */
JL_API int WSAAPI WSAHtons(SOCKET s, USHORT value, USHORT* out);

/*
 * Network to host order of the entry s belongs to, 32 bits, into *out.
 * [any]
 */
JL_API int WSAAPI WSANtohl(SOCKET s, jl_u_long value, jl_u_long* out);

/*
 * WSANtohl for 16 bits.
 * [any]
 */
JL_API int WSAAPI WSANtohs(SOCKET s, USHORT value, USHORT* out);

/*
 * Writes an address as text, a.b.c.d:port or [v6%scope]:port (port left out when 0); *length: room, then
 * characters with the ending zero. info NULL: by family. Errors: WSAEFAULT (too little room), WSAEINVAL.
 * [any]
 */
JL_API int WSAAPI WSAAddressToStringA(LPSOCKADDR address, DWORD address_length, LPWSAPROTOCOL_INFOA info,
                                      LPSTR string, LPDWORD length);

/*
 * WSAAddressToStringA in UTF-16.
 * [any]
 */
JL_API int WSAAPI WSAAddressToStringW(LPSOCKADDR address, DWORD address_length, LPWSAPROTOCOL_INFOW info,
                                      LPWSTR string, LPDWORD length);

/*
 * Reads what WSAAddressToStringA writes; *address_length: room, then size, in bytes. Never asks a name
 * server. Errors: WSAEINVAL (no such address), WSAEFAULT (too little room).
 * [any]
 */
JL_API int WSAAPI WSAStringToAddressA(LPSTR string, INT family, LPWSAPROTOCOL_INFOA info, LPSOCKADDR address,
                                      LPINT address_length);

/*
 * WSAStringToAddressA in UTF-16.
 * [any]
 */
JL_API int WSAAPI WSAStringToAddressW(LPWSTR string, INT family, LPWSAPROTOCOL_INFOW info, LPSOCKADDR address,
                                      LPINT address_length);

/*
 * The host's name, with an ending zero, into length bytes. Errors: WSAEFAULT (too little room).
 * [any]
 */
JL_API int WSAAPI jl_gethostname(char* name, int length);

/* Pointer types of the calls, for programs that look them up or wrap them. */

typedef int(WSAAPI* LPFN_WSASTARTUP)(WORD, LPWSADATA);
typedef int(WSAAPI* LPFN_WSACLEANUP)(void);
typedef int(WSAAPI* LPFN_WSAGETLASTERROR)(void);
typedef void(WSAAPI* LPFN_WSASETLASTERROR)(int);
typedef int(WSAAPI* LPFN_WSAENUMPROTOCOLSA)(LPINT, LPWSAPROTOCOL_INFOA, LPDWORD);
typedef int(WSAAPI* LPFN_WSAENUMPROTOCOLSW)(LPINT, LPWSAPROTOCOL_INFOW, LPDWORD);
typedef SOCKET(WSAAPI* LPFN_WSASOCKETA)(int, int, int, LPWSAPROTOCOL_INFOA, GROUP, DWORD);
typedef SOCKET(WSAAPI* LPFN_WSASOCKETW)(int, int, int, LPWSAPROTOCOL_INFOW, GROUP, DWORD);
typedef SOCKET(WSAAPI* LPFN_WSAJOINLEAF)(SOCKET, const struct sockaddr*, int, LPWSABUF, LPWSABUF, LPQOS,
                                         LPQOS, DWORD);
typedef SOCKET(WSAAPI* LPFN_WSAACCEPT)(SOCKET, struct sockaddr*, LPINT, LPCONDITIONPROC, DWORD_PTR);
typedef int(WSAAPI* LPFN_WSACONNECT)(SOCKET, const struct sockaddr*, int, LPWSABUF, LPWSABUF, LPQOS, LPQOS);
typedef int(WSAAPI* LPFN_WSASEND)(SOCKET, LPWSABUF, DWORD, LPDWORD, DWORD, LPWSAOVERLAPPED,
                                  LPWSAOVERLAPPED_COMPLETION_ROUTINE);
typedef int(WSAAPI* LPFN_WSASENDTO)(SOCKET, LPWSABUF, DWORD, LPDWORD, DWORD, const struct sockaddr*, int,
                                    LPWSAOVERLAPPED, LPWSAOVERLAPPED_COMPLETION_ROUTINE);
typedef int(WSAAPI* LPFN_WSARECV)(SOCKET, LPWSABUF, DWORD, LPDWORD, LPDWORD, LPWSAOVERLAPPED,
                                  LPWSAOVERLAPPED_COMPLETION_ROUTINE);
typedef int(WSAAPI* LPFN_WSARECVFROM)(SOCKET, LPWSABUF, DWORD, LPDWORD, LPDWORD, struct sockaddr*, LPINT,
                                      LPWSAOVERLAPPED, LPWSAOVERLAPPED_COMPLETION_ROUTINE);
typedef int(WSAAPI* LPFN_WSASENDDISCONNECT)(SOCKET, LPWSABUF);
typedef int(WSAAPI* LPFN_WSARECVDISCONNECT)(SOCKET, LPWSABUF);
typedef int(WSAAPI* LPFN_WSAIOCTL)(SOCKET, DWORD, LPVOID, DWORD, LPVOID, DWORD, LPDWORD, LPWSAOVERLAPPED,
                                   LPWSAOVERLAPPED_COMPLETION_ROUTINE);
typedef BOOL(WSAAPI* LPFN_WSAGETOVERLAPPEDRESULT)(SOCKET, LPWSAOVERLAPPED, LPDWORD, BOOL, LPDWORD);
typedef int(WSAAPI* LPFN_WSAEVENTSELECT)(SOCKET, WSAEVENT, LONG);
typedef int(WSAAPI* LPFN_WSAENUMNETWORKEVENTS)(SOCKET, WSAEVENT, LPWSANETWORKEVENTS);
typedef int(WSAAPI* LPFN_WSAASYNCSELECT)(SOCKET, HWND, UINT, LONG);
typedef WSAEVENT(WSAAPI* LPFN_WSACREATEEVENT)(void);
typedef BOOL(WSAAPI* LPFN_WSASETEVENT)(WSAEVENT);
typedef BOOL(WSAAPI* LPFN_WSARESETEVENT)(WSAEVENT);
typedef BOOL(WSAAPI* LPFN_WSACLOSEEVENT)(WSAEVENT);
typedef DWORD(WSAAPI* LPFN_WSAWAITFORMULTIPLEEVENTS)(DWORD, const WSAEVENT*, BOOL, DWORD, BOOL);
typedef int(WSAAPI* LPFN_WSADUPLICATESOCKETA)(SOCKET, DWORD, LPWSAPROTOCOL_INFOA);
typedef int(WSAAPI* LPFN_WSADUPLICATESOCKETW)(SOCKET, DWORD, LPWSAPROTOCOL_INFOW);
typedef SOCKET(WSAAPI* LPFN_SOCKET)(int, int, int);
typedef int(WSAAPI* LPFN_CLOSESOCKET)(SOCKET);
typedef int(WSAAPI* LPFN_BIND)(SOCKET, const struct sockaddr*, int);
typedef int(WSAAPI* LPFN_LISTEN)(SOCKET, int);
typedef SOCKET(WSAAPI* LPFN_ACCEPT)(SOCKET, struct sockaddr*, int*);
typedef int(WSAAPI* LPFN_CONNECT)(SOCKET, const struct sockaddr*, int);
typedef int(WSAAPI* LPFN_SHUTDOWN)(SOCKET, int);
typedef int(WSAAPI* LPFN_SEND)(SOCKET, const void*, int, int);
typedef int(WSAAPI* LPFN_SENDTO)(SOCKET, const void*, int, int, const struct sockaddr*, int);
typedef int(WSAAPI* LPFN_RECV)(SOCKET, void*, int, int);
typedef int(WSAAPI* LPFN_RECVFROM)(SOCKET, void*, int, int, struct sockaddr*, int*);
typedef int(WSAAPI* LPFN_SELECT)(int, jl_fd_set*, jl_fd_set*, jl_fd_set*, const struct timeval*);
typedef int(WSAAPI* LPFN_GETSOCKOPT)(SOCKET, int, int, void*, int*);
typedef int(WSAAPI* LPFN_SETSOCKOPT)(SOCKET, int, int, const void*, int);
typedef int(WSAAPI* LPFN_GETSOCKNAME)(SOCKET, struct sockaddr*, int*);
typedef int(WSAAPI* LPFN_GETPEERNAME)(SOCKET, struct sockaddr*, int*);
typedef int(WSAAPI* LPFN_IOCTLSOCKET)(SOCKET, LONG, jl_u_long*);

/* Sets of sockets, as FD_ZERO, FD_SET, FD_CLR, FD_ISSET handle them on Windows. */

/*
 * Empties a set.
 * [any]
 */
static inline void jl_fd_zero(jl_fd_set* set) {
    set->fd_count = 0;
}

/*
 * Nonzero if s is in the set.
 * [any]
 */
static inline int jl_fd_isset(SOCKET s, const jl_fd_set* set) {
    for (UINT i = 0; i < set->fd_count; ++i) {
        if (set->fd_array[i] == s) {
            return 1;
        }
    }
    return 0;
}

/*
 * Adds s, unless it is in the set or the set is full.
 * [any]
 */
static inline void jl_fd_add(SOCKET s, jl_fd_set* set) {
    if (set->fd_count < JL_CAST(UINT, JL_FD_SETSIZE) && !jl_fd_isset(s, set)) {
        set->fd_array[set->fd_count++] = s;
    }
}

/*
 * Takes s out, if it is in the set.
 * [any]
 */
static inline void jl_fd_remove(SOCKET s, jl_fd_set* set) {
    UINT kept = 0;
    for (UINT i = 0; i < set->fd_count; ++i) {
        if (set->fd_array[i] != s) {
            set->fd_array[kept++] = set->fd_array[i];
        }
    }
    set->fd_count = kept;
}

#ifdef __cplusplus
}
#endif

/* Names that stand for the A or the W form. */

#ifdef UNICODE
#define WSASocket WSASocketW
#define WSAEnumProtocols WSAEnumProtocolsW
#define WSADuplicateSocket WSADuplicateSocketW
#define WSAAddressToString WSAAddressToStringW
#define WSAStringToAddress WSAStringToAddressW
#define WSAPROTOCOL_INFO WSAPROTOCOL_INFOW
#define LPWSAPROTOCOL_INFO LPWSAPROTOCOL_INFOW
#define LPFN_WSASOCKET LPFN_WSASOCKETW
#define LPFN_WSAENUMPROTOCOLS LPFN_WSAENUMPROTOCOLSW
#define SO_PROTOCOL_INFO SO_PROTOCOL_INFOW
#else
#define WSASocket WSASocketA
#define WSAEnumProtocols WSAEnumProtocolsA
#define WSADuplicateSocket WSADuplicateSocketA
#define WSAAddressToString WSAAddressToStringA
#define WSAStringToAddress WSAStringToAddressA
#define WSAPROTOCOL_INFO WSAPROTOCOL_INFOA
#define LPWSAPROTOCOL_INFO LPWSAPROTOCOL_INFOA
#define LPFN_WSASOCKET LPFN_WSASOCKETA
#define LPFN_WSAENUMPROTOCOLS LPFN_WSAENUMPROTOCOLSA
#define SO_PROTOCOL_INFO SO_PROTOCOL_INFOA
#endif

#endif /* JOINLEAF_WINSOCK2_H */

/*
 * Plain BSD names for the rest of this source file; a guard of their own lets a later inclusion switch them
 * on.
 */
#if !defined(JOINLEAF_NO_BSD_NAMES) && !defined(JOINLEAF_WINSOCK2_BSD_NAMES)
#define JOINLEAF_WINSOCK2_BSD_NAMES

#define socket jl_socket
#define bind jl_bind
#define listen jl_listen
#define accept jl_accept
#define connect jl_connect
#define send jl_send
#define recv jl_recv
#define sendto jl_sendto
#define recvfrom jl_recvfrom
#define shutdown jl_shutdown
#define select jl_select
#define getsockopt jl_getsockopt
#define setsockopt jl_setsockopt
#define getsockname jl_getsockname
#define getpeername jl_getpeername
#define ioctlsocket jl_ioctlsocket
#define closesocket jl_closesocket

#define u_long jl_u_long
#define fd_set jl_fd_set

#undef FD_ZERO
#undef FD_SET
#undef FD_CLR
#undef FD_ISSET
#define FD_ZERO(set) jl_fd_zero(set)
#define FD_SET(s, set) jl_fd_add(JL_CAST(SOCKET, (s)), (set))
#define FD_CLR(s, set) jl_fd_remove(JL_CAST(SOCKET, (s)), (set))
#define FD_ISSET(s, set) jl_fd_isset(JL_CAST(SOCKET, (s)), (set))

#ifndef JL_PROGRAM_FD_SETSIZE
#undef FD_SETSIZE
#ifdef JOINLEAF_FD_SETSIZE
#define FD_SETSIZE JOINLEAF_FD_SETSIZE
#else
#define FD_SETSIZE 64
#endif
#endif

#endif /* JOINLEAF_WINSOCK2_BSD_NAMES */
