// SPDX-License-Identifier: Apache-2.0
/*
 * <ws2tcpip.h> for unchanged Windows sources: name resolution, address text and multicast options are the
 * host's. struct ip_mreq, struct ipv6_mreq, IP_* and IPV6_* have the host's layout and values, which
 * jl_setsockopt takes. socklen_t is an int for the rest of the source file, as on Windows, so that its
 * address fits accept and getsockname.
 */
#ifndef JOINLEAF_COMPAT_WS2TCPIP_H
#define JOINLEAF_COMPAT_WS2TCPIP_H

#include "winsock2.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/un.h>

typedef int jl_socklen_t;
#define socklen_t jl_socklen_t

#define GetAddrInfoA getaddrinfo
#define FreeAddrInfoA freeaddrinfo
#define GetNameInfoA getnameinfo
#define gai_strerrorA gai_strerror
#define InetNtopA inet_ntop
#define InetPtonA inet_pton
#ifndef UNICODE
typedef ADDRINFOA ADDRINFO, ADDRINFOT, *PADDRINFOT;
#define GetAddrInfo getaddrinfo
#define FreeAddrInfo freeaddrinfo
#define GetNameInfo getnameinfo
#define InetNtop inet_ntop
#define InetPton inet_pton
#endif

#endif /* JOINLEAF_COMPAT_WS2TCPIP_H */
