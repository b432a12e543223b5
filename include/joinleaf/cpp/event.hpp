// SPDX-License-Identifier: Apache-2.0
//
// Event objects, and the network events that set them.
#pragma once

#include "result.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <utility>

namespace joinleaf {

// The events of one socket that were recorded since the last look (WSAEnumNetworkEvents).
struct network_events {
    LONG bits = 0;                          // FD_*
    std::array<int, FD_MAX_EVENTS> codes{}; // of the bits that are set; 0 elsewhere

    [[nodiscard]] bool has(LONG bit) const noexcept { return (bits & bit) != 0; }
    // 0 or the reason, for exactly one FD_* bit.
    [[nodiscard]] int code(LONG bit) const noexcept {
        return codes[static_cast<std::size_t>(std::countr_zero(static_cast<std::uint32_t>(bit))) %
                     FD_MAX_EVENTS];
    }
};

// An event object with manual reset (EV-70). Move-only. Any thread may set it and wait for it.
class event {
  public:
    // Throws failure: WSA_NOT_ENOUGH_MEMORY, WSANOTINITIALISED.
    event() : event(create().value()) {}
    // The same without an exception. [any]
    [[nodiscard]] static result<event> create() {
        const WSAEVENT made = WSACreateEvent();
        if (made == WSA_INVALID_EVENT) {
            return error::last();
        }
        return event(made);
    }

    event(event&& other) noexcept : handle_(std::exchange(other.handle_, WSA_INVALID_EVENT)) {}
    event& operator=(event&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~event() {
        if (handle_ != WSA_INVALID_EVENT) {
            WSACloseEvent(handle_);
        }
    }

    [[nodiscard]] WSAEVENT handle() const noexcept { return handle_; }
    // For poll and epoll: readable exactly while the event is set. Not to be closed.
    [[nodiscard]] int descriptor() const noexcept {
        return static_cast<int>(reinterpret_cast<std::intptr_t>(handle_));
    }

    void set() const noexcept { WSASetEvent(handle_); }
    void reset() const noexcept { WSAResetEvent(handle_); }
    // True as soon as it is set, false when the time is over. Not alertable. [any]
    [[nodiscard]] bool wait(std::chrono::milliseconds limit) const noexcept { return wait_for(clamp(limit)); }
    void wait() const noexcept { wait_for(WSA_INFINITE); }
    [[nodiscard]] bool is_set() const noexcept { return wait_for(0); }

  private:
    explicit event(WSAEVENT handle) noexcept : handle_(handle) {}

    [[nodiscard]] static DWORD clamp(std::chrono::milliseconds limit) noexcept {
        constexpr std::int64_t longest = WSA_INFINITE - 1;
        return static_cast<DWORD>(std::max<std::int64_t>(0, std::min<std::int64_t>(limit.count(), longest)));
    }
    bool wait_for(DWORD milliseconds) const noexcept {
        return WSAWaitForMultipleEvents(1, &handle_, FALSE, milliseconds, FALSE) == WSA_WAIT_EVENT_0;
    }

    WSAEVENT handle_;
};

} // namespace joinleaf
