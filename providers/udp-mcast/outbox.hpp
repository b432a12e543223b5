// SPDX-License-Identifier: Apache-2.0
//
// Messages to the session that wait to leave together as one super-packet: packed into datagrams of equal length, full
// ones filled up (option `coalesce`), or each a datagram of its own, while a program floods the socket (option `gather`).
// A message that comes after a pause leaves at once; one that follows closely waits for more, at most for the delay, at
// whose end a loop of the host sends what has gathered.
//
// What leaves lies apart from what gathers: while the kernel takes the one, the application fills the other.
#pragma once

#include "envelope.hpp"

#include <joinleaf/provider.hpp>

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace joinleaf::udp_mcast {

// Datagrams that wait, in order.
class waiting_datagrams {
  public:
    // room: bytes of all. packed: bytes of each, into which messages are packed; 0: each message is a datagram.
    waiting_datagrams(std::size_t room, std::size_t most, std::size_t packed)
        : most_(most), packed_(packed), room_(room), starts_(most + 1), counts_(most) {}

    // header: of packed messages alone. False: no room.
    bool add(const jl_msg& message, std::size_t size, const envelope& header) noexcept;

    // Empty ones are not shown.
    [[nodiscard]] std::size_t count() const noexcept { return last_ - first_ + (fill_ > 0 ? 1 : 0); }
    [[nodiscard]] bool empty() const noexcept { return fill_ == 0 && last_ == first_; }
    [[nodiscard]] std::span<char> datagram(std::size_t index) noexcept {
        const auto at = first_ + index;
        return {room_.data() + starts_[at], at == last_ ? fill_ : starts_[at + 1] - starts_[at]};
    }
    [[nodiscard]] std::uint32_t messages_in(std::size_t index) const noexcept {
        return counts_[first_ + index];
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return starts_[last_] - starts_[first_] + fill_; }
    void drop(std::size_t datagrams) noexcept; // the first ones

  private:
    bool add_packed(const jl_msg& message, std::size_t size, const envelope& header) noexcept;
    void finish_current() noexcept;

    std::size_t most_;
    std::size_t packed_;
    std::vector<char> room_;
    std::vector<std::size_t> starts_; // of the datagrams up to the one being filled
    std::vector<std::uint32_t> counts_;
    std::size_t first_ = 0; // of those not dropped
    std::size_t last_ = 0;  // the one being filled
    std::size_t fill_ = 0;  // its bytes; 0 where none is packed
};

class outbox {
  public:
    using clock = std::chrono::steady_clock;
    using send_function = void (*)(void* owner);

    // packed: bytes of a datagram with its header, 0: each message is one. On failure there is no delay: what is added
    // leaves with its call.
    outbox(std::size_t packed, std::chrono::nanoseconds delay);
    outbox(const outbox&) = delete;
    outbox& operator=(const outbox&) = delete;

    // Starts the clock of the delay, on the loop of a socket: send(owner) is called there with `departure` held.
    // False: there is no such clock. What still waits when the process ends leaves then.
    bool open(jl_handle* handle, send_function send, void* owner);
    // No call comes after the return. Deletes itself, perhaps later.
    void retire();

    // Held by whoever sends, so that all leaves in order; never by who only adds. Taken before `lock`.
    std::mutex departure;
    std::mutex lock;

    // Whether a message of that size is packed at all.
    [[nodiscard]] bool packs(std::size_t size) const noexcept {
        return size <= envelope::longest_packed && size + envelope::length_size + envelope::size <= packed_;
    }
    // The longest message that waits as a datagram of its own: of longer ones a super-packet has too few.
    static constexpr std::size_t longest_alone = 16'000;

    // Of all that has not left.
    [[nodiscard]] std::size_t bytes();

    // ---- with `lock` held

    // Adds a message. False: no room before something has left.
    bool add(const jl_msg& message, std::size_t size, const envelope& header) noexcept;
    // Whether what is there should leave now; else the delay is on its way.
    bool is_due() noexcept;
    [[nodiscard]] bool is_empty() const noexcept { return gathering_.empty(); } // of what gathers

    // ---- with `departure` held

    // What leaves. `load` has what has gathered leave, once nothing is left of what left before; false: there is
    // nothing.
    [[nodiscard]] waiting_datagrams& leaving() noexcept { return leaving_; }
    bool load() noexcept;
    void note_departure() noexcept;
    // The next super-packets take few datagrams, each one more than that before: receivers whose kernel still cuts them
    // have room for few, and ask for whole ones once they pile up.
    void begin_small() noexcept;
    // Something could not leave: the clock tries again.
    void try_later() noexcept;
    void discard() noexcept;

  private:
    ~outbox() = default;
    static void on_time(void* self, std::uint32_t ready);
    bool is_time(bool may_send) noexcept;
    void set_timer(std::chrono::nanoseconds after) noexcept;
    void send_rest() noexcept;

    // Those of the process.
    struct register_of_all {
        std::mutex lock;
        outbox* first = nullptr;
        ~register_of_all();
    };
    static register_of_all& all();

    static constexpr std::size_t most_datagrams = 64; // what one super-packet takes
    static constexpr std::size_t most_bytes = 65'000;
    static constexpr std::size_t few_datagrams = 4;

    const std::size_t packed_;
    const std::chrono::nanoseconds delay_;
    waiting_datagrams leaving_; // guarded by `departure`, the rest by `lock`
    waiting_datagrams gathering_;
    std::size_t limit_;            // datagrams that gather
    clock::time_point departed_{}; // when something left last
    clock::time_point since_{};    // when the first of those that gather was added
    bool timer_runs_ = false;

    provider::descriptor timer_;
    jl_watch* watch_ = nullptr;
    send_function send_ = nullptr;
    void* owner_ = nullptr;  // NULL: retired
    pid_t process_ = 0;      // in which it was opened
    outbox* next_ = nullptr; // in the register, guarded by its lock
};

} // namespace joinleaf::udp_mcast
