// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"

#include "joinleaf/provider.h"

#include <vector>

namespace joinleaf::catalog {

// One item of `entries:` in numbers.
struct listed_entry {
    int family;
    int type;
    int protocol;
};

// What `match:` and `entries:` of a provider leave of its protocol entries, in numbers. Empty lists narrow
// nothing.
struct narrowing {
    std::vector<listed_entry> entries;
    std::vector<int> families;
    std::vector<int> types;
    std::vector<int> protocols;
    DWORD flags = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_ROOT |
                  WSA_FLAG_MULTIPOINT_D_LEAF; // the multipoint flags that may be asked for
};

// The words are those of a configuration that was read without a problem. [any]
narrowing narrowed_by(const config::match& match, const std::vector<config::entry_name>& entries = {});

// Whether an entry keeps anything to offer: its family, its type and one of its protocols are allowed. [any]
bool leaves(const narrowing& limits, const jl_protocol& row);

// Whether `entries:` has the row, or is not there. [any]
bool lists(const narrowing& limits, const jl_protocol& row);

bool allows_family(const narrowing& limits, int family);
bool allows_type(const narrowing& limits, int type);

// protocol 0 asks for any protocol of the row that is left. [any]
bool allows_protocol(const narrowing& limits, const jl_protocol& row, int protocol);

} // namespace joinleaf::catalog
