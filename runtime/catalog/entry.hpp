// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "joinleaf/provider.h"

#include <cstdint>

namespace joinleaf::catalog {

struct provider;

// One selectable protocol entry. All it points to lives as long as the catalog.
struct entry {
    DWORD id = 0; // dwCatalogEntryId: never 0, the same in every process with these names (CT-17)
    const provider* owner = nullptr;
    std::uint32_t protocol_index = 0; // into owner->table->protocols
    const jl_protocol* protocol = nullptr;
    WSAPROTOCOL_INFOW info{};
    DWORD offered_flags =
        0; // the WSA_FLAG_MULTIPOINT_* that it can carry and that `match` leaves (CT-61 ... CT-64)
};

// What socket creation asks for. family and type 0 stand for any; protocol 0 for the one that answers to it
// (CT-41).
struct query {
    int family = 0;
    int type = 0;
    int protocol = 0;
    DWORD flags = 0; // WSA_FLAG_*
};

} // namespace joinleaf::catalog
