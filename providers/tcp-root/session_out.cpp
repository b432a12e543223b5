// SPDX-License-Identifier: Apache-2.0
//
// From the root to the leaves: the log and its flushing.
#include "session.hpp"

#include "base.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

// Pieces of the log in one call: two are the rule, more only where messages of others lie in between.
constexpr std::size_t pieces_a_call = 32;

// So much goes to one leaf before the others have their turn at the same bytes, which are in the processor's cache
// then. Where this is measured (bench tcp-root, 64 KiB messages) 256 KiB and less have 0.87 of what 320 to 448 KiB have,
// 512 KiB and more 0.78.
constexpr std::uint64_t bytes_a_turn = 352u << 10;

// Rounds over all leaves before the loop serves other descriptors: eight megabytes to each.
constexpr int rounds_a_turn = 32;

} // namespace

// Whether what the root itself sends is for every leaf.
bool session::reaches_everyone() const noexcept {
    return who_.plane == wire::data_plane::nonrooted || who_.data == wire::data_role::root;
}

std::int32_t session::check(const jl_msg& message) const noexcept {
    if ((message.flags & (JL_MSG_OOB | JL_MSG_PART)) != 0) {
        return WSAEOPNOTSUPP;
    }
    const std::size_t size = total(parts_of(message));
    if (size > wire::message_max) {
        return WSAEMSGSIZE;
    }
    const bool fits = log_.next() + wire::frame_size + size <= barrier_.load(std::memory_order_relaxed) ||
                      log_.written() == 0;
    const bool echo_fits = !echo_.load(std::memory_order_relaxed) || inbox_.has_room();
    return fits && echo_fits ? 0 : WSAEWOULDBLOCK;
}

// A message of any legal size finds room in an empty log.
bool session::fits(std::size_t bytes) const noexcept {
    return log_.head() + bytes <= barrier_.load(std::memory_order_relaxed) || log_.used() == 0;
}

// Bytes that the log may grow by; negative after a message that is longer than all limits.
std::int64_t session::room() const noexcept {
    return static_cast<std::int64_t>(barrier_.load(std::memory_order_relaxed) - log_.head());
}

std::int32_t session::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    if (shut_out_ || closing_) {
        return WSAESHUTDOWN;
    }
    if (members_ == 0) {
        return WSAENOTCONN;
    }
    const auto begun = engaged_ == lanes_.size() ? clock::time_point{} : clock::now();
    std::int32_t code = append_all(messages, count, done);
    while (code == WSAEWOULDBLOCK && wait_for_room(wire::frame_size + total(parts_of(messages[*done])))) {
        code = append_all(messages, count, done);
    }
    if (*done == 0) {
        return code;
    }
    // A lane looks once more after it has taken its flag back, so that one of the two sees these messages.
    if (engaged_ != lanes_.size()) {
        lock_type lock(mutex_);
        kick(lock, begun);
    }
    return 0;
}

std::int32_t session::append_all(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    lock_type everything(mutex_, std::defer_lock);
    if (!reaches_everyone()) {
        everything.lock();
    }
    const std::lock_guard hold(append_mutex_);
    std::int32_t code = 0;
    while (*done < count && (code = check(messages[*done])) == 0) {
        append(messages[(*done)++]);
    }
    log_.publish();
    return code;
}

// True: there is room after all. Otherwise the host hears of it when there is.
bool session::wait_for_room(std::size_t bytes) {
    const std::lock_guard hold(mutex_);
    paused_any_ = paused_any_ || echo_; // for the look of the one who reads the inbox
    const bool echo_fits = !echo_ || inbox_.has_room();
    if (echo_fits && (fits(bytes) || make_room(bytes))) {
        return true;
    }
    want_out_ = true;
    wanted_room_ = bytes;
    if (echo_fits) {
        begin_waiting();
    }
    return false;
}

// Somebody waits for room in the log: from now on counts how long.
void session::begin_waiting() {
    if (!std::exchange(full_, true)) {
        full_since_ = clock::now();
        keep_ticking();
    }
}

void session::append(jl_msg& message) {
    const std::size_t size = total(parts_of(message));
    const std::uint64_t from = log_.next();
    log_.append(wire::encode(wire::frame{wire::frame_kind::message, 0, static_cast<std::uint32_t>(size)}));
    for (const iovec& part : parts_of(message)) {
        log_.append(bytes_of(part));
    }
    if (!reaches_everyone()) {
        exclude(nullptr, from, size);
    }
    if (echo_.load(std::memory_order_relaxed)) {
        echo(message, size);
    }
    sent_.add(size);
    carried_.add(size);
    message.size = size;
}

void session::echo(const jl_msg& message, std::size_t size) {
    if (inbox_.put(self_, parts_of(message), size)) {
        host().ready(name_, JL_IN);
    }
}

// What a leaf sends goes to all others, or to those that are d_root; and back to it if it asks for that.
void session::append(link& source, std::span<const std::byte> data, bool echo) {
    const std::lock_guard hold(append_mutex_);
    const std::uint64_t from = log_.next();
    const auto size = static_cast<std::uint32_t>(wire::source_size + data.size());
    log_.append(wire::encode(wire::frame{wire::frame_kind::message, wire::flag_source, size}));
    log_.append(wire::encode_source(source.peer.raw()));
    log_.append(data);
    carried_.add(data.size());
    if (!echo) {
        pass_over(source, from, data.size());
    }
    if (who_.plane != wire::data_plane::nonrooted && !source.d_root) {
        exclude(&source, from, data.size());
    }
    log_.publish();
    relayed_ = true;
}

// The message just written, from `from` on with `size` bytes of data, is not for this leaf.
void session::pass_over(link& leaf, std::uint64_t from, std::size_t size) {
    leaf.out.skip(from, log_.next());
    if (!leaf.apart.look().until) {
        leaf.apart.edit().others.add(size);
    }
}

// It is for leaves that are d_root; source has been seen to.
void session::exclude(const link* source, std::uint64_t from, std::size_t size) {
    for (const link_ptr& leaf : links_) {
        if (!leaf->d_root && leaf.get() != source) {
            pass_over(*leaf, from, size);
        }
    }
}

std::int32_t session::tell(const std::shared_ptr<link>& leaf, std::span<const std::byte> frame) {
    lock_type lock(mutex_);
    if (!leaf->is_open() || !leaf->member || shut_out_) {
        return WSAENOTCONN;
    }
    if (leaf->sending && (leaf->out.is_deaf() || leaf->is_detached())) {
        return WSAENOBUFS; // the kernel reads what the frame would have to be added to
    }
    if (leaf->is_detached()) {
        leaf->out.add(frame);
    } else if (!leaf->out.add_lead(frame)) {
        const std::lock_guard hold(append_mutex_);
        if (!fits(frame.size())) {
            return WSAENOBUFS;
        }
        const std::uint64_t from = log_.next();
        log_.append(frame);
        for (const link_ptr& other : links_) {
            if (other != leaf) {
                other->out.skip(from, log_.next());
            }
        }
        log_.publish();
    }
    flush_round(lock);
    return 0;
}

// It wants no more messages.
void session::deafen(link& leaf) {
    reattach(leaf);
    const std::lock_guard counters(append_mutex_);
    leaf.out.deafen(log_.head());
    if (!leaf.apart.look().until) {
        leaf.apart.edit().until = carried_;
    }
}

// A sender that spends less time outside than its flushing takes is faster than the leaves can be served one
// message at a time.
void session::kick(lock_type& lock, clock::time_point begun) {
    if (engaged_ == lanes_.size() || (blocked_ != 0 && blocked_ == links_.size())) {
        return;
    }
    const bool flood = begun - last_tx_end_ < flush_cost_;
    // Who answers what has come is as fast, but sends one message at a time.
    if (engaged_ != 0 || (!converses_.exchange(false, std::memory_order_relaxed) && flood)) {
        engage_all();
        return;
    }
    flush_round(lock);
    last_tx_end_ = clock::now();
    flush_cost_ = last_tx_end_ - begun;
}

void session::engage(lane& which) {
    if (which.loop == nullptr) {
        which.loop =
            lanes_.size() == 1 ? loop_locked() : host().loop_at(static_cast<std::uint32_t>(which.number));
    }
    which.engaged = true;
    ++engaged_;
    which.self = shared_from_this();
    host().post(
        which.loop,
        [](void* context) {
            lane& called = *static_cast<lane*>(context);
            called.owner->on_engaged(called);
        },
        &which);
}

void session::on_engaged(lane& which) {
    lock_type lock(mutex_);
    const auto self = std::exchange(which.self, nullptr);
    const auto begun = clock::now();
    for (int round = 0; round < rounds_a_turn; ++round) {
        const std::uint64_t seen = log_.head();
        if (flush_once(lock, which.number) || log_.head() != seen) {
            continue;
        }
        which.engaged = false;
        --engaged_;
        if (log_.head() == seen) {
            last_tx_end_ = clock::now();
            flush_cost_ = (last_tx_end_ - begun) / (round + 1);
            lock.unlock();
            return;
        }
        which.engaged = true;
        ++engaged_;
    }
    --engaged_;
    engage(which);
    lock.unlock();
}

// True: there is more for a leaf that takes more.
bool session::flush_once(lock_type& lock, std::size_t lane_number) {
    bool more = false;
    ++walkers_;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        link& leaf = *links_[i];
        if (lane_number == every_lane || leaf.lane == lane_number) {
            more = flush_link(lock, leaf) || more;
        }
    }
    --walkers_;
    sweep();
    release_space();
    check_finished();
    return more;
}

// What comes in faster than it can be sent is left to the loops.
void session::flush_round(lock_type& lock) {
    for (int round = 0; round < rounds_a_turn; ++round) {
        if (!flush_once(lock, every_lane)) {
            return;
        }
    }
    engage_all();
}

void session::engage_all() {
    for (lane& each : lanes_) {
        if (!each.engaged) {
            engage(each);
        }
    }
}

// True: there is more for it, and it takes more.
bool session::flush_link(lock_type& lock, link& leaf) {
    if (!leaf.is_open() || leaf.sending || leaf.blocked || leaf.broken != 0) {
        return false;
    }
    leaf.sending = true;
    ++leaf.users;
    const bool sent = send_some(lock, leaf);
    leaf.sending = false;
    if (leaf.is_open()) {
        after_flush(leaf);
    }
    const bool more =
        sent && leaf.is_open() && (leaf.out.queued(log_.head()) != 0 || leaf.out.has_end_to_send());
    leave(leaf);
    return more;
}

// All that it takes now.
void session::flush_whole(lock_type& lock, link& leaf) {
    while (flush_link(lock, leaf)) {}
}

// True: go on; the log may have grown meanwhile.
bool session::send_some(lock_type& lock, link& leaf) {
    std::array<iovec, pieces_a_call> parts;
    std::size_t bytes = 0;
    msghdr message{};
    message.msg_iov = parts.data();
    const std::uint64_t head = log_.head();
    const std::uint64_t wall = std::min(head, leaf.out.cursor() + bytes_a_turn);
    message.msg_iovlen = leaf.out.plan(log_, wall, parts, bytes);
    if (bytes == 0) {
        return false;
    }
    const int fd = leaf.fd.get();
    lock.unlock();
    const ssize_t sent = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    const int error = errno;
    relock(lock);
    const bool all = sent >= 0 && static_cast<std::size_t>(sent) == bytes;
    if (sent >= 0) {
        leaf.out.advance(static_cast<std::size_t>(sent));
        leaf.progress = clock::now();
    } else if (error == EINTR) {
        return true;
    } else if (error != EAGAIN) {
        leaf.broken = jl_wsa_error(error);
        return false;
    }
    if (!all && leaf.is_open()) {
        leaf.blocked = true;
        ++blocked_;
    }
    after_send(leaf, all, wall == head);
    return all;
}

void session::after_flush(link& leaf) {
    if (leaf.broken != 0) {
        // It may have said goodbye, or sent messages, before it went: the reader comes to the end of that and
        // then lets it go.
        leaf.out.deafen(log_.tail());
        leaf.last_error = leaf.broken;
        if (leaf.input_over) {
            fail(leaf, WSAECONNRESET);
            return;
        }
    } else if (leaf.out.is_finished()) {
        if (!std::exchange(leaf.shut, true)) {
            ::shutdown(leaf.fd.get(), SHUT_WR);
        }
        leaf.unacknowledged = tcp::unsent(leaf.fd.get());
        if (leaf.leaving && leaf.unacknowledged == 0) {
            depart(leaf);
            return;
        }
    }
    if (full_) {
        stand_aside(leaf);
    }
    update_watch(leaf);
}

// What no leaf needs any more; and how far the log may grow before a leaf has to be looked at.
void session::release_space() {
    const std::uint64_t head = log_.head();
    std::uint64_t lowest = head;
    std::uint64_t barrier = head + limits_->send_buffer;
    least_limit_ = limits_->send_buffer;
    for (const link_ptr& leaf : links_) {
        if (!leaf->is_open() && !leaf->sending) {
            continue;
        }
        const std::uint64_t from = std::min(leaf->out.needs(head), head);
        lowest = std::min(lowest, from);
        if (!leaf->is_detached()) {
            barrier = std::min(barrier, from + leaf->slow.bytes);
            least_limit_ = std::min(least_limit_, leaf->slow.bytes);
        }
    }
    const bool grew = barrier_.exchange(barrier) != barrier;
    if (lowest != log_.tail()) {
        log_.release(lowest);
        room_came_back();
    } else if (grew) {
        room_came_back();
    }
}

// As release_space, for one more leaf, whatever the number of others.
void session::heed(const link& leaf) {
    if (links_.size() == 1) {
        release_space();
        return;
    }
    const std::uint64_t head = log_.head();
    const std::uint64_t from = std::min(leaf.out.needs(head), head);
    barrier_ = std::min(barrier_.load(), from + leaf.slow.bytes);
    least_limit_ = std::min(least_limit_, leaf.slow.bytes);
}

void session::room_came_back() {
    const bool enough = log_.used() == 0 || (room() >= static_cast<std::int64_t>(wanted_room_) &&
                                             room() >= static_cast<std::int64_t>(least_limit_ / 2));
    if (!enough || (echo_ && !inbox_.has_room())) {
        return;
    }
    full_ = false;
    if (want_out_ && members_ != 0 && !shut_out_ && root_ != nullptr) {
        want_out_ = false;
        wanted_room_ = 1;
        host().ready(root_, JL_OUT);
    }
    if (paused_any_.load() && may_read()) {
        resume_readers();
    }
}

} // namespace joinleaf::tcp_root
