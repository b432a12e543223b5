// SPDX-License-Identifier: Apache-2.0
#include "outbox.hpp"

#include "base.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace joinleaf::udp_mcast {

namespace {

char* copy_message(const jl_msg& message, char* to) noexcept {
    for (std::uint32_t i = 0; i < message.iov_count; ++i) {
        const auto& piece = message.iov[i];
        to = std::copy_n(static_cast<const char*>(piece.iov_base), piece.iov_len, to);
    }
    return to;
}

std::size_t datagrams_of(std::size_t packed, std::size_t most_bytes, std::size_t most) noexcept {
    return packed == 0 ? most : std::clamp<std::size_t>(most_bytes / packed, 1, most);
}

} // namespace

bool waiting_datagrams::add(const jl_msg& message, std::size_t size, const envelope& header) noexcept {
    if (packed_ > 0) {
        return add_packed(message, size, header);
    }
    if (last_ == most_ || starts_[last_] + size > room_.size()) {
        return false;
    }
    copy_message(message, room_.data() + starts_[last_]);
    counts_[last_] = 1;
    starts_[last_ + 1] = starts_[last_] + size;
    ++last_;
    return true;
}

bool waiting_datagrams::add_packed(const jl_msg& message, std::size_t size, const envelope& header) noexcept {
    const auto needed = size + envelope::length_size;
    if (fill_ > 0 && fill_ + needed > packed_) {
        finish_current();
    }
    if (last_ == most_) {
        return false;
    }
    char* const start = room_.data() + starts_[last_];
    char* to = start + fill_;
    if (fill_ == 0) {
        header.write(to);
        to += envelope::size;
        counts_[last_] = 0;
    }
    envelope::write_length(to, size);
    fill_ = static_cast<std::size_t>(copy_message(message, to + envelope::length_size) - start);
    ++counts_[last_];
    return true;
}

// Full ones get the same length, so that they fit into one super-packet.
void waiting_datagrams::finish_current() noexcept {
    std::memset(room_.data() + starts_[last_] + fill_, envelope::filling, packed_ - fill_);
    starts_[last_ + 1] = starts_[last_] + packed_;
    ++last_;
    fill_ = 0;
}

void waiting_datagrams::drop(std::size_t datagrams) noexcept {
    if (datagrams >= count()) {
        first_ = 0;
        last_ = 0;
        fill_ = 0;
    } else {
        first_ += datagrams;
    }
}

outbox::outbox(std::size_t packed, std::chrono::nanoseconds delay)
    : packed_(packed),
      delay_(delay),
      leaving_(packed == 0 ? most_bytes : packed * datagrams_of(packed, most_bytes, most_datagrams),
               datagrams_of(packed, most_bytes, most_datagrams), packed),
      gathering_(leaving_),
      limit_(most_datagrams) {}

bool outbox::open(jl_handle* handle, send_function send, void* owner) {
    send_ = send;
    owner_ = owner;
    const auto& table = host();
    if (delay_.count() == 0 || table.loop_of == nullptr || table.watch == nullptr ||
        table.unwatch == nullptr) {
        return false;
    }
    timer_ = provider::descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (timer_) {
        watch_ = table.watch(table.loop_of(handle), timer_.get(), JL_IN, on_time, this);
    }
    if (watch_ != nullptr) {
        process_ = ::getpid();
        const std::lock_guard hold(all().lock);
        next_ = std::exchange(all().first, this);
    }
    return watch_ != nullptr;
}

outbox::register_of_all& outbox::all() {
    static register_of_all made;
    return made;
}

// A program that ends without closesocket has been told that its sends succeeded. A fork's messages are its parent's.
outbox::register_of_all::~register_of_all() {
    const std::unique_lock hold(lock, std::try_to_lock);
    for (auto* one = hold ? first : nullptr; one != nullptr; one = one->next_) {
        if (one->process_ == ::getpid()) {
            one->send_rest();
        }
    }
}

void outbox::send_rest() noexcept {
    const std::unique_lock order(departure, std::try_to_lock);
    if (order && owner_ != nullptr) {
        send_(owner_);
    }
}

void outbox::retire() {
    {
        const std::scoped_lock hold(departure, lock);
        owner_ = nullptr;
    }
    if (watch_ == nullptr) {
        delete this;
        return;
    }
    {
        const std::lock_guard hold(all().lock);
        auto** link = &all().first;
        while (*link != this) {
            link = &(*link)->next_;
        }
        *link = next_;
    }
    host().unwatch(
        watch_, [](void* self) { delete static_cast<outbox*>(self); }, this);
}

void outbox::on_time(void* raw, std::uint32_t) {
    auto& self = *static_cast<outbox*>(raw);
    const std::unique_lock order(self.departure, std::try_to_lock);
    if (self.is_time(order.owns_lock())) {
        self.send_(self.owner_);
    }
}

// The timer has expired: whether something has waited long enough. While somebody else sends, the loop has better to
// do than to wait for it: what gathers meanwhile has its turn afterwards.
bool outbox::is_time(bool may_send) noexcept {
    const std::lock_guard hold(lock);
    std::uint64_t times = 0;
    if (::read(timer_.get(), &times, sizeof times) != sizeof times || owner_ == nullptr) {
        return false;
    }
    timer_runs_ = false;
    if (!may_send) {
        if (!gathering_.empty()) {
            set_timer(delay_);
        }
        return false;
    }
    if (!leaving_.empty() || gathering_.empty()) {
        return !leaving_.empty();
    }
    const auto waited = clock::now() - since_;
    if (waited < delay_) { // what the timer was set for has left meanwhile
        set_timer(delay_ - waited);
    }
    return waited >= delay_;
}

void outbox::set_timer(std::chrono::nanoseconds after) noexcept {
    const auto ns = std::max<std::int64_t>(1, after.count());
    itimerspec when{};
    when.it_value = {ns / 1'000'000'000, static_cast<long>(ns % 1'000'000'000)};
    timer_runs_ = ::timerfd_settime(timer_.get(), 0, &when, nullptr) == 0;
}

bool outbox::add(const jl_msg& message, std::size_t size, const envelope& header) noexcept {
    if (gathering_.empty()) {
        since_ = clock::now();
    } else if (gathering_.count() >= limit_ && packed_ == 0) {
        return false;
    }
    return gathering_.add(message, size, header);
}

// The clock was looked at when the first of them came; while the timer runs nobody needs to do so again.
bool outbox::is_due() noexcept {
    if (gathering_.empty()) {
        return false;
    }
    if (watch_ == nullptr || since_ - departed_ >= delay_) {
        return true;
    }
    if (!timer_runs_) {
        set_timer(delay_);
    }
    return !timer_runs_;
}

std::size_t outbox::bytes() {
    const std::scoped_lock hold(departure, lock);
    return leaving_.bytes() + gathering_.bytes();
}

bool outbox::load() noexcept {
    if (leaving_.empty()) {
        const std::lock_guard hold(lock);
        std::swap(leaving_, gathering_);
        limit_ = std::min(limit_ + 1, most_datagrams);
    }
    return !leaving_.empty();
}

void outbox::note_departure() noexcept {
    const std::lock_guard hold(lock);
    departed_ = clock::now();
}

void outbox::begin_small() noexcept {
    const std::lock_guard hold(lock);
    limit_ = few_datagrams;
}

// Also where the timer runs: it may have expired, and its handler stands before `departure`.
void outbox::try_later() noexcept {
    const std::lock_guard hold(lock);
    if (watch_ != nullptr) {
        set_timer(delay_);
    }
}

void outbox::discard() noexcept {
    leaving_.drop(leaving_.count());
    const std::lock_guard hold(lock);
    gathering_.drop(gathering_.count());
}

} // namespace joinleaf::udp_mcast
