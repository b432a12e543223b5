// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic over the buffers of a message.
#pragma once

#include "joinleaf/provider.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

namespace joinleaf::rdma {

inline std::span<const iovec> parts_of(const jl_msg& message) noexcept {
    return {message.iov, message.iov_count};
}

inline std::size_t total(std::span<const iovec> parts) noexcept {
    std::size_t sum = 0;
    for (const iovec& part : parts) {
        sum += part.iov_len;
    }
    return sum;
}

inline std::span<const std::byte> bytes_of(const iovec& part) noexcept {
    return {static_cast<const std::byte*>(part.iov_base), part.iov_len};
}

// Copies bytes into parts, from their beginning, as far as there is room; returns how many found it.
inline std::size_t scatter(std::span<const iovec> parts, std::span<const std::byte> bytes) noexcept {
    std::size_t done = 0;
    for (const iovec& part : parts) {
        const std::size_t n = std::min(part.iov_len, bytes.size() - done);
        if (n != 0) {
            std::memcpy(part.iov_base, bytes.data() + done, n);
        }
        done += n;
    }
    return done;
}

} // namespace joinleaf::rdma
