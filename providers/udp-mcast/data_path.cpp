// SPDX-License-Identifier: Apache-2.0
//
// Sending and receiving: one message is one system call, an array goes to the kernel in as few as it takes.
// Nothing here allocates.
#include "endpoint.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace joinleaf::udp_mcast {

namespace {

// Messages per system call. The array of headers lies on the stack; beyond this the call's own cost no longer
// shows.
constexpr std::uint32_t batch = 64;

// Room for the destination of a datagram, in either family.
constexpr std::size_t note_room = CMSG_SPACE(sizeof(in6_pktinfo));
struct alignas(cmsghdr) note_space {
    std::array<char, note_room> bytes;
};

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

std::int32_t receive_code(int error) noexcept {
    return error == ECONNREFUSED ? WSAECONNRESET : jl_wsa_error(error);
}

// Linux sends what goes to the any-address to the loopback interface, and calls port 0 an invalid argument.
bool is_destination(const sockaddr* name, std::uint32_t length) noexcept {
    const auto to = address_from(name, length);
    return to.port() != 0 && !to.is_any();
}

bool is_group(const cmsghdr& note) noexcept {
    if (note.cmsg_level == IPPROTO_IP && note.cmsg_type == IP_PKTINFO) {
        in_pktinfo to{};
        std::memcpy(&to, CMSG_DATA(&note), sizeof to);
        return IN_MULTICAST(ntohl(to.ipi_addr.s_addr));
    }
    if (note.cmsg_level == IPPROTO_IPV6 && note.cmsg_type == IPV6_PKTINFO) {
        in6_pktinfo to{};
        std::memcpy(&to, CMSG_DATA(&note), sizeof to);
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&to.ipi6_addr) && (to.ipi6_addr.s6_addr[12] & 0xf0U) == 0xe0U;
        return mapped || IN6_IS_ADDR_MULTICAST(&to.ipi6_addr);
    }
    return false;
}

bool came_to_group(msghdr& header) noexcept {
    for (auto* note = CMSG_FIRSTHDR(&header); note != nullptr; note = CMSG_NXTHDR(&header, note)) {
        if (is_group(*note)) {
            return true;
        }
    }
    return false;
}

void prepare_to_receive(const jl_msg& message, msghdr& header, note_space& notes) noexcept {
    header.msg_name = message.addr;
    header.msg_namelen = message.addr == nullptr ? 0 : message.addr_len;
    header.msg_iov = message.iov;
    header.msg_iovlen = message.iov_count;
    header.msg_control = notes.bytes.data();
    header.msg_controllen = notes.bytes.size();
    header.msg_flags = 0;
}

void take_over(jl_msg& message, msghdr& header, std::size_t size) noexcept {
    const auto cut = (header.msg_flags & MSG_TRUNC) != 0 ? JL_MSG_CUT : 0U;
    const auto group = came_to_group(header) ? JL_MSG_GROUP : 0U;
    message.flags = (message.flags & JL_MSG_PEEK) | cut | group;
    message.size = size;
    message.addr_len = message.addr == nullptr ? 0 : std::min(message.addr_len, header.msg_namelen);
}

} // namespace

// With SIO_UDP_CONNRESET off an application does not want to hear that a datagram found no one.
bool endpoint::is_waved_through(int error) const noexcept {
    return error == ECONNREFUSED && !tell_resets_.load(std::memory_order_relaxed);
}

std::int32_t endpoint::prepare_to_send(const jl_msg& message, msghdr& header) const {
    if ((message.flags & (JL_MSG_OOB | JL_MSG_PART)) != 0) {
        return WSAEOPNOTSUPP;
    }
    header.msg_name = message.addr;
    header.msg_namelen = message.addr_len;
    if (message.addr == nullptr) {
        header.msg_name = destination_ ? const_cast<sockaddr*>(&destination_.any) : nullptr;
        header.msg_namelen = destination_.length;
    } else if (!is_destination(message.addr, message.addr_len)) {
        return WSAEADDRNOTAVAIL;
    }
    header.msg_iov = message.iov;
    header.msg_iovlen = message.iov_count;
    header.msg_control = source_note_length_ == 0 ? nullptr : const_cast<char*>(source_note_.data());
    header.msg_controllen = source_note_length_;
    header.msg_flags = 0;
    return 0;
}

std::int32_t endpoint::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    if (no_send_.load(std::memory_order_relaxed)) {
        return WSAESHUTDOWN;
    }
    if (count != 1) {
        return send_many(messages, count, *done);
    }
    const auto code = send_one(messages[0]);
    *done = code == 0 ? 1 : 0;
    return code;
}

std::int32_t endpoint::send_one(jl_msg& message) {
    msghdr header;
    if (const auto code = prepare_to_send(message, header); code != 0) {
        return code;
    }
    auto sent = ::sendmsg(fd_, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    // The error belonged to an earlier datagram and is told once; this one was not sent yet.
    if (sent < 0 && is_waved_through(errno)) {
        sent = ::sendmsg(fd_, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (sent < 0) {
        return send_code(errno);
    }
    message.size = static_cast<std::size_t>(sent);
    sent_.add(message.size);
    return 0;
}

std::int32_t endpoint::send_many(jl_msg* messages, std::uint32_t count, std::uint32_t& done) {
    std::array<mmsghdr, batch> headers;
    while (done < count) {
        const auto wanted = std::min(count - done, batch);
        std::uint32_t ready = 0;
        std::int32_t code = 0;
        while (ready < wanted && code == 0) {
            code = prepare_to_send(messages[done + ready], headers[ready].msg_hdr);
            ready += code == 0 ? 1 : 0;
        }
        int sent = 0;
        if (ready > 0) {
            sent = ::sendmmsg(fd_, headers.data(), ready, MSG_DONTWAIT | MSG_NOSIGNAL);
            code = sent < 0 ? send_code(errno) : code;
        }
        for (int i = 0; i < sent; ++i, ++done) {
            messages[done].size = headers[static_cast<std::size_t>(i)].msg_len;
            sent_.add(messages[done].size);
        }
        if (sent < static_cast<int>(wanted)) {
            return done > 0 ? 0 : code;
        }
    }
    return 0;
}

std::int32_t endpoint::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    if (no_receive_.load(std::memory_order_relaxed)) {
        return WSAESHUTDOWN;
    }
    if (count == 0) {
        return 0;
    }
    if ((messages[0].flags & JL_MSG_OOB) != 0) {
        return WSAEOPNOTSUPP;
    }
    const bool peek = (messages[0].flags & JL_MSG_PEEK) != 0;
    std::int32_t code = 0;
    if (count == 1 || peek) { // looking again would show the same message
        code = receive_one(messages[0], peek ? MSG_PEEK : 0);
        *done = code == 0 ? 1 : 0;
    } else {
        code = receive_many(messages, count, *done, *left);
    }
    *left = code == WSAEWOULDBLOCK ? JL_LEFT_NONE : *left;
    return code;
}

std::int32_t endpoint::receive_one(jl_msg& message, int flags) {
    msghdr header;
    note_space notes;
    prepare_to_receive(message, header, notes);
    auto got = ::recvmsg(fd_, &header, MSG_DONTWAIT | flags);
    if (got < 0 && is_waved_through(errno)) {
        got = ::recvmsg(fd_, &header, MSG_DONTWAIT | flags);
    }
    if (got < 0) {
        return receive_code(errno);
    }
    take_over(message, header, static_cast<std::size_t>(got));
    if (flags == 0) {
        received_.add(message.size);
    }
    return 0;
}

// One system call also for an array: a second one could only lose an error that the first left behind.
std::int32_t endpoint::receive_many(jl_msg* messages, std::uint32_t count, std::uint32_t& done,
                                    std::uint32_t& left) {
    std::array<mmsghdr, batch> headers;
    std::array<note_space, batch> notes;
    const auto wanted = std::min(count, batch);
    for (std::uint32_t i = 0; i < wanted; ++i) {
        prepare_to_receive(messages[i], headers[i].msg_hdr, notes[i]);
    }
    int got = ::recvmmsg(fd_, headers.data(), wanted, MSG_DONTWAIT, nullptr);
    if (got < 0 && is_waved_through(errno)) {
        got = ::recvmmsg(fd_, headers.data(), wanted, MSG_DONTWAIT, nullptr);
    }
    if (got < 0) {
        return receive_code(errno);
    }
    done = static_cast<std::uint32_t>(got);
    for (std::uint32_t i = 0; i < done; ++i) {
        take_over(messages[i], headers[i].msg_hdr, headers[i].msg_len);
        received_.add(headers[i].msg_len);
    }
    left = done < wanted ? JL_LEFT_NONE : JL_LEFT_UNKNOWN;
    return 0;
}

} // namespace joinleaf::udp_mcast
