// SPDX-License-Identifier: Apache-2.0
#include "socket_options.hpp"

#include "service.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

// Options that make sense for every connection of a session and hold no pointer, so that their bytes can be
// kept.
bool is_settable(int level, int name) noexcept {
    switch (level) {
    case SOL_SOCKET:
        return name == SO_SNDBUF || name == SO_RCVBUF || name == SO_KEEPALIVE || name == SO_REUSEADDR ||
               name == SO_PRIORITY || name == SO_MARK || name == SO_BINDTODEVICE || name == SO_DONTROUTE ||
               name == SO_BUSY_POLL || name == SO_MAX_PACING_RATE;
    case IPPROTO_TCP:
        return name == TCP_NODELAY || name == TCP_KEEPIDLE || name == TCP_KEEPINTVL || name == TCP_KEEPCNT ||
               name == TCP_USER_TIMEOUT || name == TCP_CONGESTION || name == TCP_MAXSEG ||
               name == TCP_NOTSENT_LOWAT;
    case IPPROTO_IP: return name == IP_TOS || name == IP_TTL;
    case IPPROTO_IPV6: return name == IPV6_TCLASS || name == IPV6_UNICAST_HOPS || name == IPV6_V6ONLY;
    default: return false;
    }
}

} // namespace

socket_options::socket_options() {
    const int on = 1;
    entry no_delay{IPPROTO_TCP, TCP_NODELAY, sizeof on, {}};
    std::memcpy(no_delay.value.data(), &on, sizeof on);
    entries_.push_back(no_delay);
}

void socket_options::inherit(const socket_options& parent) {
    const std::scoped_lock hold(mutex_, parent.mutex_);
    entries_ = parent.entries_;
    service_ = parent.service_;
}

std::int32_t socket_options::set(int fd, int level, int name, const void* value, std::uint32_t size) {
    entry next{level, name, size, {}};
    if (size > next.value.size()) {
        return WSAEINVAL;
    }
    if (const auto code = set_once(fd, level, name, value, size); code != 0) {
        return code;
    }
    std::memcpy(next.value.data(), value, size);
    keep(next);
    return 0;
}

std::int32_t socket_options::set_once(int fd, int level, int name, const void* value,
                                      std::uint32_t size) noexcept {
    if (!is_settable(level, name)) {
        return WSAENOPROTOOPT;
    }
    return ::setsockopt(fd, level, name, value, size) == 0 ? 0 : jl_wsa_error(errno);
}

void socket_options::keep(const entry& next) {
    const std::lock_guard hold(mutex_);
    const auto same = [&](const entry& e) { return e.level == next.level && e.name == next.name; };
    const auto found = std::ranges::find_if(entries_, same);
    if (found != entries_.end()) {
        *found = next;
    } else {
        entries_.push_back(next);
    }
}

void socket_options::keep_service(int family, ULONG type) {
    const std::lock_guard hold(mutex_);
    service_ = service{family, type};
}

void socket_options::apply(int fd) const noexcept {
    const std::lock_guard hold(mutex_);
    for (const entry& e : entries_) {
        ::setsockopt(fd, e.level, e.name, e.value.data(), e.size);
    }
    if (service_) {
        mark(fd, service_->family, service_->type);
    }
}

std::int32_t socket_options::get(int fd, int level, int name, void* value, std::uint32_t* size) noexcept {
    // The kernel's socket is a stream; the application's is a sequence of messages.
    if (level == SOL_SOCKET && name == SO_TYPE) {
        return provider::store_option(SOCK_SEQPACKET, value, size);
    }
    return ::getsockopt(fd, level, name, value, size) == 0 ? 0 : jl_wsa_error(errno);
}

} // namespace joinleaf::tcp_root
