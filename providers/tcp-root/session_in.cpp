// SPDX-License-Identifier: Apache-2.0
//
// From the leaves to the root, and by it to other leaves.
#include "service.hpp"
#include "session.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace joinleaf::tcp_root {
namespace {

// Reads from one leaf before others have their turn.
constexpr int reads_a_turn = 4;

// One read from a leaf: see inbox and log_overshoot.
constexpr std::size_t read_size = 64u << 10;

// The read buffer of a thread.
std::span<std::byte> scratch() {
    thread_local std::vector<std::byte> room(read_size);
    return room;
}

} // namespace

void session::on_room(const link_ptr& leaf) {
    lock_type lock(mutex_);
    if (!leaf->blocked) {
        // A watch without conditions tells of a hang-up all the same, over and over; whoever reads finds it too.
        leaf->room.stop();
        leaf->awaits_room = false;
    } else if (leaf->is_open()) {
        leaf->blocked = false;
        --blocked_;
        const std::uint64_t before = leaf->out.needs(log_.head());
        flush_whole(lock, *leaf);
        // It held the tail of the log or its growth, perhaps only since another thread looked while this one was
        // sending.
        if (before <= log_.tail() || before + leaf->slow.bytes <= barrier_) {
            release_space();
        }
    }
    sweep();
    check_finished();
}

// What one read brings always finds room: the queues' capacities are their bounds and a read more.
bool session::may_read() const noexcept {
    return (shut_in_ || inbox_.has_room()) && (room() > 0 || log_.used() == 0);
}

void session::read(lock_type& lock, link& leaf) {
    for (int i = 0; i < reads_a_turn && leaf.listened && !leaf.reading; ++i) {
        if (!may_read() && !(room() <= 0 && make_room(1) && may_read())) {
            pause(leaf);
            return;
        }
        ++leaf.users;
        leaf.reading = true;
        const int fd = leaf.fd.get();
        lock.unlock();
        const auto state = leaf.reader.fill(fd, scratch());
        relock(lock);
        if (state == frame_reader::state::data) {
            leaf.heard = clock::now();
        }
        while (const auto item = leaf.is_open() ? leaf.reader.next() : std::nullopt) {
            if (!deliver(leaf, *item)) {
                break;
            }
        }
        leaf.reader.save();
        leaf.reading = false;
        if (leaf.is_open() && leaf.reader.is_broken()) {
            log_line(JL_LOG_WARNING, fmt::format("tcp-root: dropped the leaf {}: what it sends is no frame",
                                                 leaf.peer.text()));
            fail(leaf, WSAECONNABORTED);
        } else if (state == frame_reader::state::end || state == frame_reader::state::error) {
            input_ended(leaf, leaf.reader.error());
        }
        const bool more = state == frame_reader::state::data && leaf.reader.is_full();
        leave(leaf);
        if (!more) {
            return;
        }
    }
}

void session::input_ended(link& leaf, int error) {
    if (!leaf.is_open()) {
        return;
    }
    leaf.input_over = true;
    if (leaf.leaving && leaf.shut) {
        depart(leaf);
    } else if (leaf.finished && error == 0 && leaf.broken == 0) {
        // It only shut its sending side; it still receives (LC-14).
        update_watch(leaf);
    } else {
        // EV-42: a timeout is an abort; an end without goodbye is what remains of a process that died
        // (LC-04).
        const bool timed_out = error != 0 && error != ECONNRESET && error != EPIPE;
        fail(leaf, timed_out ? WSAECONNABORTED : WSAECONNRESET);
    }
}

// False: the leaf has been let go.
bool session::deliver(link& leaf, const frame_reader::item& item) {
    switch (item.head.what) {
    case wire::frame_kind::message:
        if (!leaf.finished && !leaf.mute && !item.head.has_source()) {
            return deliver_message(leaf, item.payload, item.head.wants_echo());
        }
        break;
    case wire::frame_kind::qos:
        report_change(leaf.socket, item.head, item.payload.first<wire::qos_size>());
        return true;
    case wire::frame_kind::beat: return true;
    case wire::frame_kind::gap: break;
    case wire::frame_kind::quiet: deafen(leaf); return true;
    case wire::frame_kind::end:
        if (item.head.is_leaving()) {
            depart(leaf);
            return false;
        }
        leaf.finished = true;
        end_leaf_socket(leaf, 0);
        return true;
    }
    log_line(JL_LOG_WARNING, fmt::format("tcp-root: dropped the leaf {}: it sends what it has no right to",
                                         leaf.peer.text()));
    fail(leaf, WSAECONNABORTED);
    return false;
}

bool session::deliver_message(link& leaf, std::span<const std::byte> data, bool echo) {
    leaf.received.add(data.size());
    if (leaf.discard || closing_) {
        return true;
    }
    const bool everyone = who_.plane == wire::data_plane::nonrooted || leaf.d_root;
    const bool to_root = everyone || who_.data == wire::data_role::root;
    echo = echo && who_.plane == wire::data_plane::nonrooted;
    const std::size_t targets = everyone ? members_ - (leaf.member && !echo ? 1u : 0u) : d_roots_;
    if (targets != 0) {
        append(leaf, data, echo);
    }
    if (to_root && !shut_in_ && inbox_.put(leaf.peer, data) && takers_ == 0 && root_ != nullptr) {
        host().ready(root_, JL_IN);
    }
    return true;
}

// The flag goes first: a taker that empties the inbox now sees it, or has emptied it before the second look.
void session::pause(link& leaf) {
    paused_any_ = true;
    if (may_read()) {
        return;
    }
    leaf.paused = true;
    if (room() <= 0 && log_.used() != 0) {
        begin_waiting();
    }
    update_watch(leaf);
}

void session::resume_readers() {
    paused_any_ = false;
    ++walkers_;
    for (const link_ptr& leaf : links_) {
        if (std::exchange(leaf->paused, false)) {
            leaf->heard = clock::now();
            update_watch(*leaf);
        }
    }
    --walkers_;
    sweep();
}

} // namespace joinleaf::tcp_root
