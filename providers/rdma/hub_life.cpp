// SPDX-License-Identifier: Apache-2.0
//
// How peers, and with them their sockets, come to their end.
#include "hub.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

// More than the last moments of a connection take, less than a user notices.
constexpr std::chrono::seconds patience{1};

} // namespace

void hub::on_control(peer& who, std::span<const std::byte> message) {
    switch (who.state) {
    case peer::phase::connecting:
    case peer::phase::asking: read_answer(who, message); return;
    case peer::phase::greeting: read_hello(who, message); return;
    case peer::phase::queued:
        // A joiner has nothing to say while it waits.
        close_line(who, true);
        host().withdrawn(listener_, &who);
        --queued_;
        return;
    case peer::phase::open: break;
    case peer::phase::gone: return;
    }
    if (const auto what = wire::decode_note(message)) {
        on_note(who, *what);
    } else if (!on_longer(who, message)) {
        abandon(who, WSAECONNABORTED, "what it sends breaks the protocol");
    }
}

// What is longer than a note: about the root's group.
bool hub::on_longer(peer& who, std::span<const std::byte> message) {
    const auto kind = wire::kind_of(message);
    if (!kind) {
        return false;
    }
    if (const auto call = wire::decode_group_call(message);
        call && *kind == wire::kind::group && role_ == wire::control_role::leaf) {
        on_group_call(who, *call);
        return true;
    }
    if (const auto turn = wire::decode_turn(message);
        turn && *kind == wire::kind::switched && role_ == wire::control_role::leaf) {
        on_turn(who, *turn);
        return true;
    }
    const auto missing = wire::decode_missing(message);
    if (missing && *kind == wire::kind::missing && role_ == wire::control_role::root) {
        on_missing(who, *missing);
        return true;
    }
    return false;
}

// What only a leaf says, about its root's group.
bool hub::on_leaf_note(peer& who, const wire::note& what) {
    if (what.what == wire::kind::joined && what.value != 0) {
        on_joined(who, what.value);
    } else if (what.what == wire::kind::parted) {
        on_parted(who, static_cast<std::int32_t>(what.value & 0x7FFFFFFFU));
    } else if (what.what == wire::kind::taken) {
        on_taken(who, what.value);
    } else {
        return false;
    }
    return true;
}

// What only a root says.
bool hub::on_root_note(peer& who, const wire::note& what) {
    if (what.what != wire::kind::parted && what.what != wire::kind::sent && what.what != wire::kind::channel) {
        return false;
    }
    if (who.ear && what.what == wire::kind::parted) {
        on_group_lost(who, {0, ""});
    } else if (who.ear && what.what == wire::kind::sent) {
        on_sent_so_far(who, what.value);
    } else if (who.ear) {
        who.ear->change(what.value);
    }
    return true;
}

void hub::on_note(peer& who, const wire::note& what) {
    switch (what.what) {
    case wire::kind::finished:
        who.has_finished = true;
        check_parted(who);
        return;
    case wire::kind::quiet:
        deafen(who);
        touch(who);
        return;
    case wire::kind::asleep:
        who.dozing = true;
        if (what.value != who.slices_posted) {
            wake_if_dozing(who);
        }
        return;
    case wire::kind::wake:
        who.asked_to_knock = false;
        touch(who);
        return;
    case wire::kind::wait: return; // sent before the answer
    case wire::kind::hello:
    case wire::kind::answer:
    case wire::kind::group:
    case wire::kind::joined:
    case wire::kind::switched:
    case wire::kind::parted:
    case wire::kind::missing:
    case wire::kind::taken:
    case wire::kind::sent:
    case wire::kind::channel: break;
    }
    if (role_ == wire::control_role::root ? on_leaf_note(who, what) : on_root_note(who, what)) {
        return;
    }
    abandon(who, WSAECONNABORTED, "what it sends breaks the protocol");
}

// What the moved messages leave behind: the end of the peer's stream, a breach, a connection that went down.
void hub::after_move(peer& who, bool stalled) {
    flow& data = *who.data;
    if (who.in.has_all() && !std::exchange(who.finish_told, true) && who.line != nullptr) {
        who.line->control(wire::encode(wire::note{wire::kind::finished, 0}));
    }
    if (who.in.has_ended()) {
        end_socket(who, 0);
        if (!data.is_root && !data.end) {
            data.end = 0;
            tell_readable(data);
        }
    }
    if (who.in.has_left()) {
        drop_membership(who);
        deafen(who);
        if (!data.is_root && !data.lost) {
            data.lost = WSAECONNRESET;
        }
    }
    if (stalled && who.line == nullptr) {
        return; // the application gets what came before the connection went down
    }
    if (who.down && !who.broken) {
        who.broken = std::exchange(who.down, std::nullopt);
    }
    if (who.broken && !who.in.has_left()) {
        const failure why = *who.broken;
        abandon(who, why.code, why.sentence.c_str());
    } else if (who.broken || who.line == nullptr) {
        close_line(who, false);
    }
}

void hub::end_socket(peer& who, std::int32_t code) {
    if (!who.ended) {
        who.ended = code;
        if (who.socket != nullptr) {
            host().ready(who.socket, JL_IN);
        }
    }
}

void hub::drop_membership(peer& who) {
    if (std::exchange(who.member, false)) {
        flow& data = *who.data;
        --data.members;
        data.d_roots -= who.d_root ? 1 : 0;
        if (data.members == 0 && data.want_out && data.socket != nullptr) {
            host().ready(data.socket, JL_OUT); // whoever waits for room learns that there is nobody (IO-06)
        }
    }
}

// The peer is no member any more, for a reason that is not its own good will.
void hub::abandon(peer& who, std::int32_t code, const char* why) {
    const auto hold = who.shared_from_this();
    if (code == WSAECONNABORTED && why[0] != '\0') {
        log_line(JL_LOG_WARNING, fmt::format("rdma: dropped {}: {}", who.remote.text(), why));
    }
    end_socket(who, code);
    if (const auto data = who.data; data && !data->is_root) {
        data->end = data->end.value_or(code);
        data->lost = data->lost.value_or(code);
        tell_readable(*data);
        if (data->socket != nullptr && std::exchange(data->want_out, false)) {
            host().ready(data->socket, JL_OUT);
        }
    }
    close_line(who, true);
}

void hub::on_down(peer& who, const failure& why) {
    const auto hold = who.shared_from_this();
    who.line = nullptr;
    switch (who.state) {
    case peer::phase::connecting:
        // An earlier connection between the same two addresses may not be gone yet, though both its sockets are.
        who.again = who.keep_port && why.code == WSAEADDRNOTAVAIL && clock::now() - who.since < patience;
        if (!who.again) {
            fail_join(who, why.code, why.sentence);
        }
        return;
    case peer::phase::asking:
        fail_join(who, why.code == WSAETIMEDOUT ? why.code : WSAECONNREFUSED,
                  "the peer closed the connection instead of answering");
        return;
    case peer::phase::greeting:
        greeting_.remove(hold);
        close_line(who, true);
        return;
    case peer::phase::queued:
        close_line(who, true);
        --queued_;
        host().withdrawn(listener_, &who);
        return;
    case peer::phase::open: break;
    case peer::phase::gone: return;
    }
    // What it sent before may still wait to be looked at.
    who.down = why;
    while (station_->poll_data()) {}
    touch(who);
}

void hub::shut_in(flow& data) {
    data.shut_in = true;
    while (!data.box.empty()) {
        drop_front(data);
    }
    for (const peer_ptr& each : data.peers) {
        if (!data.is_root && each->line != nullptr && each->is_open()) {
            leave_group(*each);
            each->line->control(wire::encode(wire::note{wire::kind::quiet, 0}));
        }
        touch(*each);
    }
    settle();
}

void hub::shut_out(flow& data) {
    if (std::exchange(data.shut_out, true)) {
        return;
    }
    const auto everyone = data.peers;
    for (const peer_ptr& each : everyone) {
        if (each->is_open()) {
            if (data.is_root) {
                end_socket(*each, 0);
            }
            end_out(*each, false);
            touch(*each);
        }
    }
    settle();
}

void hub::shut_leaf(peer& who, std::int32_t how) {
    if (how != SD_SEND) {
        who.discard = true;
    }
    if (how != SD_RECEIVE) {
        end_out(who, false);
    }
    touch(who);
    settle();
}

void hub::part(peer& who, std::uint32_t how, std::function<void()> gone) {
    const auto hold = who.shared_from_this();
    if (gone) {
        who.on_gone = std::move(gone);
    }
    if (!who.is_open() || how == JL_CLOSE_ABORT || (who.in.has_left() && !who.data->is_root) ||
        who.line == nullptr) {
        end_socket(who, WSAECONNABORTED);
        close_line(who, how == JL_CLOSE_ABORT || !who.in.has_left());
        return;
    }
    if (std::exchange(who.leaving, true)) {
        return;
    }
    end_socket(who, 0);
    drop_membership(who);
    who.discard = true;
    who.progress = clock::now();
    who.line->retire();
    end_out(who, true);
    touch(who);
    settle();
    check_parted(who);
    if (station_ && who.is_open()) {
        arm_watch();
    }
    keep_ticking();
}

void hub::check_parted(peer& who) {
    if (who.leaving && who.has_finished) {
        // Nothing is left to be lost, and a reset leaves nothing behind that would hold the local address.
        close_line(who, true);
    }
}

// The connection is over, on this side too.
void hub::close_line(peer& who, bool abort) {
    const auto hold = who.shared_from_this();
    if (link* const line = std::exchange(who.line, nullptr)) {
        line->close(abort);
    }
    give_back_returned();
    who.state = peer::phase::gone;
    std::ranges::replace(touched_, &who, nullptr);
    std::erase(blocked_, &who);
    if (const auto data = who.data) {
        drop_membership(who);
        std::erase(data->peers, hold);
        who.place.forget_repairs();
        unseat(who);
        deafen_ear(who);
        who.in.clear(who, shares_);
        for (const auto& [head, got] : std::exchange(who.early, {})) {
            came_back(got.slot, got.bytes.size(), who);
        }
        if (who.window != 0 && station_) {
            station_->drop_slots(who.window + spare_slots);
            who.window = 0;
        }
        release_space(*data);
    }
    strike(who);
    bury(hold); // whoever looks after it may not be done yet
    if (who.on_gone) {
        post(loop(), std::exchange(who.on_gone, nullptr));
    }
}

} // namespace joinleaf::rdma
