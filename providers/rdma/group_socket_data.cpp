// SPDX-License-Identifier: Apache-2.0
//
// The data plane: messages into datagrams, and datagrams into the box.
#include "group_socket.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

// Sessions that a socket sends to without having joined; beyond that many the one that was sent to longest ago goes.
constexpr std::size_t strangers_most = 16;

bool is(const party& which, const address& where) noexcept {
    return which.session().size == where.size &&
           std::memcmp(which.session().raw(), where.raw(), where.size) == 0;
}

std::int32_t check(const jl_msg& message, std::size_t size) noexcept {
    if ((message.flags & (JL_MSG_OOB | JL_MSG_PART)) != 0) {
        return WSAEOPNOTSUPP;
    }
    return size > wire::group_message_max ? WSAEMSGSIZE : 0;
}

} // namespace

std::int32_t group_socket::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    const std::lock_guard hold(mutex_);
    if (shut_out_ || closing_) {
        return WSAESHUTDOWN;
    }
    ++polls_;
    std::int32_t code = send_all(messages, count, done);
    if (code == WSAEWOULDBLOCK && *done == 0 && poll_data()) {
        code = send_all(messages, count, done);
    }
    flush_all();
    if (*done != 0) {
        return 0;
    }
    if (code == WSAEWOULDBLOCK) {
        blocked_ = true;
        want_out_ = true;
        if (!parked_) {
            arm_watch();
        }
        keep_ticking();
    }
    return code;
}

std::int32_t group_socket::send_all(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    for (; *done < count; ++*done) {
        if (const auto code = send_one(messages[*done]); code != 0) {
            return code;
        }
    }
    return 0;
}

std::int32_t group_socket::send_one(jl_msg& message) {
    const std::size_t size = total(parts_of(message));
    if (const auto code = check(message, size); code != 0) {
        return code;
    }
    const auto to = destination_of(message);
    if (!to) {
        return to.error();
    }
    switch ((*to)->send(new_head(), parts_of(message), size)) {
    case posted::full: return WSAEWOULDBLOCK;
    case posted::broken: return WSAENETDOWN;
    case posted::copied:
    case posted::taken: break;
    }
    message.size = size;
    ++sent_messages_;
    sent_bytes_ += size;
    if (*to == session_.get() && receives() && !shut_in_) {
        hear_own(message, **to);
    }
    return 0;
}

wire::piece_head group_socket::new_head() const {
    wire::piece_head out;
    out.flags = host_only_ ? wire::flag_host_only : std::uint8_t{0};
    out.host = host_;
    out.from = station_->local_name();
    return out;
}

tl::expected<party*, std::int32_t> group_socket::destination_of(const jl_msg& message) {
    if (message.addr == nullptr && !destination_) {
        return has_member()                   ? tl::expected<party*, std::int32_t>(session_.get())
               : session_ && session_->lost() ? tl::unexpected(session_->lost()->code)
                                              : tl::unexpected(WSAENOTCONN);
    }
    const address where =
        message.addr != nullptr ? address::of(message.addr, message.addr_len) : *destination_;
    if (session_ && is(*session_, where) && session_->use() != group_use::receive) {
        if (session_->lost()) {
            return tl::unexpected(session_->lost()->code);
        }
        return session_->has_joined() ? tl::expected<party*, std::int32_t>(session_.get())
                                      : tl::unexpected(WSAEWOULDBLOCK);
    }
    if (const auto code = check_session(where); code != 0) {
        return tl::unexpected(code);
    }
    return stranger_at(where);
}

// A sender that has not joined: a send-only part, which begins with its first message.
tl::expected<party*, std::int32_t> group_socket::stranger_at(const address& where) {
    auto found = std::ranges::find_if(others_, [&](const party_ptr& each) { return is(*each, where); });
    if (found == others_.end()) {
        if (station_->local_name().size == 0) {
            if (const auto code = bind_to(any_of(family_)); code != 0) {
                return tl::unexpected(code);
            }
        }
        if (!watch_station()) {
            return tl::unexpected(WSAENOBUFS);
        }
        if (others_.size() == strangers_most) {
            doorbells_ += others_.front()->doorbells();
            others_.erase(others_.begin());
        }
        others_.push_back(std::make_unique<party>(static_cast<party_owner&>(*this), where, group_use::send));
        others_.back()->join(*station_);
        found = std::prev(others_.end());
    }
    std::rotate(found, std::next(found), others_.end());
    party& which = *others_.back();
    if (which.lost()) {
        const failure why = *which.lost();
        others_.pop_back(); // the next send tries again
        explain(why.sentence);
        return tl::unexpected(why.code);
    }
    return which.has_joined() ? tl::expected<party*, std::int32_t>(&which) : tl::unexpected(WSAEWOULDBLOCK);
}

void group_socket::flush_all() {
    if (session_) {
        session_->flush();
    }
    for (const party_ptr& each : others_) {
        each->flush();
    }
}

// The engine gives nobody what is his own.
void group_socket::hear_own(const jl_msg& message, const party& to) {
    wire::piece_head head = to.latest();
    head.offset = 0;
    if (!loopback_) {
        heard_.pass_over(head); // IO-24
        return;
    }
    gathered_.resize(message.size);
    provider::collect(parts_of(message), 0, gathered_);
    hear(head, gathered_);
}

void group_socket::on_datagram(party& which, std::span<const std::byte> bytes) {
    const auto head = wire::decode_piece(bytes);
    if (!head) {
        ++dropped_;
        return;
    }
    if (head->port != which.session().port() || shut_in_) {
        return;
    }
    const bool from_here = head->host == host_ && host_ != 0;
    const bool stays_there = (head->flags & wire::flag_host_only) != 0;
    if (from_here ? !loopback_ : stays_there) {
        heard_.pass_over(*head); // IO-25, IO-27
        return;
    }
    hear(*head, bytes.subspan(wire::piece_head_size));
}

void group_socket::hear(const wire::piece_head& head, std::span<const std::byte> bytes) {
    const auto message = heard_.take(head, bytes);
    if (!message) {
        return;
    }
    while (circular_ && !box_.fits(message->bytes.size())) {
        box_.drop_oldest();
        ++evicted_;
    }
    if (!box_.fits(message->bytes.size())) {
        ++dropped_;
        return;
    }
    box_.put(message->by->name, message->gap, message->bytes);
    heard_.accept(*message);
    if (std::exchange(want_in_, false)) {
        tell(JL_IN);
    }
}

std::int32_t group_socket::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done,
                              std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    const std::lock_guard hold(mutex_);
    if (shut_in_) {
        return WSAESHUTDOWN;
    }
    if (box_.empty()) {
        ++polls_;
        poll_data();
    }
    while (*done < count && !box_.empty()) {
        jl_msg& message = messages[(*done)++];
        const bool peek = (message.flags & JL_MSG_PEEK) != 0;
        if (!box_.take(message) || peek) {
            break;
        }
    }
    if (want_in_ && !parked_ && box_.empty() && session_ && !session_->lost()) {
        arm_watch(); // what arm has promised stands
    }
    *left = box_.empty() ? JL_LEFT_NONE : JL_LEFT_SOME;
    if (*done != 0) {
        return 0;
    }
    if (session_ && session_->lost()) {
        loss_told_ = true;
        explain(session_->lost()->sentence);
        return session_->lost()->code;
    }
    return WSAEWOULDBLOCK;
}

// The end of a membership is something to receive, once; then it is the end.
std::int32_t group_socket::arm(std::uint32_t direction, std::int32_t* code) {
    const std::lock_guard hold(mutex_);
    if (direction == JL_OUT) {
        if (!blocked_) {
            return JL_READY;
        }
        want_out_ = true;
        arm_watch();
        return blocked_ ? JL_ARMED : JL_READY;
    }
    if (direction != JL_IN || shut_in_) {
        return JL_ARMED;
    }
    if (box_.empty() && session_ && !session_->lost()) {
        poll_data();
        if (!parked_) {
            arm_watch();
        }
    }
    if (!box_.empty()) {
        return JL_READY;
    }
    if (session_ && session_->lost()) {
        *code = session_->lost()->code;
        return loss_told_ ? JL_ENDED : JL_READY;
    }
    want_in_ = true;
    return JL_ARMED;
}

std::int32_t group_socket::stats(jl_stats* out) {
    const std::lock_guard hold(mutex_);
    out->sent_messages = sent_messages_;
    out->sent_bytes = sent_bytes_;
    out->received_messages = box_.taken_messages();
    out->received_bytes = box_.taken_bytes();
    out->dropped_messages = dropped_ + evicted_;
    out->gaps = heard_.missing() + evicted_;
    out->last_error = last_error_;
    out->send_calls = doorbells_;
    const auto add = [&](const party_ptr& each) {
        out->queued_bytes += each->rest_size();
        out->send_calls += each->doorbells();
    };
    std::ranges::for_each(others_, add);
    if (session_) {
        add(session_);
    }
    return 0;
}

std::int32_t group_socket::leaves(jl_leaf_stats* out, std::uint32_t room, std::uint32_t* count) {
    const std::lock_guard hold(mutex_);
    *count = 0;
    for (const hearing::sender& each : heard_.senders()) {
        if (*count < room) {
            jl_leaf_stats& to = out[*count];
            std::memcpy(&to.peer, each.name.raw(), each.name.size);
            to.peer_len = each.name.size;
            to.received_messages = each.received;
            to.gaps = each.missing;
        }
        ++*count;
    }
    return 0;
}

} // namespace joinleaf::rdma
