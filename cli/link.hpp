// SPDX-License-Identifier: Apache-2.0
// A socket of a session, and whole messages over it.
#pragma once

#include "message.hpp"
#include "result.hpp"

#include <joinleaf/ext.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace joinleaf::cli {

using clock = std::chrono::steady_clock;

/// Owns a SOCKET.
class unique_socket {
  public:
    explicit unique_socket(SOCKET s = INVALID_SOCKET) : socket_(s) {}
    unique_socket(unique_socket&& other) noexcept : socket_(std::exchange(other.socket_, INVALID_SOCKET)) {}
    unique_socket& operator=(unique_socket&& other) noexcept {
        std::swap(socket_, other.socket_);
        return *this;
    }
    ~unique_socket() {
        if (socket_ != INVALID_SOCKET) {
            jl_closesocket(socket_);
        }
    }

    SOCKET get() const { return socket_; }
    explicit operator bool() const { return socket_ != INVALID_SOCKET; }

  private:
    SOCKET socket_;
};

/// Makes a socket nonblocking.
result<void> set_nonblocking(SOCKET s);

/// Waits until one of the POLL* events holds; false when the deadline came first.
result<bool> wait_for(SOCKET s, short events, clock::time_point deadline);

/// A message that came. The payload is the link's, valid until its next receive.
struct incoming {
    cli::header header;
    std::span<const std::byte> payload;
};

/// The greatest message of a transfer: large enough that the cost of a call no longer shows.
constexpr std::size_t greatest_message = 64 * 1024;

/// Sends and receives messages over a nonblocking socket.
class link {
  public:
    explicit link(unique_socket s) : socket_(std::move(s)), buffer_(greatest_message) {}

    /// Waits while the transport is full, at most until the deadline. status::session.
    result<void> send(const header& head, std::span<const std::byte> body, clock::time_point deadline);

    /// The next message of ours; nothing when the deadline came first or the session has ended. Foreign messages are
    /// passed over. status::session when the session broke.
    result<std::optional<incoming>> receive(clock::time_point deadline);

    /// The peer has closed the session: nothing more will come.
    bool ended() const { return ended_; }

    SOCKET get() const { return socket_.get(); }

  private:
    unique_socket socket_;
    std::vector<std::byte> buffer_;
    bool ended_ = false;
};

} // namespace joinleaf::cli
