// SPDX-License-Identifier: Apache-2.0
//
// Quality of service as far as it concerns this provider: what the kernel is told about a connection's
// packets, and the frame by which one end tells the other of a change. Every function is safe from any thread.
#pragma once

#include "wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace joinleaf::tcp_root {

// Marks what a connection sends with the code point and the priority of this service type. The priority of
// network control needs a capability; without it the next one below is taken.
void mark(int fd, int family, ULONG service_type) noexcept;

inline constexpr std::size_t qos_frame_size = wire::frame_size + wire::qos_size;
using qos_frame_bytes = std::array<std::byte, qos_frame_size>;

// The frame for a change, as its sender sees it. how: JL_QOS_TELL or JL_QOS_FINAL.
qos_frame_bytes make_qos_frame(const QOS& qos, std::uint32_t how) noexcept;

// Tells the host of such a frame from the peer of this socket.
void report_change(jl_handle* socket, const wire::frame& head,
                   std::span<const std::byte, wire::qos_size> flows) noexcept;

} // namespace joinleaf::tcp_root
