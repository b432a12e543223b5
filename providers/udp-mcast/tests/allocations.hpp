// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace joinleaf::udp_mcast::test {

// Calls of operator new by this thread so far.
std::size_t allocations();

} // namespace joinleaf::udp_mcast::test
