// SPDX-License-Identifier: Apache-2.0
//
// The leaf's side of its root's group: joining, putting datagrams into the stream, asking for what is missing, and
// telling what was taken.
#include "hub.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

constexpr std::size_t smallest_window = 4;

} // namespace

void hub::on_group_call(peer& who, const wire::group_call& call) {
    if (who.ear) {
        abandon(who, WSAECONNABORTED, "it calls to a group twice");
        return;
    }
    if (call.where.family() != family_) {
        refuse_group(who, {WSAEOPNOTSUPP, "the group is of another family than the session"});
        return;
    }
    if (who.data->shut_in || who.data->closing || !who.data->may_receive) {
        refuse_group(who, {WSAEOPNOTSUPP, ""});
        return;
    }
    who.ear = std::make_unique<listening>(*this, who, call);
    auto made = station_->join_group(call.where, group_use::receive, *who.ear);
    if (!made) {
        on_group_lost(who, made.error());
    } else if (who.ear) {
        who.ear->line = std::move(*made);
        if (who.ear->joined) {
            on_group_joined(who);
        }
    } else {
        bury(std::move(*made));
    }
}

void hub::on_group_joined(peer& who) {
    listening& ear = *who.ear;
    if (ear.line->datagram_size() < ear.datagram) {
        on_group_lost(who,
                      {WSAEOPNOTSUPP,
                       fmt::format("datagrams of {} bytes are longer than its device takes", ear.datagram)});
        return;
    }
    ear.window = std::min(ear.window, std::max(limits_->recv_buffer / ear.datagram, smallest_window));
    who.line->control(wire::encode(wire::note{wire::kind::joined, ear.window}));
}

void hub::refuse_group(peer& who, const failure& why) {
    if (!why.sentence.empty()) {
        log_line(JL_LOG_WARNING,
                 fmt::format("rdma: the group of {} is not heard: {}; its data come by the connection",
                             who.remote.text(), why.sentence));
    }
    if (who.line != nullptr) {
        who.line->control(wire::encode(wire::note{wire::kind::parted, static_cast<std::uint64_t>(why.code)}));
    }
}

void hub::on_group_lost(peer& who, const failure& why) {
    deafen_ear(who);
    refuse_group(who, why);
}

// The leaf leaves the group of its own will.
void hub::leave_group(peer& who) {
    if (who.ear) {
        on_group_lost(who, {WSAEOPNOTSUPP, ""});
    }
}

void hub::deafen_ear(peer& who) {
    if (who.ear) {
        who.ear->forget();
        bury(std::move(who.ear));
    }
}

void hub::on_datagram(peer& who, std::span<const std::byte> bytes) {
    if (!who.ear->is_on()) {
        if (who.ear->early.size() < who.ear->window) {
            who.ear->early.emplace_back(bytes.begin(), bytes.end());
        }
        return;
    }
    const auto head = wire::decode_datagram(bytes);
    if (!head || !who.is_open() || !who.ear->hears(head->channel)) {
        return;
    }
    const std::uint64_t position = who.ear->to_stream(head->position);
    if (head->size == 0) {
        on_reached(who, head->position);
        return;
    }
    if (!who.ear->reaches(position, who.in.moved())) {
        return;
    }
    who.in.add_copy(position, bytes.subspan(wire::head_size), who.ear->window);
    touch(who);
}

void hub::on_turn(peer& who, const wire::turn& what) {
    if (!who.ear) {
        return;
    }
    who.ear->turn(what);
    for (const auto& each : std::exchange(who.ear->early, {})) {
        on_datagram(who, each);
    }
}

// The group has got so far, says the root: what has not come until now is lost.
void hub::on_reached(peer& who, std::uint64_t position) {
    listening& ear = *who.ear;
    const std::uint64_t mark = ear.to_stream(position);
    // Anybody may have said it.
    if (ear.reaches(mark, who.in.moved())) {
        ear.mark = std::max(ear.mark, mark);
        touch(who);
    }
}

// The same said by the connection: the root wants an answer.
void hub::on_sent_so_far(peer& who, std::uint64_t position) {
    if (who.ear && who.ear->is_on()) {
        who.ear->owed = std::max(who.ear->owed, who.ear->to_stream(position));
        who.ear->mark = std::max(who.ear->mark, who.ear->owed);
        touch(who);
    }
}

// What comes once more by the connection, behind what came by the group, leaves its buffer at once. The application may have
// a box of messages to take before it, and as long as that lasts its buffer would be missing for what else is to be
// mended: however steadily the application reads, the root would see a leaf that takes nothing.
std::size_t hub::copies_of_mended(const peer& who, std::uint64_t position) {
    const bool mends = who.ear && who.ear->is_on() && who.ear->reaches(position, who.in.moved());
    return mends ? who.ear->window : 0;
}

void hub::tend_ear(peer& who) {
    if (who.ear && who.ear->is_on() && who.line != nullptr) {
        ask_for_missing(who);
        tell_taken(who);
    }
}

// Each hole is asked for once: what is asked for comes by the connection, which loses nothing.
void hub::ask_for_missing(peer& who) {
    listening& ear = *who.ear;
    const std::uint64_t to = std::max(ear.mark, who.in.overtaken());
    if (to <= ear.asked_to) {
        return;
    }
    auto holes = who.in.missing(ear.asked_to, to);
    ear.asked_to = to;
    for (wire::range& each : holes) {
        each = {ear.to_group(each.from), ear.to_group(each.to)};
    }
    for (std::span<const wire::range> rest(holes); !rest.empty();) {
        const auto some = rest.first(std::min(rest.size(), wire::ranges_max));
        who.line->control(wire::encode(some));
        rest = rest.subspan(some.size());
    }
}

// The root learns it after each quarter of what may be under way, and when it has said how far the group has got.
void hub::tell_taken(peer& who) {
    listening& ear = *who.ear;
    const std::uint64_t moved = who.in.moved();
    const std::uint64_t pieces = who.in.pieces_moved() - ear.pieces_told;
    const bool is_owed = moved >= ear.owed && ear.owed > ear.told;
    if (moved <= ear.told || (!is_owed && pieces < std::max<std::size_t>(1, ear.window / 4))) {
        return;
    }
    ear.told = moved;
    ear.pieces_told = who.in.pieces_moved();
    who.line->control(wire::encode(wire::note{wire::kind::taken, ear.to_group(moved)}));
}

} // namespace joinleaf::rdma
