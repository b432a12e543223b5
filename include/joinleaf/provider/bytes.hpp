// SPDX-License-Identifier: Apache-2.0
//
// Numbers in network byte order at a place in a message. The caller has made sure that they lie within it.
#pragma once

#include "../provider.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <endian.h>

namespace joinleaf::provider {

inline void put8(std::span<std::byte> bytes, std::size_t at, std::uint8_t value) noexcept {
    bytes[at] = std::byte{value};
}
inline void put32(std::span<std::byte> bytes, std::size_t at, std::uint32_t value) noexcept {
    const std::uint32_t ordered = htobe32(value);
    std::memcpy(bytes.data() + at, &ordered, sizeof ordered);
}
inline void put64(std::span<std::byte> bytes, std::size_t at, std::uint64_t value) noexcept {
    const std::uint64_t ordered = htobe64(value);
    std::memcpy(bytes.data() + at, &ordered, sizeof ordered);
}

[[nodiscard]] inline std::uint8_t get8(std::span<const std::byte> bytes, std::size_t at) noexcept {
    return std::to_integer<std::uint8_t>(bytes[at]);
}
[[nodiscard]] inline std::uint32_t get32(std::span<const std::byte> bytes, std::size_t at) noexcept {
    std::uint32_t ordered = 0;
    std::memcpy(&ordered, bytes.data() + at, sizeof ordered);
    return be32toh(ordered);
}
[[nodiscard]] inline std::uint64_t get64(std::span<const std::byte> bytes, std::size_t at) noexcept {
    std::uint64_t ordered = 0;
    std::memcpy(&ordered, bytes.data() + at, sizeof ordered);
    return be64toh(ordered);
}

// A FLOWSPEC as eight numbers of 32 bits, in the order of the structure.
inline constexpr std::size_t flowspec_size = 32;

inline void put_flowspec(std::span<std::byte> bytes, const FLOWSPEC& flow) noexcept {
    const std::array<std::uint32_t, 8> words{flow.TokenRate,  flow.TokenBucketSize,   flow.PeakBandwidth,
                                             flow.Latency,    flow.DelayVariation,    flow.ServiceType,
                                             flow.MaxSduSize, flow.MinimumPolicedSize};
    for (std::size_t i = 0; i < words.size(); ++i) {
        put32(bytes, 4 * i, words[i]);
    }
}

[[nodiscard]] inline FLOWSPEC get_flowspec(std::span<const std::byte> bytes) noexcept {
    FLOWSPEC flow{};
    flow.TokenRate = get32(bytes, 0);
    flow.TokenBucketSize = get32(bytes, 4);
    flow.PeakBandwidth = get32(bytes, 8);
    flow.Latency = get32(bytes, 12);
    flow.DelayVariation = get32(bytes, 16);
    flow.ServiceType = get32(bytes, 20);
    flow.MaxSduSize = get32(bytes, 24);
    flow.MinimumPolicedSize = get32(bytes, 28);
    return flow;
}

} // namespace joinleaf::provider
