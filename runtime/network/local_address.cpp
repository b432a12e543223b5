// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/local_address.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <joinleaf/provider.h>

#include "runtime/dispatch/descriptor.hpp"

namespace joinleaf::network {
namespace {

// A port for a connect that sends nothing: the kernel wants one other than 0 and asks nobody about it.
constexpr std::uint16_t discard_port = 9;

address with_port(address what, std::uint16_t port) noexcept {
    // Both families keep the port at the same place.
    reinterpret_cast<sockaddr_in&>(what.bytes).sin_port = htons(port);
    return what;
}

bool usable(const ifaddrs& one, int family) noexcept {
    return one.ifa_addr != nullptr && one.ifa_addr->sa_family == family && (one.ifa_flags & IFF_UP) != 0;
}

} // namespace

std::uint32_t address_length(int family) noexcept {
    switch (family) {
    case AF_INET: return sizeof(sockaddr_in);
    case AF_INET6: return sizeof(sockaddr_in6);
    default: return 0;
    }
}

address::address(const sockaddr& from) noexcept {
    std::memcpy(&bytes, &from, address_length(from.sa_family));
    *this = with_port(*this, 0);
}

std::uint32_t address::length() const noexcept {
    return address_length(bytes.ss_family);
}

bool address::operator==(const address& other) const noexcept {
    return bytes.ss_family == other.bytes.ss_family && std::memcmp(&bytes, &other.bytes, length()) == 0;
}

tl::expected<std::vector<address>, std::int32_t> local_addresses(int family) {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) {
        return tl::unexpected(jl_wsa_error(errno));
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, ::freeifaddrs);
    std::vector<address> others;
    std::vector<address> loopback;
    for (const auto* one = first; one != nullptr; one = one->ifa_next) {
        if (usable(*one, family)) {
            ((one->ifa_flags & IFF_LOOPBACK) != 0 ? loopback : others).emplace_back(*one->ifa_addr);
        }
    }
    others.insert(others.end(), loopback.begin(), loopback.end());
    return others;
}

tl::expected<address, std::int32_t> address_towards(const address& destination) {
    // Connecting a datagram socket is the kernel's own choice of route and source, and sends nothing.
    const dispatch::descriptor probe(::socket(destination.bytes.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto to = with_port(destination, discard_port);
    address found;
    socklen_t length = sizeof found.bytes;
    if (!probe || ::connect(probe.get(), to.get(), to.length()) != 0 ||
        ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&found.bytes), &length) != 0) {
        return tl::unexpected(jl_wsa_error(errno));
    }
    return with_port(found, 0);
}

} // namespace joinleaf::network
