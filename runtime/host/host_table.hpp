// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <joinleaf/provider.h>

#include "runtime/dispatch/loop_pool.hpp"

namespace joinleaf::host {

// The upcalls that every provider gets: the one way up from a provider into sockets and dispatcher.
const jl_host& table() noexcept;

// The reactor threads that loop_at and loop_count name from now on; null: none. [init]
void serve_loops_of(dispatch::loop_pool* pool) noexcept;

} // namespace joinleaf::host
