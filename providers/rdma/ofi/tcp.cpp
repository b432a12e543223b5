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

} // namespace

tl::expected<descriptor, std::int32_t> make(int family) {
    descriptor fd;
    if (const std::int32_t code = provider::tcp::make(family, fd); code != 0) {
        return tl::unexpected(code);
    }
    set_flag(fd.get(), IPPROTO_TCP, TCP_NODELAY, true);
    return fd;
}

std::int32_t listen(int fd) noexcept {
    return provider::tcp::listen(fd, kernel_backlog);
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
