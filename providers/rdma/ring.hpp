// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace joinleaf::rdma {

// A byte queue of fixed capacity whose bytes are named by positions that only grow. Readers keep positions of
// their own, which is what makes one copy of the data serve any number of leaves. Memory is taken from the
// kernel page by page as it is first used, and an empty ring starts again in its first page.
//
// Guarded by its owner's lock; what is in [tail, head) does not change until release passes it, so that a device may read
// it meanwhile.
class ring {
  public:
    // Throws std::system_error where the address space is exhausted.
    explicit ring(std::size_t least_capacity);
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring();

    [[nodiscard]] std::uint64_t head() const noexcept { return head_; }
    [[nodiscard]] std::uint64_t tail() const noexcept { return tail_; }
    [[nodiscard]] std::size_t used() const noexcept { return static_cast<std::size_t>(head_ - tail_); }
    [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }
    [[nodiscard]] std::span<std::byte> memory() noexcept { return {memory_, capacity()}; }

    // The caller has made sure that there is room.
    void append(std::span<const std::byte> bytes) noexcept;

    // The longest part of [from, to) that lies in one piece, from its beginning.
    [[nodiscard]] std::span<const std::byte> piece(std::uint64_t from, std::uint64_t to) const noexcept;

    // Copies [from, from + out.size()) out.
    void copy(std::uint64_t from, std::span<std::byte> out) const noexcept;

    // Gives up everything before a position.
    void release(std::uint64_t position) noexcept;

  private:
    [[nodiscard]] std::size_t offset(std::uint64_t position) const noexcept {
        return static_cast<std::size_t>(position - origin_) & mask_;
    }

    std::byte* memory_ = nullptr;
    std::size_t mask_ = 0;
    std::uint64_t origin_ = 0; // the position that lies at offset 0; changes only while nothing is queued
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;
};

} // namespace joinleaf::rdma
