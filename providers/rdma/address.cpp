// SPDX-License-Identifier: Apache-2.0
#include "address.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

sockaddr_in as_v4(const address& a) noexcept {
    sockaddr_in out{};
    std::memcpy(&out, &a.storage, sizeof out);
    return out;
}

sockaddr_in6 as_v6(const address& a) noexcept {
    sockaddr_in6 out{};
    std::memcpy(&out, &a.storage, sizeof out);
    return out;
}

bool is_one_v4(std::uint32_t host_order) noexcept {
    return host_order != INADDR_ANY && host_order != INADDR_BROADCAST && !IN_MULTICAST(host_order);
}

bool is_one_v6(const in6_addr& a) noexcept {
    if (IN6_IS_ADDR_V4MAPPED(&a)) {
        std::uint32_t inner = 0;
        std::memcpy(&inner, a.s6_addr + 12, sizeof inner);
        return is_one_v4(ntohl(inner));
    }
    return !IN6_IS_ADDR_UNSPECIFIED(&a) && !IN6_IS_ADDR_MULTICAST(&a);
}

} // namespace

address address::of(const sockaddr* name, std::uint32_t length) noexcept {
    address out;
    out.size = std::min<std::uint32_t>(length, sizeof out.storage);
    std::memcpy(&out.storage, name, out.size);
    return out;
}

address address::parse(const std::string& text) noexcept {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
        return of(reinterpret_cast<const sockaddr*>(&four), sizeof four);
    }
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    const bool is_six = ::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1;
    return is_six ? of(reinterpret_cast<const sockaddr*>(&six), sizeof six) : address{};
}

std::uint16_t address::port() const noexcept {
    switch (family()) {
    case AF_INET: return ntohs(as_v4(*this).sin_port);
    case AF_INET6: return ntohs(as_v6(*this).sin6_port);
    default: return 0;
    }
}

address address::with_port(std::uint16_t port) const noexcept {
    address out = *this;
    const std::uint16_t ordered = htons(port);
    const std::size_t at =
        family() == AF_INET6 ? offsetof(sockaddr_in6, sin6_port) : offsetof(sockaddr_in, sin_port);
    std::memcpy(reinterpret_cast<char*>(&out.storage) + at, &ordered, sizeof ordered);
    return out;
}

bool address::is_any() const noexcept {
    if (family() == AF_INET) {
        return as_v4(*this).sin_addr.s_addr == htonl(INADDR_ANY);
    }
    const auto in6 = as_v6(*this);
    return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
}

bool address::is_one_peer() const noexcept {
    if (port() == 0) {
        return false;
    }
    return family() == AF_INET ? is_one_v4(ntohl(as_v4(*this).sin_addr.s_addr))
                               : is_one_v6(as_v6(*this).sin6_addr);
}

std::int32_t address::store(sockaddr* name, std::uint32_t* length) const noexcept {
    if (*length < size) {
        return WSAEFAULT;
    }
    std::memcpy(name, &storage, size);
    *length = size;
    return 0;
}

std::string address::text() const {
    std::array<char, INET6_ADDRSTRLEN> host{};
    if (family() == AF_INET) {
        const auto in = as_v4(*this);
        ::inet_ntop(AF_INET, &in.sin_addr, host.data(), host.size());
        return fmt::format("{}:{}", host.data(), port());
    }
    if (family() == AF_INET6) {
        const auto in6 = as_v6(*this);
        ::inet_ntop(AF_INET6, &in6.sin6_addr, host.data(), host.size());
        return fmt::format("[{}]:{}", host.data(), port());
    }
    return "an unknown address";
}

address any_of(int family) noexcept {
    address out;
    out.storage.ss_family = static_cast<sa_family_t>(family);
    out.size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    return out;
}

} // namespace joinleaf::rdma
