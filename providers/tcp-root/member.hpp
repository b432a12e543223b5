// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "receiver.hpp"
#include "sender.hpp"
#include "settings.hpp"
#include "tcp.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

namespace joinleaf::tcp_root {

// A leaf that has joined: its connection to the root. Data moves in the application's threads, one mutex per
// direction; the loop only sends the rest of a message that the kernel took in part, and sees a closed
// connection off.
class member : public std::enable_shared_from_this<member> {
  public:
    struct rights {
        bool send = true;
        bool receive = true;
    };
    // Who is at the other end.
    struct root_end {
        address name;
        std::uint16_t beat = 0; // see wire::greeting
    };

    member(jl_loop* loop, std::shared_ptr<const settings> limits, tcp::descriptor fd, const root_end& root,
           rights may);

    // Once, when the connection has joined: the signs of life begin.
    void begin();

    // Own messages come back, or do not; in a relayed session.
    void set_echo(bool on); // [any]

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    // Sends the answer that admits this member. WSAECONNRESET: the root is gone.
    std::int32_t answer(std::span<const std::byte> bytes);

    // Sends a frame of control. [caller] WSAENOTCONN: the root is gone.
    std::int32_t tell(std::span<const std::byte> frame);

    // Whom to tell of another quality of service that the root asks for; before the first call of a direction.
    void report_changes_to(jl_handle* socket);

    std::int32_t tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done); // [caller]
    std::int32_t rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done,
                    std::uint32_t* left);     // [caller]
    std::int32_t arm_in(std::int32_t* code);  // [caller]
    std::int32_t arm_out(std::int32_t* code); // [caller]
    std::int32_t shutdown(std::int32_t how);  // [caller]
    std::uint64_t readable_bytes();           // [any]
    void fill(jl_stats& out);                 // [any]

    // Leaves the session: what tx has taken still goes. done runs on the loop, once, when the connection is
    // gone. A second call with JL_CLOSE_ABORT hurries; its done is not used.
    void close(std::uint32_t how, std::function<void()> done);

  private:
    using clock = std::chrono::steady_clock;

    void queue_frame(std::uint8_t kind, std::uint8_t flags);
    void update_watch();
    void drop_input();
    void on_event(std::uint32_t ready);
    void depart();
    void see_off();
    bool drain_input();
    void on_time();
    void live();
    void show_life();
    void judge_silence(clock::time_point now);
    [[nodiscard]] std::chrono::nanoseconds beat_tick() const;
    void finish(bool reset);

    jl_loop* const loop_;
    const std::shared_ptr<const settings> limits_;
    tcp::descriptor fd_;
    const rights may_;
    std::atomic<bool> peer_left_{false};
    std::atomic<bool> shut_in_{false};

    const std::chrono::nanoseconds peer_beat_; // the root is never silent for longer; 0: it may be

    std::mutex in_; // of receiver_ and what was heard
    receiver receiver_;
    std::uint64_t heard_bytes_ = 0;
    clock::time_point heard_;

    std::mutex out_; // of everything below
    sender sender_;
    std::uint64_t told_bytes_ = 0; // when life was shown last
    bool shut_out_ = false;
    watch watch_;
    bool departing_ = false;
    bool goodbye_sent_ = false;
    bool heard_all_ = false;  // nothing is left to drop
    bool input_over_ = false; // while departing
    bool gone_ = false;
    int unacknowledged_ = 0;
    timer timer_;
    std::function<void()> on_gone_;
};

} // namespace joinleaf::tcp_root
