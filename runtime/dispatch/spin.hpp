// SPDX-License-Identifier: Apache-2.0
//
// Polling before sleeping (reactor.spin): a thread that stays on its processor answers without the time that waking
// it up takes. Of the process, as the runtime is. Every function is [any].
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace joinleaf::dispatch {

namespace spin_detail {
inline std::atomic<std::int64_t> nanoseconds{0};
}

// How long a wait polls first; 0: it sleeps at once.
inline void set_spin(std::chrono::nanoseconds time) noexcept {
    spin_detail::nanoseconds.store(time.count(), std::memory_order_relaxed);
}
inline std::chrono::nanoseconds spin() noexcept {
    return std::chrono::nanoseconds(spin_detail::nanoseconds.load(std::memory_order_relaxed));
}

// The polling of one wait: try, and while `again` says so, once more.
class spinning {
  public:
    using clock = std::chrono::steady_clock;

    // False when the time is over, or the deadline of the wait has passed. The first call starts the time.
    bool again(const std::optional<clock::time_point>& until = {}) noexcept {
        const auto time = spin();
        if (time.count() == 0) {
            return false;
        }
        const auto now = clock::now();
        if (!end_) {
            end_ = now + time;
        }
        return now < *end_ && !(until && now >= *until);
    }

  private:
    std::optional<clock::time_point> end_;
};

} // namespace joinleaf::dispatch
