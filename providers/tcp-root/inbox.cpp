// SPDX-License-Identifier: Apache-2.0
#include "inbox.hpp"

#include "base.hpp"
#include "wire.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace joinleaf::tcp_root {
namespace {

// 64 KiB of frames without payload are 8192 records; a message of the greatest size may follow in the same
// read.
constexpr std::size_t overshoot = wire::message_max + (1u << 20);

} // namespace

inbox::inbox(std::size_t bound, std::size_t readers) : bound_(bound), ring_(bound + readers * overshoot) {}

void inbox::begin(const address& from, std::size_t size) noexcept {
    record next{};
    next.size = static_cast<std::uint32_t>(size);
    next.name_size = std::min<std::uint32_t>(from.size, sizeof next.name);
    std::memcpy(next.name, from.raw(), next.name_size);
    ring_.append(std::as_bytes(std::span(&next, 1)));
}

bool inbox::publish(std::size_t size) noexcept {
    ring_.publish();
    used_ = ring_.used();
    payload_ += size;
    return std::exchange(wants_, false);
}

bool inbox::put(const address& from, std::span<const std::byte> data) noexcept {
    const std::lock_guard hold(mutex_);
    begin(from, data.size());
    ring_.append(data);
    return publish(data.size());
}

bool inbox::put(const address& from, std::span<const iovec> parts, std::size_t size) noexcept {
    const std::lock_guard hold(mutex_);
    begin(from, size);
    for (const iovec& part : parts) {
        ring_.append(bytes_of(part));
    }
    return publish(size);
}

bool inbox::check() noexcept {
    return !is_empty_now();
}

bool inbox::is_empty_now() noexcept {
    const std::lock_guard hold(mutex_);
    wants_ = ring_.used() == 0;
    return wants_;
}

std::int32_t inbox::take(jl_msg* messages, std::uint32_t count, std::uint32_t* done,
                         std::uint32_t* left) noexcept {
    *done = 0;
    *left = JL_LEFT_SOME;
    while (*done < count && !is_empty_now()) {
        record next{};
        ring_.copy(ring_.tail(), std::as_writable_bytes(std::span(&next, 1)));
        jl_msg& message = messages[(*done)++];
        const bool peek = (message.flags & JL_MSG_PEEK) != 0;
        take_one(next, message);
        if (peek) {
            return 0;
        }
        if ((message.flags & JL_MSG_REST) == 0) {
            drop_first(next);
        }
    }
    if (is_empty_now()) {
        *left = JL_LEFT_NONE;
    }
    return *done != 0 ? 0 : WSAEWOULDBLOCK;
}

void inbox::take_one(const record& next, jl_msg& message) noexcept {
    const bool peek = (message.flags & JL_MSG_PEEK) != 0;
    const std::size_t rest = next.size - offset_;
    const auto parts = parts_of(message);
    const std::size_t n = std::min(rest, total(parts));
    const std::uint64_t from = ring_.tail() + sizeof(record) + offset_;
    if (n != 0) {
        const auto source = ring_.pieces(from, from + n);
        const std::size_t first = scatter(parts, 0, bytes_of(source[0]));
        scatter(parts, first, bytes_of(source[1]));
    }
    message.size = n;
    message.flags = n < rest ? JL_MSG_REST : 0;
    if (message.addr != nullptr) {
        const bool fits = message.addr_len >= next.name_size;
        std::memcpy(message.addr, next.name, fits ? next.name_size : 0);
        message.addr_len = fits ? next.name_size : 0;
    }
    if (!peek) {
        offset_ += n;
        taken_bytes_.fetch_add(n, std::memory_order_relaxed);
    }
}

void inbox::drop_first(const record& next) noexcept {
    offset_ = 0;
    taken_messages_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard hold(mutex_);
    ring_.release(ring_.tail() + sizeof(record) + next.size);
    used_ = ring_.used();
    payload_ -= next.size;
}

} // namespace joinleaf::tcp_root
