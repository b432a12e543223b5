// SPDX-License-Identifier: Apache-2.0
//
// Sockets and event objects that are closed with their scope.
#pragma once

#include <joinleaf/winsock2.h>

#include <utility>

namespace joinleaf::test {

class owned_socket {
  public:
    owned_socket() = default;
    explicit owned_socket(SOCKET s) noexcept : socket_(s) {}
    owned_socket(owned_socket&& other) noexcept : socket_(other.release()) {}
    owned_socket& operator=(owned_socket&& other) noexcept {
        if (this != &other) {
            close();
            socket_ = other.release();
        }
        return *this;
    }
    ~owned_socket() { close(); }

    [[nodiscard]] SOCKET get() const noexcept { return socket_; }
    [[nodiscard]] int fd() const noexcept { return static_cast<int>(socket_); }
    [[nodiscard]] SOCKET release() noexcept { return std::exchange(socket_, INVALID_SOCKET); }
    explicit operator bool() const noexcept { return socket_ != INVALID_SOCKET; }

    // closesocket's answer; 0 where there is nothing to close.
    int close() noexcept { return socket_ == INVALID_SOCKET ? 0 : jl_closesocket(release()); }

  private:
    SOCKET socket_ = INVALID_SOCKET;
};

// The handle with this number, whether or not there is such an event.
inline WSAEVENT event_handle(ULONG_PTR number) {
    return reinterpret_cast<WSAEVENT>(number); // NOLINT(performance-no-int-to-ptr): a WSAEVENT holds a number
}

class owned_event {
  public:
    owned_event() noexcept : event_(WSACreateEvent()) {}
    owned_event(const owned_event&) = delete;
    owned_event& operator=(const owned_event&) = delete;
    ~owned_event() {
        if (event_ != WSA_INVALID_EVENT) {
            WSACloseEvent(event_);
        }
    }
    [[nodiscard]] WSAEVENT get() const noexcept { return event_; }

    // Whether it is signalled now.
    [[nodiscard]] bool is_set() const {
        return WSAWaitForMultipleEvents(1, &event_, FALSE, 0, FALSE) == WSA_WAIT_EVENT_0;
    }

  private:
    WSAEVENT event_;
};

} // namespace joinleaf::test
