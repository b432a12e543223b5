// SPDX-License-Identifier: Apache-2.0
//
// Kernel TCP sockets: what every kind of socket here does with one. Nothing blocks; codes are Winsock's.
#pragma once

#include "base.hpp"

#include "joinleaf/provider/kernel_tcp.hpp"

#include <cstddef>
#include <cstdint>

#include <tl/expected.hpp>

namespace joinleaf::tcp_root::tcp {

using provider::descriptor;
using provider::tcp::bind;
using provider::tcp::listen;
using provider::tcp::local_name;
using provider::tcp::peer_name;
using provider::tcp::retire;
using provider::tcp::set_flag;

// As many buffers are handed to the kernel at once.
inline constexpr std::size_t parts_a_call = 256;

// The errno says that the process or the kernel has too little of something, not that one connection failed.
bool is_shortage(int error) noexcept;

// As provider::tcp::make.
tl::expected<descriptor, std::int32_t> make(int family);

// Ends a connection or an attempt at once, with a reset where a peer is there; the descriptor keeps its local
// address and can connect again.
void dissolve(int fd) noexcept;

// Closes with a reset.
void abort(descriptor fd) noexcept;

// The pending error of the socket as a Winsock code; reading it clears it.
std::int32_t take_error(int fd) noexcept;

// Bytes written but not yet acknowledged by the peer's kernel.
int unsent(int fd) noexcept;

// Bytes that came and were not read yet.
int unread(int fd) noexcept;

// The kernel's smoothed round trip time in nanoseconds; 0: unknown.
std::uint64_t round_trip_ns(int fd) noexcept;

} // namespace joinleaf::tcp_root::tcp
