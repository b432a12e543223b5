// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/apc_queue.hpp"

#include <algorithm>

namespace joinleaf::dispatch {

// Ends the queue with its thread. The waiter is made before it, hence destroyed after it.
struct apc_queue::of_calling_thread {
    std::shared_ptr<apc_queue> queue = std::make_shared<apc_queue>();

    of_calling_thread() { existing() = queue.get(); }
    of_calling_thread(const of_calling_thread&) = delete;
    of_calling_thread& operator=(const of_calling_thread&) = delete;
    ~of_calling_thread() {
        queue->end();
        existing() = nullptr;
    }
};

apc_queue::of_calling_thread& apc_queue::own() {
    thread_local of_calling_thread one;
    return one;
}

apc_queue*& apc_queue::existing() noexcept {
    thread_local apc_queue* one = nullptr;
    return one;
}

const std::shared_ptr<apc_queue>& apc_queue::of_thread() {
    return own().queue;
}

apc_queue::apc_queue() : thread_(waiter::of_thread()) {}

bool apc_queue::run_own() {
    auto* const own = existing();
    return own != nullptr && own->count_.load(std::memory_order_acquire) != 0 && own->run();
}

bool apc_queue::waits_for_own() noexcept {
    auto* const own = existing();
    if (own == nullptr || own->count_.load(std::memory_order_acquire) == 0) {
        return false;
    }
    const std::lock_guard hold(own->lock_);
    for (const auto* at = own->first_; at != nullptr; at = at->next) {
        if (!own->is_running(at->group)) {
            return true;
        }
    }
    return false;
}

bool apc_queue::push(apc& call) {
    {
        const std::lock_guard hold(lock_);
        if (!ended_) {
            call.next = nullptr;
            (last_ == nullptr ? first_ : last_->next) = &call;
            last_ = &call;
            count_.fetch_add(1, std::memory_order_release);
            thread_.kick();
            return true;
        }
    }
    call.discard(call);
    return false;
}

bool apc_queue::is_running(std::uint64_t group) const noexcept {
    return group != 0 && std::ranges::find(running_, group) != running_.end();
}

apc* apc_queue::unlink_runnable() {
    apc* before = nullptr;
    for (auto* at = first_; at != nullptr; before = at, at = at->next) {
        if (is_running(at->group)) {
            continue;
        }
        (before == nullptr ? first_ : before->next) = at->next;
        last_ = last_ == at ? before : last_;
        count_.fetch_sub(1, std::memory_order_relaxed);
        return at;
    }
    return nullptr;
}

apc* apc_queue::take() {
    const std::lock_guard hold(lock_);
    return unlink_runnable();
}

// Runs as many as were there at the start: a call that queues itself anew does not hold the thread for ever.
bool apc_queue::run() {
    bool ran = false;
    for (auto left = count_.load(std::memory_order_acquire); left > 0; --left) {
        auto* const call = take();
        if (call == nullptr) {
            break;
        }
        ran = true;
        running_.push_back(call->group);
        call->run(*call);
        running_.pop_back();
    }
    return ran;
}

void apc_queue::end() {
    std::vector<listener> told;
    {
        const std::lock_guard hold(lock_);
        ended_ = true;
        told.swap(listeners_);
    }
    if (at_end_ != nullptr) {
        at_end_(*this);
    }
    auto* at = std::exchange(first_, nullptr); // nobody adds to the list any more
    while (at != nullptr) {
        auto* const next = at->next;
        at->discard(*at);
        at = next;
    }
    for (const auto& one : told) {
        if (const auto object = one.object.lock()) {
            one.signal(*object);
        }
    }
}

void apc_queue::signal_end_to(std::weak_ptr<handle_object> object, void (*signal)(handle_object&)) {
    {
        const std::lock_guard hold(lock_);
        if (!ended_) {
            std::erase_if(listeners_, [](const listener& one) { return one.object.expired(); });
            listeners_.push_back({std::move(object), signal});
            return;
        }
    }
    if (const auto still = object.lock()) {
        signal(*still);
    }
}

std::shared_ptr<thread_object> thread_object::of_calling_thread() {
    auto made = std::make_shared<thread_object>(make_eventfd());
    if (!publish_handle(made)) {
        return nullptr;
    }
    made->apcs_->signal_end_to(made,
                               [](handle_object& object) { raise(static_cast<thread_object&>(object).fd_); });
    return made;
}

} // namespace joinleaf::dispatch
