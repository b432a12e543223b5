// SPDX-License-Identifier: Apache-2.0
#include "tcp.hpp"

#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace joinleaf::rdma::tcp {
namespace {

// The kernel's queue only has to hold what comes between two turns of the loop; the application's backlog is counted
// by the session layer.
constexpr int kernel_backlog = 4096;

bool get_flag(int fd, int level, int name) noexcept {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, level, name, &value, &size) == 0 && value != 0;
}

// SO_REUSEADDR passes over connections that are closed; live sockets do not carry it unless the application asked for
// it.
template <class Call> std::int32_t over_the_closed(int fd, const Call& call) noexcept {
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
    const int outcome = call() == 0 ? 0 : errno;
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, false);
    return jl_wsa_error(outcome);
}

template <class Call> std::int32_t with_second_try(int fd, bool may, const Call& call) noexcept {
    if (call() == 0) {
        return 0;
    }
    const int error = errno;
    const bool again = error == EADDRINUSE && may && !get_flag(fd, SOL_SOCKET, SO_REUSEADDR);
    return again ? over_the_closed(fd, call) : jl_wsa_error(error);
}

} // namespace

tl::expected<descriptor, std::int32_t> make(int family) {
    descriptor fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!fd) {
        return tl::unexpected(jl_wsa_error(errno));
    }
    set_flag(fd.get(), IPPROTO_TCP, TCP_NODELAY, true);
    if (family == AF_INET6) {
        set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, true);
    }
    return fd;
}

std::int32_t bind(int fd, const address& name) noexcept {
    // A port of the kernel's choice is to be nobody else's, a closed connection's neither: a connect from it could meet
    // its own past.
    const bool shared = name.port() == 0 && get_flag(fd, SOL_SOCKET, SO_REUSEADDR);
    if (shared) {
        set_flag(fd, SOL_SOCKET, SO_REUSEADDR, false);
    }
    const std::int32_t code =
        with_second_try(fd, name.port() != 0, [&] { return ::bind(fd, name.raw(), name.size); });
    if (shared) {
        set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
    }
    return code;
}

std::int32_t listen(int fd) noexcept {
    return with_second_try(fd, true, [fd] { return ::listen(fd, kernel_backlog); });
}

address local_name(int fd) noexcept {
    address out;
    socklen_t size = sizeof out.storage;
    out.size = ::getsockname(fd, out.raw(), &size) == 0 ? size : 0;
    return out;
}

address peer_name(int fd) noexcept {
    address out;
    socklen_t size = sizeof out.storage;
    out.size = ::getpeername(fd, out.raw(), &size) == 0 ? size : 0;
    return out;
}

void reset_on_close(int fd) noexcept {
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::int32_t set_flag(int fd, int level, int name, bool value) noexcept {
    const int number = value ? 1 : 0;
    return ::setsockopt(fd, level, name, &number, sizeof number) == 0 ? 0 : jl_wsa_error(errno);
}

bool is_settable(int level, int name) noexcept {
    switch (level) {
    case SOL_SOCKET:
        return name == SO_SNDBUF || name == SO_RCVBUF || name == SO_KEEPALIVE || name == SO_REUSEADDR ||
               name == SO_PRIORITY || name == SO_MARK || name == SO_BINDTODEVICE || name == SO_DONTROUTE;
    case IPPROTO_TCP: return name == TCP_NODELAY || name == TCP_USER_TIMEOUT;
    case IPPROTO_IP: return name == IP_TOS || name == IP_TTL;
    case IPPROTO_IPV6: return name == IPV6_TCLASS || name == IPV6_UNICAST_HOPS || name == IPV6_V6ONLY;
    default: return false;
    }
}

} // namespace joinleaf::rdma::tcp
