// SPDX-License-Identifier: Apache-2.0
//
// What two stations of engine verbs tell each other in the private data of rdma_cm, before the first message: at most 56
// bytes get through, so that it is only what the first message needs. WIRE.md describes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace joinleaf::rdma::verbs {

struct intro {
    std::uint32_t buffer = 0; // bytes of each receive buffer of the sender of this
};

inline constexpr std::size_t intro_size = 16;
inline constexpr std::uint32_t least_buffer = 1024;
using intro_bytes = std::array<std::byte, intro_size>;

[[nodiscard]] intro_bytes encode(const intro& what) noexcept;
// Nothing: not of this protocol, of no common version, or with a buffer that holds nothing. What follows the intro is
// padding.
[[nodiscard]] std::optional<intro> decode_intro(std::span<const std::byte> bytes) noexcept;

} // namespace joinleaf::rdma::verbs
