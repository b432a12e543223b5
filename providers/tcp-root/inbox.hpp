// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "ring.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>

namespace joinleaf::tcp_root {

// The messages of all leaves that wait for the root's application, each whole and with its sender. Many
// threads put, one takes; the taker copies out without holding anything, since what is queued stays where it
// is until it is taken.
class inbox {
  public:
    // Bytes that a put may add over the bound: one message of the greatest size and one read full of the
    // smallest ones.
    // readers: how many loops may put at a time.
    explicit inbox(std::size_t bound, std::size_t readers = 1);

    // Queues a message; the caller has seen `has_room` since its last read from the network. True: the taker
    // had found the inbox empty and wants to be told. [any]
    bool put(const address& from, std::span<const std::byte> data) noexcept;

    // The same for a message in any number of parts, of `size` bytes.
    bool put(const address& from, std::span<const iovec> parts, std::size_t size) noexcept;

    // Below the bound. [any]
    [[nodiscard]] bool has_room() const noexcept { return used_.load() < bound_; }
    // Taken down to half of the bound. [any]
    [[nodiscard]] bool is_half_empty() const noexcept { return used_.load() <= bound_ / 2; }

    // Takes up to count messages as jl_ops.rx has it; `left` is exact. After an answer WSAEWOULDBLOCK or
    // JL_LEFT_NONE the next put says so. One thread at a time.
    std::int32_t take(jl_msg* messages, std::uint32_t count, std::uint32_t* done,
                      std::uint32_t* left) noexcept;

    // True: something is queued; else the next put says so. [any]
    bool check() noexcept;

    // Bytes of data queued. [any]
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept {
        return payload_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t taken_messages() const noexcept {
        return taken_messages_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept {
        return taken_bytes_.load(std::memory_order_relaxed);
    }

  private:
    struct record {
        std::uint32_t size;
        std::uint32_t name_size;
        std::byte name[sizeof(sockaddr_in6)];
    };

    void begin(const address& from, std::size_t size) noexcept;
    bool publish(std::size_t size) noexcept;
    void take_one(const record& next, jl_msg& message) noexcept;
    void drop_first(const record& next) noexcept;
    bool is_empty_now() noexcept;

    const std::size_t bound_;
    std::mutex mutex_; // of ring_'s positions and wants_
    ring ring_;
    bool wants_ = true;
    std::size_t offset_ = 0; // bytes of the first message that were taken already; the taker's own
    std::atomic<std::size_t> used_{0};
    std::atomic<std::uint64_t> payload_{0};
    std::atomic<std::uint64_t> taken_messages_{0};
    std::atomic<std::uint64_t> taken_bytes_{0};
};

} // namespace joinleaf::tcp_root
