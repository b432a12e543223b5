// SPDX-License-Identifier: Apache-2.0
//
// What this provider has from the SDK, under its own names.
#pragma once

#include "joinleaf/provider.hpp"
#include "joinleaf/provider/host.hpp"

#include <cstdint>
#include <string>

namespace joinleaf::udp_mcast {

using provider::explain;
using provider::host;
using provider::log_line;

// A reason not to start, and its Winsock code.
struct refusal {
    std::int32_t code;
    std::string sentence;
};

} // namespace joinleaf::udp_mcast
