// SPDX-License-Identifier: Apache-2.0
//
// Sending: a lone message is one system call in the caller's thread, an array goes to the kernel in as few as
// it takes. Nothing here allocates.
#include "endpoint.hpp"
#include "send_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace joinleaf::udp_mcast {

namespace {

// Every link of IPv6 carries so long a datagram of either family: where it cannot be part of a super-packet,
// the reason is not its length.
constexpr std::size_t carried_everywhere = 1280 - 40 - 8;

std::int32_t send_code(int error) noexcept {
    switch (error) {
    case EAGAIN:
    case ENOBUFS: return WSAEWOULDBLOCK;     // the device's queue is full
    case ECONNREFUSED: return WSAECONNRESET; // Winsock's word for "port unreachable" on a datagram socket
    case EDESTADDRREQ: return WSAENOTCONN;
    case EPIPE: return WSAESHUTDOWN;
    default: return jl_wsa_error(error);
    }
}

// Linux sends what goes to the any-address to the loopback interface, and calls port 0 an invalid argument.
bool is_destination(const sockaddr* name, std::uint32_t length) noexcept {
    const auto to = address_from(name, length);
    return to.port() != 0 && !to.is_any();
}

} // namespace

// With SIO_UDP_CONNRESET off an application does not want to hear that a datagram found no one.
bool endpoint::is_waved_through(int error) const noexcept {
    return error == ECONNREFUSED && !tell_resets_.load(std::memory_order_relaxed);
}

std::int32_t endpoint::find_destination(const jl_msg& message, sockaddr*& to, socklen_t& length) const {
    if ((message.flags & (JL_MSG_OOB | JL_MSG_PART)) != 0) {
        return WSAEOPNOTSUPP;
    }
    to = message.addr;
    length = message.addr_len;
    if (message.addr == nullptr) {
        to = destination_ ? const_cast<sockaddr*>(&destination_.any) : nullptr;
        length = destination_.length;
    } else if (!is_destination(message.addr, message.addr_len)) {
        return WSAEADDRNOTAVAIL;
    }
    return 0;
}

std::int32_t endpoint::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    if (no_send_.load(std::memory_order_relaxed)) {
        return WSAESHUTDOWN;
    }
    if (enveloped_) {
        return send_enveloped(messages, count, *done);
    }
    std::int32_t code = 0;
    if (count == 1 && may_gather(messages[0])) {
        code = send_or_gather(messages[0]);
        *done = code == 0 ? 1 : 0;
    } else if (code = let_go(); code != 0) {
        return code; // what was sent before goes before
    } else if (count != 1) {
        code = send_many(messages, count, *done);
    } else {
        code = send_one(messages[0]);
        *done = code == 0 ? 1 : 0;
    }
    for (std::uint32_t i = 0; i < *done; ++i) {
        sent_.add(messages[i].size);
    }
    return code;
}

// sendto where that says everything: the kernel reads no header of the message then, which takes 0.15 us less.
ssize_t endpoint::put_lone(const msghdr& header) const noexcept {
    constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (header.msg_iovlen != 1 || header.msg_controllen != 0) {
        return ::sendmsg(fd_, &header, flags);
    }
    return ::sendto(fd_, header.msg_iov->iov_base, header.msg_iov->iov_len, flags,
                    static_cast<const sockaddr*>(header.msg_name), header.msg_namelen);
}

std::int32_t endpoint::send_one(jl_msg& message) {
    msghdr header{};
    if (const auto code =
            find_destination(message, reinterpret_cast<sockaddr*&>(header.msg_name), header.msg_namelen);
        code != 0) {
        return code;
    }
    header.msg_iov = message.iov;
    header.msg_iovlen = message.iov_count;
    header.msg_control = source_note_length_ == 0 ? nullptr : source_note_.data();
    header.msg_controllen = source_note_length_;
    auto sent = put_lone(header);
    // The error belonged to an earlier datagram and is told once; this one was not sent yet.
    if (sent < 0 && is_waved_through(errno)) {
        sent = put_lone(header);
    }
    if (sent < 0) {
        return send_code(errno);
    }
    message.size = static_cast<std::size_t>(sent);
    sent_.add_call();
    return 0;
}

std::int32_t endpoint::send_many(jl_msg* messages, std::uint32_t count, std::uint32_t& done) {
    std::int32_t code = 0;
    while (done < count && code == 0) {
        code = takes_many_ ? send_some(messages, count, done) : send_each(messages, count, done);
    }
    return done > 0 ? 0 : code;
}

std::int32_t endpoint::send_each(jl_msg* messages, std::uint32_t count, std::uint32_t& done) {
    std::int32_t code = 0;
    while (done < count && code == 0) {
        code = send_one(messages[done]);
        done += code == 0 ? 1 : 0;
    }
    return code;
}

// One system call. 0: there was progress, or something was learned that makes the next attempt another one.
std::int32_t endpoint::send_some(jl_msg* messages, std::uint32_t count, std::uint32_t& done) {
    send_plan plan({source_note_.data(), source_note_length_}, segmentation_);
    std::int32_t refused = 0;
    bool fits = true;
    for (auto next = done; next < count && fits; ++next) {
        sockaddr* to = nullptr;
        socklen_t length = 0;
        refused = find_destination(messages[next], to, length);
        fits = refused == 0 && plan.add(messages[next], to, length);
    }
    const auto packets = plan.packets();
    if (packets.empty()) {
        return refused;
    }
    const auto all = static_cast<unsigned>(packets.size());
    int sent = ::sendmmsg(fd_, packets.data(), all, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && is_waved_through(errno)) {
        sent = ::sendmmsg(fd_, packets.data(), all, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (sent < 0) {
        const int error = errno;
        return learns_from(error, plan) ? 0 : send_code(error);
    }
    sent_.add_call();
    for (std::size_t packet = 0; packet < static_cast<std::size_t>(sent); ++packet) {
        auto left = static_cast<std::size_t>(packets[packet].msg_len);
        for (std::uint32_t i = 0; i < plan.messages_in(packet); ++i, ++done) {
            messages[done].size = std::min(left, plan.segment_of(packet));
            left -= messages[done].size;
        }
        note_path(plan.messages_in(packet) > 1 ? JL_PATH_SEGMENTED : JL_PATH_MANY);
    }
    return static_cast<unsigned>(sent) == all ? refused : 0;
}

void endpoint::note_path(std::uint32_t path) noexcept {
    if (path > path_.load(std::memory_order_relaxed)) {
        path_.store(path, std::memory_order_relaxed);
    }
}

// An array was refused: what this socket does without from now on. False: its form was not the reason.
bool endpoint::learns_from(int error, const send_plan& plan) {
    if (error == ENOSYS) {
        takes_many_ = false; // a filter of system calls that knows only the old ones
        does_without(JL_LIMIT_CALL, JL_PATH_SINGLE,
                     "each message takes a system call from now on: sendmmsg is not allowed here");
        return true;
    }
    const auto segment = plan.segment_of(0);
    const bool refused = error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP;
    if (plan.messages_in(0) == 1 || !refused) {
        return false;
    }
    if (error == EMSGSIZE || (error == EINVAL && segment > carried_everywhere)) {
        segmentation_.largest = segment - 1;
        limit_bytes_.store(static_cast<std::uint32_t>(segment), std::memory_order_relaxed);
        does_without(
            JL_LIMIT_SIZE, path_.load(std::memory_order_relaxed),
            fmt::format("datagrams of {} bytes and more leave one by one from now on: they are longer than "
                        "what the network takes uncut",
                        segment));
    } else {
        segmentation_.on = false;
        does_without(
            JL_LIMIT_DEVICE, JL_PATH_MANY,
            fmt::format("datagrams leave one by one from now on: the kernel or the device cuts no packets "
                        "({})",
                        std::strerror(error)));
    }
    return true;
}

void endpoint::does_without(std::uint32_t limit, std::uint32_t path, const std::string& sentence) {
    limit_.fetch_or(limit, std::memory_order_relaxed);
    path_.store(path, std::memory_order_relaxed);
    owner_.learn(sentence);
    log_line(JL_LOG_INFO, "udp-mcast: " + sentence);
}

} // namespace joinleaf::udp_mcast
