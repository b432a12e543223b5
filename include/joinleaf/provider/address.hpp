// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../provider.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace joinleaf::provider {

// An IPv4 or IPv6 socket address by value; safe from any thread like an int.
struct address {
    union {
        sockaddr any;
        sockaddr_in four;
        sockaddr_in6 six{}; // the longest of them
    };
    std::uint32_t size = 0; // bytes in use; 0: none. Those beyond are zero.

    // For calls that write an address.
    static constexpr std::uint32_t room = sizeof(sockaddr_in6);

    // Copies at most `room` bytes; name may be unaligned.
    static address of(const sockaddr* name, std::size_t length) noexcept {
        address out;
        out.size = static_cast<std::uint32_t>(std::min<std::size_t>(length, room));
        std::memcpy(&out.six, name, out.size);
        return out;
    }

    // A numeric IPv4 or IPv6 address, port 0; size 0: the text is none.
    static address parse(const std::string& text) noexcept;

    [[nodiscard]] const sockaddr* raw() const noexcept { return &any; }
    [[nodiscard]] sockaddr* raw() noexcept { return &any; }
    [[nodiscard]] int family() const noexcept { return any.sa_family; }

    // In host byte order; 0 for another family.
    [[nodiscard]] std::uint16_t port() const noexcept {
        switch (family()) {
        case AF_INET: return ntohs(four.sin_port);
        case AF_INET6: return ntohs(six.sin6_port);
        default: return 0;
        }
    }
    // The same host with another port.
    [[nodiscard]] address with_port(std::uint16_t port) const noexcept {
        address out = *this;
        (family() == AF_INET6 ? out.six.sin6_port : out.four.sin_port) = htons(port);
        return out;
    }

    [[nodiscard]] bool is_any() const noexcept {
        return family() == AF_INET ? four.sin_addr.s_addr == htonl(INADDR_ANY)
                                   : family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr);
    }
    [[nodiscard]] bool is_multicast() const noexcept {
        return family() == AF_INET ? IN_MULTICAST(ntohl(four.sin_addr.s_addr))
                                   : family() == AF_INET6 && IN6_IS_ADDR_MULTICAST(&six.sin6_addr);
    }
    // Whether one peer can be reached there: no any-, multicast or broadcast address, no port 0 (JL-07, JL-08).
    [[nodiscard]] bool is_one_peer() const noexcept;

    // Copies it to name; *length is the room, then the length. WSAEFAULT: too little room.
    std::int32_t store(sockaddr* name, std::uint32_t* length) const noexcept {
        if (*length < size) {
            return WSAEFAULT;
        }
        std::memcpy(name, &six, size);
        *length = size;
        return 0;
    }

    // "192.0.2.1:80", "[2001:db8::1]:80", "an unknown address".
    [[nodiscard]] std::string text() const;
};

// The any-address of a family, port 0.
inline address any_of(int family) noexcept {
    address out;
    out.any.sa_family = static_cast<sa_family_t>(family);
    out.size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    return out;
}

inline address address::parse(const std::string& text) noexcept {
    address out = any_of(AF_INET);
    if (::inet_pton(AF_INET, text.c_str(), &out.four.sin_addr) == 1) {
        return out;
    }
    out = any_of(AF_INET6);
    return ::inet_pton(AF_INET6, text.c_str(), &out.six.sin6_addr) == 1 ? out : address{};
}

inline bool address::is_one_peer() const noexcept {
    const auto is_one_host = [](std::uint32_t host_order) {
        return host_order != INADDR_ANY && host_order != INADDR_BROADCAST && !IN_MULTICAST(host_order);
    };
    if (port() == 0) {
        return false;
    }
    if (family() == AF_INET) {
        return is_one_host(ntohl(four.sin_addr.s_addr));
    }
    if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
        std::uint32_t inner = 0;
        std::memcpy(&inner, six.sin6_addr.s6_addr + 12, sizeof inner);
        return is_one_host(ntohl(inner));
    }
    return !IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr) && !IN6_IS_ADDR_MULTICAST(&six.sin6_addr);
}

inline std::string address::text() const {
    std::array<char, INET6_ADDRSTRLEN> host{};
    switch (family()) {
    case AF_INET:
        ::inet_ntop(AF_INET, &four.sin_addr, host.data(), host.size());
        return std::string(host.data()) + ":" + std::to_string(port());
    case AF_INET6:
        ::inet_ntop(AF_INET6, &six.sin6_addr, host.data(), host.size());
        return "[" + std::string(host.data()) + "]:" + std::to_string(port());
    default: return "an unknown address";
    }
}

} // namespace joinleaf::provider
