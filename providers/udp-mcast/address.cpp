// SPDX-License-Identifier: Apache-2.0
#include "address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace joinleaf::udp_mcast {

std::uint16_t address::port() const noexcept {
    return ntohs(family() == AF_INET6 ? six.sin6_port : four.sin_port);
}

void address::set_port(std::uint16_t port) noexcept {
    (family() == AF_INET6 ? six.sin6_port : four.sin_port) = htons(port);
}

bool address::is_any() const noexcept {
    return family() == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr) : four.sin_addr.s_addr == INADDR_ANY;
}

bool address::is_multicast() const noexcept {
    return family() == AF_INET6 ? IN6_IS_ADDR_MULTICAST(&six.sin6_addr)
                                : IN_MULTICAST(ntohl(four.sin_addr.s_addr));
}

bool address::same_host(const address& other) const noexcept {
    if (family() != other.family()) {
        return false;
    }
    return family() == AF_INET6 ? std::memcmp(&six.sin6_addr, &other.six.sin6_addr, sizeof six.sin6_addr) == 0
                                : four.sin_addr.s_addr == other.four.sin_addr.s_addr;
}

std::string address::text(bool with_port) const {
    std::array<char, INET6_ADDRSTRLEN> host{};
    if (family() == AF_INET) {
        ::inet_ntop(AF_INET, &four.sin_addr, host.data(), host.size());
        return with_port ? fmt::format("{}:{}", host.data(), port()) : host.data();
    }
    ::inet_ntop(AF_INET6, &six.sin6_addr, host.data(), host.size());
    const auto scoped = scope() != 0 ? fmt::format("{}%{}", host.data(), scope()) : std::string(host.data());
    return with_port ? fmt::format("[{}]:{}", scoped, port()) : scoped;
}

address address_from(const sockaddr* name, std::size_t length) noexcept {
    address made;
    made.length = static_cast<socklen_t>(std::min(length, sizeof made.six));
    std::memcpy(&made.six, name, made.length);
    return made;
}

address any_address(int family, std::uint16_t port) noexcept {
    address made;
    made.any.sa_family = static_cast<sa_family_t>(family);
    made.length = family == AF_INET6 ? sizeof made.six : sizeof made.four;
    made.set_port(port);
    return made;
}

address address_of(in_addr host) noexcept {
    auto made = any_address(AF_INET, 0);
    made.four.sin_addr = host;
    return made;
}

std::optional<address> parse_address(std::string_view text) {
    const std::string terminated(text);
    auto made = any_address(AF_INET, 0);
    if (::inet_pton(AF_INET, terminated.c_str(), &made.four.sin_addr) == 1) {
        return made;
    }
    made = any_address(AF_INET6, 0);
    if (::inet_pton(AF_INET6, terminated.c_str(), &made.six.sin6_addr) == 1) {
        return made;
    }
    return std::nullopt;
}

} // namespace joinleaf::udp_mcast
