// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/uio.h>

namespace joinleaf::tcp_root {

// A byte queue of fixed capacity whose bytes are named by positions that only grow. Readers keep positions of
// their own, which is what makes one copy of the data serve any number of leaves. Memory is taken from the
// kernel page by page as it is first used, and an empty ring starts again at its first page, so that it costs
// what is really queued.
//
// One thread at a time appends, one at a time releases, any number read: what is in [tail, head) does not
// change until release passes it.
class ring {
  public:
    // Throws std::system_error where the address space is exhausted.
    explicit ring(std::size_t least_capacity);
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring();

    [[nodiscard]] std::uint64_t head() const noexcept { return head_.load(); }
    [[nodiscard]] std::uint64_t tail() const noexcept { return tail_.load(std::memory_order_acquire); }
    // Bytes published and not released. For the appender a bound from above, for others a glance.
    [[nodiscard]] std::size_t used() const noexcept {
        const std::uint64_t from = tail();
        return static_cast<std::size_t>(head() - from);
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

    // The appender's: writes behind what it has written before; the caller has made sure that there is room.
    // Nobody sees it before publish.
    void append(std::span<const std::byte> bytes) noexcept;
    void publish() noexcept { head_.store(next_); }
    [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
    // Bytes not released, the unpublished ones included.
    [[nodiscard]] std::size_t written() const noexcept { return static_cast<std::size_t>(next_ - tail()); }

    // Where [from, to), which is not empty, lies: one piece, or two at the wrap. The second is empty if there
    // is one.
    [[nodiscard]] std::array<iovec, 2> pieces(std::uint64_t from, std::uint64_t to) const noexcept;

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
    std::uint64_t next_ = 0;
    std::atomic<std::uint64_t> head_{0};
    std::atomic<std::uint64_t> tail_{0};
};

} // namespace joinleaf::tcp_root
