// SPDX-License-Identifier: Apache-2.0
//
// The loop's part: what is to be done while no application asks.
#include "group_socket.hpp"

#include <algorithm>
#include <utility>

namespace joinleaf::rdma {
namespace {

// An application that asks more often than this between two looks of the loop polls on its own, and the loop would only
// be in its way.
constexpr std::uint64_t polls_of_a_poller = 8;
constexpr std::chrono::milliseconds busy_tick{1};
constexpr std::chrono::milliseconds calm_tick{20};

} // namespace

jl_loop* group_socket::loop() {
    if (loop_ == nullptr) {
        loop_ = host().loop_of(handle());
    }
    return loop_;
}

template <class Call> void group_socket::with(const Call& call) {
    const std::lock_guard hold(mutex_);
    if (station_) {
        call();
    }
}

bool group_socket::watch_station() {
    const auto started = [&](watch& which, int fd, void (group_socket::*call)()) {
        return which || which.start(loop(), fd, JL_IN, [weak = weak_from_this(), call](std::uint32_t) {
            if (const auto alive = std::static_pointer_cast<group_socket>(weak.lock())) {
                alive->with([&] { (*alive.*call)(); });
            }
        });
    };
    if (!started(control_watch_, station_->control_fd(), &group_socket::on_control_ready)) {
        return false;
    }
    return station_->data_fd() < 0 || started(data_watch_, station_->data_fd(), &group_socket::on_data_ready);
}

void group_socket::on_control_ready() {
    station_->poll_control();
    poll_data();
    after_poll();
    if (!parked_) {
        arm_watch();
    }
}

void group_socket::on_data_ready() {
    const bool is_polled = polls_ - std::exchange(polls_seen_, polls_) > polls_of_a_poller;
    poll_data();
    if (is_polled) {
        park();
    } else {
        arm_watch();
    }
}

void group_socket::park() {
    if (!left_ && !std::exchange(parked_, true)) {
        data_watch_.set(0);
    }
    keep_ticking();
}

// From now on the loop hears of what comes.
void group_socket::arm_watch() {
    if (closing_ || !watch_station() || !data_watch_) {
        return;
    }
    if (std::exchange(parked_, false)) {
        data_watch_.set(JL_IN);
    }
    bool armed = station_->arm_data();
    while (!armed && poll_data()) {
        armed = station_->arm_data();
    }
    if (!armed) {
        park(); // asked again by the clock
    }
}

bool group_socket::poll_data() {
    const bool any = station_->poll_data();
    if (any) {
        after_poll();
    }
    return any;
}

// The end of a close comes last: the station is gone with it.
void group_socket::after_poll() {
    discard_.clear();
    bool rests = session_ && !session_->resume();
    bool waits = false;
    for (const party_ptr& each : others_) {
        rests = !each->resume() || rests;
        waits = waits || (!each->has_joined() && !each->lost());
    }
    flush_all();
    if (blocked_ && !rests && !waits) {
        blocked_ = false;
        if (std::exchange(want_out_, false)) {
            tell(JL_OUT);
        }
    }
    if (session_ && session_->lost() && !loss_told_) {
        tell((std::exchange(want_in_, false) ? JL_IN : 0U) | (std::exchange(want_out_, false) ? JL_OUT : 0U));
    }
    if (closing_ && !left_ && !rests) {
        finish_close();
    }
}

void group_socket::tell(std::uint32_t directions) {
    if (directions != 0 && !closing_) {
        host().ready(handle(), directions);
    }
}

void group_socket::keep_ticking() {
    if (ticking_ || left_ || !(parked_ || blocked_ || join_pending_ || closing_)) {
        return;
    }
    const std::chrono::nanoseconds length = parked_ || blocked_ || closing_ ? busy_tick : calm_tick;
    ticking_ = true;
    if (tick_) {
        // A pending timer is set anew only on its own loop.
        post(loop(), [self = self(), length] {
            const std::lock_guard hold(self->mutex_);
            self->tick_.set(length);
        });
    } else if (!tick_.start(loop(), length, [weak = weak_from_this()] {
                   if (const auto alive = std::static_pointer_cast<group_socket>(weak.lock())) {
                       alive->with([&] { alive->on_tick(); });
                   }
               })) {
        ticking_ = false;
    }
}

// Joins that the network does not answer.
void group_socket::give_up_waiting() {
    const failure late{WSAETIMEDOUT, "the network has not answered within join_timeout"};
    const auto is_late = [&](const party& which) {
        return !which.has_joined() && !which.lost() && clock::now() - which.since() >= limits_->join_timeout;
    };
    if (session_ && is_late(*session_)) {
        session_->on_lost(late);
    }
    for (const party_ptr& each : others_) {
        if (is_late(*each)) {
            each->on_lost(late);
        }
    }
}

void group_socket::on_tick() {
    ticking_ = false;
    if (parked_ && polls_ == polls_seen_) {
        arm_watch();
    }
    polls_seen_ = polls_;
    station_->poll_data();
    give_up_waiting();
    after_poll();
    if (closing_ && !left_ && clock::now() >= close_until_) {
        finish_close();
    }
    keep_ticking();
}

} // namespace joinleaf::rdma
