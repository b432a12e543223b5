// SPDX-License-Identifier: Apache-2.0
#include "member.hpp"

#include <algorithm>
#include <cstring>

#include <linux/sock_diag.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace inbox {
namespace {

constexpr std::size_t datagram_size = sizeof(stamp) + message_size;

// How many datagrams of strangers one call throws away: a provider never stays in a call, however busy the port is.
constexpr int strangers_per_call = 64;

bool same(const sockaddr_in& a, const sockaddr_in& b) noexcept {
    return a.sin_addr.s_addr == b.sin_addr.s_addr && a.sin_port == b.sin_port;
}

bool is_loopback(const sockaddr_in& address) noexcept {
    return (ntohl(address.sin_addr.s_addr) >> 24) == 127;
}

sockaddr_in address_of(const sockaddr* name) noexcept {
    sockaddr_in address{};
    std::memcpy(&address, name, sizeof address);
    return address;
}

} // namespace

member::member(const jl_host* host, jl_handle* handle, const std::string& directory, int fd,
               const sockaddr_in& address)
    : host_(host),
      handle_(handle),
      directory_(directory),
      fd_(fd),
      inbox_(address),
      out_(std::make_unique<std::byte[]>(datagram_size)),
      in_(std::make_unique<std::byte[]>(datagram_size)) {}

std::int32_t member::refuse(std::int32_t code, const std::string& sentence) const {
    host_->explain(sentence.c_str());
    return code;
}

// The name is a label: several members may share it, for messages go to their inboxes.
std::int32_t member::bind(const sockaddr* name, std::uint32_t) {
    auto address = address_of(name);
    if (address.sin_addr.s_addr != htonl(INADDR_ANY) && !is_loopback(address)) {
        return refuse(WSAEADDRNOTAVAIL, "an inbox can be bound to the any-address and to 127.0.0.0/8 only");
    }
    if (address.sin_port == 0) {
        address.sin_port = inbox_.sin_port;
    }
    bound_ = address;
    is_bound_ = true;
    return 0;
}

std::int32_t member::join(const jl_join* join) {
    const auto group = address_of(join->name);
    if (!IN_MULTICAST(ntohl(group.sin_addr.s_addr))) {
        return refuse(WSAEADDRNOTAVAIL, "a session is named by a group address (224.0.0.0/4) and a port");
    }
    if (!is_bound_) {
        bound_ = inbox_;
        is_bound_ = true;
    }
    try {
        session_ = std::make_unique<session>(session_path(directory_, group));
    } catch (const refusal& why) {
        return refuse(why.code, why.sentence);
    }
    group_ = group;
    hears_ = join->direction != JL_SENDER_ONLY;
    publish();
    joined_.store(true, std::memory_order_release);
    jl_outcome outcome{};
    outcome.struct_size = sizeof outcome;
    host_->complete(handle_, join->op, &outcome);
    return 0;
}

// Everyone is on this machine. So a socket whose loopback is off, which is about what comes from this machine, hears nothing.
void member::publish() noexcept {
    const bool listens = hears_ && loopback_ && !receive_ended_;
    session_->hear_at(listens ? ntohs(inbox_.sin_port) : std::uint16_t{0});
}

std::int32_t member::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    if (!joined_ || send_ended_) {
        return joined_ ? WSAESHUTDOWN : WSAENOTCONN;
    }
    for (; *done < count; ++*done) {
        if (const auto code = send(messages[*done]); code != 0) {
            return *done > 0 ? 0 : code;
        }
    }
    return 0;
}

std::int32_t member::send(jl_msg& message) {
    const auto to = message.addr == nullptr ? group_ : address_of(message.addr);
    if ((message.flags & (JL_MSG_OOB | JL_MSG_PART)) != 0) {
        return WSAEOPNOTSUPP;
    }
    if (!same(to, group_) && !is_loopback(to)) {
        return refuse(WSAEADDRNOTAVAIL,
                      "an inbox sends to its session and to addresses that recvfrom has told it");
    }
    const stamp mark{group_.sin_addr.s_addr, group_.sin_port, same(to, group_) ? to_all : to_one};
    std::memcpy(out_.get(), &mark, sizeof mark);
    std::size_t size = sizeof mark;
    for (std::uint32_t i = 0; i < message.iov_count; ++i) {
        if (message.iov[i].iov_len > datagram_size - size) {
            return WSAEMSGSIZE;
        }
        if (message.iov[i].iov_len > 0) {
            std::memcpy(out_.get() + size, message.iov[i].iov_base, message.iov[i].iov_len);
        }
        size += message.iov[i].iov_len;
    }
    message.size = size - sizeof mark;
    deliver(size, to);
    return 0;
}

// As with every datagram: an inbox that is full loses the message, and its owner's counters say so.
void member::deliver(std::size_t size, const sockaddr_in& to) {
    const auto put = [&](const sockaddr_in& inbox) {
        const auto* name = reinterpret_cast<const sockaddr*>(&inbox);
        if (::sendto(fd_, out_.get(), size, MSG_DONTWAIT, name, sizeof inbox) < 0) {
            ++unsent_;
        }
    };
    if (!same(to, group_)) {
        put(to);
    } else {
        for (std::size_t place = 0; place < session::capacity; ++place) {
            if (const auto port = session_->port_at(place); port != 0) {
                sockaddr_in inbox = inbox_;
                inbox.sin_port = htons(port);
                put(inbox);
            }
        }
    }
    ++sent_;
    sent_bytes_ += size - sizeof(stamp);
}

std::int32_t member::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    if (!joined_ || receive_ended_) {
        return joined_ ? WSAESHUTDOWN : WSAENOTCONN;
    }
    while (*done < count) {
        const bool peek = (messages[*done].flags & JL_MSG_PEEK) != 0;
        if (const auto code = receive(messages[*done]); code != 0) {
            return *done > 0 ? 0 : code;
        }
        ++*done;
        if (peek) {
            break;
        }
    }
    return 0;
}

std::int32_t member::receive(jl_msg& message) {
    const bool peek = (message.flags & JL_MSG_PEEK) != 0;
    for (int seen = 0; seen < strangers_per_call; ++seen) {
        sockaddr_in from{};
        socklen_t from_len = sizeof from;
        const auto size = ::recvfrom(fd_, in_.get(), datagram_size, MSG_DONTWAIT | (peek ? MSG_PEEK : 0),
                                     reinterpret_cast<sockaddr*>(&from), &from_len);
        if (size < 0) {
            return jl_wsa_error(errno);
        }
        stamp mark{};
        std::memcpy(&mark, in_.get(), sizeof mark);
        if (is_ours(static_cast<std::size_t>(size), mark)) {
            hand_over(message, static_cast<std::size_t>(size), from, peek);
            return 0;
        }
        if (peek) {
            ::recv(fd_, nullptr, 0, MSG_DONTWAIT);
        }
    }
    return WSAEWOULDBLOCK;
}

void member::hand_over(jl_msg& message, std::size_t size, const sockaddr_in& from, bool peek) {
    stamp mark{};
    std::memcpy(&mark, in_.get(), sizeof mark);
    std::size_t taken = sizeof mark;
    for (std::uint32_t i = 0; i < message.iov_count && taken < size; ++i) {
        const auto part = std::min(message.iov[i].iov_len, size - taken);
        std::memcpy(message.iov[i].iov_base, in_.get() + taken, part);
        taken += part;
    }
    message.size = taken - sizeof mark;
    message.flags = (taken < size ? JL_MSG_CUT : 0) | (mark.to == to_all ? JL_MSG_GROUP : 0);
    if (message.addr != nullptr) {
        std::memcpy(message.addr, &from, std::min<std::size_t>(message.addr_len, sizeof from));
        message.addr_len = sizeof from;
    }
    if (!peek) {
        ++received_;
        received_bytes_ += size - sizeof mark;
    }
}

bool member::is_ours(std::size_t size, const stamp& mark) const noexcept {
    return joined_ && size >= sizeof mark && mark.group == group_.sin_addr.s_addr &&
           mark.port == group_.sin_port && (mark.to == to_all || mark.to == to_one);
}

// Takes strangers' datagrams off the head of the queue; true: a message of the session may be there.
bool member::drop_foreign() {
    for (int seen = 0; seen < strangers_per_call; ++seen) {
        stamp mark{};
        const auto size = ::recv(fd_, &mark, sizeof mark, MSG_DONTWAIT | MSG_PEEK);
        if (size < 0 || is_ours(static_cast<std::size_t>(size), mark)) {
            return size >= 0;
        }
        ::recv(fd_, nullptr, 0, MSG_DONTWAIT);
    }
    return true;
}

std::int32_t member::arm(std::uint32_t direction, std::int32_t* code) {
    *code = 0;
    switch (direction) {
    case JL_IN: return receive_ended_ ? JL_ENDED : drop_foreign() ? JL_READY : JL_ARMED;
    case JL_OUT: return send_ended_ ? JL_ENDED : JL_READY;
    default: return JL_ARMED; // neither requests nor expedited data ever come
    }
}

std::int32_t member::shutdown(std::int32_t how) {
    if (how != SD_SEND) {
        receive_ended_ = true;
    }
    if (how != SD_RECEIVE) {
        send_ended_ = true;
    }
    if (session_) {
        publish();
    }
    return 0;
}

// Nothing is queued here, so that graceful and abort are the same.
void member::close(std::uint32_t) {
    session_.reset();
    const auto* host = host_;
    auto* handle = handle_;
    delete this;
    host->closed(handle);
}

std::int32_t member::name(std::uint32_t peer, sockaddr* name, std::uint32_t* len) {
    if (peer == 0 ? !is_bound_ : !joined_) {
        return peer == 0 ? WSAEINVAL : WSAENOTCONN;
    }
    if (*len < sizeof(sockaddr_in)) {
        return WSAEFAULT;
    }
    std::memcpy(name, peer == 0 ? &bound_ : &group_, sizeof(sockaddr_in));
    *len = sizeof(sockaddr_in);
    return 0;
}

std::int32_t member::set_option(std::int32_t level, std::int32_t name, const void* value, std::uint32_t len) {
    if (level != SOL_SOCKET) {
        return WSAENOPROTOOPT;
    }
    return ::setsockopt(fd_, level, name, value, len) == 0 ? 0 : jl_wsa_error(errno);
}

std::int32_t member::get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* len) {
    if (level != SOL_SOCKET) {
        return WSAENOPROTOOPT;
    }
    return ::getsockopt(fd_, level, name, value, len) == 0 ? 0 : jl_wsa_error(errno);
}

std::int32_t member::queued_bytes(void* out, std::uint32_t out_len, std::uint32_t* bytes) const {
    int queued = 0;
    if (out == nullptr || out_len < sizeof queued) {
        return WSAEFAULT;
    }
    if (::ioctl(fd_, FIONREAD, &queued) != 0) {
        return jl_wsa_error(errno);
    }
    queued = std::max(0, queued - static_cast<int>(sizeof(stamp)));
    std::memcpy(out, &queued, sizeof queued);
    *bytes = sizeof queued;
    return 0;
}

std::int32_t member::ioctl(std::uint32_t code, const void* in, std::uint32_t in_len, void* out,
                           std::uint32_t out_len, std::uint32_t* bytes) {
    *bytes = 0;
    if (code == FIONREAD) {
        return queued_bytes(out, out_len, bytes);
    }
    if (code != SIO_MULTIPOINT_LOOPBACK && code != SIO_MULTICAST_SCOPE) {
        return WSAEOPNOTSUPP;
    }
    std::int32_t value = 0;
    if (in == nullptr || in_len < sizeof value) {
        return WSAEFAULT;
    }
    std::memcpy(&value, in, sizeof value);
    if (code == SIO_MULTICAST_SCOPE) {
        return value >= 0 && value <= 255 ? 0 : WSAEINVAL; // the host is within every scope
    }
    loopback_ = value != 0;
    if (session_) {
        publish();
    }
    return 0;
}

std::int32_t member::stats(jl_stats* stats) {
    std::uint32_t memory[SK_MEMINFO_VARS]{};
    socklen_t len = sizeof memory;
    if (::getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, memory, &len) != 0) {
        return jl_wsa_error(errno);
    }
    stats->sent_messages = sent_;
    stats->sent_bytes = sent_bytes_;
    stats->received_messages = received_;
    stats->received_bytes = received_bytes_;
    stats->dropped_messages = unsent_ + memory[SK_MEMINFO_DROPS];
    return 0;
}

} // namespace inbox
