// SPDX-License-Identifier: Apache-2.0
#include "outbox.hpp"

#include "base.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace joinleaf::udp_mcast {

outbox::outbox(std::size_t bytes, std::chrono::nanoseconds delay)
    : bytes_(bytes),
      delay_(delay),
      capacity_(std::clamp<std::size_t>(most_bytes / bytes, 1, most_datagrams)),
      room_(capacity_ * bytes),
      counts_(capacity_) {}

void outbox::open(jl_handle* handle, send_function send, void* owner) {
    send_ = send;
    owner_ = owner;
    const auto& table = host();
    if (delay_.count() == 0 || table.loop_of == nullptr || table.watch == nullptr ||
        table.unwatch == nullptr) {
        return;
    }
    timer_ = provider::descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (timer_) {
        watch_ = table.watch(table.loop_of(handle), timer_.get(), JL_IN, on_time, this);
    }
}

void outbox::retire() {
    {
        const std::lock_guard hold(lock);
        owner_ = nullptr;
    }
    if (watch_ == nullptr) {
        delete this;
        return;
    }
    host().unwatch(
        watch_, [](void* self) { delete static_cast<outbox*>(self); }, this);
}

void outbox::on_time(void* raw, std::uint32_t) {
    auto& self = *static_cast<outbox*>(raw);
    const std::lock_guard hold(self.lock);
    std::uint64_t times = 0;
    if (::read(self.timer_.get(), &times, sizeof times) != sizeof times || self.owner_ == nullptr) {
        return;
    }
    self.timer_runs_ = false;
    if (self.count() == 0) {
        return;
    }
    const auto waited = clock::now() - self.since_;
    if (waited < self.delay_) { // what the timer was set for has left meanwhile
        self.set_timer(self.delay_ - waited);
        return;
    }
    self.send_(self.owner_);
    if (self.count() > 0) { // the kernel takes nothing now
        self.set_timer(self.delay_);
    }
}

void outbox::set_timer(std::chrono::nanoseconds after) noexcept {
    const auto ns = std::max<std::int64_t>(1, after.count());
    itimerspec when{};
    when.it_value = {ns / 1'000'000'000, static_cast<long>(ns % 1'000'000'000)};
    timer_runs_ = ::timerfd_settime(timer_.get(), 0, &when, nullptr) == 0;
}

void outbox::try_later() noexcept {
    if (watch_ != nullptr && !timer_runs_) {
        set_timer(delay_);
    }
}

bool outbox::is_due() noexcept {
    if (count() == 0) {
        return false;
    }
    if (watch_ == nullptr || clock::now() - departed_ >= delay_) {
        return true;
    }
    if (!timer_runs_) {
        set_timer(delay_);
    }
    return !timer_runs_;
}

bool outbox::add(const jl_msg& message, std::size_t size, const envelope& header) noexcept {
    const auto needed = size + envelope::length_size;
    if (fill_ > 0 && fill_ + needed > bytes_) {
        finish_current();
    }
    if (last_ == capacity_) {
        return false;
    }
    if (count() == 0) {
        since_ = clock::now();
    }
    char* const start = at(last_);
    if (fill_ == 0) {
        header.write(start);
        fill_ = envelope::size;
        counts_[last_] = 0;
    }
    envelope::write_length(start + fill_, size);
    fill_ += envelope::length_size;
    for (std::uint32_t i = 0; i < message.iov_count; ++i) {
        const auto& piece = message.iov[i];
        std::copy_n(static_cast<const char*>(piece.iov_base), piece.iov_len, start + fill_);
        fill_ += piece.iov_len;
    }
    ++counts_[last_];
    return true;
}

// Full ones get the same length, so that they fit into one super-packet.
void outbox::finish_current() noexcept {
    std::memset(at(last_) + fill_, envelope::filling, bytes_ - fill_);
    ++last_;
    fill_ = 0;
}

std::span<char> outbox::datagram(std::size_t index) noexcept {
    const bool current = first_ + index == last_;
    return {at(first_ + index), current ? fill_ : bytes_};
}

void outbox::drop(std::size_t datagrams) noexcept {
    const bool with_current = datagrams > last_ - first_;
    if (with_current || (datagrams == last_ - first_ && fill_ == 0)) {
        first_ = 0;
        last_ = 0;
        fill_ = 0;
        return;
    }
    first_ += datagrams;
    since_ = clock::now();
}

} // namespace joinleaf::udp_mcast
