// SPDX-License-Identifier: Apache-2.0
//
// The BSD options. Those about multicast act on the same state as the join and the controls (IO-29); of the
// others only those pass that cannot undo what this provider relies on.
#include "endpoint.hpp"
#include "membership_request.hpp"
#include "network_interface.hpp"
#include "option_value.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace joinleaf::udp_mcast {

namespace {

struct plain_option {
    std::int32_t level, name;
    bool settable;
};

// Carried by the kernel as they are; each value is an int but for the name in SO_BINDTODEVICE.
constexpr std::array plain_options{
    plain_option{SOL_SOCKET, SO_REUSEADDR, true},
    plain_option{SOL_SOCKET, SO_BROADCAST, true},
    plain_option{SOL_SOCKET, SO_RCVBUF, true},
    plain_option{SOL_SOCKET, SO_SNDBUF, true},
    plain_option{SOL_SOCKET, SO_DONTROUTE, true},
    plain_option{SOL_SOCKET, SO_PRIORITY, true},
    plain_option{SOL_SOCKET, SO_MARK, true},
    plain_option{SOL_SOCKET, SO_MAX_PACING_RATE, true},
    plain_option{SOL_SOCKET, SO_BUSY_POLL, true},
    plain_option{SOL_SOCKET, SO_REUSEPORT, true},
    plain_option{SOL_SOCKET, SO_BINDTODEVICE, true},
    plain_option{SOL_SOCKET, SO_TYPE, false},
    plain_option{SOL_SOCKET, SO_ERROR, false},
    plain_option{SOL_SOCKET, SO_PROTOCOL, false},
    plain_option{SOL_SOCKET, SO_DOMAIN, false},
    plain_option{IPPROTO_IP, IP_TTL, true},
    plain_option{IPPROTO_IP, IP_TOS, true},
    plain_option{IPPROTO_IP, IP_MTU_DISCOVER, true},
    plain_option{IPPROTO_IP, IP_MTU, false},
    plain_option{IPPROTO_IP, IP_FREEBIND, true},
    plain_option{IPPROTO_IP, IP_MULTICAST_TTL, true},
    plain_option{IPPROTO_IP, IP_MULTICAST_IF, true},
    plain_option{IPPROTO_IPV6, IPV6_UNICAST_HOPS, true},
    plain_option{IPPROTO_IPV6, IPV6_TCLASS, true},
    plain_option{IPPROTO_IPV6, IPV6_MTU_DISCOVER, true},
    plain_option{IPPROTO_IPV6, IPV6_MTU, false},
    plain_option{IPPROTO_IPV6, IPV6_DONTFRAG, true},
    plain_option{IPPROTO_IPV6, IPV6_V6ONLY, true},
    plain_option{IPPROTO_IPV6, IPV6_MULTICAST_HOPS, true},
    plain_option{IPPROTO_IPV6, IPV6_MULTICAST_IF, true},
};

const plain_option* find_plain(std::int32_t level, std::int32_t name) noexcept {
    const auto* found = std::ranges::find_if(
        plain_options, [&](const auto& one) { return one.level == level && one.name == name; });
    return found == plain_options.end() ? nullptr : found;
}

bool is_loopback(std::int32_t level, std::int32_t option) noexcept {
    return (level == IPPROTO_IP && option == IP_MULTICAST_LOOP) ||
           (level == IPPROTO_IPV6 && option == IPV6_MULTICAST_LOOP);
}

bool is_interface(std::int32_t level, std::int32_t option) noexcept {
    return (level == IPPROTO_IP && option == IP_MULTICAST_IF) ||
           (level == IPPROTO_IPV6 && option == IPV6_MULTICAST_IF);
}

bool is_ttl(std::int32_t level, std::int32_t option) noexcept {
    return (level == IPPROTO_IP && option == IP_MULTICAST_TTL) ||
           (level == IPPROTO_IPV6 && option == IPV6_MULTICAST_HOPS);
}

} // namespace

std::int32_t endpoint::set_option(std::int32_t level, std::int32_t option, const void* value,
                                  std::uint32_t length) {
    let_go(); // what was sent before keeps what held then
    if (changes_membership(level, option)) {
        return set_membership(level, option, value, length);
    }
    if (is_loopback(level, option)) {
        const auto on = load_small(value, length);
        return on ? set_loopback(*on != 0) : WSAEFAULT;
    }
    if (is_interface(level, option)) {
        return set_multicast_interface(level, value, length);
    }
    if (is_ttl(level, option)) {
        return set_ttl(level, value, length);
    }
    const auto* const plain = find_plain(level, option);
    if (plain == nullptr || !plain->settable) {
        return WSAENOPROTOOPT;
    }
    if (length < sizeof(int) && option != SO_BINDTODEVICE) {
        return WSAEFAULT;
    }
    return ::setsockopt(fd_, level, option, value, length) == 0 ? 0 : jl_wsa_error(errno);
}

std::int32_t endpoint::set_membership(std::int32_t level, std::int32_t option, const void* value,
                                      std::uint32_t length) {
    auto request = decode_membership(level, option, value, length);
    if (!request) {
        return request.error();
    }
    // No interface named: the one of this socket, so that it is the same membership that a join makes.
    request->link = request->link == 0 ? link_ : request->link;
    if (!tells_groups_.load(std::memory_order_relaxed)) {
        if (const auto code = tell_groups(); code != 0) {
            return code;
        }
    }
    const int error = request->carry_out(groups_);
    return error == EADDRINUSE ? WSAEADDRNOTAVAIL : jl_wsa_error(error); // IO-28
}

std::int32_t endpoint::set_multicast_interface(std::int32_t level, const void* value, std::uint32_t length) {
    if (level == IPPROTO_IPV6) {
        const auto index = load<unsigned>(value, length);
        return !index ? WSAEFAULT : family_ == AF_INET6 ? use_link(*index) : WSAENOPROTOOPT;
    }
    const auto which = load<in_addr>(value, length);
    if (!which) {
        return WSAEFAULT;
    }
    if (family_ != AF_INET) {
        return WSAENOPROTOOPT;
    }
    const auto longer = load<ip_mreqn>(value, length); // Linux' form, with the interface's index
    const auto link = longer ? static_cast<unsigned>(longer->imr_ifindex) : named_interface(*which);
    if (!link) {
        return WSAEADDRNOTAVAIL;
    }
    const auto shown = longer ? longer->imr_address : *which;
    const bool is_index = ntohl(shown.s_addr) >> 24U == 0;
    const auto code = use_link(*link, is_index ? in_addr{} : shown);
    if (code == 0) {
        shown_link_ = shown;
    }
    return code;
}

std::int32_t endpoint::set_ttl(std::int32_t level, const void* value, std::uint32_t length) {
    const auto ttl = load_small(value, length);
    if (!ttl) {
        return WSAEFAULT;
    }
    if (*ttl < 0 || *ttl > 255) {
        return WSAEINVAL; // IO-27; the kernel would take -1 for its default
    }
    const int option = level == IPPROTO_IPV6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL;
    return ::setsockopt(fd_, level, option, &*ttl, sizeof *ttl) == 0 ? 0 : jl_wsa_error(errno);
}

std::int32_t endpoint::get_option(std::int32_t level, std::int32_t option, void* value,
                                  std::uint32_t* length) {
    if (is_loopback(level, option)) {
        const int on = groups_.filter().local_multicast ? 1 : 0;
        return store(&on, sizeof on, value, length);
    }
    if (level == IPPROTO_IP && option == IP_MULTICAST_IF && shown_link_.s_addr != INADDR_ANY) {
        return store(&shown_link_, sizeof shown_link_, value, length);
    }
    if (find_plain(level, option) == nullptr) {
        return WSAENOPROTOOPT;
    }
    socklen_t room = *length;
    if (::getsockopt(fd_, level, option, value, &room) != 0) {
        return jl_wsa_error(errno);
    }
    *length = room;
    if (level != SOL_SOCKET || room != sizeof(int)) {
        return 0;
    }
    int number = 0;
    std::memcpy(&number, value, sizeof number);
    if (option == SO_ERROR) {
        number = number == ECONNREFUSED ? WSAECONNRESET : jl_wsa_error(number);
    } else if (option == SO_RCVBUF || option == SO_SNDBUF) {
        number /= 2; // the kernel shows twice what was set, to have room for its own notes
    }
    std::memcpy(value, &number, sizeof number);
    return 0;
}

} // namespace joinleaf::udp_mcast
