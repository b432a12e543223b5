// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include <joinleaf/mswsock.h>

namespace joinleaf::socket {

// A piece of the application's buffer that AcceptEx fills with an address, and GetAcceptExSockaddrs reads.
using address_block = std::span<char>;

// Where AcceptEx puts the two addresses of a connection.
struct address_blocks {
    address_block local;
    address_block remote;
};

// As much of the address as there is room for. An address that is none has length 0.
void store_address(address_block to, const sockaddr* name, std::uint32_t length) noexcept;

// Null where the block is too small for one; the length is at most what the block holds.
sockaddr* find_address(address_block in, int& length) noexcept;

} // namespace joinleaf::socket
