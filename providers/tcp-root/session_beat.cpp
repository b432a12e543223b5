// SPDX-License-Identifier: Apache-2.0
//
// Signs of life between the root and its leaves.
#include "session.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace joinleaf::tcp_root {
namespace {

constexpr int looks_a_beat = 4;

} // namespace

// An hour or more: nothing to look after.
std::chrono::nanoseconds session::beat_tick() const {
    std::chrono::nanoseconds shortest = std::chrono::hours(looks_a_beat);
    for (const auto each : {limits_->heartbeat, limits_->heartbeat_timeout}) {
        shortest = each.count() == 0 ? shortest : std::min(shortest, each);
    }
    return shortest / looks_a_beat;
}

void session::look_after_life(lock_type& lock, clock::time_point now) {
    if (now < next_beat_look_) {
        return;
    }
    // A tick for another reason may come any time; a little early does no harm.
    next_beat_look_ = now + beat_tick() * 3 / 4;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        const link_ptr leaf = links_[i];
        if (leaf->is_open() && !leaf->leaving) {
            show_life(lock, *leaf, now);
            judge_silence(*leaf, now);
        }
    }
}

void session::show_life(lock_type& lock, link& leaf, clock::time_point now) {
    // Between two looks it must not get silent for longer than was promised.
    const auto silence = limits_->heartbeat * 3 / 4;
    const bool can = !leaf.blocked && !leaf.sending && leaf.broken == 0 && !leaf.out.is_ended();
    if (limits_->heartbeat.count() == 0 || !can || now - leaf.progress < silence ||
        leaf.out.queued(log_.head()) != 0) {
        return;
    }
    leaf.out.add(wire::encode(wire::frame{wire::frame_kind::beat, 0, 0}));
    flush_whole(lock, leaf);
}

// While the root holds a leaf back, what it says is not heard.
void session::judge_silence(link& leaf, clock::time_point now) {
    const bool judges = leaf.is_open() && leaf.beat.count() != 0 && limits_->heartbeat_timeout.count() != 0 &&
                        !leaf.paused && !leaf.input_over;
    if (judges &&
        now - leaf.heard > std::max<std::chrono::nanoseconds>(limits_->heartbeat_timeout, 2 * leaf.beat)) {
        put_out(leaf,
                fmt::format("it gave no sign of life for {} ms",
                            std::chrono::duration_cast<std::chrono::milliseconds>(now - leaf.heard).count())
                    .c_str());
    }
}

} // namespace joinleaf::tcp_root
