/* SPDX-License-Identifier: Apache-2.0 */
/* One socket: an inbox, which is a datagram socket on 127.0.0.1, and a place in a session once it has joined. */
#ifndef INBOX_MEMBER_H
#define INBOX_MEMBER_H

#include <joinleaf/provider.h>

/* Goes before each message, so that whatever else arrives at the port is told apart. Network byte order, as in a sockaddr_in. */
typedef struct stamp {
    uint32_t group;
    uint16_t port;
    uint16_t to; /* TO_ALL or TO_ONE */
} stamp;
#define TO_ALL 0x4a41u
#define TO_ONE 0x4a4fu

/* What an IPv4 datagram can carry, less the stamp. */
#define MESSAGE_SIZE (65507u - (uint32_t)sizeof(stamp))

/* What one item of the configuration says. */
struct jl_instance {
    char* directory;
    int rcvbuf;
};

/* The host's table of the latest start. */
extern const jl_host* inbox_host;

/* The functions of one socket; tx, rx, arm and the others as provider.h says. */
extern const jl_ops inbox_ops;

#endif
