// SPDX-License-Identifier: Apache-2.0
//
// The data: slices out of the logs, slices into the boxes, and the grants that go with them.
#include "hub.hpp"

#include "base.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

// Posting the buffer of such a slice again costs more than copying what is in it.
constexpr std::size_t small_slice = 1024;

// The cookie of a slice without memory of ours.
constexpr std::uint64_t no_cookie = ~std::uint64_t{0};

std::int32_t check(const jl_msg& message) noexcept {
    if ((message.flags & (JL_MSG_OOB | JL_MSG_PART)) != 0) {
        return WSAEOPNOTSUPP;
    }
    return total(parts_of(message)) > wire::message_max ? WSAEMSGSIZE : 0;
}

// What a d_leaf sends is for those that are d_root; what a d_root sends, for everyone.
void skip_leaves(flow& data, std::uint64_t from, std::size_t size) {
    for (const auto& each : data.peers) {
        if (!each->d_root) {
            each->skipped.add(size);
            each->out.skip(from, data.log.head());
        }
    }
    if (data.carrier != nullptr) {
        data.carrier->skip(from, data.log.head());
    }
}

void append(flow& data, jl_msg& message) {
    message.size = total(parts_of(message));
    const std::uint64_t from = data.log.head();
    data.log.append(wire::encode(wire::record{static_cast<std::uint32_t>(message.size), false}));
    for (const iovec& part : parts_of(message)) {
        data.log.append(bytes_of(part));
    }
    if (data.is_root && !data.is_d_root) {
        skip_leaves(data, from, message.size);
    }
    data.carried.add(message.size);
    ++data.sent_messages;
    data.sent_bytes += message.size;
}

std::int32_t append_all(flow& data, jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    for (; *done < count; ++*done) {
        jl_msg& message = messages[*done];
        if (const auto code = check(message); code != 0) {
            return code;
        }
        if (!data.fits(wire::record_size + total(parts_of(message)))) {
            return WSAEWOULDBLOCK;
        }
        append(data, message);
    }
    return 0;
}

// While it lives, what comes goes straight to the application.
class straight_to {
  public:
    straight_to(flow& data, std::span<jl_msg> messages) : data_(data), count_(messages.size()) {
        data_.asking = messages;
    }
    straight_to(const straight_to&) = delete;
    straight_to& operator=(const straight_to&) = delete;
    ~straight_to() { data_.asking = {}; }
    [[nodiscard]] std::uint32_t answered() const noexcept {
        return static_cast<std::uint32_t>(count_ - data_.asking.size());
    }

  private:
    flow& data_;
    const std::size_t count_;
};

bool has_more(const peer& who) noexcept {
    return !who.out.is_idle(who.data->log) || who.place.next_repair() != nullptr;
}

} // namespace

std::int32_t hub::tx(flow& data, jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    if (!data.may_send) {
        return WSAEOPNOTSUPP;
    }
    if (data.shut_out || data.closing) {
        return WSAESHUTDOWN;
    }
    if (data.lost) {
        return *data.lost;
    }
    if (data.members == 0) {
        return WSAENOTCONN;
    }
    ++polls_;
    std::int32_t code = append_all(data, messages, count, done);
    for (std::size_t i = 0; i < data.peers.size(); ++i) {
        pump(*data.peers[i]);
    }
    if (code == WSAEWOULDBLOCK && *done == 0 && poll_data()) {
        code = append_all(data, messages, count, done);
        for (std::size_t i = 0; i < data.peers.size(); ++i) {
            pump(*data.peers[i]);
        }
    }
    release_space(data);
    settle();
    if (*done != 0) {
        data.send_misses = 0;
        return 0;
    }
    if (code == WSAEWOULDBLOCK) {
        ++data.send_misses;
        data.want_out = true;
        data.wanted_room = wire::record_size + total(parts_of(messages[0]));
        if (!std::exchange(data.full, true)) {
            data.full_since = clock::now();
        }
        watch_unless_polled(data.is_polled_for_room());
        keep_ticking();
    }
    return code;
}

std::int32_t hub::rx(flow& data, jl_msg* messages, std::uint32_t count, std::uint32_t* done,
                     std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    if (!data.may_receive) {
        return WSAEOPNOTSUPP;
    }
    if (data.shut_in) {
        return data.is_root ? WSAEWOULDBLOCK : WSAESHUTDOWN;
    }
    // Whoever asks need not be told.
    const bool waits = std::exchange(data.want_in, false);
    if (data.box.empty()) {
        ++polls_;
        const straight_to question(data, {messages, count});
        poll_data();
        *done = question.answered();
    }
    while (*done < count && !data.box.empty()) {
        jl_msg& message = messages[(*done)++];
        const bool peek = (message.flags & JL_MSG_PEEK) != 0;
        if (data.box.take(message)) {
            drop_front(data);
        }
        if (peek) {
            break;
        }
    }
    if (!touched_.empty()) {
        settle();
    }
    *left = !data.box.empty() ? JL_LEFT_SOME : data.end ? JL_LEFT_UNKNOWN : JL_LEFT_NONE;
    data.note_look(*done != 0, waits);
    if (waits) {
        go_on_telling(data, *left == JL_LEFT_NONE);
    }
    if (*done != 0) {
        return 0;
    }
    if (data.end) {
        return *data.end == 0 ? WSAEDISCON : *data.end;
    }
    return WSAEWOULDBLOCK;
}

// What arm has promised stands.
void hub::go_on_telling(flow& data, bool nothing_left) {
    data.want_in = true;
    if (nothing_left) {
        watch_unless_polled(data.is_polled());
    } else {
        tell_readable(data);
    }
}

// A slot goes back with the last message in it; a box that has room again takes what was held back.
void hub::drop_front(flow& data) {
    const bool was_full = !data.box.has_room();
    const peer_ptr from = std::move(data.box.front().from);
    const std::uint32_t slot = data.box.front().slot;
    data.box.pop();
    if (slot != inbox::no_slot) {
        shares_.leave(slot, *from);
    }
    if (was_full && data.box.has_room()) {
        for (const peer_ptr& each : data.peers) {
            touch(*each);
        }
    }
}

std::int32_t hub::arm(flow& data, std::uint32_t direction, std::int32_t* code) {
    if (direction == JL_IN) {
        if (data.may_receive && !data.shut_in && data.box.empty()) {
            // What a second look of one that polls found would have to be told by a system call, and taken back by another.
            if (!parked_ && !data.is_polled()) {
                poll_data();
            }
            watch_unless_polled(data.is_polled());
        }
        if (!data.box.empty() && !data.shut_in) {
            return JL_READY;
        }
        if (data.end) {
            *code = *data.end;
            return JL_ENDED;
        }
        data.want_in = true;
        return JL_ARMED;
    }
    if (direction != JL_OUT || !data.may_send) {
        return JL_ARMED;
    }
    if (data.shut_out || data.closing || data.lost) {
        *code = data.lost ? *data.lost : WSAESHUTDOWN;
        return JL_ENDED;
    }
    if (data.takes_more()) {
        return JL_READY;
    }
    data.want_out = true;
    watch_unless_polled(data.is_polled_for_room());
    return data.takes_more() ? JL_READY : JL_ARMED;
}

// Whoever polls has just looked, and will again; should it wait instead, the clock notices. To be told would cost system calls
// on both sides.
void hub::watch_unless_polled(bool polls) {
    if (parked_ || polls) {
        park();
    } else {
        arm_watch();
    }
}

void hub::fill(const flow& data, jl_stats& out) const {
    out.leaves = data.is_root ? static_cast<std::uint32_t>(data.members) : 0;
    out.sent_messages = data.sent_messages;
    out.sent_bytes = data.sent_bytes;
    out.received_messages = data.box.taken_messages();
    out.received_bytes = data.box.taken_bytes();
    out.queued_bytes = data.log.used();
    out.joins = data.is_root ? data.joins : 0;
    out.send_calls = data.posts;
    if (cast_ && cast_->data.get() == &data) {
        out.send_calls += cast_->datagrams;
    }
}

jl_leaf_stats hub::describe(const peer& who) {
    jl_leaf_stats out{};
    std::memcpy(&out.peer, who.remote.raw(), who.remote.size);
    out.peer_len = who.remote.size;
    out.last_error = who.ended.value_or(0);
    out.socket = who.socket;
    out.received_messages = who.received.messages;
    out.received_bytes = who.received.bytes;
    if (who.data) {
        const tally sent = who.deaf_at.value_or(who.data->carried) - who.before - who.skipped;
        out.sent_messages = sent.messages;
        out.sent_bytes = sent.bytes;
        out.queued_bytes = who.is_open() ? who.data->log.head() - who.needs(who.data->log.head()) : 0;
    }
    out.age_ns = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - who.joined).count());
    return out;
}

std::uint32_t hub::list(const flow& data, std::span<jl_leaf_stats> out) {
    std::uint32_t count = 0;
    for (const peer_ptr& each : data.peers) {
        if (!each->member) {
            continue;
        }
        if (count < out.size()) {
            out[count] = describe(*each);
        }
        ++count;
    }
    return count;
}

void hub::deafen(peer& who) {
    unseat(who);
    who.out.deafen();
    who.deaf_at = who.deaf_at.value_or(who.data->carried);
}

void hub::on_parcel(const parcel& got) {
    const auto head = wire::decode_head(got.bytes);
    peer* const who = head ? find(head->channel) : nullptr;
    // A slice may overtake the answer that opens its channel: the path of the control messages is another one.
    if (who == nullptr || who->state == peer::phase::gone) {
        station_->give_back(got.slot);
        return;
    }
    if (who->slices_seen++ == 0 && who->line != nullptr) {
        who->awaits_opening = false;
        who->line->opened();
    }
    if (static_cast<std::int32_t>(head->granted - who->allowed) > 0) {
        who->allowed = head->granted;
        // Whoever hears the group shows by what it has taken that it gets on.
        who->gets_on = who->gets_on || !who->place.is_kept();
    }
    touch(*who);
    if ((head->flags & wire::flag_data) == 0) {
        station_->give_back(got.slot);
        return;
    }
    if (!who->in.has_begun()) {
        who->early.emplace_back(*head, got);
        return;
    }
    take_slice(*who, *head, got);
}

void hub::take_slice(peer& who, const wire::slice_head& head, const parcel& got) {
    switch (who.in.add(head, got, copies_of_mended(who, head.position))) {
    case inflow::arrival::kept: shares_.begin(got.slot, got.bytes.size()); return;
    case inflow::arrival::copied:
    case inflow::arrival::dropped: came_back(got.slot, got.bytes.size(), who); return;
    case inflow::arrival::repeated: station_->give_back(got.slot); return;
    case inflow::arrival::broken:
        station_->give_back(got.slot);
        who.broken = failure{WSAECONNABORTED, "what it sends breaks the protocol"};
        return;
    }
}

// Admitted, on either side. mute: it may not send; deaf: it takes nothing. Both are affairs of a root.
void hub::make_member(peer& who, bool d_root, bool mute, bool deaf) {
    flow& data = *who.data;
    who.state = peer::phase::open;
    who.local = who.line->local();
    who.progress = clock::now();
    who.member = true;
    who.d_root = d_root;
    who.mute = data.is_root && mute;
    // What has been sent since the handshake began is not for it.
    who.out.begin(data.log.head(), who.hello.start);
    who.joined = clock::now();
    who.before = data.carried;
    if (data.is_root && deaf) {
        deafen(who);
    }
    data.peers.push_back(who.shared_from_this());
    ++data.members;
    ++data.joins;
    data.d_roots += d_root ? 1 : 0;
    touch(who);
}

// The buffer of a small slice is posted again when there is nothing else to do, or with those of a quarter of the window: the
// peer would hardly be told before. That of a large one shall be filled again while it lies in the caches.
void hub::came_back(std::uint32_t slot, std::size_t bytes, peer& whose) {
    if (!whose.is_open()) {
        if (station_) {
            station_->give_back(slot);
        }
        return;
    }
    returned_.push_back({slot, &whose});
    if (++whose.returned >= whose.quarter() || bytes > small_slice) {
        give_back_returned();
    }
}

void hub::give_back_returned() {
    for (const auto& [slot, whose] : returned_) {
        station_->give_back(slot);
        whose->returned = 0;
        ++whose->consumed;
        if (whose->is_owed_a_grant()) {
            touch(*whose);
        }
    }
    returned_.clear();
}

void hub::touch(peer& who) {
    if (who.is_open() && !std::exchange(who.touched, true)) {
        touched_.push_back(&who);
    }
}

void hub::block(peer& who) {
    if (!std::exchange(who.blocked, true)) {
        blocked_.push_back(&who);
        keep_ticking();
    }
}

// Looks after every peer to which something has happened, until nothing more does.
void hub::settle() {
    if (std::exchange(settling_, true)) {
        return;
    }
    do {
        for (std::size_t i = 0; i < touched_.size() && station_; ++i) {
            if (peer* const who = touched_[i]; who != nullptr) {
                who->touched = false;
                look_after(*who);
            }
        }
        touched_.clear();
        settle_cast();
    } while (!touched_.empty());
    settling_ = false;
}

void hub::look_after(peer& who) {
    if (!who.is_open() || !who.in.has_begun()) {
        return;
    }
    if (!who.early.empty()) {
        for (const auto& [head, got] : std::exchange(who.early, {})) {
            take_slice(who, head, got); // as if it came only now; its grant has been read
        }
    }
    flow& data = *who.data;
    const bool was_empty = data.box.empty();
    const auto state = who.in.move(*this, who, shares_);
    if (state == inflow::state::broken && !who.broken) {
        who.broken = failure{WSAECONNABORTED, "what it sends is no message"};
    }
    if (was_empty && !data.box.empty()) {
        tell_readable(data);
    }
    after_move(who, state == inflow::state::stalled);
    if (who.is_open()) {
        if (who.owes_opening) {
            send_grant(who);
        }
        tend_ear(who);
        pump(who);
        if (who.is_owed_a_grant()) {
            send_grant(who);
        }
        if (data.log.used() != 0 || data.full) {
            release_space(data);
        }
    }
}

bool hub::has_room(peer& from) {
    const flow& data = *from.data;
    const bool box = data.shut_in || data.closing || data.box.has_room();
    return box && (!data.is_root || data.log.used() < data.send_buffer);
}

void hub::put(peer& from, arrived message) {
    flow& data = *from.data;
    // Only a root says whose message it passes on; a leaf may be there to receive only.
    if (from.mute || (message.has_source && data.is_root)) {
        from.broken = from.broken.value_or(failure{WSAECONNABORTED, "it sends what it has no right to"});
    }
    if (data.closing || from.discard || !data.may_receive || from.broken) {
        return;
    }
    from.received.add(message.bytes.size() - (message.has_source ? wire::source_size : 0));
    if (data.is_root) {
        relay(from, message.bytes);
    }
    const bool for_us = !data.is_root || from.d_root || data.is_d_root;
    if (!for_us || data.shut_in || data.hand_over(from, message)) {
        return;
    }
    if (message.slot != arrived::no_slot) {
        shares_.take(message.slot);
    }
    data.box.put(from.shared_from_this(), std::move(message));
}

// Routing: what member M sends goes to every other member N if M is d_root, or N is d_root.
void hub::relay(peer& from, std::span<const std::byte> bytes) {
    flow& data = *from.data;
    if (from.d_root ? data.peers.size() < 2 : data.d_roots == 0) {
        return;
    }
    const std::uint64_t begin = data.log.head();
    data.log.append(
        wire::encode(wire::record{static_cast<std::uint32_t>(wire::source_size + bytes.size()), true}));
    data.log.append(wire::encode_source(from.remote.raw()));
    data.log.append(bytes);
    if (!from.d_root) {
        skip_leaves(data, begin, bytes.size()); // the sender too
    } else {
        from.skipped.add(bytes.size());
        from.out.skip(begin, data.log.head());
    }
    data.carried.add(bytes.size());
    for (const peer_ptr& each : data.peers) {
        touch(*each);
    }
}

void hub::tell_readable(flow& data) {
    if (std::exchange(data.want_in, false) && data.socket != nullptr) {
        host().ready(data.socket, JL_IN);
    }
}

void hub::pump(peer& who) {
    const bool may_post = !who.blocked && !who.owes_opening && !who.awaits_opening;
    if (may_post && who.is_open() && who.line != nullptr && who.slice_room != 0 && has_more(who)) {
        post_slices(who);
        who.line->flush();
    }
}

// The lowest position first, so that what waits for it at the peer never takes the buffers that it needs.
void hub::post_slices(peer& who) {
    bool more = true;
    while (more && has_more(who) && static_cast<std::int32_t>(who.allowed - who.posted) > 0) {
        const datagram* const repair = who.place.next_repair();
        const bool ahead = who.out.is_carried() && !who.out.has_handed_over();
        const bool mends = repair != nullptr && (!ahead || repair->position < who.out.cursor());
        more = mends ? post_repair(who) : post_stream(who);
        return_if_ready(who);
    }
}

bool hub::post_stream(peer& who) {
    const auto next = who.out.plan(who.data->log, who.slice_room);
    const posted outcome = next ? post_slice(who, next->stream, next->bytes, next->flags) : posted::broken;
    if (outcome != posted::copied && outcome != posted::taken) {
        return false;
    }
    who.out.posted(who.data->log, *next, outcome == posted::copied);
    return true;
}

bool hub::post_repair(peer& who) {
    const datagram what = *who.place.next_repair();
    const auto bytes = who.data->log.piece(what.position, what.position + what.size);
    const posted outcome = post_slice(who, who.out.stream_of(what.stream), bytes, wire::flag_data);
    if (outcome != posted::copied && outcome != posted::taken) {
        return false;
    }
    who.out.posted_again(what.position, outcome == posted::copied);
    who.place.repaired();
    ++cast_->repairs;
    return true;
}

posted hub::post_slice(peer& who, std::uint64_t stream, std::span<const std::byte> bytes, std::uint8_t flags) {
    const auto head =
        wire::encode(wire::slice_head{who.remote_channel, stream, static_cast<std::uint32_t>(bytes.size()),
                                      who.consumed + who.window, flags, who.posted});
    const posted outcome = who.line->post(head, bytes, who.out.next_cookie());
    if (outcome == posted::full) {
        block(who);
    } else if (outcome != posted::broken) {
        who.announced = who.consumed;
        ++who.data->posts;
        ++who.posted;
        ++who.slices_posted;
        wake_if_dozing(who);
    }
    return outcome;
}

void hub::send_grant(peer& who) {
    if (who.blocked || who.awaits_opening || who.line == nullptr) {
        return;
    }
    const auto head =
        wire::encode(wire::slice_head{who.remote_channel, 0, 0, who.consumed + who.window, 0, 0});
    const posted outcome = who.line->post(head, {}, no_cookie);
    who.line->flush();
    if (outcome == posted::copied || outcome == posted::taken) {
        who.owes_opening = false;
        who.announced = who.consumed;
        ++who.slices_posted;
        wake_if_dozing(who);
    } else if (outcome == posted::full) {
        block(who);
    }
}

void hub::wake_if_dozing(peer& who) {
    if (std::exchange(who.dozing, false)) {
        who.line->control(wire::encode(wire::note{wire::kind::wake, 0}));
    }
}

void hub::on_sent(peer& who, std::uint64_t cookie) {
    if (cookie != no_cookie) {
        who.out.sent(cookie);
        who.gets_on = who.gets_on || !who.place.is_kept();
    }
    touch(who);
}

void hub::release_space(flow& data) {
    const std::uint64_t head = data.log.head();
    std::uint64_t lowest = head;
    for (const peer_ptr& each : data.peers) {
        lowest = std::min(lowest, each->needs(head));
    }
    if (cast_ && cast_->data.get() == &data) {
        lowest = std::min(lowest, cast_->needs(head));
    }
    if (data.full && lowest > data.log.tail()) {
        data.full_since = clock::now(); // whoever holds it up from here on has not done so before
    }
    data.log.release(lowest);
    const bool half_empty = data.log.used() <= data.send_buffer / 2;
    if (half_empty && data.fits(data.wanted_room)) {
        data.full = false;
        if (data.want_out && data.members != 0 && !data.shut_out && data.socket != nullptr) {
            data.want_out = false;
            data.wanted_room = 1;
            host().ready(data.socket, JL_OUT);
        }
    }
}

} // namespace joinleaf::rdma
