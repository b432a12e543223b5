// SPDX-License-Identifier: Apache-2.0
//
// Which entry fits a query, and why not: the rules CT-40 ... CT-49 and CT-61 ... CT-69 in one place. Nothing
// here allocates. All functions are [any].
#pragma once

#include "runtime/catalog/entry.hpp"
#include "runtime/catalog/narrowing.hpp"

#include "joinleaf/provider.h"

namespace joinleaf::catalog {

// What keeps an entry from a query, in the order in which it is looked at.
// listing: the provider's `entries` leave it out.
enum class obstacle { none, listing, type, family, protocol, ordinary, flags };

struct hindrance {
    obstacle what = obstacle::none;
    bool by_match = false; // the provider could, its configuration excludes it
};

// The multipoint flags of socket creation that an entry with these attributes can carry (CT-61 ... CT-64,
// CT-67).
DWORD carried_flags(const jl_protocol& row);

// Only known bits, and of the multipoint ones either none or exactly one C_* with exactly one D_* (CT-65,
// CT-68).
bool are_lawful(DWORD flags);

hindrance first_hindrance(const jl_protocol& row, const narrowing& limits, const query& asked);

// For an entry that the application named itself: 0 or WSAEINVAL.
int check_flags(const entry& which, DWORD flags);

} // namespace joinleaf::catalog
