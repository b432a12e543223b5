// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic over the buffers of a message. Every function is [any] and allocates nothing.
#pragma once

#include "../provider.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

namespace joinleaf::provider {

inline std::size_t total(std::span<const iovec> parts) noexcept {
    std::size_t sum = 0;
    for (const iovec& part : parts) {
        sum += part.iov_len;
    }
    return sum;
}

inline std::span<const iovec> parts_of(const jl_msg& message) noexcept {
    return {message.iov, message.iov_count};
}

inline std::span<const std::byte> bytes_of(const iovec& part) noexcept {
    return {static_cast<const std::byte*>(part.iov_base), part.iov_len};
}

// Copies bytes into parts from byte `skip` of them on; returns how many found room.
inline std::size_t scatter(std::span<const iovec> parts, std::size_t skip,
                           std::span<const std::byte> bytes) noexcept {
    std::size_t done = 0;
    for (const iovec& part : parts) {
        if (skip >= part.iov_len) {
            skip -= part.iov_len;
            continue;
        }
        const std::size_t n = std::min(part.iov_len - skip, bytes.size() - done);
        if (n != 0) {
            std::memcpy(static_cast<std::byte*>(part.iov_base) + skip, bytes.data() + done, n);
        }
        done += n;
        skip = 0;
        if (done == bytes.size()) {
            break;
        }
    }
    return done;
}

// Copies out of parts, from byte `skip` of them on, until `out` is full.
inline void collect(std::span<const iovec> parts, std::size_t skip, std::span<std::byte> out) noexcept {
    std::size_t done = 0;
    for (const iovec& part : parts) {
        if (skip >= part.iov_len) {
            skip -= part.iov_len;
            continue;
        }
        const std::size_t n = std::min(part.iov_len - skip, out.size() - done);
        if (n != 0) {
            std::memcpy(out.data() + done, static_cast<const std::byte*>(part.iov_base) + skip, n);
        }
        done += n;
        skip = 0;
        if (done == out.size()) {
            break;
        }
    }
}

// Writes the part of `parts` behind byte `skip`, up to `size` bytes, to out; returns the entries written. out
// has room for parts.size().
inline std::size_t slice(std::span<const iovec> parts, std::size_t skip, std::size_t size,
                         iovec* out) noexcept {
    std::size_t entries = 0;
    for (const iovec& part : parts) {
        if (size == 0) {
            break;
        }
        if (skip >= part.iov_len) {
            skip -= part.iov_len;
            continue;
        }
        const std::size_t n = std::min(part.iov_len - skip, size);
        out[entries++] = {static_cast<std::byte*>(part.iov_base) + skip, n};
        size -= n;
        skip = 0;
    }
    return entries;
}

} // namespace joinleaf::provider
