// SPDX-License-Identifier: Apache-2.0
#include "circular_queue.hpp"

#include "base.hpp"
#include "endpoint.hpp"

#include <linux/sock_diag.h>
#include <sys/epoll.h>

#include <array>
#include <new>

namespace joinleaf::udp_mcast {

namespace {

// Whether more than half of the room of a socket's queue is used.
bool is_half_full(int fd) noexcept {
    std::array<std::uint32_t, SK_MEMINFO_VARS> notes{};
    socklen_t length = sizeof notes;
    return ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, notes.data(), &length) == 0 &&
           notes[SK_MEMINFO_RMEM_ALLOC] > notes[SK_MEMINFO_RCVBUF] / 2;
}

bool set_peek_offset(int fd, int offset) noexcept {
    return ::setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) == 0;
}

// Whether something lies behind the head of the queue. The newest is never dropped, however long it is.
bool has_second(int fd) noexcept {
    constexpr int look = MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT;
    const auto first = ::recv(fd, nullptr, 0, look);
    if (first < 0 || !set_peek_offset(fd, static_cast<int>(first))) {
        return false;
    }
    const bool found = ::recv(fd, nullptr, 0, look) >= 0;
    return set_peek_offset(fd, -1) && found;
}

} // namespace

circular_queue* circular_queue::make(jl_handle* handle, int fd, look_function look, void* owner) {
    const auto& table = host();
    if (table.loop_of == nullptr || table.watch == nullptr || table.unwatch == nullptr) {
        return nullptr;
    }
    auto* const made = new (std::nothrow) circular_queue(look, owner);
    if (made == nullptr) {
        return nullptr;
    }
    made->arrivals_ = provider::descriptor(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event each{};
    each.events = EPOLLIN | EPOLLET;
    if (!made->arrivals_ || ::epoll_ctl(made->arrivals_.get(), EPOLL_CTL_ADD, fd, &each) != 0) {
        delete made;
        return nullptr;
    }
    made->watch_ = table.watch(table.loop_of(handle), made->arrivals_.get(), JL_IN, on_arrival, made);
    if (made->watch_ == nullptr) {
        delete made;
        return nullptr;
    }
    return made;
}

void circular_queue::retire() {
    {
        const std::lock_guard hold(lock);
        owner_ = nullptr;
    }
    host().unwatch(
        watch_, [](void* self) { delete static_cast<circular_queue*>(self); }, this);
}

void circular_queue::on_arrival(void* raw, std::uint32_t) {
    auto& self = *static_cast<circular_queue*>(raw);
    const std::lock_guard hold(self.lock);
    epoll_event arrived{};
    if (self.owner_ != nullptr && ::epoll_wait(self.arrivals_.get(), &arrived, 1, 0) > 0) {
        self.look_(self.owner_);
    }
}

// ---- the part of the endpoint

std::int32_t endpoint::queue_in_circle() {
    if (circle_ == nullptr) {
        circle_ = circular_queue::make(handle_, fd_, make_room, this);
    }
    return circle_ == nullptr ? WSAENOPROTOOPT : 0;
}

std::unique_lock<std::mutex> endpoint::hold_queue() const {
    return circle_ == nullptr ? std::unique_lock<std::mutex>() : std::unique_lock(circle_->lock);
}

void endpoint::make_room(void* raw) {
    auto& self = *static_cast<endpoint*>(raw);
    for (auto before = ~std::uint64_t{0};
         before != self.evicted_ && is_half_full(self.fd_) && has_second(self.fd_);) {
        before = self.evicted_;
        self.drop_oldest();
    }
}

// A super-packet goes whole, less what of it was handed out before.
void endpoint::drop_oldest() {
    if (ahead_.on() && !ahead_.holds() && ahead_.fetch() != 0) {
        return;
    }
    const auto messages = messages_at_hand();
    if (ahead_.discard() != 0) {
        return; // an error came first; the next look goes on
    }
    ahead_.forget();
    gap_ += opened_.is_open() ? opened_.left()
                              : 0; // the numbers of those that were not opened tell it by themselves
    opened_.close();
    next_size_.store(-1, std::memory_order_relaxed);
    evicted_.fetch_add(messages, std::memory_order_relaxed);
}

// Messages of the head of the queue that were not handed out.
std::uint64_t endpoint::messages_at_hand() const {
    if (!ahead_.holds()) {
        return 1;
    }
    if (!enveloped_) {
        return ahead_.left();
    }
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < ahead_.left(); ++i) {
        opened_envelope one;
        const bool is_open = i == 0 && opened_.is_open();
        sum += is_open ? opened_.left() : one.open(ahead_.datagram(i)) ? one.count() : 1;
    }
    return sum;
}

} // namespace joinleaf::udp_mcast
