// SPDX-License-Identifier: Apache-2.0
//
// Kernel TCP sockets: what every kind of socket here does with one. Nothing blocks; codes are Winsock's.
#pragma once

#include "address.hpp"

#include "joinleaf/provider.hpp"

#include <cstdint>

#include <tl/expected.hpp>

namespace joinleaf::tcp_root::tcp {

using provider::descriptor;

// A nonblocking socket. IPv6 sockets serve IPv6 only, as on Windows, until IPV6_V6ONLY is cleared. Errors:
// WSAEMFILE, WSAENOBUFS, WSAEAFNOSUPPORT.
tl::expected<descriptor, std::int32_t> make(int family);

// Binds. An address that only closed connections still hold (TIME_WAIT) counts as free, as on Windows:
// `retire` marks those. Errors: WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEACCES.
std::int32_t bind(int fd, const address& name) noexcept;

// Listens; as bind it passes over closed connections on the same address.
std::int32_t listen(int fd, int backlog) noexcept;

// Lets `bind` and `listen` have the local address again although the connection lingers.
void retire(int fd) noexcept;

address local_name(int fd) noexcept;
address peer_name(int fd) noexcept;

// Ends a connection or an attempt at once, with a reset where a peer is there; the descriptor keeps its local
// address and can connect again.
void dissolve(int fd) noexcept;

// Closes with a reset.
void abort(descriptor fd) noexcept;

std::int32_t set_flag(int fd, int level, int name, bool value) noexcept;

// The pending error of the socket as a Winsock code; reading it clears it.
std::int32_t take_error(int fd) noexcept;

// Bytes written but not yet acknowledged by the peer's kernel.
int unsent(int fd) noexcept;

// Bytes that came and were not read yet.
int unread(int fd) noexcept;

// The kernel's smoothed round trip time in nanoseconds; 0: unknown.
std::uint64_t round_trip_ns(int fd) noexcept;

} // namespace joinleaf::tcp_root::tcp
