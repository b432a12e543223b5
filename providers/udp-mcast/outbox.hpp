// SPDX-License-Identifier: Apache-2.0
//
// Messages to the session that wait to leave packed together (option `coalesce`): datagrams of equal length,
// full ones filled up, so that they leave as one super-packet. A message that comes after a pause leaves at
// once; one that follows closely waits for more, at most for the delay, at whose end a loop of the host sends
// what has gathered.
//
// What leaves lies apart from what gathers: while the kernel takes the one, the application fills the other.
#pragma once

#include "envelope.hpp"

#include <joinleaf/provider.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace joinleaf::udp_mcast {

// Datagrams of packed messages, of equal length but for the last one.
class packed_datagrams {
  public:
    packed_datagrams(std::size_t bytes, std::size_t capacity)
        : bytes_(bytes), capacity_(capacity), room_(capacity * bytes), counts_(capacity) {}

    // False: no room.
    bool add(const jl_msg& message, std::size_t size, const envelope& header) noexcept;

    // In order; empty ones are not shown.
    [[nodiscard]] std::size_t count() const noexcept { return last_ - first_ + (fill_ > 0 ? 1 : 0); }
    [[nodiscard]] bool empty() const noexcept { return fill_ == 0 && last_ == first_; }
    [[nodiscard]] std::span<char> datagram(std::size_t index) noexcept {
        return {at(first_ + index), first_ + index == last_ ? fill_ : bytes_};
    }
    [[nodiscard]] std::uint32_t messages_in(std::size_t index) const noexcept {
        return counts_[first_ + index];
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return (last_ - first_) * bytes_ + fill_; }
    void drop(std::size_t datagrams) noexcept; // the first ones

  private:
    [[nodiscard]] char* at(std::size_t index) noexcept { return room_.data() + index * bytes_; }
    void finish_current() noexcept;

    std::size_t bytes_;
    std::size_t capacity_;
    std::vector<char> room_;
    std::vector<std::uint32_t> counts_;
    std::size_t first_ = 0; // of those not dropped
    std::size_t last_ = 0;  // the one being filled
    std::size_t fill_ = 0;  // its bytes
};

class outbox {
  public:
    using clock = std::chrono::steady_clock;
    using send_function = void (*)(void* owner);

    // bytes: of a datagram with its header. On failure there is no delay: what is added leaves with its call.
    outbox(std::size_t bytes, std::chrono::nanoseconds delay);
    outbox(const outbox&) = delete;
    outbox& operator=(const outbox&) = delete;

    // Starts the clock of the delay, on the loop of a socket: send(owner) is called there with `departure` held.
    void open(jl_handle* handle, send_function send, void* owner);
    // No call comes after the return. Deletes itself, perhaps later.
    void retire();

    // Held by whoever sends, so that all leaves in order; never by who only adds. Taken before `lock`.
    std::mutex departure;
    std::mutex lock;

    // Whether a message of that size is packed at all.
    [[nodiscard]] bool packs(std::size_t size) const noexcept {
        return size <= envelope::longest_packed && size + envelope::length_size + envelope::size <= bytes_;
    }

    // Of all that has not left.
    [[nodiscard]] std::size_t bytes();

    // ---- with `lock` held

    // Adds a message. False: no room before something has left.
    bool add(const jl_msg& message, std::size_t size, const envelope& header) noexcept;
    // Whether what is there should leave now; else the delay is on its way.
    bool is_due() noexcept;

    // ---- with `departure` held

    // What leaves. `load` has what has gathered leave, once nothing is left of what left before; false: there is
    // nothing.
    [[nodiscard]] packed_datagrams& leaving() noexcept { return leaving_; }
    bool load() noexcept;
    void note_departure() noexcept;
    // Something could not leave: the clock tries again.
    void try_later() noexcept;
    void discard() noexcept;

  private:
    ~outbox() = default;
    static void on_time(void* self, std::uint32_t ready);
    bool is_time(bool may_send) noexcept;
    void set_timer(std::chrono::nanoseconds after) noexcept;

    static constexpr std::size_t most_datagrams = 64; // what one super-packet takes
    static constexpr std::size_t most_bytes = 65'000;

    const std::size_t bytes_;
    const std::chrono::nanoseconds delay_;
    packed_datagrams leaving_; // guarded by `departure`, the rest by `lock`
    packed_datagrams gathering_;
    clock::time_point departed_{}; // when something left last
    clock::time_point since_{};    // when the first of those that gather was added
    bool timer_runs_ = false;

    provider::descriptor timer_;
    jl_watch* watch_ = nullptr;
    send_function send_ = nullptr;
    void* owner_ = nullptr; // NULL: retired
};

} // namespace joinleaf::udp_mcast
