// SPDX-License-Identifier: Apache-2.0
/*
 * The extension functions that Windows declares in mswsock.h: connections accepted and made by overlapped
 * calls, files sent from the kernel's cache, messages with their flags. Each function has its Windows name in
 * compat/mswsock.h, and its address is what WSAIoctl(SIO_GET_EXTENSION_FUNCTION_POINTER) answers for its
 * WSAID_ number, on every socket (IO-33).
 *
 * A file is meant by the number of its descriptor, cast to HANDLE. Failures leave a code for WSAGetLastError;
 * FALSE with WSA_IO_PENDING means that exactly one indication follows (IO-43). How an operation that is
 * pending ends besides, and who is told: as for WSASend and WSARecv (IO-40 ... IO-53).
 */
#ifndef JOINLEAF_MSWSOCK_H
#define JOINLEAF_MSWSOCK_H

#ifndef JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_MSWSOCK_H_SET_NO_BSD_NAMES
#endif
#include "winsock2.h"
#ifdef JOINLEAF_MSWSOCK_H_SET_NO_BSD_NAMES
#undef JOINLEAF_NO_BSD_NAMES
#undef JOINLEAF_MSWSOCK_H_SET_NO_BSD_NAMES
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers by which WSAIoctl is asked for the functions; initialisers of a GUID. */
#define WSAID_ACCEPTEX                                                                                       \
    {                                                                                                        \
        0xb5367df1, 0xcbac, 0x11cf, {                                                                        \
            0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92                                                   \
        }                                                                                                    \
    }
#define WSAID_GETACCEPTEXSOCKADDRS                                                                           \
    {                                                                                                        \
        0xb5367df2, 0xcbac, 0x11cf, {                                                                        \
            0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92                                                   \
        }                                                                                                    \
    }
#define WSAID_CONNECTEX                                                                                      \
    {                                                                                                        \
        0x25a207b9, 0xddf3, 0x4660, {                                                                        \
            0x8e, 0xe9, 0x76, 0xe5, 0x8c, 0x74, 0x06, 0x3e                                                   \
        }                                                                                                    \
    }
#define WSAID_DISCONNECTEX                                                                                   \
    {                                                                                                        \
        0x7fda2e11, 0x8630, 0x436f, {                                                                        \
            0xa0, 0x31, 0xf5, 0x36, 0xa6, 0xee, 0xc1, 0x57                                                   \
        }                                                                                                    \
    }

#define WSAID_TRANSMITFILE                                                                                   \
    {                                                                                                        \
        0xb5367df0, 0xcbac, 0x11cf, {                                                                        \
            0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92                                                   \
        }                                                                                                    \
    }
#define WSAID_TRANSMITPACKETS                                                                                \
    {                                                                                                        \
        0xd9689da0, 0x1f90, 0x11d3, {                                                                        \
            0x99, 0x71, 0x00, 0xc0, 0x4f, 0x68, 0xc8, 0x76                                                   \
        }                                                                                                    \
    }
#define WSAID_WSARECVMSG                                                                                     \
    {                                                                                                        \
        0xf689d7c8, 0x6f1f, 0x436b, {                                                                        \
            0x8a, 0x53, 0xe5, 0x4f, 0xe3, 0x51, 0xc3, 0x22                                                   \
        }                                                                                                    \
    }
#define WSAID_WSASENDMSG                                                                                     \
    {                                                                                                        \
        0xa441e712, 0x754f, 0x43ca, {                                                                        \
            0x84, 0xa7, 0x0d, 0xee, 0x44, 0xcf, 0x60, 0x6d                                                   \
        }                                                                                                    \
    }

/* Flags of jl_disconnect_ex, jl_transmit_file and jl_transmit_packets. */
#define TF_DISCONNECT 0x01u   /* then the end of sending, as jl_disconnect_ex */
#define TF_REUSE_SOCKET 0x02u /* refused: WSAEOPNOTSUPP */
#define TF_WRITE_BEHIND 0x04u /* no effect, as the next three */
#define TF_USE_DEFAULT_WORKER 0x00u
#define TF_USE_SYSTEM_THREAD 0x10u
#define TF_USE_KERNEL_APC 0x20u

/* Room that an address needs beyond its own size in the buffer of jl_accept_ex. */
#define JL_ACCEPT_EX_PADDING 16

/*
 * Accepts one connection of a listener into accepted, a socket of the same protocol entry that is neither
 * bound nor connected. The buffer holds data_room bytes for the first data, then local_room and remote_room
 * bytes for the two addresses, each JL_ACCEPT_EX_PADDING bytes more than an address of the family needs;
 * jl_get_accept_ex_sockaddrs finds them. With data_room 0 it ends when the connection is there, else with its
 * first data, or its end. The indication goes where the listener's go. closesocket of either socket ends it
 * with WSA_OPERATION_ABORTED. It counts as the accepting call that enables FD_ACCEPT again (EV-33); while one is
 * pending, requests are its own and are told to nobody else. accepted keeps the options set on it; what the
 * listener's other sockets inherit comes with setsockopt(SO_UPDATE_ACCEPT_CONTEXT).
 * FALSE: WSA_IO_PENDING; WSAEINVAL (not listening; accepted is bound, connected, of another entry, or waits
 * already; listener not overlapped), WSAENOTSOCK (either), WSAEOPNOTSUPP (multipoint or connectionless), WSAEFAULT (buffer,
 * rooms), WSA_INVALID_PARAMETER (no overlapped). The operation: WSAEMFILE, WSAECONNRESET.
 * [any]
 */
JL_API BOOL WSAAPI jl_accept_ex(SOCKET listener, SOCKET accepted, PVOID buffer, DWORD data_room,
                                DWORD local_room, DWORD remote_room, LPDWORD received,
                                LPWSAOVERLAPPED overlapped);

/*
 * Where the two addresses stand in a buffer that jl_accept_ex has filled; the sizes are those given to it.
 * What is NULL is not wanted; of a buffer that is too small for the sizes, nothing is answered.
 * [any]
 */
JL_API void WSAAPI jl_get_accept_ex_sockaddrs(PVOID buffer, DWORD data_room, DWORD local_room,
                                              DWORD remote_room, struct sockaddr** local, LPINT local_length,
                                              struct sockaddr** remote, LPINT remote_length);

/*
 * Connects a bound socket and then, if there is data, sends it; ends when both are done, with the bytes sent.
 * The address is copied, the data stays in use. FD_CONNECT and SO_ERROR tell the outcome as after connect.
 * FALSE: WSA_IO_PENDING; WSAEINVAL (not bound, listening, not overlapped), WSAEISCONN, WSAEALREADY,
 * WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAEFAULT, WSAEOPNOTSUPP (multipoint or connectionless),
 * WSA_INVALID_PARAMETER (no overlapped). The operation: as connect, and WSA_OPERATION_ABORTED.
 * [any]
 */
JL_API BOOL WSAAPI jl_connect_ex(SOCKET s, const struct sockaddr* name, int length, PVOID data, DWORD size,
                                 LPDWORD sent, LPWSAOVERLAPPED overlapped);

/*
 * Ends sending as shutdown(SD_SEND) does, behind the sends that wait; ends itself when they are gone. Without
 * overlapped it waits for that. flags: 0; TF_REUSE_SOCKET is refused, for the descriptor's connection cannot
 * be taken back from the kernel.
 * FALSE: WSA_IO_PENDING; WSAENOTCONN, WSAEOPNOTSUPP (TF_REUSE_SOCKET, or no connection-oriented socket),
 * WSAEINVAL (other flags, reserved not 0).
 * [any]
 */
JL_API BOOL WSAAPI jl_disconnect_ex(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD flags, DWORD reserved);

/* Memory that jl_transmit_file sends before and behind the file; stays in use until the end. */
typedef struct TRANSMIT_FILE_BUFFERS {
    LPVOID Head;
    DWORD HeadLength;
    LPVOID Tail;
    DWORD TailLength;
} TRANSMIT_FILE_BUFFERS, *PTRANSMIT_FILE_BUFFERS, *LPTRANSMIT_FILE_BUFFERS;

/*
 * Sends a file on a connected stream: size bytes of it, or all that is there (0, or more than there is), from
 * where overlapped->Offset and OffsetHigh say, or without overlapped from the descriptor's position, which
 * stays. file NULL: nothing but the buffers. size_per_send has no effect. With TF_DISCONNECT the end of
 * sending follows. Without overlapped it returns when the last byte was taken. The file is duplicated, so that
 * the program may close its own descriptor at once.
 * FALSE: WSA_IO_PENDING; WSA_INVALID_HANDLE (file), WSAEINVAL (no regular file; unknown flags), WSAEFAULT
 * (buffers), WSAEOPNOTSUPP (no stream; TF_REUSE_SOCKET), WSAENOTCONN, and what send answers. The operation
 * also: what reading the file answers.
 * [any]
 */
JL_API BOOL WSAAPI jl_transmit_file(SOCKET s, HANDLE file, DWORD size, DWORD size_per_send,
                                    LPWSAOVERLAPPED overlapped, LPTRANSMIT_FILE_BUFFERS buffers, DWORD flags);

/* A 64-bit count; u gives its halves. */
typedef union LARGE_INTEGER {
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
    long long QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

/* What a TRANSMIT_PACKETS_ELEMENT is. */
#define TP_ELEMENT_MEMORY 1u
#define TP_ELEMENT_FILE 2u
#define TP_ELEMENT_EOP 4u /* no effect on a stream */

/* One piece for jl_transmit_packets. cLength 0 of a file: all that is there. */
typedef struct TRANSMIT_PACKETS_ELEMENT {
    ULONG dwElFlags;
    ULONG cLength;
    __extension__ union {
        __extension__ struct {
            LARGE_INTEGER nFileOffset; /* -1: the descriptor's position */
            HANDLE hFile;
        };
        PVOID pBuffer;
    };
} TRANSMIT_PACKETS_ELEMENT, *PTRANSMIT_PACKETS_ELEMENT, *LPTRANSMIT_PACKETS_ELEMENT;

/*
 * Sends count pieces of memory and of files on a connected stream, one after the other; otherwise as
 * jl_transmit_file. The array is read before it returns. WSAEINVAL also: an element that is neither kind.
 * [any]
 */
JL_API BOOL WSAAPI jl_transmit_packets(SOCKET s, LPTRANSMIT_PACKETS_ELEMENT elements, DWORD count,
                                       DWORD size_per_send, LPWSAOVERLAPPED overlapped, DWORD flags);

/*
 * WSARecvFrom with its arguments in a structure: fills the buffers, the source and its length, and tells by
 * dwFlags what became of the message: MSG_TRUNC (with WSAEMSGSIZE), MSG_PARTIAL, MSG_MCAST where the transport
 * knows it. Control.len comes back as 0, for no transport hands control data over. Overlapped, the structure
 * stays in use until the end. Errors: as WSARecvFrom.
 * [any]
 */
JL_API int WSAAPI jl_recv_msg(SOCKET s, LPWSAMSG message, LPDWORD bytes, LPWSAOVERLAPPED overlapped,
                              LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/* Control data, as Windows lays it out; for sources that walk it. The data follows the header. */
typedef struct WSACMSGHDR {
    size_t cmsg_len;
    INT cmsg_level;
    INT cmsg_type;
} WSACMSGHDR, *PWSACMSGHDR, *LPWSACMSGHDR;

#define WSA_CMSGHDR_ALIGN(length) (((length) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))
#define WSA_CMSGDATA_ALIGN(length) WSA_CMSGHDR_ALIGN(length)
#define WSA_CMSG_SPACE(length) (WSA_CMSGDATA_ALIGN(sizeof(WSACMSGHDR)) + WSA_CMSGHDR_ALIGN(length))
#define WSA_CMSG_LEN(length) (WSA_CMSGDATA_ALIGN(sizeof(WSACMSGHDR)) + (length))
#define WSA_CMSG_DATA(header) ((UCHAR*)(header) + WSA_CMSGDATA_ALIGN(sizeof(WSACMSGHDR)))
#define WSA_CMSG_FIRSTHDR(message)                                                                           \
    ((message)->Control.len >= sizeof(WSACMSGHDR) ? (LPWSACMSGHDR)(void*)(message)->Control.buf              \
                                                  : (LPWSACMSGHDR)0)
#define WSA_CMSG_NXTHDR(message, header)                                                                     \
    ((header) == NULL ? WSA_CMSG_FIRSTHDR(message)                                                           \
     : ((UCHAR*)(header) + WSA_CMSGHDR_ALIGN((header)->cmsg_len) + sizeof(WSACMSGHDR) >                      \
        (UCHAR*)(message)->Control.buf + (message)->Control.len)                                             \
         ? (LPWSACMSGHDR)0                                                                                   \
         : (LPWSACMSGHDR)(void*)((UCHAR*)(header) + WSA_CMSGHDR_ALIGN((header)->cmsg_len)))

#ifdef __cplusplus
}
#endif

#endif
