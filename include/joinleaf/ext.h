// SPDX-License-Identifier: Apache-2.0
/*
 * What Winsock lacks: starting the runtime with a given configuration, asking the catalog why, sentences for
 * errors, batches of messages, statistics, message queues. Every function is safe from any thread.
 */
#ifndef JOINLEAF_EXT_H
#define JOINLEAF_EXT_H

#ifndef JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_EXT_H_SET_NO_BSD_NAMES
#endif
#include "socket_options.h"
#include "winsock2.h"
#ifdef JOINLEAF_EXT_H_SET_NO_BSD_NAMES
#undef JOINLEAF_NO_BSD_NAMES
#undef JOINLEAF_EXT_H_SET_NO_BSD_NAMES
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Starts the runtime as WSAStartup(MAKEWORD(2, 2), ...) does, and with one file as its configuration instead
 * of the search order; counted by WSACleanup. file NULL: the search order. When the runtime runs already the
 * file must be the one it runs with. [any] 0; WSAEINVAL: the file is refused, or another one is in force
 * (jl_last_explanation has the sentence with FILE:LINE:COL); WSAEFAULT.
 */
JL_API int jl_start(const char* file);

/* The same with the YAML text itself; name stands for the file in messages, relative paths start at its
   folder. [any] */
JL_API int jl_start_text(const char* text, const char* name);

/*
 * The catalog as JSON: {"configuration": {...}, "providers": [{name, library, path, version, where, state,
 * reason, options, entries: [...]}]}. State is "loaded", "refused" or "disabled"; a refused one has its
 * reason. Needs a started runtime. The text belongs to the caller, who gives it to jl_free. NULL: last error
 * WSANOTINITIALISED or WSAENOBUFS. [any]
 */
JL_API char* jl_catalog_json(void);

/*
 * How socket creation decides: {"chosen": name or null, "error": code, "candidates": [{provider, entry, fits,
 * condition, asked, offered, where, facts}]}, the candidates in catalog order, each with the one condition that
 * failed (CT-40 ... CT-49); facts: what sockets of an entry that fits meet with here and now, sentences by keys that the
 * provider chooses. As jl_catalog_json. [any]
 */
JL_API char* jl_explain_json(int af, int type, int protocol, DWORD flags);

/*
 * Reads a configuration as the runtime would, loads nothing: {"files": [...], "problems": [{where, message}],
 * "providers": [...]}. file NULL: the search order. Needs no WSAStartup. As jl_catalog_json. [any]
 */
JL_API char* jl_check_json(const char* file);

/*
 * Adds a provider to the configuration in force (that of the runtime, else the one a start would find) by a
 * file of its own among the drop-ins, read after all others; instances started later have it. It loads
 * nothing. name NULL: made of the library's. library: an absolute path, which may begin with %NAME% or
 * ${NAME}, or the bare name of one on the provider path. options: texts "key=value" up to a NULL, or NULL for
 * none; a key that comes again makes a list. Returns 0 or the code itself (jl_last_explanation has the
 * sentence): WSAEINVAL, WSANO_RECOVERY (the name is taken, no right to write, no folder for drop-ins),
 * WSAEINPROGRESS (another process is writing), WSAEFAULT, WSA_NOT_ENOUGH_MEMORY (CT-20 ... CT-32). [any]
 */
JL_API int jl_install_provider(const char* name, const char* library, const char* const* options);

/*
 * Takes a provider away for instances started later: its drop-in is removed. Returns 0 or the code: WSAEINVAL
 * (no such provider), WSANO_RECOVERY (it is one part of a file that a person wrote, which is left alone), and
 * as jl_install_provider. [any]
 */
JL_API int jl_remove_provider(const char* name);

/*
 * Puts providers, or single entries of them as "provider/entry", first in the order, for instances started
 * later; the rest follows as the files have it. count 0 goes back to the order of the files. Returns 0 or the
 * code: WSAEINVAL (no such provider, one twice), and as jl_install_provider. [any]
 */
JL_API int jl_order_providers(const char* const* items, int count);

/* Frees a text that one of the functions above returned. NULL is fine. [any] */
JL_API void jl_free(char* text);

/* "WSAECONNREFUSED" for 10061; "unknown" for a number that is no Winsock code. Static. [any] */
JL_API const char* jl_error_name(int code);

/* One sentence for a Winsock code. Static. [any] */
JL_API const char* jl_error_text(int code);

/*
 * The sentence behind the last failure on this thread, where there is more to say than its code: which
 * setting, file or device it was. Copies at most room bytes with a closing zero and returns the whole length;
 * 0: nothing more to say. [any]
 */
JL_API size_t jl_last_explanation(char* buffer, size_t room);

/* One message of a batch. */
typedef struct jl_message {
    WSABUF* buffers; /* of the caller, borrowed until the call returns */
    DWORD buffer_count;
    DWORD flags; /* MSG_*; after a receive MSG_PARTIAL where the message was longer than its buffers */
    struct sockaddr* address; /* send: destination or NULL; receive: room for the source, or NULL */
    int address_length;       /* receive: room, then the length */
    int error;                /* after the call: 0, or the code of this message */
    size_t bytes;             /* after the call: bytes sent or received */
    DWORD gap;                /* receive: see JL_SO_GAP_NOTIFY; else 0 */
} jl_message;

/*
 * Sends or receives up to count messages in one call, which reaches the transport whole. Waits, on a blocking
 * socket, for the first message only. Returns how many were done, or SOCKET_ERROR with the last error that
 * WSASendTo / WSARecvFrom would give for the first. [any]
 */
JL_API int jl_send_batch(SOCKET s, jl_message* messages, int count);
JL_API int jl_recv_batch(SOCKET s, jl_message* messages, int count);

/* jl_statistics.send_path */
#define JL_SENDS_UNKNOWN 0u
#define JL_SENDS_SINGLE 1u    /* a system call a message */
#define JL_SENDS_MANY 2u      /* batches by one system call */
#define JL_SENDS_SEGMENTED 3u /* equal messages of a batch as one packet, cut where it leaves the host */

/* jl_statistics.send_limit: what keeps messages from leaving in the best way */
#define JL_SENDS_LIMIT_OPTION 1u /* the configuration */
#define JL_SENDS_LIMIT_DEVICE 2u /* the kernel or the device cuts no packets */
#define JL_SENDS_LIMIT_SIZE                                                                                  \
    4u /* messages of send_limit_bytes and more are longer than what is carried uncut */
#define JL_SENDS_LIMIT_CALL 8u /* this process may not make the system call for batches */

/* jl_statistics.paced: who holds the sender to the rate of its FLOWSPEC */
#define JL_PACES_RUNTIME 1u /* the token bucket of the runtime: the mean rate and the bursts */
#define JL_PACES_DEVICE 2u  /* the device's queue, which spaces the packets of a burst */

/* Counters since the socket was made. struct_size is set by the caller; fields only get appended. */
typedef struct jl_statistics {
    uint32_t struct_size;
    uint32_t leaves; /* c_root: members now */
    uint64_t sent_messages, sent_bytes;
    uint64_t received_messages, received_bytes;
    uint64_t queued_bytes; /* accepted, not yet handed to the network */
    uint64_t dropped_messages;
    uint64_t gaps;   /* messages known to be missing */
    uint64_t joins;  /* members admitted so far */
    uint64_t rtt_ns; /* smoothed round trip in nanoseconds; 0: unknown */
    /* system calls, or hand-overs to a device, that carried the messages; 0: unknown */
    uint64_t send_calls, receive_calls;
    uint32_t send_path;        /* JL_SENDS_*: what has been tried and works */
    int last_error;            /* the code of the transport's last failure on this socket; 0: none */
    uint32_t send_limit;       /* JL_SENDS_LIMIT_*; 0: nothing */
    uint32_t send_limit_bytes; /* with JL_SENDS_LIMIT_SIZE */
    /* JL_SENDS_*, of receiving. JL_SENDS_SEGMENTED: several messages come as one packet, and dropped_messages,
       which counts such a packet as one, is a lower bound */
    uint32_t receive_path;
    uint32_t paced; /* JL_PACES_*; 0: nobody */
} jl_statistics;

/* 0, or SOCKET_ERROR: WSAENOTSOCK, WSAEFAULT, WSAEINVAL (struct_size). [any] */
JL_API int jl_socket_statistics(SOCKET s, jl_statistics* statistics);

/* What a root knows of one of its leaves; counters since that leaf joined. Fields only get appended. */
typedef struct jl_leaf {
    struct sockaddr_storage address;
    int address_length;
    int last_error;         /* as in jl_statistics */
    SOCKET handle;          /* the root's socket for this leaf; INVALID_SOCKET: it was closed */
    uint64_t sent_messages; /* taken for this leaf, those in the queue included */
    uint64_t sent_bytes;    /* their data */
    uint64_t received_messages, received_bytes;
    uint64_t queued_bytes;     /* not yet handed to the network, framing included */
    uint64_t dropped_messages; /* not sent because the leaf was too slow for them */
    uint64_t gaps;             /* times that the leaf was told of such a loss */
    uint64_t rtt_ns;           /* smoothed round trip in nanoseconds; 0: unknown */
    uint64_t age_ns;           /* nanoseconds since it joined */
} jl_leaf;

/*
 * The leaves of a root. Writes up to room entries of leaf_size bytes each, sizeof(jl_leaf), in the order in
 * which they joined, and returns how many leaves there are now; with room 0 leaves may be NULL. SOCKET_ERROR:
 * WSAENOTSOCK, WSAEFAULT, WSAEINVAL (leaf_size, room), WSAEOPNOTSUPP (no root, or a transport without this
 * knowledge). [any]
 */
JL_API int jl_leaf_statistics(SOCKET s, jl_leaf* leaves, uint32_t leaf_size, int room);

/*
 * Message queues: what takes a window's place as the receiver of WSAAsyncSelect (EV-60 ... EV-65). A queue keeps
 * messages in the order of their posting, as many as are posted; whoever takes one has it alone. Queues need no
 * WSAStartup and outlive WSACleanup, which posts nothing. As handles of the host's event loop they work as
 * WSAEVENTs do: the descriptor is readable exactly while a message is there.
 */

/* A message, with the members of Windows' MSG that mean something without a screen. */
typedef struct jl_queue_message {
    HWND hwnd;     /* the queue */
    UINT message;  /* as it was registered with WSAAsyncSelect, or posted */
    WPARAM wParam; /* the socket */
    LPARAM lParam; /* for WSAGETSELECTEVENT (exactly one FD_* bit) and WSAGETSELECTERROR (0 or the code) */
} jl_queue_message;

/* An empty queue, owned by the caller until jl_queue_destroy. NULL: last error WSA_NOT_ENOUGH_MEMORY. [any] */
JL_API HWND jl_queue_create(void);

/*
 * Ends a queue and forgets its messages. Waits on it end; sockets registered with it stay registered and reach
 * nobody. 0, or SOCKET_ERROR: WSA_INVALID_HANDLE. [any]
 */
JL_API int jl_queue_destroy(HWND queue);

/*
 * Takes the oldest message, and waits for one at most timeout milliseconds (WSA_INFINITE: without end). 1: taken;
 * 0: the time is over; SOCKET_ERROR: WSA_INVALID_HANDLE (also when another thread destroys the queue
 * meanwhile), WSAEFAULT (no message is taken). [any]
 */
JL_API int jl_queue_wait(HWND queue, jl_queue_message* message, DWORD timeout);

/*
 * Looks at the oldest message without waiting; takes it if take is TRUE. 1: there is one; 0: there is none;
 * SOCKET_ERROR as above. [any]
 */
JL_API int jl_queue_peek(HWND queue, jl_queue_message* message, BOOL take);

/*
 * Posts a message of the program's own, behind those that are there. 0, or SOCKET_ERROR: WSA_INVALID_HANDLE,
 * WSAENOBUFS. [any]
 */
JL_API int jl_queue_post(HWND queue, UINT message, WPARAM wParam, LPARAM lParam);

/*
 * The descriptor to poll, readable exactly while a message is there; valid until jl_queue_destroy, for nothing
 * but poll, epoll and their kin. -1: last error WSA_INVALID_HANDLE. [any]
 */
JL_API int jl_queue_descriptor(HWND queue);

#ifdef __cplusplus
}
#endif

#endif
