// SPDX-License-Identifier: Apache-2.0
//
// Finds out whether a program floods a socket: sends one message behind the other and does nothing else. A lone message
// pays no look at the clock for that. [caller] of the sending direction, but for what is marked [any].
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace joinleaf::udp_mcast {

// Of the calling thread, on whatever socket of the process. Who receives between two sends holds a conversation, in
// which the last message must not wait for a next one. [any]
inline std::uint32_t& receives_of_this_thread() noexcept {
    static thread_local std::uint32_t count = 0;
    return count;
}

class flood {
  public:
    // Before each send: whether those before it came without pauses.
    bool is_on() noexcept {
        if (has_received()) {
            forget();
        }
        looks_ = ++sends_ % look_every == 0;
        if (!looks_) {
            return false;
        }
        begin_ = clock::now();
        const auto without_pauses = look_every * std::min(took_, took_before_);
        return begin_ - looked_at_ < without_pauses + without_pauses / 2;
    }

    // Behind one that was made.
    void note_sent() noexcept {
        if (looks_) {
            looked_at_ = clock::now();
            took_before_ = took_;
            took_ = looked_at_ - begin_;
        }
    }

    // Whether the calling thread has received something, or tried to, since it was last asked.
    bool has_received() noexcept {
        return std::exchange(receives_, receives_of_this_thread()) != receives_of_this_thread();
    }

    // Takes the time of sends anew.
    void forget() noexcept {
        took_ = {};
        took_before_ = {};
    }

  private:
    using clock = std::chrono::steady_clock;

    // Of so many sends one is timed. Pauses of half of what a send takes are no flood any more: an answer, which has
    // to be sent as well, takes longer to come.
    static constexpr std::uint32_t look_every = 16;

    std::uint32_t sends_ = 0;
    std::uint32_t receives_ = 0;
    bool looks_ = false;
    clock::time_point begin_{};
    clock::time_point looked_at_{};
    // What the last two that were timed took; the shorter one counts, as one may have been interrupted.
    clock::duration took_{};
    clock::duration took_before_{};
};

} // namespace joinleaf::udp_mcast
