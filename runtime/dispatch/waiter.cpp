// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/waiter.hpp"

#include <algorithm>
#include <system_error>

#include <sys/epoll.h>
#include <sys/prctl.h>

#include <boost/container/small_vector.hpp>

#include "runtime/dispatch/spin.hpp"

namespace joinleaf::dispatch {
namespace {

// The time left as ppoll takes it.
timespec time_left(std::chrono::steady_clock::time_point until) noexcept {
    const auto left = std::max(std::chrono::nanoseconds::zero(), until - std::chrono::steady_clock::now());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    return {seconds.count(), static_cast<long>((left - seconds).count())};
}

// Timers of the calling thread that are not put off to be gathered with others, which takes 50 us by default.
class exact_timers {
  public:
    exact_timers() noexcept : former_(::prctl(PR_GET_TIMERSLACK)) { ::prctl(PR_SET_TIMERSLACK, 1UL); }
    exact_timers(const exact_timers&) = delete;
    exact_timers& operator=(const exact_timers&) = delete;
    ~exact_timers() {
        if (former_ > 0) {
            ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(former_));
        }
    }

  private:
    const int former_; // nanoseconds
};

} // namespace

waiter& waiter::of_thread() {
    thread_local waiter own;
    return own;
}

waiter::waiter() : eventfd_(make_eventfd()) {
    if (!eventfd_) {
        throw std::system_error(EMFILE, std::generic_category());
    }
}

bool waiter::wait_exactly(std::chrono::steady_clock::time_point until) {
    // A sleep shorter than this ends as late as it is long: waking a processor up takes 30 us and more here.
    constexpr std::chrono::microseconds shortest_sleep{50};
    if (until - std::chrono::steady_clock::now() > shortest_sleep) {
        const exact_timers exact;
        return wait({}, until, true);
    }
    while (std::chrono::steady_clock::now() < until) {}
    return false;
}

bool waiter::take_kick(const pollfd& told) noexcept {
    if (told.revents != 0) {
        lower(eventfd_);
    }
    return true;
}

bool wait_readable(const descriptor& epoll, const deadline& until) {
    for (;;) {
        timespec left{};
        if (until) {
            left = time_left(*until);
        }
        epoll_event told{};
        const int count = ::epoll_pwait2(epoll.get(), &told, 1, until ? &left : nullptr, nullptr);
        if (count >= 0) {
            return count > 0;
        }
        // A signal handler ran: Winsock knows no interruption by signals, the wait goes on.
    }
}

bool waiter::wait(std::span<const pollfd> descriptors, const deadline& until, bool has_polled) {
    boost::container::small_vector<pollfd, 8> all(descriptors.begin(), descriptors.end());
    all.push_back({eventfd_.get(), POLLIN, 0});
    for (spinning polls; !has_polled && polls.again(until);) {
        const timespec none{};
        if (::ppoll(all.data(), all.size(), &none, nullptr) > 0) {
            return take_kick(all.back());
        }
    }
    for (;;) {
        timespec left{};
        if (until) {
            left = time_left(*until);
        }
        const int count = ::ppoll(all.data(), all.size(), until ? &left : nullptr, nullptr);
        if (count > 0) {
            return take_kick(all.back());
        }
        if (count == 0) {
            return false;
        }
        // A signal handler ran: Winsock knows no interruption by signals, the wait goes on.
    }
}

} // namespace joinleaf::dispatch
