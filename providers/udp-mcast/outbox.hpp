// SPDX-License-Identifier: Apache-2.0
//
// Messages to the session that wait to leave packed together (option `coalesce`): datagrams of equal length,
// full ones filled up, so that they leave as one super-packet. A message that comes after a pause leaves at
// once; one that follows closely waits for more, at most for the delay, at whose end a loop of the host sends
// what has gathered.
//
// Every function needs `lock`, but for open and retire.
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

class outbox {
  public:
    using clock = std::chrono::steady_clock;
    using send_function = void (*)(void* owner);

    // bytes: of a datagram with its header. On failure there is no delay: what is added leaves with its call.
    outbox(std::size_t bytes, std::chrono::nanoseconds delay);
    outbox(const outbox&) = delete;
    outbox& operator=(const outbox&) = delete;

    // Starts the clock of the delay, on the loop of a socket: send(owner) is called there with `lock` held.
    void open(jl_handle* handle, send_function send, void* owner);
    // No call comes after the return. Deletes itself, perhaps later.
    void retire();

    std::mutex lock;

    // Whether a message of that size is packed at all.
    [[nodiscard]] bool packs(std::size_t size) const noexcept {
        return size <= envelope::longest_packed && size + envelope::length_size + envelope::size <= bytes_;
    }
    // Adds a message. False: no room before something has left.
    bool add(const jl_msg& message, std::size_t size, const envelope& header) noexcept;

    // The datagrams, in order. Empty ones are not shown.
    [[nodiscard]] std::size_t count() const noexcept { return last_ - first_ + (fill_ > 0 ? 1 : 0); }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::span<char> datagram(std::size_t index) noexcept;
    [[nodiscard]] std::uint32_t messages_in(std::size_t index) const noexcept {
        return counts_[first_ + index];
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return (last_ - first_) * bytes_ + fill_; }
    void drop(std::size_t datagrams) noexcept; // the first ones: they have left, or are not wanted

    // Whether what is there should leave now; else the delay is on its way.
    bool is_due() noexcept;
    void note_departure() noexcept { departed_ = clock::now(); }
    // Something could not leave: the clock tries again.
    void try_later() noexcept;

  private:
    ~outbox() = default;
    static void on_time(void* self, std::uint32_t ready);
    [[nodiscard]] char* at(std::size_t index) noexcept { return room_.data() + index * bytes_; }
    void finish_current() noexcept;
    void set_timer(std::chrono::nanoseconds after) noexcept;

    static constexpr std::size_t most_datagrams = 64; // what one super-packet takes
    static constexpr std::size_t most_bytes = 65'000;

    const std::size_t bytes_;
    const std::chrono::nanoseconds delay_;
    const std::size_t capacity_;
    std::vector<char> room_;
    std::vector<std::uint32_t> counts_;
    std::size_t first_ = 0;        // of those not sent
    std::size_t last_ = 0;         // the one being filled
    std::size_t fill_ = 0;         // its bytes
    clock::time_point departed_{}; // when something left last
    clock::time_point since_{};    // when the first of those that wait was added
    bool timer_runs_ = false;

    provider::descriptor timer_;
    jl_watch* watch_ = nullptr;
    send_function send_ = nullptr;
    void* owner_ = nullptr; // NULL: retired
};

} // namespace joinleaf::udp_mcast
