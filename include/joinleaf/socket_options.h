// SPDX-License-Identifier: Apache-2.0
/*
 * Socket options that are joinleaf's own, for applications (ext.h) and for transports (provider.h).
 */
#ifndef JOINLEAF_SOCKET_OPTIONS_H
#define JOINLEAF_SOCKET_OPTIONS_H

#ifndef JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_SOCKET_OPTIONS_H_SET_NO_BSD_NAMES
#endif
#include "winsock2.h"
#ifdef JOINLEAF_SOCKET_OPTIONS_H_SET_NO_BSD_NAMES
#undef JOINLEAF_NO_BSD_NAMES
#undef JOINLEAF_SOCKET_OPTIONS_H_SET_NO_BSD_NAMES
#endif

#include <stdint.h>

/* Options of joinleaf's own, for getsockopt and setsockopt at this level. */
#define JL_SOL_JOINLEAF 0x4A4C

/*
 * BOOL (4 bytes), default FALSE: whether receiving calls tell of messages that are missing because a transport
 * lost them or the sender gave them up for a reader that was too slow. FALSE: what is there is received as if
 * nothing were missing. TRUE: each gap is reported once, in its place in the order. A receive of one message
 * fails with WSAENOBUFS, and the next call goes on behind the gap; jl_recv_batch shows an item whose error is
 * WSAENOBUFS, whose bytes are 0 and whose `gap` is the number of messages missing, 0 where that is not known.
 * FD_READ counts a gap like a message. Works on every socket; gaps occur only where the entry's documentation
 * says so.
 */
#define JL_SO_GAP_NOTIFY 1

/*
 * jl_slow_leaf: what a root does about a leaf that does not keep up. On a c_root for the leaves that join
 * from now on, on the root's socket for one leaf for that leaf. Unset fields (0) keep what the configuration
 * says. WSAENOPROTOOPT: the transport has no queue per leaf; WSAEINVAL: no such policy.
 */
#define JL_SO_SLOW_LEAF 2

#define JL_SLOW_LEAF_BLOCK 1       /* sends wait for it; after `milliseconds` it is put out */
#define JL_SLOW_LEAF_DROP_NEWEST 2 /* it misses what is sent until it has caught up */
#define JL_SLOW_LEAF_DROP_OLDEST 3 /* it misses what it has not taken in time */
#define JL_SLOW_LEAF_DISCONNECT 4  /* it is put out: FD_CLOSE with WSAECONNABORTED */

typedef struct jl_slow_leaf {
    DWORD policy;       /* JL_SLOW_LEAF_*; 0: as configured */
    DWORD milliseconds; /* the oldest of what waits for it may wait so long; 0: as configured */
    uint64_t bytes;     /* so much may wait for it; 0: as configured */
} jl_slow_leaf;

#endif
