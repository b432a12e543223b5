// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/completion_port.hpp"

#include <algorithm>
#include <thread>

#include "runtime/dispatch/apc_queue.hpp"

namespace joinleaf::dispatch {
namespace {

constexpr std::size_t first_room = 64; // doubled when it is full, never made smaller

unsigned processors() noexcept {
    return std::max(1U, std::thread::hardware_concurrency());
}

} // namespace

// The port that the calling thread took its last packet from. It does not keep the port alive.
struct completion_port::membership {
    std::weak_ptr<completion_port> port;

    membership() = default;
    membership(const membership&) = delete;
    membership& operator=(const membership&) = delete;
    ~membership() { leave(); }

    void leave() {
        if (const auto left = std::exchange(port, {}).lock()) {
            const std::lock_guard hold(left->lock_);
            --left->running_;
            left->hand_out();
        }
    }
};

completion_port::membership& completion_port::of_calling_thread() {
    thread_local membership one;
    return one;
}

std::shared_ptr<completion_port> completion_port::create(unsigned concurrency) {
    auto made = std::make_shared<completion_port>(make_eventfd(), concurrency);
    return publish_handle(made) ? made : nullptr;
}

completion_port::completion_port(descriptor eventfd, unsigned concurrency)
    : handle_object(std::move(eventfd)),
      concurrency_(concurrency == 0 ? processors() : concurrency),
      queue_(first_room) {}

void completion_port::post(const completion& packet) {
    const std::lock_guard hold(lock_);
    if (closed_) {
        return;
    }
    if (queue_.empty() && running_ < concurrency_ && !idle_.empty()) {
        auto& chosen = *idle_.back();
        remove(chosen);
        chosen.given = packet;
        chosen.has_packet = true;
        ++running_;
        chosen.who->kick();
        return;
    }
    if (queue_.full()) {
        queue_.set_capacity(queue_.capacity() * 2);
    }
    queue_.push_back(packet);
    if (queue_.size() == 1) {
        raise(fd_);
    }
    hand_out();
}

// Gives queued packets to idle threads as far as the limit allows; beyond it one thread watches the queue.
void completion_port::hand_out() {
    while (!queue_.empty() && running_ < concurrency_ && !idle_.empty()) {
        auto& chosen = *idle_.back();
        remove(chosen);
        take_queued({&chosen.given, 1});
        chosen.has_packet = true;
        ++running_;
        chosen.who->kick();
    }
    if (!queue_.empty() && !idle_.empty() && watching_ == nullptr) {
        watching_ = idle_.back();
        watching_->who->kick();
    }
}

void completion_port::remove(idle_thread& who) {
    std::erase(idle_, &who);
    watching_ = watching_ == &who ? nullptr : watching_;
}

std::size_t completion_port::take_queued(std::span<completion> room) {
    const auto count = std::min(room.size(), queue_.size());
    for (std::size_t i = 0; i < count; ++i) {
        room[i] = queue_.front();
        queue_.pop_front();
    }
    if (count > 0 && queue_.empty()) {
        lower(fd_);
    }
    return count;
}

// Waits once; false when the time is over. The watching thread does not wait longer than `grace`.
bool completion_port::sleep(idle_thread& self, const deadline& until, std::unique_lock<std::mutex>& hold) {
    auto end = until;
    const auto limit = std::chrono::steady_clock::now() + grace;
    const bool watches = !queue_.empty() && (watching_ == nullptr || watching_ == &self);
    if (watches) {
        watching_ = &self;
        end = until && *until < limit ? until : deadline(limit);
    }
    idle_.push_back(&self);
    hold.unlock();
    const bool woken = self.who->wait({}, end);
    hold.lock();
    if (!self.has_packet) {
        const bool let_in = watches && watching_ == &self && std::chrono::steady_clock::now() >= limit;
        remove(self);
        if (let_in && !queue_.empty()) {
            take_queued({&self.given, 1});
            self.has_packet = true;
            ++running_;
        }
    }
    return woken || !until || std::chrono::steady_clock::now() < *until;
}

// Comes back to this port, or from another one; a thread that comes back is served before idle ones.
void completion_port::stop_running(std::unique_lock<std::mutex>& hold) {
    auto& mine = of_calling_thread();
    if (mine.port.lock().get() == this) {
        mine.port.reset();
        hold.lock();
        --running_;
        return;
    }
    mine.leave();
    hold.lock();
}

completion_port::outcome completion_port::take(std::span<completion> room, std::size_t& count,
                                               const deadline& until, bool alertable) {
    idle_thread self{&waiter::of_thread()};
    std::unique_lock hold(lock_, std::defer_lock);
    stop_running(hold);
    for (bool in_time = true;;) {
        if (self.has_packet) {
            room[0] = self.given;
            count = 1 + take_queued(room.subspan(1));
            break;
        }
        if (closed_) {
            return outcome::closed;
        }
        if (alertable && apc_queue::waits_for_own()) {
            hand_out();
            hold.unlock();
            apc_queue::run_own();
            return outcome::alerted;
        }
        if (!queue_.empty() && running_ < concurrency_) {
            count = take_queued(room);
            ++running_;
            break;
        }
        if (!in_time) {
            hand_out();
            return outcome::timed_out;
        }
        in_time = sleep(self, until, hold);
    }
    of_calling_thread().port = weak_from_this();
    return outcome::taken;
}

void completion_port::on_close() {
    const std::lock_guard hold(lock_);
    closed_ = true;
    queue_.clear();
    for (auto* const one : idle_) {
        one->who->kick();
    }
}

} // namespace joinleaf::dispatch
