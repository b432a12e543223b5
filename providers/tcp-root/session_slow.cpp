// SPDX-License-Identifier: Apache-2.0
//
// Leaves that do not keep up: each waits at most for its own limits, and takes no more room than them.
#include "session.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace joinleaf::tcp_root {
namespace {

// Ages are known as exactly as this part of the shortest time that counts.
constexpr int steps_of_age = 16;
constexpr std::size_t milestones_kept = 4096;

} // namespace

// Up to where the log may grow before this leaf is in the way.
std::uint64_t session::reach(const link& leaf, std::uint64_t head) noexcept {
    const std::uint64_t needs = leaf.out.needs(head);
    return needs == outflow::nothing ? outflow::nothing : needs + leaf.slow.bytes;
}

// A leaf whose socket takes more is not slow: the loop only has not come round to it.
bool session::may_give_way(const link& leaf) noexcept {
    return leaf.is_open() && leaf.blocked && !leaf.is_detached() && !leaf.leaving;
}

// True: so many bytes more may go into the log.
bool session::make_room(std::size_t bytes) {
    const std::uint64_t head = log_.head();
    ++walkers_;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        link& leaf = *links_[i];
        if (may_give_way(leaf) && reach(leaf, head) < head + bytes) {
            give_way(leaf, head + bytes);
        }
    }
    --walkers_;
    sweep();
    release_space();
    return fits(bytes);
}

// Whoever waits for room has looked while this leaf was being sent something, and could not see that it is slow.
void session::stand_aside(link& leaf) {
    const std::uint64_t end = log_.head() + wanted_room_;
    if (may_give_way(leaf) && reach(leaf, log_.head()) < end) {
        give_way(leaf, end);
    }
}

void session::give_way(link& leaf, std::uint64_t end) {
    switch (leaf.slow.what) {
    case slow_rule::policy::block: break;
    case slow_rule::policy::drop_newest: detach(leaf); break;
    case slow_rule::policy::drop_oldest:
        // More than needed at once, so that one notice tells of many.
        drop_oldest(leaf, end - std::min<std::uint64_t>(end, leaf.slow.bytes / 2));
        break;
    case slow_rule::policy::disconnect: put_out(leaf, "more than slow_leaf_bytes wait for it"); break;
    }
}

void session::put_out(link& leaf, const char* why) {
    log_line(JL_LOG_WARNING, fmt::format("tcp-root: dropped the leaf {}: {}", leaf.peer.text(), why));
    fail(leaf, WSAECONNABORTED);
}

// What waits for it is taken over, what comes is not for it.
void session::detach(link& leaf) {
    const std::lock_guard appending(append_mutex_);
    leaf.out.absorb(log_);
    leaf.out.hold(log_.head());
    leaf.losing().detached = carried_;
    leaf.losing().others_then = leaf.apart.look().others;
}

void session::reattach(link& leaf) {
    if (!leaf.is_detached()) {
        return;
    }
    link::losses& lost = *leaf.lost;
    const std::lock_guard appending(append_mutex_);
    const tally missed = carried_ - *lost.detached - (leaf.apart.look().others - lost.others_then);
    lost.detached.reset();
    lost.dropped += missed;
    leaf.out.go_on(log_.head());
    if (missed.messages != 0) {
        lost.gaps += leaf.out.add_gap(missed.messages) ? 1U : 0U;
    }
}

void session::drop_oldest(link& leaf, std::uint64_t position) {
    if (!std::exchange(leaf.settled, true)) {
        leaf.out.absorb(log_);
        return;
    }
    const auto lost = leaf.out.drop_until(log_, position);
    if (lost.messages != 0) {
        leaf.losing().dropped += {lost.messages, lost.bytes};
        leaf.losing().gaps += lost.notices;
    }
}

// Behind each system call that sends to a leaf.
// whole: the plan ended where a message ends.
void session::after_send(link& leaf, bool all, bool whole) {
    if (leaf.slow.what == slow_rule::policy::drop_oldest) {
        if ((all && whole) || leaf.settled) {
            leaf.out.settle(log_, all && whole);
            leaf.settled = true;
        } else {
            leaf.out.absorb(log_);
            leaf.settled = true;
        }
    }
    if (leaf.is_detached() && leaf.out.own_bytes() <= leaf.slow.bytes / 2) {
        reattach(leaf);
    }
    if (!all && leaf.slow.what != slow_rule::policy::block) {
        keep_ticking();
    }
}

// A sender waits: a leaf that is in its way gets no longer than its time.
void session::end_of_patience(clock::time_point now) {
    if (!full_) {
        return;
    }
    const std::uint64_t head = log_.head();
    for (std::size_t i = 0; i < links_.size(); ++i) {
        link& leaf = *links_[i];
        const bool in_the_way = leaf.is_open() && leaf.blocked && reach(leaf, head) < head + wanted_room_;
        if (in_the_way && !fits(wanted_room_) && now - full_since_ >= leaf.slow.time) {
            put_out(leaf, "sends waited for it for longer than slow_leaf_time");
        }
    }
    if (full_ && fits(wanted_room_)) {
        // Less than would be worth while, but the one who waits has waited long enough.
        full_ = false;
        if (std::exchange(want_out_, false) && root_ != nullptr) {
            host().ready(root_, JL_OUT);
        }
        if (paused_any_.load() && may_read()) {
            resume_readers();
        }
    }
}

void session::look_at_ages(clock::time_point now) {
    if (slow_rules_ == 0 || blocked_ == 0) {
        milestones_.clear();
        return;
    }
    auto shortest = std::chrono::nanoseconds::max();
    for (std::size_t i = 0; i < links_.size(); ++i) {
        link& leaf = *links_[i];
        if (!may_give_way(leaf) || leaf.slow.what == slow_rule::policy::block) {
            continue;
        }
        shortest = std::min(shortest, leaf.slow.time);
        give_way_by_age(leaf, head_before(now - leaf.slow.time));
    }
    const bool due = milestones_.empty() || now - milestones_.back().when >= shortest / steps_of_age;
    if (due && shortest != std::chrono::nanoseconds::max()) {
        milestones_.push_back({now, log_.head()});
        if (milestones_.size() > milestones_kept) {
            milestones_.pop_front();
        }
    }
}

// Everything before this position was in the log at that time already.
std::uint64_t session::head_before(clock::time_point when) const {
    const auto later = std::ranges::upper_bound(milestones_, when, {}, &milestone::when);
    return later == milestones_.begin() ? 0 : std::prev(later)->head;
}

void session::give_way_by_age(link& leaf, std::uint64_t old) {
    if (leaf.out.needs(log_.head()) >= old) {
        return;
    }
    switch (leaf.slow.what) {
    case slow_rule::policy::block: break;
    case slow_rule::policy::drop_newest: detach(leaf); break;
    case slow_rule::policy::drop_oldest: drop_oldest(leaf, old); break;
    case slow_rule::policy::disconnect:
        put_out(leaf, "a message waited for it for longer than slow_leaf_time");
        break;
    }
}

void session::set_slow_rule(link& leaf, const slow_rule& rule) {
    const std::lock_guard hold(mutex_);
    if (leaf.is_open()) {
        slow_rules_ -= leaf.slow.what != slow_rule::policy::block ? 1u : 0u;
        slow_rules_ += rule.what != slow_rule::policy::block ? 1u : 0u;
    }
    // Where its message ends is followed from its next sends on.
    leaf.settled = leaf.settled && leaf.slow.what == slow_rule::policy::drop_oldest;
    leaf.slow = rule;
    if (full_) {
        stand_aside(leaf);
    }
    release_space();
    keep_ticking();
}

void session::set_slow_rule(const slow_rule& rule) {
    const std::lock_guard hold(mutex_);
    slow_ = rule;
}

slow_rule session::slow_rule_of(const link& leaf) const {
    const std::lock_guard hold(mutex_);
    return leaf.slow.bytes == 0 ? slow_ : leaf.slow;
}

slow_rule session::slow_rule_now() const {
    const std::lock_guard hold(mutex_);
    return slow_;
}

} // namespace joinleaf::tcp_root
