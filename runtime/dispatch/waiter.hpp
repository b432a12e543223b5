// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include <poll.h>

#include "runtime/dispatch/descriptor.hpp"

namespace joinleaf::dispatch {

// When a wait ends by itself; empty: never.
using deadline = std::optional<std::chrono::steady_clock::time_point>;

// The means by which a thread that waits inside a blocking call is woken from elsewhere. One per thread.
//
// The order that loses no wake-up: put the waiter into the list of those to kick, look whether there still is
// something to wait for, wait.
class waiter {
  public:
    // The calling thread's own.
    static waiter& of_thread();

    void kick() noexcept { raise(eventfd_); } // [any]

    // Waits until one of the descriptors is ready, a kick came, or the time is over (false), polling first for
    // reactor.spin unless the caller has done that. Kicks are used up.
    bool wait(std::span<const pollfd> descriptors, const deadline& until, bool has_polled = false);

    // Waits for a kick until then, as exactly as the machine can: a sender that is late each time would fall behind
    // its rate (QS-24). False: the time is over.
    bool wait_exactly(std::chrono::steady_clock::time_point until);

  private:
    waiter();
    bool take_kick(const pollfd& told) noexcept;
    descriptor eventfd_;
};

// Waits until an epoll descriptor has something to report; false: the time is over. [any]
bool wait_readable(const descriptor& epoll, const deadline& until);

} // namespace joinleaf::dispatch
