// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "runtime/dispatch/handle.hpp"
#include "runtime/dispatch/waiter.hpp"

namespace joinleaf::dispatch {

// What a window procedure would be called with.
struct queued_message {
    std::uint32_t message = 0;
    std::uintptr_t wparam = 0;
    std::intptr_t lparam = 0;
};

// What stands in a window's place for WSAAsyncSelect: messages in the order of their posting, and a descriptor
// that is readable exactly while one is there. The handle is the descriptor's number.
//
// Shared like event_object: a socket may still be registered with a queue whose handle is closed.
class message_queue : public handle_object {
  public:
    enum class outcome { taken, empty, closed };

    // Null when the process has no descriptor left.
    static std::shared_ptr<message_queue> create();

    // The queue of a handle, null when it is none. [any]
    static std::shared_ptr<message_queue> find(std::uintptr_t handle);

    // Ends the handle: waiting calls end, the messages are gone, further ones go nowhere. False when it is
    // none. [any]
    static bool close(std::uintptr_t handle);

    explicit message_queue(descriptor eventfd) noexcept : handle_object(std::move(eventfd)) {}

    // A closed queue takes it and forgets it, as a destroyed window does. [any]
    void post(const queued_message& what);

    // The oldest message, which stays where it is unless `remove`. [any]
    outcome take(queued_message& out, bool remove);

    // The same, and waits for one; empty when the time is over. Of several waiting threads one gets it. [any]
    outcome wait(queued_message& out, const deadline& until);

    void on_close() override;

  private:
    std::mutex mutex_;
    // guarded by mutex_
    std::deque<queued_message> messages_;
    bool closed_ = false; // the descriptor stays readable, so that whoever waits looks
};

} // namespace joinleaf::dispatch
