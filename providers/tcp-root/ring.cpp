// SPDX-License-Identifier: Apache-2.0
#include "ring.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/mman.h>

namespace joinleaf::tcp_root {

ring::ring(std::size_t least_capacity)
    : mask_(std::bit_ceil(std::max<std::size_t>(least_capacity, 4096)) - 1) {
    void* const got = ::mmap(nullptr, capacity(), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) {
        throw std::system_error(errno, std::generic_category(), "no address space for a queue");
    }
    memory_ = static_cast<std::byte*>(got);
}

ring::~ring() {
    ::munmap(memory_, capacity());
}

void ring::append(std::span<const std::byte> bytes) noexcept {
    if (next_ == tail()) {
        origin_ = next_;
    }
    const std::size_t at = offset(next_);
    const std::size_t first = std::min(bytes.size(), capacity() - at);
    if (first != 0) {
        std::memcpy(memory_ + at, bytes.data(), first);
    }
    if (bytes.size() > first) {
        std::memcpy(memory_, bytes.data() + first, bytes.size() - first);
    }
    next_ += bytes.size();
}

std::array<iovec, 2> ring::pieces(std::uint64_t from, std::uint64_t to) const noexcept {
    const auto size = static_cast<std::size_t>(to - from);
    const std::size_t at = offset(from);
    const std::size_t first = std::min(size, capacity() - at);
    return {iovec{memory_ + at, first}, iovec{memory_, size - first}};
}

void ring::copy(std::uint64_t from, std::span<std::byte> out) const noexcept {
    if (out.empty()) {
        return;
    }
    const auto parts = pieces(from, from + out.size());
    if (parts[0].iov_len != 0) {
        std::memcpy(out.data(), parts[0].iov_base, parts[0].iov_len);
    }
    if (parts[1].iov_len != 0) {
        std::memcpy(out.data() + parts[0].iov_len, parts[1].iov_base, parts[1].iov_len);
    }
}

void ring::release(std::uint64_t position) noexcept {
    tail_.store(position, std::memory_order_release);
}

} // namespace joinleaf::tcp_root
