// SPDX-License-Identifier: Apache-2.0
#include "tcp.hpp"

#include <cerrno>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root::tcp {

bool is_shortage(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

tl::expected<descriptor, std::int32_t> make(int family) {
    descriptor fd;
    if (const std::int32_t code = provider::tcp::make(family, fd); code != 0) {
        return tl::unexpected(code);
    }
    return fd;
}

void dissolve(int fd) noexcept {
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    static_cast<void>(::connect(fd, &nobody, sizeof nobody));
}

void abort(descriptor fd) noexcept {
    if (fd) {
        provider::tcp::reset_on_close(fd.get());
    }
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
