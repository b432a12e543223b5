// SPDX-License-Identifier: Apache-2.0
// Addresses as they are written on the command line.
#pragma once

#include "result.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace joinleaf::cli {

/// An IPv4 or IPv6 address with a port.
struct address {
    sockaddr_storage storage{};
    int length = 0;

    int family() const { return storage.ss_family; }
    const sockaddr* get() const;
    sockaddr* get();
    std::uint16_t port() const;
    void set_port(std::uint16_t port);
    bool is_multicast() const;

    /// "127.0.0.1:5000", "[ff02::1%lo]:5000"; a family other than these two by number.
    std::string text() const;
};

/// Reads "ADDR:PORT" or "[ADDR]:PORT"; host names are not looked up. status::usage.
result<address> parse_address(const std::string& text);

/// The any-address of a family, port 0.
address any_address(int family);

} // namespace joinleaf::cli
