// SPDX-License-Identifier: Apache-2.0
//
// The root's side of a group: which leaves hear it, what is sent there, and what of it some leaf gets once more by its
// connection. A leaf that does not hear it is served as if there were none.
#include "hub.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

// A join that was in vain is tried again after so long, then after twice that, and so on.
constexpr std::chrono::milliseconds first_pause{250};
constexpr unsigned most_vain = 6;

// So long after its last datagram the group is told how far it has got, then after twice that, and so on.
constexpr std::chrono::milliseconds calm{4};
constexpr unsigned most_marks = 6;

constexpr std::uint64_t never_ends = ~std::uint64_t{0};

constexpr auto never = std::chrono::steady_clock::time_point::max();

// When to try again. WSAEOPNOTSUPP stays what it is.
std::chrono::steady_clock::time_point next_try(std::int32_t code, unsigned& vain) {
    if (code == WSAEOPNOTSUPP || vain >= most_vain) {
        return never;
    }
    return std::chrono::steady_clock::now() + first_pause * (1U << vain++);
}

bool can_hear(const peer& who) noexcept {
    return who.is_open() && who.line != nullptr && who.member && !who.d_root && !who.out.is_deaf() &&
           !who.out.stop();
}

} // namespace

// A leaf has been admitted, by a root.
void hub::consider(peer& who) {
    if (!who.data->is_root || limits_->multicast.size == 0 || limits_->multicast.family() != family_) {
        return;
    }
    if (!cast_) {
        cast_ = std::make_unique<cast>(*this, who.data);
        cast_->out.begin(who.data->log.head(), 0);
        who.data->carrier = &cast_->out;
        join_cast();
    } else if (cast_->state == cast::phase::up) {
        call(who);
    }
}

void hub::join_cast() {
    cast_->state = cast::phase::joining;
    cast_->retry_at = never;
    auto made = station_->join_group(limits_->multicast, group_use::send, *cast_);
    if (!made) {
        on_cast_lost(made.error());
        return;
    }
    cast_->line = std::move(*made);
    if (cast_->state == cast::phase::lost) {
        bury(std::move(cast_->line));
    } else if (cast_->state == cast::phase::up) {
        on_cast_joined();
    }
}

void hub::on_cast_joined() {
    cast_->state = cast::phase::up;
    if (!cast_->line) {
        return; // join_cast goes on
    }
    cast_->vain = 0;
    limits_->record->set_trouble({});
    cast_->channel = draw_channel(0);
    cast_->open(limits_->send_buffer);
    log_line(JL_LOG_INFO,
             fmt::format("rdma: sends to group {} once for all leaves that hear it", limits_->group));
    for (const peer_ptr& each : cast_->data->peers) {
        each->place.vain = 0;
        call(*each);
    }
}

void hub::on_cast_lost(const failure& why) {
    cast_->state = cast::phase::lost;
    cast_->why = why;
    cast_->retry_at = next_try(why.code, cast_->vain);
    cast_->blocked = false;
    cast_->out.lose_sight();
    cast_->released = true;
    limits_->record->set_trouble(why.sentence);
    log_line(JL_LOG_WARNING, fmt::format("rdma: group {}: {}; every leaf is served by its own connection",
                                         limits_->group, why.sentence));
    if (cast_->line) {
        bury(std::move(cast_->line));
    }
    for (const peer_ptr& each : cast_->data->peers) {
        send_away(*each);
    }
    keep_ticking();
}

void hub::call(peer& who) {
    if (who.place.state() != seat::phase::apart || !can_hear(who)) {
        return;
    }
    who.place.call();
    who.place.call_at = never;
    who.line->control(
        wire::encode(wire::group_call{limits_->multicast, static_cast<std::uint32_t>(cast_->window()),
                                      static_cast<std::uint32_t>(cast_->line->datagram_size())}));
}

// The leaf shall leave the group. Its data go there until it says that it has.
void hub::send_away(peer& who) {
    if (who.place.state() != seat::phase::apart && who.line != nullptr) {
        who.line->control(wire::encode(wire::note{wire::kind::parted, 0}));
    }
}

// It hears the group: what is appended to the log from now on reaches it there.
void hub::on_joined(peer& who, std::uint64_t window) {
    if (who.place.state() != seat::phase::called) {
        return;
    }
    if (cast_->state != cast::phase::up || !can_hear(who)) {
        send_away(who);
        return;
    }
    cast& group = *cast_;
    const std::uint64_t head = who.data->log.head();
    group.trim();
    group.out.cut(head);
    who.out.hand_over(group.out, head);
    const std::uint64_t stream = group.out.stream_at_head(head);
    who.place.take(stream, head, std::min<std::size_t>(group.window(), window));
    who.line->control(wire::encode(wire::turn{group.channel, stream, who.out.stream_of(stream)}));
    who.progress = clock::now();
    record_group();
}

// It hears the group no more, or has never heard it.
void hub::on_parted(peer& who, std::int32_t code) {
    const auto before = who.place.state();
    if (before == seat::phase::apart || before == seat::phase::returning) {
        return;
    }
    log_line(JL_LOG_INFO, fmt::format("rdma: {} does not hear group {} and is served by its own connection",
                                      who.remote.text(), limits_->group));
    who.place.call_at = next_try(code, who.place.vain);
    if (before == seat::phase::called) {
        who.place.leave();
    } else {
        cast_->repair_all(who.place);
        who.place.start_return();
        return_if_ready(who);
    }
    record_group();
    touch(who);
    keep_ticking();
}

void hub::return_if_ready(peer& who) {
    if (who.place.state() == seat::phase::returning && who.out.has_handed_over()) {
        who.out.take_over();
        who.place.leave();
        cast_->trim();
        touch(who);
    }
}

// It gets nothing more, neither here nor there.
void hub::unseat(peer& who) {
    if (!who.out.has_handed_over()) {
        who.place.forget_repairs();
    }
    if (cast_ && who.place.state() != seat::phase::apart) {
        who.place.leave();
        cast_->trim();
        record_group();
    }
}

void hub::on_taken(peer& who, std::uint64_t position) {
    if (!who.place.is_kept() || position == who.place.taken()) {
        return;
    }
    const auto place = cast_->position_of(position);
    if (position < who.place.taken() || position > cast_->reached(who.out) || !place) {
        abandon(who, WSAECONNABORTED, "it acknowledges what was never sent to the group");
        return;
    }
    who.place.took(position, *place, cast_->count(who.place.taken(), position));
    who.progress = clock::now();
    cast_->trim();
    if (who.place.hears_too_little()) {
        log_line(JL_LOG_WARNING, fmt::format("rdma: {} misses most of what is sent to group {}",
                                             who.remote.text(), limits_->group));
        who.place.vain = most_vain;
        send_away(who);
    }
    release_space(*who.data);
    touch(who);
}

void hub::on_missing(peer& who, std::span<const wire::range> missing) {
    if (!who.place.is_kept()) {
        return;
    }
    ++cast_->requests;
    for (const wire::range& each : missing) {
        if (!cast_->repair(who.place, each)) {
            abandon(who, WSAECONNABORTED, "it asks for what was never sent to the group");
            return;
        }
    }
    touch(who);
}

// Who has left does not know the channel of what follows; who stays learns it.
void hub::change_channel(std::uint64_t position) {
    cast& group = *cast_;
    bool due = false;
    while (!group.endings.empty() && group.endings.front() <= position) {
        group.endings.pop_front();
        due = true;
    }
    if (!due) {
        return;
    }
    group.channel = draw_channel(0);
    for (const peer_ptr& each : group.data->peers) {
        const bool stays = each->out.stop().value_or(never_ends) > position;
        if (each->place.state() == seat::phase::seated && stays && each->line != nullptr) {
            each->line->control(wire::encode(wire::note{wire::kind::channel, group.channel}));
        }
    }
}

// The leaf's stream ends at the log's head, and the group's may go on.
void hub::end_out(peer& who, bool leaving) {
    const std::uint64_t head = who.data->log.head();
    if (who.place.is_kept() && !who.out.stop()) {
        cast_->out.cut(head);
        cast_->endings.push_back(head);
    }
    who.out.end(head, leaving);
}

void hub::pump_cast() {
    cast& group = *cast_;
    if (group.state != cast::phase::up || group.blocked) {
        return;
    }
    const ring& log = group.data->log;
    const std::size_t room = group.line->datagram_size() - wire::head_size;
    const std::uint64_t before = group.datagrams;
    const std::uint64_t until = group.heard_until();
    while (group.out.cursor() < until && group.has_room()) {
        const auto next = group.out.plan(log, room);
        if (!next) {
            break;
        }
        change_channel(next->position);
        const auto head = wire::encode(
            wire::datagram_head{group.channel, next->stream, static_cast<std::uint32_t>(next->bytes.size())});
        const posted outcome = group.line->post(head, next->bytes, group.out.next_cookie());
        if (outcome == posted::full || outcome == posted::broken) {
            group.blocked = outcome == posted::full;
            break;
        }
        group.posted(*next, outcome == posted::copied);
    }
    if (group.datagrams != before) {
        group.line->flush();
        group.posted_at = clock::now();
    }
    if (group.datagrams != before || group.blocked) {
        keep_ticking();
    }
}

// What moves the group without anybody asking.
void hub::settle_cast() {
    if (!cast_) {
        return;
    }
    pump_cast();
    if (std::exchange(cast_->released, false)) {
        release_space(*cast_->data);
    }
}

void hub::record_group() {
    const group_figures now = cast_->figures();
    limits_->record->change(cast_->recorded, now);
    cast_->recorded = now;
}

void hub::end_cast() {
    if (!cast_) {
        return;
    }
    record_group();
    const group_figures had = cast_->figures();
    log_line(JL_LOG_INFO,
             fmt::format("rdma: group {} has had {} datagrams; {} were sent once more to one leaf, "
                         "after {} requests",
                         limits_->group, had.datagrams, had.repairs, had.requests));
    cast_->data->carrier = nullptr;
    cast_.reset();
}

void hub::tend_cast(clock::time_point now) {
    if (!cast_) {
        return;
    }
    if (cast_->state == cast::phase::lost && now >= cast_->retry_at) {
        join_cast();
    }
    record_group();
    for (const peer_ptr& each : cast_->data->peers) {
        if (cast_->state == cast::phase::up && now >= each->place.call_at) {
            call(*each);
        }
    }
    if (cast_->state == cast::phase::up && cast_->has_news()) {
        mark_group(now);
    }
}

// After its last datagram the group is told how far it has got, a few times at growing distances, for those who miss
// that one; at last, or at once where somebody waits for room, each leaf is asked by its connection.
void hub::mark_group(clock::time_point now) {
    cast& group = *cast_;
    if (group.marks > most_marks || now - group.posted_at < calm * (1U << group.marks)) {
        return;
    }
    const bool is_waited_for = group.data->full || !group.has_room();
    if (group.marks++ == most_marks || is_waited_for) {
        group.marks = most_marks + 1;
        tell_how_far();
        return;
    }
    const auto head = wire::encode(wire::datagram_head{group.channel, group.reached_by_all(), 0});
    group.line->post(head, {}, cast::no_cookie);
    group.line->flush();
}

void hub::tell_how_far() {
    for (const peer_ptr& each : cast_->data->peers) {
        if (cast_->has_news_for(*each) && each->line != nullptr) {
            each->place.told = cast_->reached(each->out);
            each->line->control(wire::encode(wire::note{wire::kind::sent, each->place.told}));
        }
    }
}

bool hub::cast_needs_tick() const {
    if (!cast_) {
        return false;
    }
    const bool calls =
        cast_->state == cast::phase::up && std::ranges::any_of(cast_->data->peers, [](const peer_ptr& each) {
            return each->place.state() == seat::phase::apart && each->place.call_at != never;
        });
    return calls || cast_->blocked || cast_->has_news() ||
           (cast_->state == cast::phase::lost && cast_->retry_at != never);
}

} // namespace joinleaf::rdma
