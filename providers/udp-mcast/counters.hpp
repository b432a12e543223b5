// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace joinleaf::udp_mcast {

// What went one way. Written by one thread at a time, so that no bus lock is needed; read by any.
class counters {
  public:
    void add(std::size_t bytes) noexcept {
        bump(messages_, 1);
        bump(bytes_, bytes);
    }
    void add_call() noexcept { bump(calls_, 1); }
    [[nodiscard]] std::uint64_t messages() const noexcept {
        return messages_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
    // System calls that carried them.
    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_.load(std::memory_order_relaxed); }

  private:
    static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    std::atomic<std::uint64_t> messages_{0};
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<std::uint64_t> calls_{0};
};

} // namespace joinleaf::udp_mcast
