// SPDX-License-Identifier: Apache-2.0
//
// The datagrams of sessions without a root, as WIRE.md describes them. Pure: no state, every function is safe from any
// thread.
#pragma once

#include "base.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace joinleaf::rdma::wire {

inline constexpr std::uint32_t piece_magic = 0x4A4C5247; // "JLRG"
inline constexpr std::uint8_t piece_version = 1;
inline constexpr std::size_t piece_head_size = 60;
inline constexpr std::uint32_t group_message_max = 64u << 10;
inline constexpr std::uint8_t flag_host_only = 1; // who is on another host takes no notice

struct piece_head {
    std::uint8_t flags = 0;
    std::uint16_t port = 0;   // of the session
    std::uint64_t sender = 0; // drawn by lot, for one socket and session
    std::uint64_t host = 0;   // the sender's
    std::uint32_t number = 0; // of the message, modulo 2^32
    std::uint32_t size = 0;   // of the message
    std::uint32_t offset = 0; // of the bytes behind the head
    std::uint32_t unit = 0;   // bytes behind each head of the message but the last
    address from;             // of the sending socket
};
using piece_head_bytes = std::array<std::byte, piece_head_size>;

[[nodiscard]] piece_head_bytes encode(const piece_head& what) noexcept;
// Nothing: of another protocol or version, or of another length than it says.
[[nodiscard]] std::optional<piece_head> decode_piece(std::span<const std::byte> datagram) noexcept;

} // namespace joinleaf::rdma::wire
