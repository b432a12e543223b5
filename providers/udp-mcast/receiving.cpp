// SPDX-License-Identifier: Apache-2.0
//
// Receiving: a lone message is one system call in the caller's thread, an array is one too, and the datagrams
// of a super-packet are none each. Nothing here allocates.
#include "ancillary.hpp"
#include "endpoint.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace joinleaf::udp_mcast {

namespace {

// Messages per system call. The array of headers lies on the stack; beyond this the call's own cost no longer
// shows.
constexpr std::uint32_t batch = 64;

std::int32_t receive_code(int error) noexcept {
    return error == ECONNREFUSED ? WSAECONNRESET : jl_wsa_error(error);
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
    begin_receive();
    const auto queue = hold_queue();
    const bool peek = (messages[0].flags & JL_MSG_PEEK) != 0;
    std::int32_t code = 0;
    if (ahead_.on()) {
        if (count > 1 || peek || !next_is_lone()) {
            return receive_ahead(messages, peek ? 1 : count, peek, *done, *left);
        }
        if (code = receive_one(messages[0], 0); code == 0) {
            ahead_.note_taken();
            *done = 1;
        }
        return code;
    }
    if (count == 1 || peek) { // looking again would show the same message
        code = receive_one(messages[0], peek ? MSG_PEEK : 0);
        *done = code == 0 ? 1 : 0;
    } else {
        code = receive_many(messages, count, *done, *left);
    }
    if (code == WSAEWOULDBLOCK) {
        *left = JL_LEFT_NONE;
        ahead_.note(0, count);
    } else if (code == 0 && !peek) {
        ahead_.note(*done, count);
    }
    return code;
}

// Whether one system call gives the next message, with super-packets on.
bool endpoint::next_is_lone() const noexcept {
    return ahead_.is_lone() && !ahead_.holds() && !enveloped_ && circle_ == nullptr && postponed_error_ == 0;
}

// Hands one datagram out. 0 or an errno, and then it is still the next one.
int endpoint::take_ahead(jl_msg& message, bool peek) {
    if (!ahead_.holds()) {
        received_.add_call();
        if (const int error = ahead_.fetch(); error != 0) {
            return error;
        }
    }
    ahead_.copy_to(message);
    if (peek) {
        return 0;
    }
    const int error = ahead_.step();
    if (error == 0) {
        received_.add(message.size);
    }
    return error;
}

// An error that the kernel tells in the middle of an array is told by the next call.
std::int32_t endpoint::receive_ahead(jl_msg* messages, std::uint32_t count, bool peek, std::uint32_t& done,
                                     std::uint32_t& left) {
    int error = std::exchange(postponed_error_, 0);
    if (error == 0 && count > 1 && !enveloped_ && !ahead_.holds()) {
        done = hand_out({messages, count}, error);
    }
    while (done < count && error == 0) {
        const auto take = [&] {
            return enveloped_ ? take_enveloped(messages[done], peek) : take_ahead(messages[done], peek);
        };
        error = take();
        error = is_waved_through(error) ? take() : error;
        done += error == 0 ? 1 : 0;
    }
    left = ahead_.holds() || opened_.is_open() ? JL_LEFT_SOME
           : error == EAGAIN                   ? JL_LEFT_NONE
                                               : JL_LEFT_UNKNOWN;
    if (done == 0) {
        return receive_code(error);
    }
    postponed_error_ = error == EAGAIN ? 0 : error;
    return 0;
}

std::uint32_t endpoint::hand_out(std::span<jl_msg> messages, int& error) {
    const auto done = ahead_.hand_out(messages, error);
    if (done > 0) {
        received_.add_call();
    }
    for (const auto& one : messages.first(done)) {
        received_.add(one.size);
    }
    error = is_waved_through(error) ? 0 : error;
    return done;
}

// A blocked receive: as many system calls as a bare one. Runs without the guard of the direction, so it touches
// nothing of it. With super-packets it only waits, and `rx` takes what has come.
std::int32_t endpoint::rx_wait(jl_msg* message, std::uint64_t timeout_ns) {
    begin_receive();
    const read_ahead::lone_wait alone(ahead_);
    const bool special = (message->flags & (JL_MSG_OOB | JL_MSG_PEEK)) != 0;
    const bool ahead = ahead_.on();
    if (special || (ahead ? ahead_.has_next() : !alone) || !keeps_waiting(timeout_ns)) {
        return WSAEWOULDBLOCK;
    }
    const auto wait = [&] { return ahead ? ahead_.await() : take_lone(*message, 0) < 0 ? errno : 0; };
    int error = wait();
    while (is_waved_through(error) || (error == EINTR && timeout_ns == 0)) {
        error = wait();
    }
    if (error != 0) {
        return error == EINTR ? WSAEWOULDBLOCK : receive_code(error);
    }
    if (no_receive_.load(std::memory_order_relaxed)) {
        return WSAESHUTDOWN;
    }
    if (ahead) {
        return WSAEWOULDBLOCK;
    }
    waited_messages_.fetch_add(1, std::memory_order_relaxed);
    waited_bytes_.fetch_add(message->size, std::memory_order_relaxed);
    ahead_.note_waited();
    return 0;
}

// The kernel keeps the time of its own calls, coarsely: who has to be exact looks at the clock afterwards.
bool endpoint::keeps_waiting(std::uint64_t timeout_ns) {
    if (patience_.load(std::memory_order_relaxed) == timeout_ns) {
        return true;
    }
    const auto microseconds = (timeout_ns + 999) / 1000;
    const timeval time{static_cast<time_t>(microseconds / 1'000'000),
                       static_cast<suseconds_t>(microseconds % 1'000'000)};
    if (::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0) {
        return false;
    }
    patience_.store(timeout_ns, std::memory_order_relaxed);
    return true;
}

// One message by the shortest call that tells what is asked for: recvmsg with its header and the kernel's notes takes
// 0.25 us more than recvfrom. Bytes, or -1 with errno.
ssize_t endpoint::take_lone(jl_msg& message, int flags) const noexcept {
    if (message.iov_count != 1 || tells_groups_.load(std::memory_order_relaxed)) {
        msghdr header;
        note_space notes;
        prepare_to_receive(message, header, notes);
        const auto got = ::recvmsg(fd_, &header, flags);
        if (got >= 0) {
            take_over(message, header, static_cast<std::size_t>(got));
        }
        return got;
    }
    const auto room = message.iov->iov_len;
    socklen_t length = message.addr == nullptr ? 0 : message.addr_len;
    const auto got = ::recvfrom(fd_, message.iov->iov_base, room, flags | MSG_TRUNC, message.addr, &length);
    if (got >= 0) {
        const auto whole = static_cast<std::size_t>(got); // MSG_TRUNC: also of what found no room
        message.flags = (message.flags & JL_MSG_PEEK) | (whole > room ? JL_MSG_CUT : 0U);
        message.size = std::min(whole, room);
        message.addr_len = message.addr == nullptr ? 0 : std::min(message.addr_len, length);
    }
    return got;
}

std::int32_t endpoint::receive_one(jl_msg& message, int flags) {
    auto got = take_lone(message, MSG_DONTWAIT | flags);
    if (got < 0 && is_waved_through(errno)) {
        got = take_lone(message, MSG_DONTWAIT | flags);
    }
    if (got < 0) {
        return receive_code(errno);
    }
    if (flags == 0) {
        received_.add(message.size);
        received_.add_call();
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
    received_.add_call();
    for (std::uint32_t i = 0; i < done; ++i) {
        take_over(messages[i], headers[i].msg_hdr, headers[i].msg_len);
        received_.add(headers[i].msg_len);
    }
    left = done < wanted ? JL_LEFT_NONE : JL_LEFT_UNKNOWN;
    return 0;
}

} // namespace joinleaf::udp_mcast
