// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "joinleaf/provider.h"

#include <cstdint>
#include <string>

namespace joinleaf::rdma {

// An IPv4 or IPv6 socket address by value. A value type; safe from any thread like an int.
struct address {
    sockaddr_storage storage{};
    std::uint32_t size = 0; // bytes of storage in use; 0: none

    // Copies at most a sockaddr_storage.
    static address of(const sockaddr* name, std::uint32_t length) noexcept;

    [[nodiscard]] const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
    [[nodiscard]] sockaddr* raw() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] int family() const noexcept { return storage.ss_family; }
    [[nodiscard]] std::uint16_t port() const noexcept;

    // An IPv4 or IPv6 address as text, port 0; size 0: it is none.
    static address parse(const std::string& text) noexcept;

    // The same host with another port.
    [[nodiscard]] address with_port(std::uint16_t port) const noexcept;

    [[nodiscard]] bool is_any() const noexcept;

    // Whether one peer can be reached there: no any-, multicast or broadcast address, no port 0 (JL-07,
    // JL-08).
    [[nodiscard]] bool is_one_peer() const noexcept;

    // Copies it to name; *length is the room, then the length. WSAEFAULT: too little room.
    std::int32_t store(sockaddr* name, std::uint32_t* length) const noexcept;

    // "192.0.2.1:80", "[2001:db8::1]:80", "an unknown address".
    [[nodiscard]] std::string text() const;
};

// The any-address of a family, port 0.
address any_of(int family) noexcept;

} // namespace joinleaf::rdma
