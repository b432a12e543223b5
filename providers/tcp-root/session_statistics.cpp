// SPDX-License-Identifier: Apache-2.0
//
// What a session tells of itself and of its leaves.
#include "session.hpp"

#include <algorithm>

namespace joinleaf::tcp_root {

// Of the messages that are published.
tally session::in_log() const {
    const std::lock_guard hold(append_mutex_);
    return carried_;
}

void session::fill(jl_stats& out) {
    const std::lock_guard hold(mutex_);
    out.leaves = static_cast<std::uint32_t>(members_);
    out.received_messages = inbox_.taken_messages();
    out.received_bytes = inbox_.taken_bytes();
    out.queued_bytes = log_.used();
    out.joins = joins_;
    out.last_error = last_error_;
    out.dropped_messages = dropped_before_;
    const auto now = clock::now();
    for (const link_ptr& leaf : links_) {
        out.dropped_messages += leaf->is_open() ? describe_locked(*leaf, now, false).dropped_messages : 0;
    }
    const std::lock_guard counters(append_mutex_);
    out.sent_messages = sent_.messages;
    out.sent_bytes = sent_.bytes;
}

std::uint32_t session::list(std::span<jl_leaf_stats> out) {
    const std::lock_guard hold(mutex_);
    const auto now = clock::now(); // one for all: who joined earlier is older
    std::uint32_t count = 0;
    for (const link_ptr& leaf : links_) {
        if (!leaf->member) {
            continue;
        }
        if (count < out.size()) {
            out[count] = describe_locked(*leaf, now);
        }
        ++count;
    }
    return count;
}

jl_leaf_stats session::describe(const link& leaf) {
    const std::lock_guard hold(mutex_);
    return describe_locked(leaf, clock::now());
}

jl_leaf_stats session::describe_locked(const link& leaf, clock::time_point now, bool kernel_too) const {
    jl_leaf_stats out{};
    out.last_error = leaf.last_error;
    out.socket = leaf.socket;
    if (leaf.state == link::phase::fresh) {
        return out;
    }
    out.peer_len = sizeof out.peer;
    if (leaf.peer.store(reinterpret_cast<sockaddr*>(&out.peer), &out.peer_len) != 0) {
        out.peer_len = 0;
    }
    const link::losses lost = leaf.lost != nullptr ? *leaf.lost : link::losses{};
    tally dropped = lost.dropped;
    const tally carried = leaf.apart.look().until.value_or(in_log());
    if (lost.detached) {
        dropped += carried - *lost.detached - (leaf.apart.look().others - lost.others_then);
    }
    const tally sent = carried - leaf.before - leaf.apart.look().others - dropped;
    out.dropped_messages = dropped.messages;
    out.gaps = lost.gaps;
    out.sent_messages = sent.messages;
    out.sent_bytes = sent.bytes;
    out.received_messages = leaf.received.messages;
    out.received_bytes = leaf.received.bytes;
    out.queued_bytes = leaf.is_open() ? leaf.out.queued(log_.head()) : 0;
    out.rtt_ns = kernel_too && leaf.fd ? tcp::round_trip_ns(leaf.fd.get()) : 0;
    const auto age = now - leaf.joined;
    out.age_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(age).count());
    return out;
}

} // namespace joinleaf::tcp_root
