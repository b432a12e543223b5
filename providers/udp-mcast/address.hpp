// SPDX-License-Identifier: Apache-2.0
//
// A socket address of either family as a value. Every function is [any].
#pragma once

#include <joinleaf/provider.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace joinleaf::udp_mcast {

// length 0: no address. The bytes beyond length are zero.
struct address {
    union {
        sockaddr any;
        sockaddr_in four;
        sockaddr_in6 six{};
    };
    socklen_t length = 0;

    [[nodiscard]] explicit operator bool() const noexcept { return length != 0; }
    [[nodiscard]] int family() const noexcept { return any.sa_family; }

    // In host byte order.
    [[nodiscard]] std::uint16_t port() const noexcept;
    void set_port(std::uint16_t port) noexcept;

    // The link an IPv6 address names, 0 for none and for IPv4.
    [[nodiscard]] unsigned scope() const noexcept { return family() == AF_INET6 ? six.sin6_scope_id : 0; }

    [[nodiscard]] bool is_any() const noexcept;
    [[nodiscard]] bool is_multicast() const noexcept;

    // Host parts are equal; port and scope are not looked at.
    [[nodiscard]] bool same_host(const address& other) const noexcept;

    // "239.1.2.3" or "ff15::1%2"; with_port: "239.1.2.3:5000", "[ff15::1%2]:5000".
    [[nodiscard]] std::string text(bool with_port = false) const;
};

// Copies what fits; name may be unaligned.
address address_from(const sockaddr* name, std::size_t length) noexcept;

// The any-address of a family (AF_INET, AF_INET6) with a port.
address any_address(int family, std::uint16_t port) noexcept;

// An IPv4 address without port.
address address_of(in_addr host) noexcept;

// A numeric address of either family, without port; nothing for other text.
std::optional<address> parse_address(std::string_view text);

} // namespace joinleaf::udp_mcast
