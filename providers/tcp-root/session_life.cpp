// SPDX-License-Identifier: Apache-2.0
//
// How leaves and the session come to their end.
#include "session.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

// How often the loop looks after leaves that are being let go, and at most after those that do not take
// anything.
constexpr std::chrono::milliseconds leaving_tick{10};
constexpr std::chrono::milliseconds longest_blocked_tick{250};

} // namespace

void session::end_leaf_socket(link& leaf, std::int32_t code) {
    if (!leaf.ended) {
        leaf.ended = code;
        if (leaf.socket != nullptr) {
            host().ready(leaf.socket, JL_IN);
        }
    }
}

void session::drop_membership(link& leaf) {
    if (std::exchange(leaf.member, false)) {
        --members_;
        d_roots_ -= leaf.d_root ? 1u : 0u;
        if (members_ == 0 && want_out_ && root_ != nullptr) {
            host().ready(root_, JL_OUT); // whoever waits for room learns that there is nobody (IO-06)
        }
    }
}

void session::begin_leaving(link& leaf) {
    if (std::exchange(leaf.leaving, true)) {
        return;
    }
    ++leaving_;
    end_leaf_socket(leaf, 0);
    drop_membership(leaf);
    leaf.discard = true;
    leaf.progress = clock::now();
    finish_out(leaf, true);
    tcp::retire(leaf.fd.get());
    if (leaf.broken != 0) {
        fail(leaf, WSAECONNRESET);
    } else {
        keep_ticking();
    }
}

// Everything that was sent so far, then the end.
void session::finish_out(link& leaf, bool leaving) {
    reattach(leaf);
    leaf.out.end(log_.head(), leaving);
}

// A leaf that is told gone may come back from the same port at once (LC-19): its connection ends before that is told,
// whoever else is inside a call on the descriptor.
void session::fail(link& leaf, std::int32_t code) {
    if (leaf.is_open()) {
        leaf.last_error = code;
        last_error_ = code;
        tcp::dissolve(leaf.fd.get());
        end_leaf_socket(leaf, code);
        let_go(leaf);
    }
}

void session::depart(link& leaf) {
    if (leaf.is_open()) {
        tcp::retire(leaf.fd.get());
        ::shutdown(leaf.fd.get(), SHUT_WR);
        end_leaf_socket(leaf, 0);
        let_go(leaf);
    }
}

void session::let_go(link& leaf) {
    reattach(leaf);
    if (!leaf.apart.look().until) {
        leaf.apart.edit().until = in_log();
    }
    dropped_before_ += leaf.lost != nullptr ? leaf.lost->dropped.messages : 0;
    leaf.state = link::phase::gone;
    drop_membership(leaf);
    slow_rules_ -= leaf.slow.what != slow_rule::policy::block ? 1u : 0u;
    leaving_ -= leaf.leaving ? 1u : 0u;
    blocked_ -= std::exchange(leaf.blocked, false) ? 1u : 0u;
    leaf.room.stop();
    leaf.awaits_room = false;
    give_up_seat(leaf);
    ++gone_;
    if (leaf.users == 0) {
        leaf.fd.reset();
    }
    if (leaf.on_gone) {
        post(loop_locked(), std::move(*std::exchange(leaf.on_gone, nullptr)));
    }
    sweep();
    release_space();
    check_finished();
}

void session::leave(link& leaf) {
    --leaf.users;
    if (leaf.users == 0 && leaf.state == link::phase::gone) {
        leaf.fd.reset();
        sweep();
        check_finished();
    }
}

void session::sweep() {
    if (walkers_ != 0 || gone_ == 0) {
        return;
    }
    const auto erased = std::erase_if(
        links_, [](const link_ptr& leaf) { return leaf->state == link::phase::gone && leaf->users == 0; });
    gone_ -= erased;
}

void session::check_finished() {
    if (!closing_ || !links_.empty() || done_told_ || on_closed_ == nullptr) {
        return;
    }
    done_told_ = true;
    if (loop_ == nullptr) {
        on_closed_();
        return;
    }
    post(loop_, [self = shared_from_this()] {
        std::unique_lock lock(self->mutex_);
        self->tick_.stop();
        self->lease_.stop();
        for (lane& each : self->lanes_) {
            each.look.stop();
        }
        const auto done = std::exchange(self->on_closed_, nullptr);
        lock.unlock();
        done();
    });
}

void session::update_watch(link& leaf) {
    if (!leaf.is_open()) {
        return;
    }
    if (!listen_to(leaf, !leaf.paused && !leaf.input_over)) {
        fail(leaf, WSAENOBUFS);
        return;
    }
    watch_room(leaf);
}

void session::watch_room(link& leaf) {
    if (leaf.blocked == leaf.awaits_room) {
        return;
    }
    leaf.awaits_room = leaf.blocked;
    if (leaf.room) {
        leaf.room.set(leaf.blocked ? JL_OUT : 0);
        return;
    }
    const auto call = [self = shared_from_this(), it = leaf.share()](std::uint32_t) { self->on_room(it); };
    if (!leaf.room.start(loop_of(leaf), leaf.fd.get(), JL_OUT, call)) {
        leaf.awaits_room = false;
        fail(leaf, WSAENOBUFS);
    }
}

std::chrono::nanoseconds session::tick_length() const {
    std::chrono::nanoseconds shortest = std::chrono::hours(1);
    if (leaving_ != 0) {
        shortest = std::min<std::chrono::nanoseconds>(limits_->leaf_timeout / 4, leaving_tick);
    }
    if (full_ || (slow_rules_ != 0 && blocked_ != 0)) {
        std::chrono::nanoseconds patience = limits_->leaf_timeout;
        for (const link_ptr& leaf : links_) {
            patience = std::min(patience, leaf->blocked ? leaf->slow.time : patience);
        }
        shortest = std::min<std::chrono::nanoseconds>({shortest, patience / 4, longest_blocked_tick});
    }
    if (members_ != 0) {
        shortest = std::min(shortest, beat_tick());
    }
    return std::max<std::chrono::nanoseconds>(shortest, std::chrono::milliseconds(1));
}

void session::keep_ticking() {
    const auto length = tick_length();
    if (done_told_ || length >= std::chrono::hours(1)) {
        return;
    }
    const auto at = clock::now() + length;
    if (ticking_ && at >= tick_at_) {
        return;
    }
    // A pending timer is set anew only on its own loop; elsewhere a fresh look is posted, which sets it.
    ticking_ = true;
    tick_at_ = at;
    if (tick_) {
        post(loop_locked(), [self = shared_from_this()] {
            const std::lock_guard hold(self->mutex_);
            if (self->ticking_) {
                self->tick_.set(std::max<clock::duration>(self->tick_at_ - clock::now(), clock::duration(0)));
            }
        });
    } else if (!tick_.start(loop_locked(), length, [self = shared_from_this()] { self->on_tick(); })) {
        ticking_ = false;
    }
}

void session::on_tick() {
    lock_type lock(mutex_);
    ticking_ = false;
    const auto now = clock::now();
    ++walkers_;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        if (links_[i]->is_open() && links_[i]->leaving) {
            tend(*links_[i], now);
        }
    }
    end_of_patience(now);
    look_at_ages(now);
    look_after_life(lock, now);
    --walkers_;
    sweep();
    release_space();
    check_finished();
    keep_ticking();
}

void session::tend(link& leaf, clock::time_point now) {
    if (leaf.shut) {
        const int left = tcp::unsent(leaf.fd.get());
        if (left == 0) {
            depart(leaf);
            return;
        }
        if (std::exchange(leaf.unacknowledged, left) != left) {
            leaf.progress = now;
        }
    }
    if (now - leaf.progress >= limits_->leaf_timeout) {
        put_out(leaf, "it took nothing for leaf_timeout");
    }
}

} // namespace joinleaf::tcp_root
