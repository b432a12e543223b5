// SPDX-License-Identifier: Apache-2.0
// Keeps a sender to a rate.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace joinleaf::cli {

/// Bytes are spread evenly over time; a sender that was late may catch up by what a receiver's buffer surely takes.
class pace {
  public:
    /// rate: bytes a second; 0: no limit.
    explicit pace(std::uint64_t rate) : rate_(static_cast<double>(rate)) {}

    /// Waits until so many bytes more may go.
    void wait(std::size_t bytes) {
        if (rate_ <= 0) {
            return;
        }
        const auto now = std::chrono::steady_clock::now();
        due_ = std::max(due_, now - std::chrono::duration_cast<clock::duration>(seconds(burst / rate_)));
        due_ += std::chrono::duration_cast<clock::duration>(seconds(static_cast<double>(bytes) / rate_));
        if (due_ > now) {
            std::this_thread::sleep_until(due_);
        }
    }

  private:
    using clock = std::chrono::steady_clock;
    using seconds = std::chrono::duration<double>;

    static constexpr double burst = 64 * 1024; // half of the smallest default receive buffer of Linux, 128 KiB

    double rate_;
    clock::time_point due_{};
};

} // namespace joinleaf::cli
