// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "greeting_reader.hpp"
#include "settings.hpp"
#include "tcp.hpp"
#include "wire.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace joinleaf::tcp_root {

// The connecting side of the handshake: connect, hello, wait for the answer. For a leaf that asks and for a
// root that invites.
//
// Decides once: either `done` is called once, on the loop or inside start, or cancel succeeds and it is never
// called.
class joiner : public std::enable_shared_from_this<joiner> {
  public:
    // The peer has admitted; the descriptor is at the first byte behind its answer.
    struct admission {
        tcp::descriptor fd;
        greeting_reader answer;
    };
    // The descriptor is fit for another attempt from the same local address.
    struct failure {
        std::int32_t code;
        std::string sentence;
        tcp::descriptor fd;
    };
    using outcome = tl::expected<admission, failure>;
    using function = std::function<void(outcome&)>;

    joiner(jl_loop* loop, std::shared_ptr<const settings> limits, wire::roles mine, address target);

    // [caller] Once. callee_room: bytes of callee data that the application takes.
    void start(tcp::descriptor fd, std::vector<std::byte> hello, std::uint32_t callee_room, function done);

    // [any] The descriptor, fit for another attempt, when there was no outcome yet; the peer sees its request
    // withdrawn.
    std::optional<tcp::descriptor> cancel();

    // [any] Calls use with the descriptor held open. WSAENOTCONN: it is gone already.
    std::int32_t with_fd(const std::function<std::int32_t(int)>& use);

  private:
    using clock = std::chrono::steady_clock;

    std::optional<outcome> begin();
    std::optional<outcome> await_former();
    bool set_timer(clock::duration after);
    void on_event();
    void on_time();
    std::optional<outcome> advance();
    std::optional<outcome> send_hello();
    std::optional<outcome> read_answer();
    std::optional<outcome> judge();
    std::optional<outcome> after_end(int error);
    outcome fail(std::int32_t code, std::string why);
    void finish(std::unique_lock<std::mutex>& lock, std::optional<outcome> result);
    [[nodiscard]] clock::duration until_next_deadline(clock::time_point now) const;

    jl_loop* const loop_;
    const std::shared_ptr<const settings> limits_;
    const wire::roles mine_;
    const address target_;

    std::mutex mutex_; // of everything below
    tcp::descriptor fd_;
    std::vector<std::byte> hello_;
    std::size_t sent_ = 0;
    std::uint32_t callee_room_ = 0;
    function done_;
    greeting_reader reader_;
    watch watch_;
    timer timer_;
    bool decided_ = false;
    bool awaits_former_ = false; // the timer is for that
    bool connected_ = false;
    bool heard_ = false; // a wait notice came: the peer is one of us
    clock::time_point started_;
    clock::time_point connected_at_;
};

} // namespace joinleaf::tcp_root
