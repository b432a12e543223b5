/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "member.h"

#include "session.h"

#include <stdlib.h>
#include <string.h>

#include <linux/sock_diag.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_SIZE (sizeof(stamp) + MESSAGE_SIZE)

/* How many datagrams of strangers one call throws away: a provider never stays in a call, however busy the port is. */
#define STRANGERS_PER_CALL 64

/* Where sending and receiving direction meet, the field is atomic. */
struct jl_endpoint {
    jl_handle* handle;
    const char* directory; /* of the instance, which lives longer */
    int fd;                /* lent: the runtime closes it after `closed` */
    struct sockaddr_in inbox, bound, group;
    session session;
    int is_bound, hears, loopback;
    atomic_int joined, send_ended, receive_ended;
    _Atomic uint64_t sent, sent_bytes, received, received_bytes, unsent;
    unsigned char out[DATAGRAM_SIZE], in[DATAGRAM_SIZE];
};

static int32_t refuse(int32_t code, const char* sentence) {
    inbox_host->explain(sentence);
    return code;
}

static int same(const struct sockaddr_in* a, const struct sockaddr_in* b) {
    return a->sin_addr.s_addr == b->sin_addr.s_addr && a->sin_port == b->sin_port;
}

static int is_loopback(const struct sockaddr_in* address) {
    return ntohl(address->sin_addr.s_addr) >> 24 == 127;
}

static void set_room(int fd, int bytes) {
    /* The first needs a privilege, the second stops at net.core.rmem_max without an error. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
}

static int32_t open_inbox(struct sockaddr_in* inbox, int room, int* fd) {
    socklen_t len = sizeof *inbox;
    *inbox = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0) {
        return jl_wsa_error(errno);
    }
    if (bind(*fd, (struct sockaddr*)inbox, len) != 0 || getsockname(*fd, (struct sockaddr*)inbox, &len) != 0) {
        const int32_t code = jl_wsa_error(errno);
        close(*fd);
        return code;
    }
    set_room(*fd, room);
    return 0;
}

static int32_t member_open(jl_instance* instance, jl_handle* handle, jl_open* open, jl_endpoint** out) {
    jl_endpoint* const self = calloc(1, sizeof *self);
    int32_t code;
    if (self == NULL) {
        return WSAENOBUFS;
    }
    code = open_inbox(&self->inbox, instance->rcvbuf, &self->fd);
    if (code != 0) {
        free(self);
        return code;
    }
    self->handle = handle;
    self->directory = instance->directory;
    self->loopback = 1;
    open->fd_kind = JL_FD_OWN;
    open->fd = self->fd;
    *out = self;
    return 0;
}

/* The name is a label: several members may share it, for messages go to their inboxes. */
static int32_t member_bind(jl_endpoint* self, const struct sockaddr* name, uint32_t len) {
    struct sockaddr_in address;
    (void)len;
    memcpy(&address, name, sizeof address);
    if (address.sin_addr.s_addr != htonl(INADDR_ANY) && !is_loopback(&address)) {
        return refuse(WSAEADDRNOTAVAIL, "an inbox can be bound to the any-address and to 127.0.0.0/8 only");
    }
    if (address.sin_port == 0) {
        address.sin_port = self->inbox.sin_port;
    }
    self->bound = address;
    self->is_bound = 1;
    return 0;
}

/* Everyone is on this machine. So a socket whose loopback is off, which is about what comes from this machine, hears nothing. */
static void publish(jl_endpoint* self) {
    const int listens = self->hears && self->loopback && !self->receive_ended;
    session_hear_at(&self->session, listens ? ntohs(self->inbox.sin_port) : 0);
}

static int32_t member_join(jl_endpoint* self, const jl_join* join) {
    char sentence[SESSION_SENTENCE_ROOM];
    const jl_outcome outcome = {.struct_size = sizeof outcome};
    struct sockaddr_in group;
    int32_t code;
    memcpy(&group, join->name, sizeof group);
    if (!IN_MULTICAST(ntohl(group.sin_addr.s_addr))) {
        return refuse(WSAEADDRNOTAVAIL, "a session is named by a group address (224.0.0.0/4) and a port");
    }
    if (!self->is_bound) {
        self->bound = self->inbox;
        self->is_bound = 1;
    }
    code = session_enter(&self->session, self->directory, &group, sentence);
    if (code != 0) {
        return refuse(code, sentence);
    }
    self->group = group;
    self->hears = join->direction != JL_SENDER_ONLY;
    publish(self);
    self->joined = 1;
    inbox_host->complete(self->handle, join->op, &outcome);
    return 0;
}

static void put(jl_endpoint* self, size_t size, const struct sockaddr_in* to) {
    if (sendto(self->fd, self->out, size, MSG_DONTWAIT, (const struct sockaddr*)to, sizeof *to) < 0) {
        ++self->unsent;
    }
}

/* As with every datagram: an inbox that is full loses the message, and its owner's counters say so. */
static void deliver(jl_endpoint* self, size_t size, const struct sockaddr_in* to) {
    struct sockaddr_in inbox = self->inbox;
    if (!same(to, &self->group)) {
        put(self, size, to);
    } else {
        for (size_t place = 0; place < SESSION_PLACES; ++place) {
            const uint16_t port = session_port_at(&self->session, place);
            if (port != 0) {
                inbox.sin_port = htons(port);
                put(self, size, &inbox);
            }
        }
    }
    ++self->sent;
    self->sent_bytes += size - sizeof(stamp);
}

static int32_t send_one(jl_endpoint* self, jl_msg* message) {
    struct sockaddr_in to = self->group;
    stamp mark = {self->group.sin_addr.s_addr, self->group.sin_port, TO_ALL};
    size_t size = sizeof mark;
    if ((message->flags & (JL_MSG_OOB | JL_MSG_PART)) != 0) {
        return WSAEOPNOTSUPP;
    }
    if (message->addr != NULL) {
        memcpy(&to, message->addr, sizeof to);
    }
    if (!same(&to, &self->group) && !is_loopback(&to)) {
        return refuse(WSAEADDRNOTAVAIL,
                      "an inbox sends to its session and to addresses that recvfrom has told it");
    }
    mark.to = same(&to, &self->group) ? TO_ALL : TO_ONE;
    memcpy(self->out, &mark, sizeof mark);
    for (uint32_t i = 0; i < message->iov_count; ++i) {
        const struct iovec* const part = &message->iov[i];
        if (part->iov_len > DATAGRAM_SIZE - size) {
            return WSAEMSGSIZE;
        }
        if (part->iov_len > 0) {
            memcpy(self->out + size, part->iov_base, part->iov_len);
        }
        size += part->iov_len;
    }
    message->size = size - sizeof mark;
    deliver(self, size, &to);
    return 0;
}

static int32_t member_tx(jl_endpoint* self, jl_msg* messages, uint32_t count, uint32_t* done) {
    *done = 0;
    if (!self->joined || self->send_ended) {
        return self->joined ? WSAESHUTDOWN : WSAENOTCONN;
    }
    for (; *done < count; ++*done) {
        const int32_t code = send_one(self, &messages[*done]);
        if (code != 0) {
            return *done > 0 ? 0 : code;
        }
    }
    return 0;
}

static int is_ours(const jl_endpoint* self, size_t size, const stamp* mark) {
    return self->joined && size >= sizeof *mark && mark->group == self->group.sin_addr.s_addr &&
           mark->port == self->group.sin_port && (mark->to == TO_ALL || mark->to == TO_ONE);
}

static void hand_over(jl_endpoint* self, jl_msg* message, size_t size, const struct sockaddr_in* from) {
    const int peek = (message->flags & JL_MSG_PEEK) != 0;
    size_t taken = sizeof(stamp);
    stamp mark;
    memcpy(&mark, self->in, sizeof mark);
    for (uint32_t i = 0; i < message->iov_count && taken < size; ++i) {
        const size_t room = message->iov[i].iov_len;
        const size_t part = room < size - taken ? room : size - taken;
        memcpy(message->iov[i].iov_base, self->in + taken, part);
        taken += part;
    }
    message->size = taken - sizeof mark;
    message->flags = (taken < size ? JL_MSG_CUT : 0) | (mark.to == TO_ALL ? JL_MSG_GROUP : 0);
    if (message->addr != NULL) {
        memcpy(message->addr, from, message->addr_len < sizeof *from ? message->addr_len : sizeof *from);
        message->addr_len = sizeof *from;
    }
    if (!peek) {
        ++self->received;
        self->received_bytes += size - sizeof mark;
    }
}

static int32_t receive(jl_endpoint* self, jl_msg* message) {
    const int peek = (message->flags & JL_MSG_PEEK) != 0 ? MSG_PEEK : 0;
    for (int seen = 0; seen < STRANGERS_PER_CALL; ++seen) {
        struct sockaddr_in from = {0};
        socklen_t from_len = sizeof from;
        stamp mark;
        const ssize_t size = recvfrom(self->fd, self->in, sizeof self->in, MSG_DONTWAIT | peek,
                                      (struct sockaddr*)&from, &from_len);
        if (size < 0) {
            return jl_wsa_error(errno);
        }
        memcpy(&mark, self->in, sizeof mark);
        if (is_ours(self, (size_t)size, &mark)) {
            hand_over(self, message, (size_t)size, &from);
            return 0;
        }
        if (peek) {
            (void)recv(self->fd, NULL, 0, MSG_DONTWAIT);
        }
    }
    return WSAEWOULDBLOCK;
}

static int32_t member_rx(jl_endpoint* self, jl_msg* messages, uint32_t count, uint32_t* done, uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    if (!self->joined || self->receive_ended) {
        return self->joined ? WSAESHUTDOWN : WSAENOTCONN;
    }
    while (*done < count) {
        const int peek = (messages[*done].flags & JL_MSG_PEEK) != 0;
        const int32_t code = receive(self, &messages[*done]);
        if (code != 0) {
            return *done > 0 ? 0 : code;
        }
        ++*done;
        if (peek) {
            break;
        }
    }
    return 0;
}

/* Takes strangers' datagrams off the head of the queue; 1: a message of the session may be there. */
static int drop_foreign(jl_endpoint* self) {
    for (int seen = 0; seen < STRANGERS_PER_CALL; ++seen) {
        stamp mark = {0};
        const ssize_t size = recv(self->fd, &mark, sizeof mark, MSG_DONTWAIT | MSG_PEEK);
        if (size < 0 || is_ours(self, (size_t)size, &mark)) {
            return size >= 0;
        }
        (void)recv(self->fd, NULL, 0, MSG_DONTWAIT);
    }
    return 1;
}

static int32_t member_arm(jl_endpoint* self, uint32_t direction, int32_t* code) {
    *code = 0;
    switch (direction) {
    case JL_IN: return self->receive_ended ? JL_ENDED : drop_foreign(self) ? JL_READY : JL_ARMED;
    case JL_OUT: return self->send_ended ? JL_ENDED : JL_READY;
    default: return JL_ARMED; /* neither requests nor expedited data ever come */
    }
}

static int32_t member_shutdown(jl_endpoint* self, int32_t how) {
    if (how != SD_SEND) {
        self->receive_ended = 1;
    }
    if (how != SD_RECEIVE) {
        self->send_ended = 1;
    }
    if (self->joined) {
        publish(self);
    }
    return 0;
}

/* Nothing is queued here, so that graceful and abort are the same. */
static void member_close(jl_endpoint* self, uint32_t how) {
    jl_handle* const handle = self->handle;
    (void)how;
    if (self->joined) {
        session_leave(&self->session);
    }
    free(self);
    inbox_host->closed(handle);
}

static int32_t member_name(jl_endpoint* self, uint32_t peer, struct sockaddr* name, uint32_t* len) {
    if (peer == 0 ? !self->is_bound : !self->joined) {
        return peer == 0 ? WSAEINVAL : WSAENOTCONN;
    }
    if (*len < sizeof(struct sockaddr_in)) {
        return WSAEFAULT;
    }
    memcpy(name, peer == 0 ? &self->bound : &self->group, sizeof(struct sockaddr_in));
    *len = sizeof(struct sockaddr_in);
    return 0;
}

static int32_t member_set_option(jl_endpoint* self, int32_t level, int32_t name, const void* value,
                                 uint32_t len) {
    if (level != SOL_SOCKET) {
        return WSAENOPROTOOPT;
    }
    return setsockopt(self->fd, level, name, value, len) == 0 ? 0 : jl_wsa_error(errno);
}

static int32_t member_get_option(jl_endpoint* self, int32_t level, int32_t name, void* value, uint32_t* len) {
    if (level != SOL_SOCKET) {
        return WSAENOPROTOOPT;
    }
    return getsockopt(self->fd, level, name, value, len) == 0 ? 0 : jl_wsa_error(errno);
}

static int32_t queued_bytes(jl_endpoint* self, void* out, uint32_t out_len, uint32_t* bytes) {
    int queued = 0;
    if (out == NULL || out_len < sizeof queued) {
        return WSAEFAULT;
    }
    if (ioctl(self->fd, FIONREAD, &queued) != 0) {
        return jl_wsa_error(errno);
    }
    queued = queued > (int)sizeof(stamp) ? queued - (int)sizeof(stamp) : 0;
    memcpy(out, &queued, sizeof queued);
    *bytes = sizeof queued;
    return 0;
}

static int32_t member_ioctl(jl_endpoint* self, uint32_t code, const void* in, uint32_t in_len, void* out,
                            uint32_t out_len, uint32_t* bytes) {
    int32_t value;
    *bytes = 0;
    if (code == FIONREAD) {
        return queued_bytes(self, out, out_len, bytes);
    }
    if (code != SIO_MULTIPOINT_LOOPBACK && code != SIO_MULTICAST_SCOPE) {
        return WSAEOPNOTSUPP;
    }
    if (in == NULL || in_len < sizeof value) {
        return WSAEFAULT;
    }
    memcpy(&value, in, sizeof value);
    if (code == SIO_MULTICAST_SCOPE) {
        return value >= 0 && value <= 255 ? 0 : WSAEINVAL; /* the host is within every scope */
    }
    self->loopback = value != 0;
    if (self->joined) {
        publish(self);
    }
    return 0;
}

static int32_t member_stats(jl_endpoint* self, jl_stats* stats) {
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof memory;
    if (getsockopt(self->fd, SOL_SOCKET, SO_MEMINFO, memory, &len) != 0) {
        return jl_wsa_error(errno);
    }
    stats->sent_messages = self->sent;
    stats->sent_bytes = self->sent_bytes;
    stats->received_messages = self->received;
    stats->received_bytes = self->received_bytes;
    stats->dropped_messages = self->unsent + memory[SK_MEMINFO_DROPS];
    return 0;
}

const jl_ops inbox_ops = {
    .struct_size = sizeof(jl_ops),
    .open = member_open,
    .bind = member_bind,
    .join = member_join,
    .tx = member_tx,
    .rx = member_rx,
    .arm = member_arm,
    .shutdown = member_shutdown,
    .close = member_close,
    .name = member_name,
    .set_option = member_set_option,
    .get_option = member_get_option,
    .ioctl = member_ioctl,
    .stats = member_stats,
};
