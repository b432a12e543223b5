// SPDX-License-Identifier: Apache-2.0
//
// The connecting side of the handshake: for a leaf that asks and for a root that invites.
#include "hub.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

// EV-32: what an answer may make of a join. Anything else that a peer writes is only a refusal.
std::int32_t answered_code(std::int32_t code) noexcept {
    switch (code) {
    case WSAENETUNREACH:
    case WSAENOBUFS:
    case WSAETIMEDOUT:
    case WSAEOPNOTSUPP:
    case WSAEFAULT: return code;
    default: return WSAECONNREFUSED;
    }
}

wire::greeting make_hello(wire::control_role role, wire::data_role data, const jl_join& join) {
    wire::greeting out;
    out.what = wire::kind::hello;
    out.role = role;
    out.data = data;
    out.direction = join.direction;
    out.callee_room = join.callee_room;
    if (join.caller_data != nullptr) {
        const auto* const bytes = static_cast<const std::byte*>(join.caller_data);
        out.user.assign(bytes, bytes + join.caller_len);
    }
    if (join.qos != nullptr) {
        out.qos = *join.qos;
    }
    return out;
}

} // namespace

std::shared_ptr<peer> hub::join(const wish& what, std::function<void(const join_result&)> done) {
    peer_ptr who = enroll(peer::phase::connecting);
    who->remote = what.target;
    who->hello = make_hello(role_, data_role_, *what.join);
    who->on_joined = std::move(done);
    who->data = what.data;
    who->socket = what.socket;
    if (!watch_control()) {
        conclude(*who, {WSAENOBUFS, "the reactor cannot watch another descriptor"}, nullptr);
        return who;
    }
    who->keep_port = what.keep_port;
    connect(*who);
    return who;
}

void hub::connect(peer& who) {
    who.again = false;
    if (link* const made = station_->connect(who.remote, who.keep_port, who)) {
        who.line = made;
        who.local = made->local();
    }
    keep_ticking();
}

bool hub::cancel(peer& who) {
    if (!who.on_joined) {
        return false;
    }
    who.on_joined = nullptr;
    close_line(who, true);
    return true;
}

void hub::on_up(peer& who) {
    who.local = who.line->local();
    if (auto ready = prepare(who, *who.data); !ready) {
        fail_join(who, ready.error().code, ready.error().sentence);
        return;
    }
    who.state = peer::phase::asking;
    who.since = clock::now();
    who.hello.data_address = who.line->data_address();
    who.line->control(wire::encode(who.hello));
}

// What a peer needs before it may send: buffers, a channel, and the position at which this side's stream begins.
tl::expected<void, failure> hub::prepare(peer& who, flow& data) {
    if (!data.lent) {
        if (auto lent = station_->lend(data.log.memory()); !lent) {
            return lent;
        }
        data.lent = true;
    }
    if (auto added = station_->add_slots(*who.line, limits_->window + spare_slots); !added) {
        return added;
    }
    if (!watch_data()) {
        station_->drop_slots(limits_->window + spare_slots);
        return tl::unexpected(failure{WSAENOBUFS, "the reactor cannot watch another descriptor"});
    }
    who.window = limits_->window;
    who.hello.channel = who.channel;
    who.hello.window = who.window;
    who.hello.slice = static_cast<std::uint32_t>(station_->slice_size());
    who.hello.start = data.log.head();
    return {};
}

// The data path towards the peer, as its greeting describes it.
std::int32_t hub::connect_data(peer& who, const wire::greeting& theirs) {
    if (const auto code = who.line->attach(theirs.data_address); code != 0) {
        return code;
    }
    who.remote_channel = theirs.channel;
    who.slice_room = std::min<std::size_t>(theirs.slice, station_->slice_size()) - wire::head_size;
    who.allowed = std::max(who.allowed, theirs.window);
    who.in.begin(theirs.start, who.window);
    return 0;
}

void hub::read_answer(peer& who, std::span<const std::byte> message) {
    const auto kind = wire::kind_of(message);
    if (kind && *kind == wire::kind::wait) {
        who.heard = true;
        return;
    }
    const auto answer = wire::decode_greeting(message);
    if (!answer) {
        fail_join(who, WSAECONNREFUSED, wire::text(answer.error()));
    } else if (answer->what != wire::kind::answer) {
        fail_join(who, WSAECONNREFUSED, "the peer answers a join with a join of its own");
    } else if (answer->code != 0) {
        fail_join(who, answered_code(answer->code), wire::text(answer->why));
    } else if (answer->role == role_) {
        fail_join(who, WSAECONNREFUSED, wire::text(wire::reason::role));
    } else if (answer->user.size() > who.hello.callee_room) {
        fail_join(who, WSAEFAULT,
                  fmt::format("the peer sends {} bytes of callee data where there is room for {}",
                              answer->user.size(), who.hello.callee_room));
    } else if (const auto code = connect_data(who, *answer); code != 0) {
        fail_join(who, code == WSAEINVAL ? WSAECONNREFUSED : code,
                  "the peer's address in the data plane is of no use");
    } else {
        conclude(who, {}, &*answer);
    }
}

void hub::fail_join(peer& who, std::int32_t code, const std::string& why) {
    const failure told{code, fmt::format("join with {} failed: {}", who.remote.text(), why)};
    const auto hold = who.shared_from_this();
    close_line(who, true);
    conclude(who, told, nullptr);
}

void hub::conclude(peer& who, const failure& why, const wire::greeting* answer) {
    const auto hold = who.shared_from_this();
    const auto done = std::exchange(who.on_joined, nullptr);
    if (answer == nullptr) {
        close_line(who, true);
    } else {
        who.state = peer::phase::open;
        who.local = who.line->local();
        // The direction is this side's: a root that only sends takes nothing.
        make_member(who, answer->data == wire::data_role::root, who.hello.direction == JL_SENDER_ONLY,
                    who.hello.direction == JL_RECEIVER_ONLY);
        who.owes_opening = station_->needs_opening();
        consider(who);
    }
    if (done) {
        done({why, answer});
    }
}

} // namespace joinleaf::rdma
