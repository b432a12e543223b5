// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace joinleaf {

// A mutex of four bytes, for objects of which a process has many thousands. As std::mutex otherwise.
class small_mutex {
  public:
    small_mutex() = default;
    small_mutex(const small_mutex&) = delete;
    small_mutex& operator=(const small_mutex&) = delete;

    void lock() noexcept {
        if (try_lock()) {
            return;
        }
        while (state_.exchange(waited_for, std::memory_order_acquire) != free) {
            state_.wait(waited_for, std::memory_order_relaxed);
        }
    }
    bool try_lock() noexcept {
        std::uint32_t expected = free;
        return state_.compare_exchange_strong(expected, held, std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }
    void unlock() noexcept {
        if (state_.exchange(free, std::memory_order_release) == waited_for) {
            state_.notify_one();
        }
    }

  private:
    static constexpr std::uint32_t free = 0;
    static constexpr std::uint32_t held = 1;
    static constexpr std::uint32_t waited_for = 2; // held, and somebody may sleep

    std::atomic<std::uint32_t> state_{free};
};

} // namespace joinleaf
