// SPDX-License-Identifier: Apache-2.0
//
// Data and readiness of an ordinary TCP socket.
#include "stream.hpp"

#include "base.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

bool is_ready(int fd, short events) noexcept {
    pollfd one{fd, events, 0};
    return ::poll(&one, 1, 0) == 1;
}

// EV-42: a reset is a reset, a network that is down says so, everything else ended the connection from here.
std::int32_t end_code(int error) noexcept {
    switch (error) {
    case ECONNRESET:
    case EPIPE: return WSAECONNRESET;
    case ENETDOWN: return WSAENETDOWN;
    default: return WSAECONNABORTED;
    }
}

} // namespace

std::int32_t stream::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    std::array<iovec, tcp::parts_a_call> parts;
    std::size_t used = 0;
    std::uint32_t offered = 0;
    const bool urgent = (messages[0].flags & JL_MSG_OOB) != 0;
    for (; offered < count && used < parts.size(); ++offered) {
        if (offered != 0 && ((messages[offered].flags & JL_MSG_OOB) != 0 || urgent)) {
            break;
        }
        const auto more = parts_of(messages[offered])
                              .first(std::min<std::size_t>(messages[offered].iov_count, parts.size() - used));
        used = static_cast<std::size_t>(
            std::ranges::copy(more, parts.begin() + static_cast<std::ptrdiff_t>(used)).out - parts.begin());
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = used;
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL | (urgent ? MSG_OOB : 0));
    if (sent < 0) {
        return send_code(errno);
    }
    auto left = static_cast<std::size_t>(sent);
    do {
        jl_msg& next = messages[(*done)++];
        next.size = std::min(left, total(parts_of(next)));
        left -= next.size;
    } while (left != 0 && *done < offered);
    return 0;
}

std::int32_t stream::send_code(int error) const noexcept {
    if (error == EAGAIN) {
        return connected_ ? WSAEWOULDBLOCK : WSAENOTCONN;
    }
    if (!connected_) {
        return WSAENOTCONN;
    }
    if (error == EPIPE) {
        return shut_out_ ? WSAESHUTDOWN : WSAECONNRESET;
    }
    return jl_wsa_error(error);
}

std::int32_t stream::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    bool filled = true;
    while (*done < count && filled) {
        const std::int32_t code = receive(messages[*done], filled);
        if (code != 0) {
            *left = code == WSAEWOULDBLOCK ? JL_LEFT_NONE : JL_LEFT_SOME;
            return *done != 0 ? 0 : code;
        }
        ++*done;
    }
    return 0;
}

std::int32_t stream::receive(jl_msg& message, bool& filled) {
    const bool peek = (message.flags & JL_MSG_PEEK) != 0;
    const bool urgent = (message.flags & JL_MSG_OOB) != 0;
    msghdr kernel{};
    kernel.msg_iov = message.iov;
    kernel.msg_iovlen = message.iov_count;
    const std::size_t room = total(parts_of(message));
    const ssize_t got = ::recvmsg(fd_, &kernel, MSG_DONTWAIT | (peek ? MSG_PEEK : 0) | (urgent ? MSG_OOB : 0));
    if (got < 0) {
        const int error = errno;
        const bool passing = error == EAGAIN || error == ENOTCONN || error == EINVAL || error == EINTR;
        return passing ? (error == EINTR ? WSAEWOULDBLOCK : jl_wsa_error(error)) : note_end(end_code(error));
    }
    if (got == 0 && room != 0) {
        const std::int32_t ended = end_.load();
        return ended > 0 ? ended : WSAEDISCON;
    }
    filled = !peek && !urgent && static_cast<std::size_t>(got) == room && room != 0;
    message.size = static_cast<std::size_t>(got);
    message.flags = urgent ? JL_MSG_OOB : 0;
    if (message.addr != nullptr) {
        message.addr_len = 0;
    }
    return 0;
}

// The kernel tells an error once; every later call has to hear of it too.
std::int32_t stream::note_end(std::int32_t code) noexcept {
    end_ = code;
    return code;
}

std::int32_t stream::arm(std::uint32_t direction, std::int32_t* code) {
    switch (direction) {
    case JL_IN: return arm_in(code);
    case JL_OUT: return arm_out();
    case JL_ACCEPT: return arm_accept();
    case JL_OOB: return connected_ && is_ready(fd_, POLLPRI) ? JL_READY : JL_ARMED;
    default: return JL_ARMED;
    }
}

std::int32_t stream::arm_in(std::int32_t* code) {
    char first = 0;
    const ssize_t got = ::recv(fd_, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    const int error = errno;
    if (got > 0) {
        return JL_READY;
    }
    if (!connected_ || (got < 0 && (error == EAGAIN || error == ENOTCONN || error == EINTR))) {
        return JL_ARMED;
    }
    if (got < 0) {
        note_end(end_code(error));
    } else if (end_ < 0) {
        end_ = 0;
    }
    *code = end_;
    return JL_ENDED;
}

std::int32_t stream::arm_out() const {
    return connected_ && is_ready(fd_, POLLOUT) ? JL_READY : JL_ARMED;
}

std::int32_t stream::arm_accept() {
    for (;;) {
        request next;
        socklen_t size = address::room;
        next.fd.reset(::accept4(fd_, next.peer.raw(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (next.fd) {
            next.peer.size = size;
            offer(std::move(next));
            return JL_READY;
        }
        const int error = errno;
        if (tcp::is_shortage(error)) {
            // AC-17: the request is there; opening its socket says that no descriptor is left.
            next.peer = any_of(family_);
            offer(std::move(next));
            return JL_READY;
        }
        // Other errors belong to one connection that is gone already.
        if (error == EAGAIN || error == EINVAL || error == EBADF) {
            return JL_ARMED;
        }
    }
}

void stream::offer(request next) {
    jl_request told{};
    {
        const std::lock_guard hold(mutex_);
        requests_.push_back(std::move(next));
        told.request = &requests_.back();
    }
    const auto& queued = *static_cast<const request*>(told.request);
    told.struct_size = sizeof told;
    told.peer = queued.peer.raw();
    told.peer_len = queued.peer.size;
    host().accepted(handle(), &told);
}

} // namespace joinleaf::tcp_root
