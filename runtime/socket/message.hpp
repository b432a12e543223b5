// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <joinleaf/provider.h>

namespace joinleaf::socket {

// The bytes that a message's buffers hold or have room for.
inline std::size_t bytes_of(const jl_msg& message) noexcept {
    std::size_t sum = 0;
    for (std::uint32_t i = 0; i < message.iov_count; ++i) {
        sum += message.iov[i].iov_len;
    }
    return sum;
}

// Takes what was moved off the front of a message's buffers.
inline void advance(jl_msg& message, std::size_t moved) noexcept {
    while (moved > 0 && message.iov_count > 0) {
        auto& first = *message.iov;
        const auto part = std::min(moved, first.iov_len);
        first.iov_base = static_cast<char*>(first.iov_base) + part;
        first.iov_len -= part;
        moved -= part;
        if (first.iov_len == 0) {
            ++message.iov;
            --message.iov_count;
        }
    }
}

// What WSARecvMsg says of a message. partial: its rest comes with the next receive, and is no error.
inline DWORD winsock_flags(std::uint32_t received, bool partial) noexcept {
    const bool cut = (received & (JL_MSG_CUT | JL_MSG_REST)) != 0 && !partial;
    return (cut ? static_cast<DWORD>(MSG_TRUNC) : 0U) | (partial ? static_cast<DWORD>(MSG_PARTIAL) : 0U) |
           ((received & JL_MSG_GROUP) != 0 ? static_cast<DWORD>(MSG_MCAST) : 0U);
}

} // namespace joinleaf::socket
