// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "fifo.hpp"
#include "ring.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace joinleaf::rdma {

// Whole messages that wait for the application, with what is missing between them. Guarded by its owner's lock.
class letterbox {
  public:
    // A message of up to `largest` bytes finds room where nothing else waits.
    letterbox(std::size_t bound, std::size_t largest) : bound_(bound), memory_(bound + largest) {}

    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    [[nodiscard]] bool fits(std::size_t size) const noexcept {
        return waiting_.empty() ||
               (memory_.used() + size <= bound_ && waiting_.size() < bound_ / least_charge);
    }
    [[nodiscard]] std::size_t next_size() const noexcept {
        return waiting_.empty() ? 0 : waiting_.front().size;
    }
    [[nodiscard]] std::uint64_t taken_messages() const noexcept { return taken_messages_; }
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept { return taken_bytes_; }

    // It fits.
    void put(const address& from, std::uint32_t gap, std::span<const std::byte> bytes);
    // Not empty. It is missing before the next one.
    void drop_oldest();
    void clear();

    // Not empty: hands out the news of a gap, or the first message, as jl_ops.rx does. False: a gap.
    bool take(jl_msg& out);

  private:
    struct message {
        address from;
        std::uint32_t gap = 0;
        std::size_t size = 0;
    };

    void pop();

    // Empty messages take room as well.
    static constexpr std::size_t least_charge = 64;

    const std::size_t bound_;
    ring memory_;
    fifo<message> waiting_;
    std::uint32_t gap_ = 0; // before whatever comes next into the empty box
    std::uint64_t taken_messages_ = 0;
    std::uint64_t taken_bytes_ = 0;
};

} // namespace joinleaf::rdma
