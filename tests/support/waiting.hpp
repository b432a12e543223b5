// SPDX-License-Identifier: Apache-2.0
//
// Waiting for conditions, always with a deadline.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

namespace joinleaf::test {

using clock = std::chrono::steady_clock;

// How long anything may take that must happen; generous, because sanitizers and busy machines are slow.
inline constexpr std::chrono::seconds patience{20};

// How long something is looked out for that must not happen.
inline constexpr std::chrono::milliseconds vigilance{150};

// True as soon as the condition holds, false when the time is over.
template <class Condition> bool eventually(Condition holds, clock::duration limit = patience) {
    for (const auto end = clock::now() + limit; !holds();) {
        if (clock::now() >= end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

// What poll says about a descriptor within the time; 0: nothing.
inline short poll_for(int fd, short events, std::chrono::milliseconds limit = patience) {
    pollfd one{fd, events, 0};
    return ::poll(&one, 1, static_cast<int>(limit.count())) == 1 ? one.revents : short{0};
}

inline bool readable(int fd, std::chrono::milliseconds limit = patience) {
    return (poll_for(fd, POLLIN, limit) & POLLIN) != 0;
}

inline bool readable_now(int fd) {
    return readable(fd, std::chrono::milliseconds(0));
}

// Runs a blocking call in a thread of its own.
template <class Call> auto in_background(Call call) {
    return std::async(std::launch::async, std::move(call));
}

// The result of such a call. A call that never ends would hold up its thread, so the program ends instead.
template <class T> T result_of(std::future<T>& call, const char* what) {
    if (call.wait_for(patience) != std::future_status::ready) {
        std::printf("FAILED: still blocked after %d s: %s\n", static_cast<int>(patience.count()), what);
        std::fflush(stdout);
        std::_Exit(1);
    }
    return call.get();
}

template <class T>
bool is_done(std::future<T>& call, std::chrono::milliseconds limit = std::chrono::milliseconds(0)) {
    return call.wait_for(limit) == std::future_status::ready;
}

} // namespace joinleaf::test
