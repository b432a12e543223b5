// SPDX-License-Identifier: Apache-2.0
//
// The kernel's TCP sockets, with ports as Windows has them: an address is taken while a live socket holds it, and free when
// only closed connections (TIME_WAIT) do. Nothing blocks; every function is [any]; codes are Winsock's.
#pragma once

#include "../provider.hpp"
#include "address.hpp"

#include <cerrno>
#include <cstdint>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace joinleaf::provider::tcp {

// 0 or the code of the kernel's error.
inline std::int32_t set_flag(int fd, int level, int name, bool value) noexcept {
    const int number = value ? 1 : 0;
    return ::setsockopt(fd, level, name, &number, sizeof number) == 0 ? 0 : jl_wsa_error(errno);
}
[[nodiscard]] inline bool get_flag(int fd, int level, int name) noexcept {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, level, name, &value, &size) == 0 && value != 0;
}

namespace detail {

// SO_REUSEADDR on both ends passes over connections that are closed; live sockets do not carry it unless the application
// asked for it.
template <class Call> std::int32_t passing_over_the_closed(int fd, bool may, const Call& call) noexcept {
    if (call() == 0) {
        return 0;
    }
    const int error = errno;
    if (error != EADDRINUSE || !may || get_flag(fd, SOL_SOCKET, SO_REUSEADDR)) {
        return jl_wsa_error(error);
    }
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
    const int outcome = call() == 0 ? 0 : errno;
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, false);
    return jl_wsa_error(outcome);
}

} // namespace detail

// A nonblocking socket, closed by exec. IPv6 sockets serve IPv6 only, as on Windows, until IPV6_V6ONLY is cleared. 0;
// WSAEMFILE, WSAENOBUFS, WSAEAFNOSUPPORT.
[[nodiscard]] inline std::int32_t make(int family, descriptor& out) noexcept {
    out.reset(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!out) {
        return jl_wsa_error(errno);
    }
    return family == AF_INET6 ? set_flag(out.get(), IPPROTO_IPV6, IPV6_V6ONLY, true) : 0;
}

// Lets `bind` and `listen` have the local address again although the connection lingers.
inline void retire(int fd) noexcept {
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
}

// 0; WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEACCES.
inline std::int32_t bind(int fd, const address& name) noexcept {
    // A port of the kernel's choice is to be nobody else's, a closed connection's neither: a connect from it could meet
    // its own past.
    const bool shared = name.port() == 0 && get_flag(fd, SOL_SOCKET, SO_REUSEADDR);
    if (shared) {
        set_flag(fd, SOL_SOCKET, SO_REUSEADDR, false);
    }
    const std::int32_t code = detail::passing_over_the_closed(
        fd, name.port() != 0, [&] { return ::bind(fd, name.raw(), name.size); });
    if (shared) {
        set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
    }
    return code;
}

// 0; WSAEADDRINUSE and what bind answers, for a socket that is not bound.
inline std::int32_t listen(int fd, int backlog) noexcept {
    return detail::passing_over_the_closed(fd, true, [=] { return ::listen(fd, backlog); });
}

// Size 0: the kernel does not say.
[[nodiscard]] inline address local_name(int fd) noexcept {
    address out;
    socklen_t size = address::room;
    out.size = ::getsockname(fd, out.raw(), &size) == 0 ? size : 0;
    return out;
}
[[nodiscard]] inline address peer_name(int fd) noexcept {
    address out;
    socklen_t size = address::room;
    out.size = ::getpeername(fd, out.raw(), &size) == 0 ? size : 0;
    return out;
}

// The peer sees a reset when the descriptor is closed.
inline void reset_on_close(int fd) noexcept {
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

} // namespace joinleaf::provider::tcp
