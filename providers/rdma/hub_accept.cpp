// SPDX-License-Identifier: Apache-2.0
//
// The listening side of the handshake, on a root that leaves ask or on a leaf that a root invites. Whole and fitting
// hellos go to the host's queue; everything else is dropped after a bounded time and with bounded memory.
#include "hub.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace joinleaf::rdma {

std::int32_t hub::listen(jl_handle* listener, std::int32_t backlog) {
    backlog_ = static_cast<std::size_t>(std::max(backlog, 1));
    if (listener_ != nullptr) {
        return 0;
    }
    if (const auto code = station_->listen(); code != 0) {
        return code;
    }
    if (!watch_control()) {
        station_->stop_listening();
        return WSAENOBUFS;
    }
    listener_ = listener;
    return 0;
}

void hub::stop_listening() {
    if (std::exchange(listener_, nullptr) == nullptr) {
        return;
    }
    station_->stop_listening();
    for (const peer_ptr& who : std::exchange(greeting_, {})) {
        close_line(*who, true);
    }
    for (const peer_ptr& who : std::exchange(waiting_, {})) {
        if (who->state == peer::phase::queued) {
            turn_away(*who, WSAECONNREFUSED, wire::reason::closing);
        }
    }
    queued_ = 0;
}

link_owner* hub::on_incoming(link& line) {
    if (listener_ == nullptr) {
        return nullptr;
    }
    if (greeting_.size() >= limits_->handshake_limit) {
        const peer_ptr oldest = greeting_.front();
        log_line(JL_LOG_INFO, fmt::format("rdma: dropped {}: more connections are in the handshake than "
                                          "handshake_limit allows",
                                          oldest->remote.text()));
        turn_away(*oldest, 0, wire::reason::none);
    }
    const peer_ptr who = enroll(peer::phase::greeting);
    who->line = &line;
    who->remote = line.peer();
    who->local = line.local();
    greeting_.push_back(who);
    keep_ticking();
    return who.get();
}

void hub::on_trouble(const address& who, const failure& why) {
    log_line(JL_LOG_WARNING, fmt::format("rdma: {} was turned away: {}", who.text(), why.sentence));
}

void hub::read_hello(peer& who, std::span<const std::byte> message) {
    auto hello = wire::decode_greeting(message);
    if (!hello) {
        log_line(JL_LOG_INFO,
                 fmt::format("rdma: dropped {}: {}", who.remote.text(), wire::text(hello.error())));
        const bool foreign = hello.error() == wire::fault::foreign;
        const auto why =
            hello.error() == wire::fault::version ? wire::reason::version : wire::reason::malformed;
        turn_away(who, foreign ? 0 : WSAECONNREFUSED, why);
    } else if (hello->what != wire::kind::hello) {
        turn_away(who, WSAECONNREFUSED, wire::reason::malformed);
    } else if (hello->role == role_) {
        log_line(JL_LOG_WARNING, fmt::format("rdma: refused {}: it has the same role in the control plane",
                                             who.remote.text()));
        turn_away(who, WSAECONNREFUSED, wire::reason::role);
    } else if (queued_ >= backlog_) {
        turn_away(who, WSAECONNREFUSED, wire::reason::backlog);
    } else {
        who.hello = std::move(*hello);
        enqueue(who);
    }
}

void hub::enqueue(peer& who) {
    const auto self = who.shared_from_this();
    greeting_.remove(self);
    waiting_.push_back(self);
    ++queued_;
    who.state = peer::phase::queued;
    who.line->control(wire::encode(wire::note{wire::kind::wait, 0}));
    jl_request request{};
    request.struct_size = sizeof request;
    request.request = &who;
    request.peer = who.remote.raw();
    request.peer_len = who.remote.size;
    request.caller_len = static_cast<std::uint32_t>(who.hello.user.size());
    request.caller_data = who.hello.user.empty() ? nullptr : who.hello.user.data();
    request.callee_room = who.hello.callee_room;
    request.qos = who.hello.qos ? &*who.hello.qos : nullptr;
    host().accepted(listener_, &request);
}

// code 0: without an answer.
void hub::turn_away(peer& who, std::int32_t code, wire::reason why) {
    const auto self = who.shared_from_this();
    greeting_.remove(self);
    if (code != 0 && who.line != nullptr) {
        wire::greeting answer;
        answer.what = wire::kind::answer;
        answer.role = role_;
        answer.data = data_role_;
        answer.code = code;
        answer.why = why;
        who.line->control(wire::encode(answer));
    }
    close_line(who, code == 0);
}

std::shared_ptr<peer> hub::take(void* request) {
    const auto found =
        std::ranges::find_if(waiting_, [&](const peer_ptr& who) { return who.get() == request; });
    if (found == waiting_.end()) {
        return nullptr;
    }
    peer_ptr who = *found;
    waiting_.erase(found);
    if (who->state != peer::phase::queued) {
        return nullptr;
    }
    --queued_;
    return who;
}

void hub::refuse(void* request) {
    if (const peer_ptr who = take(request)) {
        turn_away(*who, WSAECONNREFUSED, wire::reason::application);
    }
}

std::int32_t hub::admit(const peer_ptr& who, const std::shared_ptr<flow>& data, const jl_answer* answer) {
    const wire::greeting asked = who->hello;
    who->data = data;
    who->hello = {};
    auto ready = prepare(*who, *data);
    std::int32_t code = ready ? connect_data(*who, asked) : ready.error().code;
    if (code != 0) {
        log_line(JL_LOG_WARNING,
                 fmt::format("rdma: {} cannot be admitted: {}", who->remote.text(),
                             ready ? "its address in the data plane is of no use" : ready.error().sentence));
        turn_away(*who, WSAENOBUFS, wire::reason::resources);
        return code == WSAEINVAL ? WSAECONNRESET : code;
    }
    who->hello.what = wire::kind::answer;
    who->hello.role = role_;
    who->hello.data = data_role_;
    who->hello.data_address = who->line->data_address();
    if (answer != nullptr && answer->callee_data != nullptr) {
        const auto* const bytes = static_cast<const std::byte*>(answer->callee_data);
        who->hello.user.assign(bytes, bytes + answer->callee_len);
    }
    if (answer != nullptr && answer->qos != nullptr) {
        who->hello.qos = *answer->qos;
    }
    who->state = peer::phase::open;
    who->awaits_opening = station_->needs_opening() && who->slices_seen == 0;
    make_member(*who, asked.data == wire::data_role::root, asked.direction == JL_RECEIVER_ONLY,
                asked.direction == JL_SENDER_ONLY);
    who->line->control(wire::encode(who->hello));
    consider(*who);
    settle();
    arm_watch();
    return 0;
}

} // namespace joinleaf::rdma
