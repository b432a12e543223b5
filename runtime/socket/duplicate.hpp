// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include <joinleaf/provider.h>

namespace joinleaf::socket {

// What a ticket of WSADuplicateSocket stands for: an open SOCKET, and the identity of what that number named then.
struct claim {
    SOCKET number;
    std::uint64_t identity;
};

// A ticket for dwProviderReserved of a WSAPROTOCOL_INFO, good for one duplicate (LC-18); never 0. [any]
DWORD make_ticket(const claim& of);

// Uses a ticket up; nothing: it was used before, or what it stood for is closed. [any]
std::optional<claim> use_ticket(DWORD ticket);

// Forgets what was never used. [any]
void forget_tickets(std::uint64_t identity);

} // namespace joinleaf::socket
