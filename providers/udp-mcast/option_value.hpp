// SPDX-License-Identifier: Apache-2.0
//
// Values of socket options as bytes of the application. Every function is [any].
#pragma once

#include <joinleaf/provider.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace joinleaf::udp_mcast {

// Nothing: there are fewer bytes than the value has.
template <class Value> std::optional<Value> load(const void* from, std::size_t length) noexcept {
    if (length < sizeof(Value)) {
        return std::nullopt;
    }
    Value value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

// Multicast options come as one byte or as four.
inline std::optional<int> load_small(const void* from, std::size_t length) noexcept {
    if (const auto whole = load<int>(from, length)) {
        return whole;
    }
    const auto byte = load<unsigned char>(from, length);
    return byte ? std::optional<int>(*byte) : std::nullopt;
}

// length: room, then the size stored. 0 or WSAEFAULT.
inline std::int32_t store(const void* from, std::uint32_t size, void* to, std::uint32_t* length) noexcept {
    if (*length < size) {
        return WSAEFAULT;
    }
    std::memcpy(to, from, size);
    *length = size;
    return 0;
}

} // namespace joinleaf::udp_mcast
