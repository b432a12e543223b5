// SPDX-License-Identifier: Apache-2.0
#include "instance.hpp"

#include "endpoint.hpp"
#include "network_interface.hpp"

#include <fmt/format.h>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace joinleaf::udp_mcast {

namespace {

#ifndef IPV6_MULTICAST_ALL
constexpr int IPV6_MULTICAST_ALL = 29; // linux/in6.h, which does not go together with netinet/in.h
#endif

struct wanted_option {
    int level, name, value;
    const char* what;
};

tl::expected<void, refusal> set(int fd, const wanted_option& wanted) {
    if (::setsockopt(fd, wanted.level, wanted.name, &wanted.value, sizeof wanted.value) == 0) {
        return {};
    }
    const int error = errno;
    return tl::make_unexpected(refusal{jl_wsa_error(error), fmt::format("a new UDP socket cannot have {}: {}",
                                                                        wanted.what, std::strerror(error))});
}

tl::expected<void, refusal> set_interface(int fd, int family, unsigned link, const settings& options) {
    const int error = send_multicast_by(fd, family, link, options.source);
    if (error == 0) {
        return {};
    }
    return tl::make_unexpected(refusal{WSAENETDOWN, fmt::format("interface '{}' cannot be used: {}",
                                                                options.interface, std::strerror(error))});
}

} // namespace

tl::expected<unsigned, refusal> instance::link() const {
    if (options_.interface.empty()) {
        return 0U;
    }
    const unsigned index = ::if_nametoindex(options_.interface.c_str());
    if (index == 0) {
        return tl::make_unexpected(
            refusal{WSAENETDOWN, fmt::format("interface '{}' is gone", options_.interface)});
    }
    return index;
}

tl::expected<void, refusal> instance::prepare(int fd, int family) {
    // Without these a socket gets the datagrams of every group that anyone on this host has joined.
    constexpr wanted_option own_groups_four{IPPROTO_IP, IP_MULTICAST_ALL, 0, "only the groups it joined"};
    constexpr wanted_option own_groups_six{IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "only the groups it joined"};
    // Winsock's default; Linux would let an IPv6 socket take the IPv4 port of the same number.
    constexpr wanted_option six_only{IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPv6 alone"};
    const wanted_option ttl_four{IPPROTO_IP, IP_MULTICAST_TTL, options_.ttl, "that ttl"};
    const wanted_option ttl_six{IPPROTO_IPV6, IPV6_MULTICAST_HOPS, options_.ttl, "that ttl"};

    // A dual-stack socket takes the IPv4 settings too, once an application has switched IPV6_V6ONLY off.
    tl::expected<void, refusal> outcome = set(fd, own_groups_four);
    const auto then = [&](const wanted_option& wanted) { outcome = outcome ? set(fd, wanted) : outcome; };
    then(ttl_four);
    if (family == AF_INET6) {
        then(own_groups_six);
        then(six_only);
        then(ttl_six);
    }
    const auto index = link();
    if (outcome && index && *index != 0) {
        outcome = set_interface(fd, family, *index, options_);
    }
    if (!index) {
        return tl::make_unexpected(index.error());
    }
    set_buffer(fd, "rcvbuf", SO_RCVBUF, SO_RCVBUFFORCE, options_.receive_buffer);
    set_buffer(fd, "sndbuf", SO_SNDBUF, SO_SNDBUFFORCE, options_.send_buffer);
    return outcome;
}

// A smaller buffer than asked for is no reason to refuse a socket, and no reason to be silent.
void instance::set_buffer(int fd, const char* key, int option, int forced, int bytes) {
    if (bytes == 0) {
        return;
    }
    if (::setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0) {
        ::setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
    }
    int doubled = 0;
    socklen_t length = sizeof doubled;
    ::getsockopt(fd, SOL_SOCKET, option, &doubled, &length);
    if (doubled / 2 < bytes && !told_short_buffer_.exchange(true)) {
        log_line(JL_LOG_WARNING,
                 fmt::format("udp-mcast: {} of {} bytes asked, the kernel gave {}; the sysctl net.core.{} "
                             "limits it",
                             key, bytes, doubled / 2, option == SO_RCVBUF ? "rmem_max" : "wmem_max"));
    }
}

// A lost fragment loses the whole datagram, and routers drop fragments of multicast first. On the loopback
// interface nothing is lost so.
void instance::keep_whole(int fd, int family) const {
    const auto index = link();
    if (options_.fragment || (index && *index != 0 && is_loopback(*index))) {
        return;
    }
    constexpr int whole = IP_PMTUDISC_DO;
    constexpr int yes = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole);
    if (family == AF_INET6) {
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &whole, sizeof whole);
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, &yes, sizeof yes);
    }
}

std::int32_t instance::open(jl_handle* handle, jl_open& open, endpoint*& made) {
    // Blocking: each call says itself whether it waits, and only rx_wait does.
    provider::descriptor fd(::socket(open.family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!fd) {
        return jl_wsa_error(errno);
    }
    if (const auto prepared = prepare(fd.get(), open.family); !prepared) {
        explain(prepared.error().sentence);
        return prepared.error().code;
    }
    const bool multipoint = (open.flags & WSA_FLAG_MULTIPOINT_C_LEAF) != 0;
    if (multipoint) {
        keep_whole(fd.get(), open.family);
    }
    auto fresh = std::make_unique<endpoint>(*this, handle, fd.get(), open.family, multipoint);
    auto code = fresh->set_loopback(options_.loopback);
    code = code == 0 && multipoint ? fresh->tell_groups() : code;
    if (code != 0) {
        return code;
    }
    open.fd = fd.release();
    open.fd_kind = JL_FD_OWN;
    made = fresh.release();
    return 0;
}

} // namespace joinleaf::udp_mcast
