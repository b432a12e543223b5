// SPDX-License-Identifier: Apache-2.0
//
// What the processes of one run share: how far each has come. It paces the sender by its slowest receiver, so
// that every technique is measured without loss.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <sched.h>
#include <sys/mman.h>

namespace bench {

using clock = std::chrono::steady_clock;

inline constexpr int most_receivers = 4;

inline std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now().time_since_epoch()).count();
}

// Lives in memory that all processes of a run map. The times are those of the one steady clock.
struct window {
    struct alignas(64) lane {
        std::atomic<std::uint64_t> received{0};
        std::atomic<std::int64_t> last_ns{0}; // when the latest message came
        std::atomic<std::int64_t> cpu_ns{0};
        std::atomic<bool> listening{false};
    };
    std::array<lane, most_receivers> lanes;
    alignas(64) std::atomic<std::uint64_t> sent{0};
    std::atomic<std::int64_t> start_ns{0};
    std::atomic<std::int64_t> sender_cpu_ns{0};
    std::atomic<bool> finished{false}; // the sender sends no more; `sent` is the whole number
    std::atomic<bool> failed{false};
    int receivers = 1;
    std::uint64_t limit = 1024;             // messages on their way
    std::int64_t duration_ns = 250'000'000; // of sending
    std::array<char, 256> error{};
    std::array<double, 4> trip_us{}; // of a round trip: p50, p90, p99, mean

    [[nodiscard]] std::uint64_t slowest() const {
        std::uint64_t least = UINT64_MAX;
        for (int i = 0; i < receivers; ++i) {
            const auto one = lanes[static_cast<std::size_t>(i)].received.load(std::memory_order_acquire);
            least = one < least ? one : least;
        }
        return least;
    }
    [[nodiscard]] bool all_listen() const {
        bool all = true;
        for (int i = 0; i < receivers; ++i) {
            all = all && lanes[static_cast<std::size_t>(i)].listening;
        }
        return all;
    }

    // For a receiver: whether there is more to come.
    [[nodiscard]] bool expects(std::uint64_t received, std::int64_t idle_since_ns) const {
        return !finished || (received < sent && now_ns() - idle_since_ns < 300'000'000);
    }

    static window* make() {
        void* const memory =
            ::mmap(nullptr, sizeof(window), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return memory == MAP_FAILED ? nullptr : new (memory) window;
    }
    void discard() {
        this->~window();
        ::munmap(this, sizeof *this);
    }
};

// The sender's side of it. What it is allowed to send next it asks for by the handful, so that the asking, which costs a
// look at the clock and at the receivers' memory, is no part of a message's price.
class pace {
  public:
    explicit pace(const window& shared) : shared_(shared) {}

    // False: the time is over, or a receiver stands still, which means that a message is lost.
    bool admits(std::uint64_t already_sent, std::uint64_t more) {
        if (already_sent + more <= admitted_) {
            return true;
        }
        auto progress = shared_.slowest();
        for (auto since = std::uint64_t{0}; already_sent + more > progress + shared_.limit;) {
            ::sched_yield();
            const auto next = shared_.slowest();
            since = next == progress ? since + 1 : 0;
            progress = next;
            if ((since & 1023U) == 1023U && now_ns() - shared_.start_ns > 4 * shared_.duration_ns) {
                return false;
            }
        }
        admitted_ = std::min(progress + shared_.limit, already_sent + std::max(more, handful));
        return now_ns() - shared_.start_ns < shared_.duration_ns;
    }

  private:
    static constexpr std::uint64_t handful = 32;
    const window& shared_;
    std::uint64_t admitted_ = 0;
};

} // namespace bench
