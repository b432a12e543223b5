// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include <sys/socket.h>

#include <tl/expected.hpp>

namespace joinleaf::network {

// An address of the Internet families as a value; family AF_UNSPEC: none.
struct address {
    sockaddr_storage bytes{};

    address() = default;
    // Family and host part of an Internet address; the port becomes 0.
    explicit address(const sockaddr& from) noexcept;

    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&bytes); }
    [[nodiscard]] std::uint32_t length() const noexcept;
    bool operator==(const address& other) const noexcept;
};

// Bytes that a family's address takes: 0 for a family that is not one of the Internet.
std::uint32_t address_length(int family) noexcept;

// What a socket of this family can be bound to now: the addresses of links that are up, those of the loopback
// link last. WSAENOBUFS or the kernel's reason.
tl::expected<std::vector<address>, std::int32_t> local_addresses(int family);

// The local address that datagrams to this destination would leave from. WSAENETUNREACH, WSAEHOSTUNREACH,
// WSAENETDOWN, or the kernel's reason.
tl::expected<address, std::int32_t> address_towards(const address& destination);

} // namespace joinleaf::network
