// SPDX-License-Identifier: Apache-2.0
/*
 * The plugin ABI of joinleaf: what a transport offers to the runtime and what the runtime offers to a
 * transport.
 *
 * A provider only moves bytes. Blocking, timeouts, FD_* events, overlapped completion, accept conditions and
 * the life of callee data live in the runtime, once for every transport. Hence the rules that hold for each
 * function of a provider:
 *
 *  - it never blocks; where nothing can be done now it answers WSAEWOULDBLOCK, and `arm` tells when to come
 *    back;
 *  - it answers 0 or a Winsock code (WSAE...), never an errno; jl_wsa_error() translates;
 *  - no exception, C++ object or allocator crosses the border.
 *
 * Each function carries one thread tag:
 *
 *   [init]     once per process or per instance, before the first socket of it exists or after the last one
 *              is gone
 *   [caller]   on any thread; the runtime never runs two [caller] functions of one socket and one direction
 *              at a time.
 *              rx, accept, arm(JL_IN) and arm(JL_ACCEPT) belong to the receiving direction, all others to the
 *              sending one;
 *              `close` excludes both
 *   [reactor]  on the reactor thread (loop) that was named when the callback was registered
 *   [any]      from any thread, also concurrently with itself
 *
 * A provider may call upcalls from inside its own functions. The runtime holds only the guard of that
 * direction then, so that `complete` inside `join`, or `accepted` inside `arm`, is in order.
 *
 * Every table begins with struct_size and only grows at its end within one ABI version: test the size, then
 * the pointer.
 */
#ifndef JOINLEAF_PROVIDER_H
#define JOINLEAF_PROVIDER_H

#ifndef JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_PROVIDER_H_SET_NO_BSD_NAMES
#endif
#include "socket_options.h"
#include "winsock2.h"
#ifdef JOINLEAF_PROVIDER_H_SET_NO_BSD_NAMES
#undef JOINLEAF_NO_BSD_NAMES
#undef JOINLEAF_PROVIDER_H_SET_NO_BSD_NAMES
#endif

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The ABI version that this header describes. A host offers a range, a provider picks one out of it
   (JLP-1). */
#define JL_ABI_VERSION 1u

/* Opaque: the runtime's name for a socket, a reactor thread, a watched descriptor, a timer. */
typedef struct jl_handle jl_handle;
typedef struct jl_loop jl_loop;
typedef struct jl_watch jl_watch;
typedef struct jl_timer jl_timer;

/* Opaque to the runtime: a provider defines these two as it likes. */
typedef struct jl_instance jl_instance;
typedef struct jl_endpoint jl_endpoint;

/* Directions of a socket; also the conditions of `watch`. */
#define JL_IN 1u
#define JL_OUT 2u
#define JL_ACCEPT 4u
#define JL_OOB 8u

/* Options. */

/* Type of an option. Sizes arrive in bytes, durations in nanoseconds, rates in bits per second. */
#define JL_OPTION_BOOL 1u
#define JL_OPTION_INTEGER 2u
#define JL_OPTION_SIZE 3u
#define JL_OPTION_DURATION 4u
#define JL_OPTION_RATE 5u
#define JL_OPTION_TEXT 6u
#define JL_OPTION_CHOICE 7u
#define JL_OPTION_LIST 8u

/* One row of a provider's option table: YAML, `joinleaf options`, the schema and the documentation all
   come from it. */
typedef struct jl_option {
    uint32_t struct_size;
    uint32_t type;   /* JL_OPTION_* */
    const char* key; /* as written below `options:` */
    /* as written in YAML, with its unit; NULL: no value (number 0, text NULL) */
    const char* default_value;
    const char* help;         /* one sentence */
    const char* choices;      /* JL_OPTION_CHOICE: the words, separated by '|'; else NULL */
    int64_t minimum, maximum; /* of number, both inclusive; both 0: not limited beyond the type */
} jl_option;

/* The value of one option, in the table's order. Borrowed until the instance is destroyed. */
typedef struct jl_value {
    uint32_t struct_size;
    uint32_t given;          /* 1: written in the configuration; 0: the default */
    int64_t number;          /* BOOL, INTEGER, SIZE, DURATION, RATE; CHOICE: index of the word */
    const char* text;        /* TEXT, CHOICE; NULL where there is neither a value nor a default */
    const char* const* list; /* LIST */
    uint32_t list_count;
    const char* where; /* "FILE:LINE:COL" of the value, or "default" */
} jl_value;

/* Protocol entries. */

/* What an entry can do beyond its XP1_* flags. A bit is set only where behaviour backs it. */
#define JL_CAN_INVITE 1u       /* WSAJoinLeaf on a c_root (root invites, JL-77) */
#define JL_CAN_ASK 2u          /* WSAJoinLeaf on a rooted c_leaf (leaf asks, JL-77) */
#define JL_CAN_SIDE_CHAT 4u    /* send/recv on the root's socket for one leaf (JL-73) */
#define JL_CAN_MIX_ORDINARY 8u /* sockets without multipoint flags are served as well (CT-69) */

/* One protocol entry: the facts of WSAPROTOCOL_INFO, one per combination of control and data plane (CT-10,
   CT-11). */
typedef struct jl_protocol {
    uint32_t struct_size;
    /* unique within the provider, [a-z0-9-]+; with the configured name it makes szProtocol */
    const char* name;
    uint32_t service_flags;  /* XP1_* */
    uint32_t provider_flags; /* PFL_* */
    int32_t family, socket_type, protocol, protocol_max_offset;
    int32_t max_sockaddr, min_sockaddr; /* bytes (CT-16) */
    /* dwMessageSize: 0 stream, 1 limited by the current MTU, 0xFFFFFFFF unlimited, else bytes */
    uint32_t message_size;
    /* bytes of lpCallerData (JL-11); 0 where XP1_CONNECT_DATA is clear */
    uint32_t caller_data_max;
    uint32_t callee_data_max; /* bytes of lpCalleeData (JL-84) */
    uint32_t abilities;       /* JL_CAN_* */
} jl_protocol;

/* Arguments. */

/* What the descriptor is that `open` hands out (see jl_open). */
/* no descriptor: the runtime makes one and sets it by `ready` and the accept queue */
#define JL_FD_NONE 0u
#define JL_FD_OWN 1u /* `fd` is the SOCKET itself: the kernel's POLLIN is rx/accept, POLLOUT is tx */
/* the runtime makes a descriptor that is readable while one that `expose` named is readable */
#define JL_FD_SET 2u

typedef struct jl_open {
    uint32_t struct_size;
    uint32_t protocol_index;        /* into jl_provider.protocols */
    int32_t family, type, protocol; /* of the entry, after wildcards are resolved (CT-45) */
    uint32_t flags;                 /* WSA_FLAG_* of the application (CT-60 ...) */
    /* the listener or the c_root this socket comes from, else NULL; its options are inherited (JL-71) */
    jl_endpoint* parent;
    /* with a listener as parent: the request being admitted; a c_root that invites: NULL */
    void* request;
    /* Filled by the provider. The descriptor belongs to the runtime from then on: it is closed after
       `closed`. */
    int32_t fd;       /* JL_FD_OWN only */
    uint32_t fd_kind; /* JL_FD_* */
} jl_open;

/* A connect or a join. Everything is borrowed until the call returns. */
typedef struct jl_join {
    uint32_t struct_size;
    /* JL_SENDER_ONLY, JL_RECEIVER_ONLY, JL_BOTH (JL-14); JL_BOTH for connect */
    uint32_t direction;
    uint64_t op; /* to be given back, once, through `complete` */
    /* checked by the runtime: readable, long enough, of the entry's family (JL-03, JL-04) */
    const struct sockaddr* name;
    uint32_t name_len;
    uint32_t caller_len;
    const void* caller_data; /* NULL: none */
    uint32_t callee_room;    /* bytes the joiner can take (JL-84) */
    /* root invites: the endpoint of the new leaf socket, opened before; else NULL */
    jl_endpoint* child;
    const QOS* qos; /* as this side sees it; NULL: nothing asked */
} jl_join;

/* The outcome of a connect or a join. Borrowed until `complete` returns. */
typedef struct jl_outcome {
    uint32_t struct_size;
    int32_t code;            /* 0 or the reason (EV-32) */
    const void* callee_data; /* NULL: none */
    uint32_t callee_len;
    const QOS* qos; /* what the peer granted, as the joiner sees it; NULL: as asked */
} jl_outcome;

/* A request that waits to be accepted. Borrowed until `accepted` returns, but for `request` itself. */
typedef struct jl_request {
    uint32_t struct_size;
    /* the provider's own; valid until the runtime answers it through `accept` */
    void* request;
    const struct sockaddr* peer; /* who asks (AC-05) */
    uint32_t peer_len;
    uint32_t caller_len;
    const void* caller_data; /* NULL: none (D-10) */
    uint32_t callee_room;    /* 0: the joiner takes none */
    const QOS* qos;          /* as the joiner sees it (QS-18); NULL: none asked */
} jl_request;

/* The application's answer to a request. Borrowed until the call returns. */
typedef struct jl_answer {
    uint32_t struct_size;
    const void* callee_data;
    uint32_t callee_len;
    const QOS* qos; /* what is granted, as the joiner sees it; NULL: as asked */
    /* with a refusal: the code that the joiner's join ends with, WSAECONNREFUSED or WSAEOPNOTSUPP (the QoS
       cannot be honoured here); 0: WSAECONNREFUSED */
    int32_t code;
} jl_answer;

/* Who hears of a QoS that is set on a socket (ops.qos). */
#define JL_QOS_LOCAL 0u /* nobody: it is the outcome of a join, or what the peer told */
#define JL_QOS_TELL 1u  /* the peer of a connection: it may answer with another one */
#define JL_QOS_FINAL 2u /* the peer, which takes it as it is */

/* Flags of a message. In: PEEK, OOB, PART. Out (rx): CUT, REST, OOB, GROUP, GAP. */
#define JL_MSG_PEEK 1u /* leave it queued */
#define JL_MSG_OOB 2u  /* expedited data */
#define JL_MSG_PART 4u /* tx: further parts of this message follow (MSG_PARTIAL) */
#define JL_MSG_CUT 8u  /* rx: the message was longer, its rest is lost (IO-10, unreliable) */
/* rx: the message was longer, its rest comes with the next rx (IO-10, reliable) */
#define JL_MSG_REST 16u
#define JL_MSG_GROUP 32u /* rx: came by multicast */
/* rx: no message but a notice, in its place in the order, that messages are missing here (JLP-19). size is 0,
   `gap` their number, buffers and address are untouched. It is the last that a call of rx hands over, is
   handed over once, also to a call that peeks, and arm(JL_IN) counts it as something to read. */
#define JL_MSG_GAP 64u

/* One message, or one piece of a byte stream. Never grows within an ABI version: arrays of it cross the
   border. */
typedef struct jl_msg {
    struct iovec* iov; /* borrowed until the call returns */
    uint32_t iov_count;
    uint32_t flags;        /* JL_MSG_* */
    struct sockaddr* addr; /* tx: destination or NULL. rx: room for the source, or NULL */
    uint32_t addr_len;     /* tx: length. rx: room, then the length stored (0: unknown) */
    uint32_t gap;          /* rx with JL_MSG_GAP: messages missing, 0: unknown. Else 0 */
    /* out: bytes sent or stored. A stream may send less than offered, a message never */
    size_t size;
} jl_msg;

/* What `rx` knows of the rest, so that re-arming needs no further system call. */
#define JL_LEFT_UNKNOWN 0u
#define JL_LEFT_NONE 1u
#define JL_LEFT_SOME 2u

/* Answers of `arm`. */
#define JL_ARMED 0 /* nothing now: the descriptor will tell, or `ready` will be called */
#define JL_READY 1 /* rx / tx / accept would do something now */
/* this direction is over for ever; *code says why: 0 graceful, else WSAECONNRESET, WSAECONNABORTED ...
   (EV-42) */
#define JL_ENDED 2

/* How to close. A second call with JL_CLOSE_ABORT may follow a graceful one that takes too long (LC-09). */
#define JL_CLOSE_GRACEFUL 0u /* what was accepted by tx still goes, then the peer sees the end */
#define JL_CLOSE_ABORT 1u    /* at once; the peer sees a reset */

/* The best way in which a socket's messages leave, as far as it has been tried. */
#define JL_PATH_UNKNOWN 0u
#define JL_PATH_SINGLE 1u    /* a system call a message */
#define JL_PATH_MANY 2u      /* arrays of messages by one system call */
#define JL_PATH_SEGMENTED 3u /* equal messages as one packet, cut where it leaves the host (UDP_SEGMENT) */

/* What keeps messages from leaving in the best way. */
#define JL_LIMIT_OPTION 1u /* the configuration */
#define JL_LIMIT_DEVICE 2u /* the kernel or the device cuts no packets */
#define JL_LIMIT_SIZE 4u   /* messages of send_limit_bytes and more are longer than what is carried uncut */
#define JL_LIMIT_CALL 8u   /* this process may not make the system call for arrays */

/* Who holds a sender to the rate of its FLOWSPEC. */
#define JL_PACED_RUNTIME 1u /* the runtime's token bucket: the mean rate and the bursts */
#define JL_PACED_DEVICE 2u  /* the device's queue, which spaces the packets of a burst (fq) */

/* Counters of a socket. A provider fills what it has; the rest stays 0. */
typedef struct jl_stats {
    uint32_t struct_size;
    uint32_t leaves; /* c_root: members now */
    uint64_t sent_messages, sent_bytes;
    uint64_t received_messages, received_bytes;
    uint64_t queued_bytes;     /* accepted by tx, not yet handed to the network */
    uint64_t dropped_messages; /* received but lost for want of room, or dropped before sending */
    uint64_t gaps;             /* messages known to be missing at this socket */
    uint64_t joins;            /* members admitted since the socket was opened */
    uint64_t rtt_ns;           /* smoothed round trip, 0: unknown */
    /* system calls, or hand-overs to a device, that carried the messages; 0: unknown */
    uint64_t send_calls, receive_calls;
    uint32_t send_path;        /* JL_PATH_* */
    int32_t last_error;        /* the Winsock code of the last failure, 0: none */
    uint32_t send_limit;       /* JL_LIMIT_*, 0: nothing */
    uint32_t send_limit_bytes; /* with JL_LIMIT_SIZE */
    /* JL_PATH_*. With JL_PATH_SEGMENTED the kernel's count of what found no room takes a packet of several messages
       for one, and dropped_messages is a lower bound */
    uint32_t receive_path;
    uint32_t paced; /* JL_PACED_*, 0: nobody. JL_PACED_RUNTIME is the runtime's to set */
} jl_stats;

/* What a root knows of one of its leaves. Never grows within an ABI version: arrays of it cross the border. */
typedef struct jl_leaf_stats {
    struct sockaddr_storage peer;
    uint32_t peer_len;
    int32_t last_error;     /* as in jl_stats */
    jl_handle* socket;      /* the root's socket for this leaf; NULL: it was closed */
    uint64_t sent_messages; /* taken for this leaf since it joined, those in the queue included */
    uint64_t sent_bytes;    /* their data */
    uint64_t received_messages, received_bytes;
    uint64_t queued_bytes;     /* not yet handed to the network, framing included */
    uint64_t dropped_messages; /* not sent because the leaf was too slow for them */
    uint64_t gaps;             /* times that the leaf was told of such a loss */
    uint64_t rtt_ns;           /* smoothed round trip, 0: unknown */
    uint64_t age_ns;           /* since it joined */
    uint64_t reserved[4];      /* 0 */
} jl_leaf_stats;

/* The provider's functions. */

/* Per socket. "required" functions must not be NULL; the others say what a NULL means. */
typedef struct jl_ops {
    uint32_t struct_size;

    /* [caller] required. Makes the endpoint of a socket. 0; WSAEMFILE, WSAENOBUFS, WSAENETDOWN,
       WSAEINPROGRESS (ask the next entry, CT-50). */
    int32_t (*open)(jl_instance* instance, jl_handle* handle, jl_open* open, jl_endpoint** out);

    /* [caller] required. 0; WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEACCES. The runtime has checked state,
       pointer and family. */
    int32_t (*bind)(jl_endpoint* endpoint, const struct sockaddr* name, uint32_t name_len);

    /* [caller] NULL: WSAEOPNOTSUPP. Requests arrive by `accepted` from now on. */
    int32_t (*listen)(jl_endpoint* endpoint, int32_t backlog);

    /* [caller] NULL: WSAEOPNOTSUPP. Ordinary sockets. 0: started, the outcome comes exactly once through
       `complete`, perhaps before the return. Else not started, and no outcome comes. */
    int32_t (*connect)(jl_endpoint* endpoint, const jl_join* join);

    /* [caller] NULL: WSAEOPNOTSUPP. Multipoint sockets. As `connect`. An unbound endpoint gets a unique
       local address first (JL-20). Refused, unreachable and timed out come through `complete` (JL-60). */
    int32_t (*join)(jl_endpoint* endpoint, const jl_join* join);

    /* [caller] NULL only where listen is NULL. Answers a request: child is the endpoint opened for it, or
       NULL to refuse; answer is NULL then, or has nothing but a code in it. Each request is answered exactly
       once, a withdrawn one by a refusal; it is gone afterwards. 0; WSAECONNRESET: the asker is gone. */
    int32_t (*accept)(jl_endpoint* listener, void* request, jl_endpoint* child, const jl_answer* answer);

    /* [caller] required. Sends count messages, *done says how many were taken whole (a stream: of the last
       one, msg.size bytes). 0 if at least one was; else of the first: WSAEWOULDBLOCK, WSAEMSGSIZE,
       WSAENOTCONN, WSAECONNRESET, WSAESHUTDOWN ... */
    int32_t (*tx)(jl_endpoint* endpoint, jl_msg* messages, uint32_t count, uint32_t* done);

    /* [caller] required. Receives up to count messages. 0 if at least one came; else WSAEWOULDBLOCK,
       WSAEDISCON (graceful end), WSAECONNRESET, WSAENOTCONN ... *left is JL_LEFT_*. */
    int32_t (*rx)(jl_endpoint* endpoint, jl_msg* messages, uint32_t count, uint32_t* done, uint32_t* left);

    /* [caller] required. Asks about one direction (JL_IN, JL_OUT, JL_ACCEPT, JL_OOB): JL_READY, JL_ARMED
       or JL_ENDED. It may deliver requests by `accepted` meanwhile. No edge is lost: after JL_ARMED a
       change shows at the descriptor, or `ready` is called, however often rx or tx find nothing before. */
    int32_t (*arm)(jl_endpoint* endpoint, uint32_t direction, int32_t* code);

    /* [caller] NULL: a pending join can only be closed. Withdraws a pending connect or join; `complete`
       follows, exactly once, with WSA_OPERATION_ABORTED or with the outcome that was faster (JL-54). */
    void (*cancel)(jl_endpoint* endpoint, uint64_t op);

    /* [caller] required. how: SD_RECEIVE, SD_SEND, SD_BOTH. */
    int32_t (*shutdown)(jl_endpoint* endpoint, int32_t how);

    /* [caller] required. Two-phase: stops, then reports by `closed`, perhaps before the return; an endpoint with
       JL_FD_OWN that was never bound always before, because AcceptEx puts another in its place. Local addresses
       are free when it returns. A pending join needs no `complete` any more. how: JL_CLOSE_*. */
    void (*close)(jl_endpoint* endpoint, uint32_t how);

    /* [caller] required. peer 0: the local address, 1: the peer's or the session's. *len: room, then
       length. WSAEINVAL: unbound; WSAENOTCONN: no peer (JL-78). */
    int32_t (*name)(jl_endpoint* endpoint, uint32_t peer, struct sockaddr* name, uint32_t* len);

    /* [caller] NULL: WSAENOPROTOOPT. Options the runtime does not keep itself; levels and names are the
       host's. */
    int32_t (*set_option)(jl_endpoint* endpoint, int32_t level, int32_t name, const void* value, uint32_t len);
    int32_t (*get_option)(jl_endpoint* endpoint, int32_t level, int32_t name, void* value, uint32_t* len);

    /* [caller] NULL: WSAEOPNOTSUPP. FIONREAD, SIO_MULTIPOINT_LOOPBACK, SIO_MULTICAST_SCOPE,
       SIO_ENABLE_CIRCULAR_QUEUEING, SIO_FLUSH, SIO_GET_BROADCAST_ADDRESS ... The runtime has checked the
       sizes of those it knows. SIO_ENABLE_CIRCULAR_QUEUEING concerns the receiving direction, which rests
       meanwhile as well. Unknown: WSAEOPNOTSUPP. */
    int32_t (*ioctl)(jl_endpoint* endpoint, uint32_t code, const void* in, uint32_t in_len, void* out,
                     uint32_t out_len, uint32_t* bytes);

    /* [caller] NULL: XP1_QOS_SUPPORTED must be clear. Sets what kernel or device can do for the flow that
       this socket sends (jl_service_dscp, jl_service_priority, pacing); the runtime checks, admits and shapes.
       qos is as this socket sees it. Comes before a join, after an outcome that differs from what was asked,
       and whenever it changes. how: JL_QOS_*; a transport that tells its peers carries TELL and FINAL to the
       other end of the connection, where `qos_changed` reports it; others take no notice.
       0; WSAENOBUFS: no room to tell it now; WSAEOPNOTSUPP. */
    int32_t (*qos)(jl_endpoint* endpoint, const QOS* qos, uint32_t how);

    /* [caller] NULL: the runtime shows its own counters only. */
    int32_t (*stats)(jl_endpoint* endpoint, jl_stats* stats);

    /* [caller] NULL: WSAEOPNOTSUPP. The leaves of a c_root, in the order in which they joined: writes up to
       room of them, *count says how many there are. */
    int32_t (*leaves)(jl_endpoint* endpoint, jl_leaf_stats* leaves, uint32_t room, uint32_t* count);

    /* [any] beside every other function of the socket but `close`. NULL: a blocked receive polls the descriptor
       and asks `rx` again. JL_FD_OWN only, and the one function that may block: receives one message as `rx`
       does, and waits for it in the kernel, at most timeout_ns nanoseconds (0: without end). The runtime ends
       it early by shutdown(SD_RECEIVE). 0; WSAETIMEDOUT; WSAEWOULDBLOCK: not in this way now, the runtime
       polls; WSAEOPNOTSUPP: nor ever again on this socket; WSAESHUTDOWN and the codes of `rx`. */
    int32_t (*rx_wait)(jl_endpoint* endpoint, jl_msg* message, uint64_t timeout_ns);

    /* [any] beside every other function of the socket but `close`. NULL: it makes no difference. on 1: a thread
       goes to wait for JL_IN on the socket's descriptor, and asks `rx` when that is readable; 0: it waits no
       longer. In pairs, per thread. JL_FD_SET only: while somebody waits, what comes is best left to that thread,
       and the reactor need not be woken for it. */
    void (*waits)(jl_endpoint* endpoint, uint32_t on);

    /* [any] NULL: nothing to tell. What a socket of that entry would meet with here and now, for
       jl_explain_json, `joinleaf explain` and `joinleaf providers`: calls fact(context, key, sentence) for each thing; key is a word
       of [a-z_], both texts are borrowed until it returns. */
    void (*facts)(jl_instance* instance, uint32_t protocol_index,
                  void (*fact)(void* context, const char* key, const char* sentence), void* context);
} jl_ops;

/* Arguments of create. Borrowed until the instance is destroyed. */
typedef struct jl_create {
    uint32_t struct_size;
    uint32_t value_count;          /* rows of jl_provider.options */
    const char* name;              /* of the YAML entry */
    const jl_value* const* values; /* in the order of jl_provider.options */
} jl_create;

/* What a provider is. The host sets struct_size, the provider fills the rest; all pointers stay valid for
   the life of the process. */
typedef struct jl_provider {
    uint32_t struct_size;
    /* the range this library was built for; set them also when refusing with WSAVERNOTSUPPORTED (JLP-1) */
    uint32_t abi_min, abi_max;
    const char* name;    /* "udp-mcast" */
    const char* version; /* "1.2.0" */
    const char* summary; /* one sentence */
    const jl_protocol* const* protocols;
    uint32_t protocol_count;
    uint32_t option_count;
    const jl_option* const* options;
    const jl_ops* ops;

    /* [init] required. One instance per YAML entry. On failure call host->explain with the sentence the
       operator shall read. 0; WSAENETDOWN (no device), WSAEINVAL (an option's value), WSAENOBUFS. */
    int32_t (*create)(const jl_create* create, jl_instance** out);

    /* [init] required. Every endpoint of the instance has reported `closed` before. */
    void (*destroy)(jl_instance* instance);
} jl_provider;

/* The host's functions. */

typedef void (*jl_callback)(void* context); /* [reactor] */
/* [reactor] ready: JL_IN | JL_OUT; errors and hang-ups count as both */
typedef void (*jl_watch_callback)(void* context, uint32_t ready);

#define JL_LOG_ERROR 1u
#define JL_LOG_WARNING 2u
#define JL_LOG_INFO 3u
#define JL_LOG_DEBUG 4u

/* The upcalls. Each is [any] unless it says otherwise. "required": a provider cannot be right without it.
   The table stays valid for the life of the process. */
typedef struct jl_host {
    uint32_t struct_size;
    uint32_t abi; /* highest version of the host */

    /* required: nothing else ends a connect or a join. A second call for the same op is logged and
       ignored. */
    void (*complete)(jl_handle* handle, uint64_t op, const jl_outcome* outcome);

    /* required by providers with listen: queues a request (FD_ACCEPT). */
    void (*accepted)(jl_handle* listener, const jl_request* request);

    /* required by providers with listen: the asker went away before the answer (AC-16). The request stays
       valid until `accept` refuses it. */
    void (*withdrawn)(jl_handle* listener, void* request);

    /* required where open answers JL_FD_NONE: the directions named may have become ready or ended; the
       runtime will ask by `arm`. */
    void (*ready)(jl_handle* handle, uint32_t directions);

    /* required: the last word on a socket; the provider touches neither handle nor endpoint afterwards. */
    void (*closed)(jl_handle* handle);

    /* optional: the peer of a connection has changed the QoS (QS-19, QS-20). qos is as the peer sees it,
       borrowed until return. how: JL_QOS_TELL or JL_QOS_FINAL. */
    void (*qos_changed)(jl_handle* handle, const QOS* qos, uint32_t how);

    /* required where open answers JL_FD_SET: descriptors whose readiness is the socket's. conditions:
       JL_IN makes the SOCKET readable, JL_OUT is where a blocked send waits; 0 takes the descriptor out,
       which must come before it is closed. */
    int32_t (*expose)(jl_handle* handle, int32_t fd, uint32_t conditions);

    /* optional: the loop that serves a socket, and one of all loops by number (modulo their count). Loops
       run from the first such call on. */
    jl_loop* (*loop_of)(jl_handle* handle);
    jl_loop* (*loop_at)(uint32_t index);
    uint32_t (*loop_count)(void);

    /* optional: calls back on the loop while fd is ready (level-triggered). conditions may be 0 (errors
       only) and changed by rewatch. NULL: WSAENOBUFS. */
    jl_watch* (*watch)(jl_loop* loop, int32_t fd, uint32_t conditions, jl_watch_callback callback,
                       void* context);
    void (*rewatch)(jl_watch* watch, uint32_t conditions);

    /* The descriptor may be closed as soon as it returns. One callback may still be running on the loop:
       `done` (may be NULL) is called on the loop when none can come any more, and until then context stays
       valid. Called on the loop itself none comes after return. */
    void (*unwatch)(jl_watch* watch, jl_callback done, void* context);

    /* optional: one shot after `after_ns` nanoseconds. [any] */
    jl_timer* (*timer)(jl_loop* loop, uint64_t after_ns, jl_callback callback, void* context);
    /* [reactor] of its loop: sets it anew; UINT64_MAX stops it. */
    void (*timer_set)(jl_timer* timer, uint64_t after_ns);
    /* [reactor] of its loop: never called again after return. */
    void (*timer_free)(jl_timer* timer);

    /* optional: runs callback on the loop, soon, in order of the calls. */
    void (*post)(jl_loop* loop, jl_callback callback, void* context);

    /* optional: level is JL_LOG_*; shown according to JOINLEAF_LOG. */
    void (*log)(uint32_t level, const char* text);

    /* optional: the sentence a user reads about the error that the calling function is about to answer or
       to complete with. */
    void (*explain)(const char* sentence);
} jl_host;

/*
 * The one exported function of a provider library. [init] Picks an ABI version within [host_abi_min,
 * host_abi_max], keeps `host`, fills *out. Called again after every start of the runtime in the same process;
 * the latest host table counts (CT-83). 0; WSAVERNOTSUPPORTED: the ranges do not meet; WSASYSNOTREADY: cannot
 * work now (call host->explain).
 */
int jl_provider_startup(uint32_t host_abi_min, uint32_t host_abi_max, const jl_host* host, jl_provider* out);

/* Put before the definition of jl_provider_startup, so that it is the one symbol that leaves the library. */
#if defined(__cplusplus)
#define JL_PROVIDER_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define JL_PROVIDER_EXPORT __attribute__((visibility("default")))
#endif

/* The Winsock code of an errno value: the one table for runtime and providers (ER-30). Unknown values:
   WSASYSCALLFAILURE. [any] */
static inline int32_t jl_wsa_error(int error) {
    switch (error) {
    case 0: return 0;
    case EINTR: return WSAEINTR;
    case EBADF: return WSAENOTSOCK;
    case EACCES:
    case EPERM: return WSAEACCES;
    case EFAULT: return WSAEFAULT;
    case EINVAL: return WSAEINVAL;
    case EMFILE:
    case ENFILE: return WSAEMFILE;
    case EAGAIN: return WSAEWOULDBLOCK;
    case EINPROGRESS: return WSAEINPROGRESS;
    case EALREADY: return WSAEALREADY;
    case ENOTSOCK: return WSAENOTSOCK;
    case EDESTADDRREQ: return WSAEDESTADDRREQ;
    case EMSGSIZE: return WSAEMSGSIZE;
    case EPROTOTYPE: return WSAEPROTOTYPE;
    case ENOPROTOOPT: return WSAENOPROTOOPT;
    case EPROTONOSUPPORT: return WSAEPROTONOSUPPORT;
    case ESOCKTNOSUPPORT: return WSAESOCKTNOSUPPORT;
    case EOPNOTSUPP:
    case 524 /* ENOTSUPP, which leaks from kernel drivers */: return WSAEOPNOTSUPP;
    case EPFNOSUPPORT: return WSAEPFNOSUPPORT;
    case EAFNOSUPPORT: return WSAEAFNOSUPPORT;
    case EADDRINUSE: return WSAEADDRINUSE;
    case EADDRNOTAVAIL: return WSAEADDRNOTAVAIL;
    case ENETDOWN: return WSAENETDOWN;
    case ENETUNREACH:
    case ENODEV: return WSAENETUNREACH;
    case ENETRESET: return WSAENETRESET;
    case ECONNABORTED: return WSAECONNABORTED;
    case ECONNRESET:
    case EPIPE: return WSAECONNRESET;
    case ENOBUFS:
    case ENOMEM: return WSAENOBUFS;
    case EISCONN: return WSAEISCONN;
    case ENOTCONN: return WSAENOTCONN;
    case ESHUTDOWN: return WSAESHUTDOWN;
    case ETOOMANYREFS: return WSAETOOMANYREFS;
    case ETIMEDOUT: return WSAETIMEDOUT;
    case ECONNREFUSED: return WSAECONNREFUSED;
    case EHOSTDOWN: return WSAEHOSTDOWN;
    case EHOSTUNREACH: return WSAEHOSTUNREACH;
    default: return WSASYSCALLFAILURE;
    }
}

/*
 * What the network is told about a flow, by its FLOWSPEC's ServiceType: the differentiated services code point
 * (RFC 4594; six bits, without ECN) and SO_PRIORITY. The order of the priorities is that of QS-15. Every other
 * type is best effort. [any]
 */
static inline uint32_t jl_service_dscp(ULONG service_type) {
    switch (service_type & ~(SERVICE_NO_TRAFFIC_CONTROL | SERVICE_NO_QOS_SIGNALING)) {
    case SERVICETYPE_NETWORK_CONTROL: return 48u; /* CS6, network control */
    case SERVICETYPE_GUARANTEED: return 46u;      /* EF, telephony */
    case SERVICETYPE_CONTROLLEDLOAD: return 26u;  /* AF31, multimedia streaming */
    case SERVICETYPE_QUALITATIVE: return 10u;     /* AF11, high-throughput data */
    default: return 0u;                           /* DF, standard */
    }
}
static inline int32_t jl_service_priority(ULONG service_type) {
    switch (service_type & ~(SERVICE_NO_TRAFFIC_CONTROL | SERVICE_NO_QOS_SIGNALING)) {
    case SERVICETYPE_NETWORK_CONTROL: return 7; /* needs CAP_NET_ADMIN; without it 6 */
    case SERVICETYPE_GUARANTEED: return 6;
    case SERVICETYPE_CONTROLLEDLOAD: return 4;
    case SERVICETYPE_QUALITATIVE: return 2; /* bulk: behind best effort */
    default: return 0;
    }
}

#ifdef __cplusplus
}
#endif

#endif
