// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>

#include <joinleaf/provider.h>

namespace joinleaf::qos {

// Holds a sender to the FLOWSPECs of its flows by token buckets: one that fills with TokenRate and holds
// TokenBucketSize, one for PeakBandwidth. Bytes are those of the application's messages; one below
// MinimumPolicedSize counts as that. Where several flows bind the same sender, the tightest of each counts: a
// root sends to all its leaves at once.
//
// Over any time t no more goes than TokenRate * t + TokenBucketSize (QS-24). A message that is larger than the
// bucket waits until enough has gathered for it. Safe from any thread.
class shaper {
  public:
    using clock = std::chrono::steady_clock;

    // True where a flow with this FLOWSPEC is held to a rate or to a size.
    static bool binds(const FLOWSPEC& flow) noexcept;

    // The flow of `owner` from now on; one that binds nothing is forgotten.
    void set(const void* owner, const FLOWSPEC& flow, clock::time_point now = clock::now());
    void lift(const void* owner, clock::time_point now = clock::now());

    // Whether there is a flow that binds.
    bool holds_back();

    // How many of the messages, from the first on, may go now: at least one, or the reason why not:
    // WSAEWOULDBLOCK (due() says when), WSAEMSGSIZE (above MaxSduSize).
    struct verdict {
        std::uint32_t count = 0;
        std::int32_t code = 0;
    };
    verdict admit(std::span<const jl_msg> messages, clock::time_point now = clock::now());

    // They were sent; size says how much of each.
    void charge(std::span<const jl_msg> sent, clock::time_point now = clock::now());

    // When what was last held back may go, of an array as much as half a bucket takes; nothing: now.
    std::optional<clock::time_point> due(clock::time_point now = clock::now());

  private:
    // Tokens of one kind, in bytes; rate 0: there is no limit.
    struct bucket {
        double rate = 0;
        double depth = 0;
        double tokens = 0;

        void fill(double seconds, double wanted) noexcept;
        [[nodiscard]] double seconds_until(double bytes) const noexcept;
        void become(double new_rate, double new_depth) noexcept;
    };

    void fill(clock::time_point now) noexcept;
    void rebuild() noexcept;
    [[nodiscard]] double cost_of(std::size_t bytes) const noexcept;
    [[nodiscard]] double worth_waiting_for(std::span<const jl_msg> messages) const noexcept;

    std::mutex mutex_;
    std::map<const void*, FLOWSPEC> flows_;
    bucket mean_;
    bucket peak_;
    double least_ = 0;              // MinimumPolicedSize
    std::optional<double> largest_; // MaxSduSize
    double wanted_ = 0;             // what the messages that were last held back cost; 0: none was
    clock::time_point filled_{};
};

} // namespace joinleaf::qos
