// SPDX-License-Identifier: Apache-2.0
//
// The kernel's TCP sockets, which carry the control messages of engine ofi.
#pragma once

#include "address.hpp"

#include "joinleaf/provider.hpp"

#include <cstdint>

#include <tl/expected.hpp>

namespace joinleaf::rdma::tcp {

using provider::descriptor;

tl::expected<descriptor, std::int32_t> make(int family);

// As the kernel does, but a port that only closed connections still hold is free.
std::int32_t bind(int fd, const address& name) noexcept;
std::int32_t listen(int fd) noexcept;

address local_name(int fd) noexcept;
address peer_name(int fd) noexcept;

// The peer sees a reset when the descriptor is closed.
void reset_on_close(int fd) noexcept;

std::int32_t set_flag(int fd, int level, int name, bool value) noexcept;
bool is_settable(int level, int name) noexcept;

} // namespace joinleaf::rdma::tcp
