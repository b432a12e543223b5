// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/message_queue.hpp"

namespace joinleaf::dispatch {

std::shared_ptr<message_queue> message_queue::create() {
    auto made = std::make_shared<message_queue>(make_eventfd());
    return publish_handle(made) ? made : nullptr;
}

std::shared_ptr<message_queue> message_queue::find(std::uintptr_t handle) {
    return find_handle_of<message_queue>(handle);
}

bool message_queue::close(std::uintptr_t handle) {
    return close_handle_of<message_queue>(handle);
}

void message_queue::on_close() {
    const std::lock_guard hold(mutex_);
    closed_ = true;
    messages_.clear();
    raise(fd_);
}

void message_queue::post(const queued_message& what) {
    const std::lock_guard hold(mutex_);
    if (closed_) {
        return;
    }
    messages_.push_back(what);
    if (messages_.size() == 1) {
        raise(fd_);
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
            lower(fd_);
        }
    }
    return outcome::taken;
}

message_queue::outcome message_queue::wait(queued_message& out, const deadline& until) {
    const pollfd descriptor{fd_.get(), POLLIN, 0};
    for (bool in_time = true;;) {
        if (const auto found = take(out, true); found != outcome::empty || !in_time) {
            return found;
        }
        in_time = waiter::of_thread().wait({&descriptor, 1}, until);
    }
}

} // namespace joinleaf::dispatch
