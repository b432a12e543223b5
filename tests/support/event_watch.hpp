// SPDX-License-Identifier: Apache-2.0
//
// Network events of one socket, waited for with a deadline.
#pragma once

#include "tests/support/call_result.hpp"
#include "tests/support/owned.hpp"
#include "tests/support/waiting.hpp"

#include <array>
#include <cstring>

namespace joinleaf::test {

// The index of an FD_* bit in WSANETWORKEVENTS.iErrorCode.
inline std::size_t bit_number(LONG bit) {
    std::size_t number = 0;
    while ((bit >> number) != 1) {
        ++number;
    }
    return number;
}

// What was enumerated: the bits, and the code of each.
struct seen_events {
    LONG bits = 0;
    std::array<int, FD_MAX_EVENTS> codes{};

    [[nodiscard]] bool has(LONG bit) const { return (bits & bit) != 0; }
    [[nodiscard]] int code(LONG bit) const { return codes[bit_number(bit)]; }
};

// WSAEnumNetworkEvents; a failure fails the test.
inline seen_events enumerate(SOCKET s, WSAEVENT reset = WSA_INVALID_EVENT) {
    WSANETWORKEVENTS events{};
    EXPECT_TRUE(worked(WSAEnumNetworkEvents(s, reset, &events)));
    seen_events seen;
    seen.bits = events.lNetworkEvents;
    std::memcpy(seen.codes.data(), events.iErrorCode, sizeof events.iErrorCode);
    return seen;
}

// Enumerates until the bit was reported or the time is over; gives what came meanwhile. The event must be the
// one registered.
inline seen_events wait_for_event(SOCKET s, WSAEVENT event, LONG bit, clock::duration limit = patience) {
    seen_events sum;
    const auto end = clock::now() + limit;
    while (!sum.has(bit) && clock::now() < end) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now());
        if (WSAWaitForMultipleEvents(1, &event, FALSE, static_cast<DWORD>(left.count() + 1), FALSE) !=
            WSA_WAIT_EVENT_0) {
            break;
        }
        const auto now = enumerate(s, event);
        for (LONG one = 1; one <= FD_ADDRESS_LIST_CHANGE; one <<= 1) {
            if (now.has(one)) {
                sum.codes[bit_number(one)] = now.code(one);
            }
        }
        sum.bits |= now.bits;
    }
    return sum;
}

// A registration with an event object of its own.
class event_watch {
  public:
    event_watch(SOCKET s, LONG mask) : socket_(s) {
        EXPECT_TRUE(worked(WSAEventSelect(s, event_.get(), mask)));
    }

    [[nodiscard]] WSAEVENT event() const { return event_.get(); }
    [[nodiscard]] bool is_set() const { return event_.is_set(); }

    [[nodiscard]] seen_events wait(LONG bit, clock::duration limit = patience) const {
        return wait_for_event(socket_, event_.get(), bit, limit);
    }
    // The code with which the event came; fails the test if it does not come.
    [[nodiscard]] int code(LONG bit) const {
        const auto seen = wait(bit);
        EXPECT_TRUE(seen.has(bit)) << "the event " << bit << " did not come; seen: " << seen.bits;
        return seen.has(bit) ? seen.code(bit) : -1;
    }
    // Nothing of this kind is recorded for a while.
    [[nodiscard]] bool stays_away(LONG bit) const { return !wait(bit, vigilance).has(bit); }

  private:
    SOCKET socket_;
    owned_event event_;
};

} // namespace joinleaf::test
