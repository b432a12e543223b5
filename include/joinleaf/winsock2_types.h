// SPDX-License-Identifier: Apache-2.0
/*
 * Types, structures, constants and callback types of Winsock 2: the part of winsock2.h that declares no
 * call. winsock2.h includes it; it also stands alone. Numbers and layouts: sections 11
 * and 12 of the specification.
 */
#ifndef JOINLEAF_WINSOCK2_TYPES_H
#define JOINLEAF_WINSOCK2_TYPES_H

/*
 * Capacity of jl_fd_set: JOINLEAF_FD_SETSIZE, else the FD_SETSIZE that the program defined itself, else 64.
 * The host's own FD_SETSIZE expands to __FD_SETSIZE; with that name set to 0 the two can be told apart. The
 * host header overwrites a definition made before it is first included, so the program's is put aside
 * meanwhile.
 */
#if defined(JOINLEAF_FD_SETSIZE)
enum { JL_FD_SETSIZE = JOINLEAF_FD_SETSIZE };
#elif defined(FD_SETSIZE)
#pragma push_macro("__FD_SETSIZE")
#undef __FD_SETSIZE
#define __FD_SETSIZE 0
#if FD_SETSIZE > 0
#define JL_PROGRAM_FD_SETSIZE 1
enum { JL_FD_SETSIZE = FD_SETSIZE };
#pragma push_macro("FD_SETSIZE")
#undef FD_SETSIZE
#else
enum { JL_FD_SETSIZE = 64 };
#endif
#pragma pop_macro("__FD_SETSIZE")
#else
enum { JL_FD_SETSIZE = 64 };
#endif

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#ifndef __cplusplus
#include <uchar.h>
#endif

#ifdef JL_PROGRAM_FD_SETSIZE
#pragma pop_macro("FD_SETSIZE")
#endif

/* A value conversion that is free of warnings in both languages. */
#ifdef __cplusplus
#define JL_CAST(type, value) (static_cast<type>(value))
#else
#define JL_CAST(type, value) ((type)(value))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Words of Windows sources that mean nothing here. */

#ifndef FAR
#define FAR
#endif
#ifndef PASCAL
#define PASCAL
#endif
#ifndef CALLBACK
#define CALLBACK
#endif
#ifndef WSAAPI
#define WSAAPI
#endif

/* Basic types: 32-bit DWORD, LONG and u_long whatever the host's long is; WCHAR is a UTF-16 unit. */

typedef uint8_t BYTE;
typedef uint16_t WORD;
typedef uint32_t DWORD;
typedef int16_t SHORT;
typedef uint16_t USHORT;
typedef int INT;
typedef unsigned int UINT;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef uint32_t jl_u_long;
typedef int BOOL;
typedef char CHAR;
typedef unsigned char UCHAR;
typedef char16_t WCHAR; /* u"..." literals, not L"...": the host's wchar_t has 32 bits */
typedef intptr_t INT_PTR;
typedef intptr_t LONG_PTR;
typedef uintptr_t UINT_PTR;
typedef uintptr_t ULONG_PTR;
typedef uintptr_t DWORD_PTR;
typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM;

typedef void *PVOID, *LPVOID;
typedef const void* LPCVOID;
typedef BYTE *PBYTE, *LPBYTE;
typedef WORD *PWORD, *LPWORD;
typedef DWORD *PDWORD, *LPDWORD;
typedef INT *PINT, *LPINT;
typedef UINT* PUINT;
typedef LONG *PLONG, *LPLONG;
typedef ULONG* PULONG;
typedef BOOL *PBOOL, *LPBOOL;
typedef CHAR *PCHAR, *PSTR, *LPSTR;
typedef const CHAR *PCSTR, *LPCSTR;
typedef WCHAR *PWCHAR, *PWSTR, *LPWSTR;
typedef const WCHAR *PCWSTR, *LPCWSTR;

/* Pointer-sized. A HANDLE made by this library holds a descriptor number (never 0), not an address. */
typedef void *HANDLE, **PHANDLE, **LPHANDLE;
/* The receiver of WSAAsyncSelect's messages: a message queue of ext.h takes the window's place. */
typedef HANDLE HWND;
/*
 * An event object: an eventfd number, readable exactly while the event is signaled. Closed by WSACloseEvent.
 */
typedef HANDLE WSAEVENT, *LPWSAEVENT;
typedef UINT_PTR SOCKET;
/* Socket groups are reserved; 0 is the group of every socket (AC-23). */
typedef unsigned int GROUP;

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

#define MAKEWORD(low, high)                                                                                  \
    JL_CAST(WORD, JL_CAST(BYTE, (low)) | JL_CAST(unsigned, JL_CAST(BYTE, (high))) << 8)
#define MAKELONG(low, high) JL_CAST(LONG, JL_CAST(WORD, (low)) | JL_CAST(DWORD, JL_CAST(WORD, (high))) << 16)
#define LOBYTE(word) JL_CAST(BYTE, (word)&0xff)
#define HIBYTE(word) JL_CAST(BYTE, ((word) >> 8) & 0xff)
#define LOWORD(value) JL_CAST(WORD, (value)&0xffff)
#define HIWORD(value) JL_CAST(WORD, ((value) >> 16) & 0xffff)

#define INVALID_SOCKET JL_CAST(SOCKET, ~JL_CAST(SOCKET, 0))
#define SOCKET_ERROR (-1)
#define WSA_INVALID_EVENT JL_CAST(WSAEVENT, NULL)

/* The host's structures under their Winsock names. Members and sizes are the host's. */
typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct sockaddr_in6 SOCKADDR_IN6, *PSOCKADDR_IN6, *LPSOCKADDR_IN6;
typedef struct sockaddr_storage SOCKADDR_STORAGE, *PSOCKADDR_STORAGE, *LPSOCKADDR_STORAGE;

/* An address with its length, and what SIO_ADDRESS_LIST_QUERY gives: count entries, whose addresses stand behind
   them in the same buffer. */
typedef struct _SOCKET_ADDRESS {
    LPSOCKADDR lpSockaddr;
    INT iSockaddrLength;
} SOCKET_ADDRESS, *PSOCKET_ADDRESS, *LPSOCKET_ADDRESS;

typedef struct _SOCKET_ADDRESS_LIST {
    INT iAddressCount;
    SOCKET_ADDRESS Address[1];
} SOCKET_ADDRESS_LIST, *PSOCKET_ADDRESS_LIST, *LPSOCKET_ADDRESS_LIST;
typedef struct in_addr IN_ADDR, *PIN_ADDR, *LPIN_ADDR;
typedef struct in6_addr IN6_ADDR, *PIN6_ADDR, *LPIN6_ADDR;
typedef struct ip_mreq IP_MREQ, *PIP_MREQ;
typedef struct ipv6_mreq IPV6_MREQ, *PIPV6_MREQ;
typedef struct linger LINGER, *PLINGER, *LPLINGER;
typedef struct timeval TIMEVAL, *PTIMEVAL, *LPTIMEVAL;
typedef struct hostent HOSTENT, *PHOSTENT, *LPHOSTENT;
typedef struct servent SERVENT, *PSERVENT, *LPSERVENT;
typedef struct protoent PROTOENT, *PPROTOENT, *LPPROTOENT;
typedef struct addrinfo ADDRINFOA, *PADDRINFOA, *LPADDRINFOA;

/* Error codes (spec sections 9 and 11). */

#define WSA_INVALID_HANDLE 6
#define WSA_NOT_ENOUGH_MEMORY 8
#define WSA_INVALID_PARAMETER 87
#define WSA_OPERATION_ABORTED 995
#define WSA_IO_INCOMPLETE 996
#define WSA_IO_PENDING 997

#define WSABASEERR 10000
#define WSAEINTR 10004
#define WSAEBADF 10009
#define WSAEACCES 10013
#define WSAEFAULT 10014
#define WSAEINVAL 10022
#define WSAEMFILE 10024
#define WSAEWOULDBLOCK 10035
#define WSAEINPROGRESS 10036
#define WSAEALREADY 10037
#define WSAENOTSOCK 10038
#define WSAEDESTADDRREQ 10039
#define WSAEMSGSIZE 10040
#define WSAEPROTOTYPE 10041
#define WSAENOPROTOOPT 10042
#define WSAEPROTONOSUPPORT 10043
#define WSAESOCKTNOSUPPORT 10044
#define WSAEOPNOTSUPP 10045
#define WSAEPFNOSUPPORT 10046
#define WSAEAFNOSUPPORT 10047
#define WSAEADDRINUSE 10048
#define WSAEADDRNOTAVAIL 10049
#define WSAENETDOWN 10050
#define WSAENETUNREACH 10051
#define WSAENETRESET 10052
#define WSAECONNABORTED 10053
#define WSAECONNRESET 10054
#define WSAENOBUFS 10055
#define WSAEISCONN 10056
#define WSAENOTCONN 10057
#define WSAESHUTDOWN 10058
#define WSAETOOMANYREFS 10059
#define WSAETIMEDOUT 10060
#define WSAECONNREFUSED 10061
#define WSAELOOP 10062
#define WSAENAMETOOLONG 10063
#define WSAEHOSTDOWN 10064
#define WSAEHOSTUNREACH 10065
#define WSAENOTEMPTY 10066
#define WSAEPROCLIM 10067
#define WSAEUSERS 10068
#define WSAEDQUOT 10069
#define WSAESTALE 10070
#define WSAEREMOTE 10071
#define WSASYSNOTREADY 10091
#define WSAVERNOTSUPPORTED 10092
#define WSANOTINITIALISED 10093
#define WSAEDISCON 10101
#define WSAENOMORE 10102
#define WSAECANCELLED 10103
#define WSAEINVALIDPROCTABLE 10104
#define WSAEINVALIDPROVIDER 10105
#define WSAEPROVIDERFAILEDINIT 10106
#define WSASYSCALLFAILURE 10107
#define WSASERVICE_NOT_FOUND 10108
#define WSATYPE_NOT_FOUND 10109
#define WSA_E_NO_MORE 10110
#define WSA_E_CANCELLED 10111
#define WSAEREFUSED 10112
#define WSAHOST_NOT_FOUND 11001
#define WSATRY_AGAIN 11002
#define WSANO_RECOVERY 11003
#define WSANO_DATA 11004

/* Status values of quality of service (QS-21). */
#define WSA_QOS_RECEIVERS 11005
#define WSA_QOS_SENDERS 11006
#define WSA_QOS_NO_SENDERS 11007
#define WSA_QOS_NO_RECEIVERS 11008
#define WSA_QOS_REQUEST_CONFIRMED 11009
#define WSA_QOS_ADMISSION_FAILURE 11010
#define WSA_QOS_POLICY_FAILURE 11011
#define WSA_QOS_BAD_STYLE 11012
#define WSA_QOS_BAD_OBJECT 11013
#define WSA_QOS_TRAFFIC_CTRL_ERROR 11014
#define WSA_QOS_GENERIC_ERROR 11015
#define WSA_QOS_ESERVICETYPE 11016
#define WSA_QOS_EFLOWSPEC 11017
#define WSA_QOS_EPROVSPECBUF 11018
#define WSA_QOS_EFILTERSTYLE 11019
#define WSA_QOS_EFILTERTYPE 11020
#define WSA_QOS_EFILTERCOUNT 11021
#define WSA_QOS_EOBJLENGTH 11022
#define WSA_QOS_EFLOWCOUNT 11023
#define WSA_QOS_EUNKOWNPSOBJ 11024
#define WSA_QOS_EPOLICYOBJ 11025
#define WSA_QOS_EFLOWDESC 11026
#define WSA_QOS_EPSFLOWSPEC 11027
#define WSA_QOS_EPSFILTERSPEC 11028
#define WSA_QOS_ESDMODEOBJ 11029
#define WSA_QOS_ESHAPERATEOBJ 11030
#define WSA_QOS_RESERVED_PETYPE 11031

/* Network events (EV-52): the bit number indexes WSANETWORKEVENTS.iErrorCode. */

#define FD_READ_BIT 0
#define FD_WRITE_BIT 1
#define FD_OOB_BIT 2
#define FD_ACCEPT_BIT 3
#define FD_CONNECT_BIT 4
#define FD_CLOSE_BIT 5
#define FD_QOS_BIT 6
#define FD_GROUP_QOS_BIT 7
#define FD_ROUTING_INTERFACE_CHANGE_BIT 8
#define FD_ADDRESS_LIST_CHANGE_BIT 9
#define FD_MAX_EVENTS 10

#define FD_READ 0x1
#define FD_WRITE 0x2
#define FD_OOB 0x4
#define FD_ACCEPT 0x8
#define FD_CONNECT 0x10
#define FD_CLOSE 0x20
#define FD_QOS 0x40
#define FD_GROUP_QOS 0x80
#define FD_ROUTING_INTERFACE_CHANGE 0x100
#define FD_ADDRESS_LIST_CHANGE 0x200
#define FD_ALL_EVENTS 0x3ff

/*
 * Content of a WSAAsyncSelect message: event in the low word of lParam, error code in the high word (EV-60).
 */
#define WSAMAKESELECTREPLY(event, error) MAKELONG(event, error)
#define WSAGETSELECTEVENT(lparam) LOWORD(lparam)
#define WSAGETSELECTERROR(lparam) HIWORD(lparam)

/* Protocol attributes and catalog constants (CT-06 ... CT-16, CT-41). */

#define XP1_CONNECTIONLESS 0x1u
#define XP1_GUARANTEED_DELIVERY 0x2u
#define XP1_GUARANTEED_ORDER 0x4u
#define XP1_MESSAGE_ORIENTED 0x8u
#define XP1_PSEUDO_STREAM 0x10u
#define XP1_GRACEFUL_CLOSE 0x20u
#define XP1_EXPEDITED_DATA 0x40u
#define XP1_CONNECT_DATA 0x80u
#define XP1_DISCONNECT_DATA 0x100u
#define XP1_SUPPORT_BROADCAST 0x200u
#define XP1_SUPPORT_MULTIPOINT 0x400u
#define XP1_MULTIPOINT_CONTROL_PLANE 0x800u
#define XP1_MULTIPOINT_DATA_PLANE 0x1000u
#define XP1_QOS_SUPPORTED 0x2000u
#define XP1_INTERRUPT 0x4000u
#define XP1_UNI_SEND 0x8000u
#define XP1_UNI_RECV 0x10000u
#define XP1_IFS_HANDLES 0x20000u
#define XP1_PARTIAL_MESSAGE 0x40000u
#define XP1_SAN_SUPPORT_SDP 0x80000u

#define PFL_MULTIPLE_PROTO_ENTRIES 0x1u
#define PFL_RECOMMENDED_PROTO_ENTRY 0x2u
#define PFL_HIDDEN 0x4u
#define PFL_MATCHES_PROTOCOL_ZERO 0x8u
#define PFL_NETWORKDIRECT_PROVIDER 0x10u

#define WSAPROTOCOL_LEN 255
#define MAX_PROTOCOL_CHAIN 7
#define BASE_PROTOCOL 1
#define LAYERED_PROTOCOL 0
#define BIGENDIAN 0
#define LITTLEENDIAN 1
#define SECURITY_PROTOCOL_NONE 0
#define WSADESCRIPTION_LEN 256
#define WSASYS_STATUS_LEN 128
#define WSPDESCRIPTION_LEN 255
#define FROM_PROTOCOL_INFO (-1)

/* Flags of WSASocket, WSAJoinLeaf, condition functions and shutdown. */

#define WSA_FLAG_OVERLAPPED 0x1u
#define WSA_FLAG_MULTIPOINT_C_ROOT 0x2u
#define WSA_FLAG_MULTIPOINT_C_LEAF 0x4u
#define WSA_FLAG_MULTIPOINT_D_ROOT 0x8u
#define WSA_FLAG_MULTIPOINT_D_LEAF 0x10u
#define WSA_FLAG_ACCESS_SYSTEM_SECURITY 0x40u
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80u

/* JL_BOTH is a bit of its own, not the sum of the others (JL-14). */
#define JL_SENDER_ONLY 0x1u
#define JL_RECEIVER_ONLY 0x2u
#define JL_BOTH 0x4u

#define CF_ACCEPT 0x0
#define CF_REJECT 0x1
#define CF_DEFER 0x2

#define SD_RECEIVE 0x0
#define SD_SEND 0x1
#define SD_BOTH 0x2

#define SG_UNCONSTRAINED_GROUP 0x1u
#define SG_CONSTRAINED_GROUP 0x2u

#define WSA_WAIT_EVENT_0 0x0u
#define WSA_WAIT_IO_COMPLETION 0xc0u
#define WSA_WAIT_TIMEOUT 0x102u
#define WSA_WAIT_FAILED 0xffffffffu
#define WSA_INFINITE 0xffffffffu /* milliseconds */
#define WSA_MAXIMUM_WAIT_EVENTS 0x40

/* Ioctl codes (IO-35). Like Windows' they are unsigned, also for jl_ioctlsocket. */

#undef IOC_VOID
#undef IOC_IN
#undef IOC_OUT
#undef IOC_INOUT
#define IOC_UNIX 0x0u
#define IOC_WS2 0x8000000u
#define IOC_PROTOCOL 0x10000000u
#define IOC_VENDOR 0x18000000u
#define IOC_VOID 0x20000000u
#define IOC_OUT 0x40000000u
#define IOC_IN 0x80000000u
#define IOC_INOUT 0xc0000000u

#define _WSAIO(type, code) (IOC_VOID | (type) | (code))
#define _WSAIOR(type, code) (IOC_OUT | (type) | (code))
#define _WSAIOW(type, code) (IOC_IN | (type) | (code))
#define _WSAIORW(type, code) (IOC_INOUT | (type) | (code))

#define SIO_ASSOCIATE_HANDLE 0x88000001u
#define SIO_ENABLE_CIRCULAR_QUEUEING 0x28000002u
#define SIO_FIND_ROUTE 0x48000003u
#define SIO_FLUSH 0x28000004u
#define SIO_GET_BROADCAST_ADDRESS 0x48000005u
#define SIO_GET_EXTENSION_FUNCTION_POINTER 0xc8000006u
#define SIO_GET_QOS 0xc8000007u
#define SIO_GET_GROUP_QOS 0xc8000008u
#define SIO_MULTIPOINT_LOOPBACK 0x88000009u
#define SIO_MULTICAST_SCOPE 0x8800000au
#define SIO_SET_QOS 0x8800000bu
#define SIO_SET_GROUP_QOS 0x8800000cu
#define SIO_TRANSLATE_HANDLE 0xc800000du
#define SIO_ROUTING_INTERFACE_QUERY 0xc8000014u
#define SIO_ROUTING_INTERFACE_CHANGE 0x88000015u
#define SIO_ADDRESS_LIST_QUERY 0x48000016u
#define SIO_ADDRESS_LIST_CHANGE 0x28000017u
#define SIO_QUERY_TARGET_PNP_HANDLE 0x48000018u
#define SIO_BASE_HANDLE 0x48000022u

/*
 * These names have Winsock's numbers from here on, for jl_ioctlsocket, WSAIoctl and a provider's ioctl. The
 * host's ioctl wants the host's numbers: a file that calls it writes JL_HOST_FIONREAD.
 */
enum {
    JL_HOST_FIONBIO = FIONBIO,
    JL_HOST_FIONREAD = FIONREAD,
    JL_HOST_FIOASYNC = FIOASYNC,
    JL_HOST_SIOCATMARK = SIOCATMARK
};
#undef FIONBIO
#undef FIONREAD
#undef FIOASYNC
#undef SIOCATMARK
/* The host's further names for its FIONREAD stay the host's. */
#undef TIOCINQ
#undef SIOCINQ
#define TIOCINQ JL_HOST_FIONREAD
#define SIOCINQ JL_HOST_FIONREAD
#define FIONBIO 0x8004667eu
#define FIONREAD 0x4004667fu
#define FIOASYNC 0x8004667du
#define SIOCATMARK 0x40047307u

/* Quality of service. */

#define SERVICETYPE_NOTRAFFIC 0x0u
#define SERVICETYPE_BESTEFFORT 0x1u
#define SERVICETYPE_CONTROLLEDLOAD 0x2u
#define SERVICETYPE_GUARANTEED 0x3u
#define SERVICETYPE_NETWORK_UNAVAILABLE 0x4u
#define SERVICETYPE_GENERAL_INFORMATION 0x5u
#define SERVICETYPE_NOCHANGE 0x6u
#define SERVICETYPE_NONCONFORMING 0x9u
#define SERVICETYPE_NETWORK_CONTROL 0xau
#define SERVICETYPE_QUALITATIVE 0xdu
#define SERVICE_NO_TRAFFIC_CONTROL 0x81000000u
#define SERVICE_NO_QOS_SIGNALING 0x40000000u
#define QOS_NOT_SPECIFIED 0xffffffffu
#define POSITIVE_INFINITY_RATE 0xfffffffeu

#define QOS_GENERAL_ID_BASE 0x7d0u
#define QOS_OBJECT_END_OF_LIST 0x7d1u
#define QOS_OBJECT_SD_MODE 0x7d2u
#define QOS_OBJECT_SHAPING_RATE 0x7d3u

/*
 * Names of the BSD level that the host lacks. No option, flag, family or type of the host has these values.
 */

#define SO_DONTLINGER (~SO_LINGER) /* int BOOL, the inverse of l_onoff (LC-10) */
#define SO_EXCLUSIVEADDRUSE (~SO_REUSEADDR)
#define SO_GROUP_ID 0x2001
#define SO_GROUP_PRIORITY 0x2002
#define SO_MAX_MSG_SIZE 0x2003
#define SO_PROTOCOL_INFOA 0x2004
#define SO_PROTOCOL_INFOW 0x2005
#define PVD_CONFIG 0x3001
#define SO_CONDITIONAL_ACCEPT 0x3002
#define SO_CONNDATA 0x7000
#define SO_UPDATE_ACCEPT_CONTEXT 0x700b
#define SO_UPDATE_CONNECT_CONTEXT 0x7010
#define SO_CONNECT_TIME 0x700c /* seconds since the connection was made, or all ones */
#ifndef SOCK_RDM
#define SOCK_RDM 4
#endif
#ifndef MSG_PARTIAL
#define MSG_PARTIAL 0x1000000 /* Windows' 0x8000 is the host's MSG_MORE */
#endif
/* What WSARecvMsg says besides MSG_TRUNC and MSG_PARTIAL; a receiving call is never given these. */
#define MSG_BCAST 0x0400 /* came by broadcast; not told here */
#define MSG_MCAST 0x0800 /* came by multicast */
#ifndef AF_ATM
#define AF_ATM 0x1016 /* Windows' 0x16 is the host's AF_SNA; no provider has this family */
#endif
#define ADDR_ANY INADDR_ANY

/* Structures (spec section 12: sizes and offsets are exact on 64-bit hosts). */

typedef struct GUID {
    DWORD Data1;
    WORD Data2;
    WORD Data3;
    BYTE Data4[8];
} GUID, *LPGUID;

/* A piece of memory of the application: len in bytes. */
typedef struct WSABUF {
    ULONG len;
    CHAR* buf;
} WSABUF, *LPWSABUF;

typedef ULONG SERVICETYPE;

/*
 * One direction of a flow. Rates in bytes/s, sizes in bytes, times in microseconds; any but ServiceType may
 * be QOS_NOT_SPECIFIED (QS-09, QS-12).
 */
typedef struct FLOWSPEC {
    ULONG TokenRate;
    ULONG TokenBucketSize;
    ULONG PeakBandwidth;
    ULONG Latency;
    ULONG DelayVariation;
    SERVICETYPE ServiceType;
    ULONG MaxSduSize;
    ULONG MinimumPolicedSize;
} FLOWSPEC, *PFLOWSPEC, *LPFLOWSPEC;

/*
 * Both directions as seen by the socket's owner; ProviderSpecific is {0, NULL} or a list of QOS_OBJECT_HDR
 * (QS-06).
 */
typedef struct QOS {
    FLOWSPEC SendingFlowspec;
    FLOWSPEC ReceivingFlowspec;
    WSABUF ProviderSpecific;
} QOS, *LPQOS;

/* Head of a provider-specific object; ObjectLength counts this head too, in bytes. */
typedef struct QOS_OBJECT_HDR {
    ULONG ObjectType;
    ULONG ObjectLength;
} QOS_OBJECT_HDR, *LPQOS_OBJECT_HDR;

/* lNetworkEvents: FD_* bits. iErrorCode[FD_x_BIT] is written only for reported events (EV-21). */
typedef struct WSANETWORKEVENTS {
    LONG lNetworkEvents;
    INT iErrorCode[FD_MAX_EVENTS];
} WSANETWORKEVENTS, *LPWSANETWORKEVENTS;

/*
 * An overlapped operation; in use by the library until its completion is told (IO-47). Internal* are the
 * library's.
 */
typedef struct WSAOVERLAPPED {
    ULONG_PTR Internal;
    ULONG_PTR InternalHigh;
    DWORD Offset;
    DWORD OffsetHigh;
    HANDLE hEvent;
} WSAOVERLAPPED, *LPWSAOVERLAPPED;
typedef WSAOVERLAPPED OVERLAPPED, *LPOVERLAPPED;

/* A message of WSASendMsg and WSARecvMsg. */
typedef struct WSAMSG {
    struct sockaddr* name; /* destination, or room for the source; NULL: none */
    INT namelen;
    LPWSABUF lpBuffers;
    DWORD dwBufferCount;
    WSABUF Control; /* no entry has control data: len is 0 after a receive, and must be 0 for a send */
    DWORD dwFlags;
} WSAMSG, *PWSAMSG, *LPWSAMSG;

/*
 * ChainLen 0: a lone layer, 1: a base protocol, more: a chain of catalog entry ids, top layer first (CT-26).
 */
typedef struct WSAPROTOCOLCHAIN {
    INT ChainLen;
    DWORD ChainEntries[MAX_PROTOCOL_CHAIN];
} WSAPROTOCOLCHAIN, *LPWSAPROTOCOLCHAIN;

/* One catalog entry. dwMessageSize in bytes: 0 for streams, all ones for no limit. */
typedef struct WSAPROTOCOL_INFOA {
    DWORD dwServiceFlags1;
    DWORD dwServiceFlags2;
    DWORD dwServiceFlags3;
    DWORD dwServiceFlags4;
    DWORD dwProviderFlags;
    GUID ProviderId;
    DWORD dwCatalogEntryId;
    WSAPROTOCOLCHAIN ProtocolChain;
    INT iVersion;
    INT iAddressFamily;
    INT iMaxSockAddr;
    INT iMinSockAddr;
    INT iSocketType;
    INT iProtocol;
    INT iProtocolMaxOffset;
    INT iNetworkByteOrder;
    INT iSecurityScheme;
    DWORD dwMessageSize;
    DWORD dwProviderReserved;
    CHAR szProtocol[WSAPROTOCOL_LEN + 1];
} WSAPROTOCOL_INFOA, *LPWSAPROTOCOL_INFOA;

/* The same with a UTF-16 name. */
typedef struct WSAPROTOCOL_INFOW {
    DWORD dwServiceFlags1;
    DWORD dwServiceFlags2;
    DWORD dwServiceFlags3;
    DWORD dwServiceFlags4;
    DWORD dwProviderFlags;
    GUID ProviderId;
    DWORD dwCatalogEntryId;
    WSAPROTOCOLCHAIN ProtocolChain;
    INT iVersion;
    INT iAddressFamily;
    INT iMaxSockAddr;
    INT iMinSockAddr;
    INT iSocketType;
    INT iProtocol;
    INT iProtocolMaxOffset;
    INT iNetworkByteOrder;
    INT iSecurityScheme;
    DWORD dwMessageSize;
    DWORD dwProviderReserved;
    WCHAR szProtocol[WSAPROTOCOL_LEN + 1];
} WSAPROTOCOL_INFOW, *LPWSAPROTOCOL_INFOW;

/* Filled by WSAStartup. Of the counts only the versions mean anything since Winsock 2. */
typedef struct WSADATA {
    WORD wVersion;
    WORD wHighVersion;
    USHORT iMaxSockets;
    USHORT iMaxUdpDg;
    CHAR* lpVendorInfo;
    CHAR szDescription[WSADESCRIPTION_LEN + 1];
    CHAR szSystemStatus[WSASYS_STATUS_LEN + 1];
} WSADATA, *LPWSADATA;

/* Of Windows' provider interface, whose place provider.h takes here; no call uses them. */
typedef struct WSPDATA {
    WORD wVersion;
    WORD wHighVersion;
    WCHAR szDescription[WSPDESCRIPTION_LEN + 1];
} WSPDATA, *LPWSPDATA;
typedef struct WSATHREADID {
    HANDLE ThreadHandle;
    DWORD_PTR Reserved;
} WSATHREADID, *LPWSATHREADID;

/* One entry of WSAPoll: Windows' layout, the host's POLL* bits. An fd of INVALID_SOCKET is skipped. */
typedef struct WSAPOLLFD {
    SOCKET fd;
    SHORT events;
    SHORT revents;
} WSAPOLLFD, *PWSAPOLLFD, *LPWSAPOLLFD;

/* A set of sockets for jl_select: the first fd_count elements of fd_array, in no order, each once. */
typedef struct jl_fd_set {
    UINT fd_count;
    SOCKET fd_array[JL_FD_SETSIZE];
} jl_fd_set;

/* Functions of the application. */

/*
 * Decides about the request at the head of a listening socket's queue, inside WSAAccept: CF_ACCEPT,
 * CF_REJECT or CF_DEFER. caller_data is NULL when the peer sent none; at most callee_data->len bytes may be
 * written there and len must be set to their number; sqos may be changed to what is granted (AC-05 ...
 * AC-12, QS-18). All pointers are valid during the call only. Blocking Winsock calls made inside fail with
 * WSAEINPROGRESS (AC-22).
 * [caller]
 */
typedef int(CALLBACK* LPCONDITIONPROC)(LPWSABUF caller_id, LPWSABUF caller_data, LPQOS sqos, LPQOS gqos,
                                       LPWSABUF callee_id, LPWSABUF callee_data, GROUP* group,
                                       DWORD_PTR callback_data);

/*
 * Tells the end of an overlapped operation: its error (0: done) and the bytes moved. Runs in the thread that
 * started the operation, only while that thread waits alertably, never nested for one socket (IO-49). It may
 * start new calls.
 * [caller]
 */
typedef void(CALLBACK* LPWSAOVERLAPPED_COMPLETION_ROUTINE)(DWORD error, DWORD transferred,
                                                           LPWSAOVERLAPPED overlapped, DWORD flags);

#ifdef __cplusplus
}
#endif

#endif /* JOINLEAF_WINSOCK2_TYPES_H */
