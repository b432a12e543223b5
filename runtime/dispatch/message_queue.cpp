// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/message_queue.hpp"

#include "runtime/dispatch/handle_table.hpp"

namespace joinleaf::dispatch {
namespace {

// Handles may outlive main(), so the table is never destroyed.
handle_table<message_queue>& handles() {
    static auto& table = *new handle_table<message_queue>;
    return table;
}

} // namespace

std::shared_ptr<message_queue> message_queue::create() {
    auto eventfd = make_eventfd();
    if (!eventfd) {
        return nullptr;
    }
    auto made = std::make_shared<message_queue>(std::move(eventfd));
    return handles().publish(made) ? made : nullptr;
}

std::shared_ptr<message_queue> message_queue::find(std::uintptr_t handle) {
    return handles().find(handle);
}

bool message_queue::close(std::uintptr_t handle) {
    const auto closed = handles().close(handle);
    if (closed) {
        closed->shut();
    }
    return closed != nullptr;
}

void message_queue::shut() {
    const std::lock_guard hold(mutex_);
    closed_ = true;
    messages_.clear();
    raise(eventfd_);
}

void message_queue::post(const queued_message& what) {
    const std::lock_guard hold(mutex_);
    if (closed_) {
        return;
    }
    messages_.push_back(what);
    if (messages_.size() == 1) {
        raise(eventfd_);
    }
}

message_queue::outcome message_queue::take(queued_message& out, bool remove) {
    const std::lock_guard hold(mutex_);
    if (closed_ || messages_.empty()) {
        return closed_ ? outcome::closed : outcome::empty;
    }
    out = messages_.front();
    if (remove) {
        messages_.pop_front();
        if (messages_.empty()) {
            lower(eventfd_);
        }
    }
    return outcome::taken;
}

message_queue::outcome message_queue::wait(queued_message& out, const deadline& until) {
    const pollfd descriptor{eventfd_.get(), POLLIN, 0};
    for (bool in_time = true;;) {
        if (const auto found = take(out, true); found != outcome::empty || !in_time) {
            return found;
        }
        in_time = waiter::of_thread().wait({&descriptor, 1}, until);
    }
}

} // namespace joinleaf::dispatch
