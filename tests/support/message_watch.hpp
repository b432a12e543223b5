// SPDX-License-Identifier: Apache-2.0
//
// A message queue, and the WSAAsyncSelect messages of it, waited for with a deadline.
#pragma once

#include "tests/support/call_result.hpp"
#include "tests/support/waiting.hpp"

#include <joinleaf/ext.h>

#include <optional>
#include <vector>

namespace joinleaf::test {

class owned_queue {
  public:
    owned_queue() noexcept : queue_(jl_queue_create()) {}
    owned_queue(const owned_queue&) = delete;
    owned_queue& operator=(const owned_queue&) = delete;
    ~owned_queue() { destroy(); }

    [[nodiscard]] HWND get() const noexcept { return queue_; }
    int destroy() noexcept {
        return queue_ == nullptr ? 0 : jl_queue_destroy(std::exchange(queue_, nullptr));
    }

    // The next message; nothing when the time is over.
    [[nodiscard]] std::optional<jl_queue_message> next(clock::duration limit = patience) const {
        jl_queue_message message{};
        const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
        const int found = jl_queue_wait(queue_, &message, static_cast<DWORD>(time));
        EXPECT_NE(SOCKET_ERROR, found) << last_failure();
        return found == 1 ? std::optional(message) : std::nullopt;
    }
    // Takes whatever is there now.
    [[nodiscard]] std::vector<jl_queue_message> all() const {
        std::vector<jl_queue_message> messages;
        jl_queue_message one{};
        while (jl_queue_peek(queue_, &one, TRUE) == 1) {
            messages.push_back(one);
        }
        return messages;
    }
    [[nodiscard]] bool stays_empty() const {
        jl_queue_message one{};
        return !readable(jl_queue_descriptor(queue_), vigilance) && jl_queue_peek(queue_, &one, FALSE) == 0;
    }

  private:
    HWND queue_;
};

// A registration with WSAAsyncSelect on a queue of its own.
class message_watch {
  public:
    static constexpr UINT message = 0x0400 + 42;

    message_watch(SOCKET s, LONG mask) : socket_(s) {
        EXPECT_TRUE(worked(WSAAsyncSelect(s, queue_.get(), message, mask)));
    }
    [[nodiscard]] const owned_queue& queue() const { return queue_; }
    [[nodiscard]] bool stays_empty() const { return queue_.stays_empty(); }

    // The code of the next message, which must be this event of this socket (of the watched one by default).
    [[nodiscard]] int code(LONG event, SOCKET of = INVALID_SOCKET) const {
        const auto got = queue_.next();
        if (!got) {
            ADD_FAILURE() << "no message for event " << event;
            return -1;
        }
        EXPECT_EQ(queue_.get(), got->hwnd);
        EXPECT_EQ(message, got->message);
        EXPECT_EQ(of == INVALID_SOCKET ? socket_ : of, got->wParam);
        EXPECT_EQ(event, WSAGETSELECTEVENT(got->lParam));
        return WSAGETSELECTERROR(got->lParam);
    }

  private:
    owned_queue queue_; // before the registration
    SOCKET socket_;
};

} // namespace joinleaf::test
