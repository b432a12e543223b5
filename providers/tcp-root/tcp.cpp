// SPDX-License-Identifier: Apache-2.0
#include "tcp.hpp"

#include <cerrno>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root::tcp {
namespace {

bool get_flag(int fd, int level, int name) noexcept {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, level, name, &value, &size) == 0 && value != 0;
}

// SO_REUSEADDR on both ends passes over connections that are closed; live sockets do not carry it unless the
// application asked for it.
std::int32_t bind_over_the_closed(int fd, const address& name) noexcept {
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
    const int outcome = ::bind(fd, name.raw(), name.size) == 0 ? 0 : errno;
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, false);
    return jl_wsa_error(outcome);
}

std::int32_t bind_as_is(int fd, const address& name) noexcept {
    if (::bind(fd, name.raw(), name.size) == 0) {
        return 0;
    }
    const int error = errno;
    if (error == EADDRINUSE && name.port() != 0 && !get_flag(fd, SOL_SOCKET, SO_REUSEADDR)) {
        return bind_over_the_closed(fd, name);
    }
    return jl_wsa_error(error);
}

} // namespace

tl::expected<descriptor, std::int32_t> make(int family) {
    descriptor fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!fd) {
        return tl::unexpected(jl_wsa_error(errno));
    }
    if (family == AF_INET6) {
        set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, true);
    }
    return fd;
}

std::int32_t bind(int fd, const address& name) noexcept {
    // A port of the kernel's choice is to be nobody else's, a closed connection's neither: a connect from it
    // could meet its own past.
    const bool shared = name.port() == 0 && get_flag(fd, SOL_SOCKET, SO_REUSEADDR);
    if (shared) {
        set_flag(fd, SOL_SOCKET, SO_REUSEADDR, false);
    }
    const std::int32_t code = bind_as_is(fd, name);
    if (shared) {
        set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
    }
    return code;
}

std::int32_t listen(int fd, int backlog) noexcept {
    if (::listen(fd, backlog) == 0) {
        return 0;
    }
    const int error = errno;
    if (error != EADDRINUSE || get_flag(fd, SOL_SOCKET, SO_REUSEADDR)) {
        return jl_wsa_error(error);
    }
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
    const int outcome = ::listen(fd, backlog) == 0 ? 0 : errno;
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, false);
    return jl_wsa_error(outcome);
}

void retire(int fd) noexcept {
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
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

void dissolve(int fd) noexcept {
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    static_cast<void>(::connect(fd, &nobody, sizeof nobody));
}

void abort(descriptor fd) noexcept {
    if (fd) {
        const linger at_once{1, 0};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
}

std::int32_t set_flag(int fd, int level, int name, bool value) noexcept {
    const int number = value ? 1 : 0;
    return ::setsockopt(fd, level, name, &number, sizeof number) == 0 ? 0 : jl_wsa_error(errno);
}

std::int32_t take_error(int fd) noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? jl_wsa_error(error)
                                                                      : jl_wsa_error(errno);
}

int unsent(int fd) noexcept {
    int bytes = 0;
    if (::ioctl(fd, SIOCOUTQ, &bytes) != 0 || bytes == 0) {
        return 0;
    }
    // After a reset the kernel goes on counting what nobody will ever take.
    tcp_info state{};
    socklen_t size = sizeof state;
    const bool dead =
        ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &size) == 0 && state.tcpi_state == TCP_CLOSE;
    return dead ? 0 : bytes;
}

int unread(int fd) noexcept {
    int bytes = 0;
    return ::ioctl(fd, SIOCINQ, &bytes) == 0 ? bytes : 0;
}

std::uint64_t round_trip_ns(int fd) noexcept {
    tcp_info info{};
    socklen_t size = sizeof info;
    return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? std::uint64_t{info.tcpi_rtt} * 1000
                                                                      : 0;
}

} // namespace joinleaf::tcp_root::tcp
