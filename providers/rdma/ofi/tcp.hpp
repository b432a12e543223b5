// SPDX-License-Identifier: Apache-2.0
//
// The kernel's TCP sockets, which carry the control messages of engine ofi.
#pragma once

#include "base.hpp"

#include "joinleaf/provider/kernel_tcp.hpp"

#include <cstdint>

#include <tl/expected.hpp>

namespace joinleaf::rdma::tcp {

using provider::descriptor;
using provider::tcp::bind;
using provider::tcp::local_name;
using provider::tcp::peer_name;
using provider::tcp::reset_on_close;
using provider::tcp::set_flag;

// As provider::tcp::make, without delay for small messages.
tl::expected<descriptor, std::int32_t> make(int family);

// With a queue for what comes between two turns of the loop.
std::int32_t listen(int fd) noexcept;

bool is_settable(int level, int name) noexcept;

} // namespace joinleaf::rdma::tcp
