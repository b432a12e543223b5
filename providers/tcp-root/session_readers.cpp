// SPDX-License-Identifier: Apache-2.0
//
// Who reads what the leaves send. The loops do, each those of its lane, until the application's own thread asks: it
// then reads itself whatever is there, and for as long as it goes on asking, or waits, the loops look away and the
// SOCKET shows the connections themselves. Where the application stops asking the loops look again after a moment,
// since what comes may be more than messages, and the SOCKET shows these only.
#include "service.hpp"
#include "session.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <sys/epoll.h>

namespace joinleaf::tcp_root {
namespace {

// So long after the application asked last the loops look again: longer than between two messages of a
// conversation, shorter than a person notices that a leaf has gone.
constexpr std::chrono::milliseconds lease_time{5};

// So few connections are read at once; among more the kernel says which.
constexpr std::size_t few = 2;

} // namespace

// std::bad_alloc. False: there is no room for the watch of its lane.
bool session::take_seat(link& leaf) {
    lane& its = lanes_[leaf.lane];
    if (!its.look &&
        !its.look.start(loop_of(leaf), its.set.get(), taken_over_ ? 0 : JL_IN,
                        [self = shared_from_this(), &its](std::uint32_t) { self->on_input(its); })) {
        return false;
    }
    if (free_seats_.empty()) {
        free_seats_.push_back(static_cast<std::uint32_t>(seats_.size()));
        seats_.push_back(nullptr);
    }
    leaf.seat = free_seats_.back();
    free_seats_.pop_back();
    seats_[leaf.seat] = &leaf;
    return true;
}

void session::give_up_seat(link& leaf) {
    static_cast<void>(listen_to(leaf, false));
    seats_[leaf.seat] = nullptr;
    free_seats_.push_back(leaf.seat);
}

// False: the kernel has no room.
bool session::listen_to(link& leaf, bool wanted) {
    if (wanted == leaf.listened) {
        return true;
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.u32 = leaf.seat;
    leaf.listened = wanted;
    const int code = ::epoll_ctl(lanes_[leaf.lane].set.get(), wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
                                 leaf.fd.get(), &event);
    return code == 0 || !wanted;
}

std::size_t session::look_at(const lane& at, looks& found) {
    const int count = ::epoll_wait(at.set.get(), found.data(), static_cast<int>(found.size()), 0);
    return static_cast<std::size_t>(std::max(count, 0));
}

// A seat may have been given to another leaf meanwhile, which then is asked in vain.
void session::read_found(lock_type& lock, const looks& found, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        if (link* const there = seats_[found[i].data.u32]) {
            const link_ptr leaf = there->share();
            read(lock, *leaf);
        }
    }
}

void session::read_all(lock_type& lock) {
    ++walkers_;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        read(lock, *links_[i]);
    }
    --walkers_;
}

// One look at every lane, in the application's thread. taker: it takes from the inbox next, or says that something is
// there, so that nobody has to be told.
void session::read_here(reader who) {
    lock_type lock(mutex_);
    takers_ += who == reader::taker ? 1 : 0;
    take_over();
    if (links_.size() <= few) {
        read_all(lock);
    } else {
        for (const lane& each : lanes_) {
            looks found;
            lock.unlock();
            const std::size_t count = look_at(each, found);
            relock(lock);
            read_found(lock, found, count);
        }
    }
    takers_ -= who == reader::taker ? 1 : 0;
    after_reading(lock);
}

// On the lane's loop.
void session::on_input(lane& from) {
    looks found;
    const std::size_t count = look_at(from, found);
    lock_type lock(mutex_);
    read_found(lock, found, count);
    after_reading(lock);
}

void session::after_reading(lock_type& lock) {
    // While the loop is engaged its next look finds it.
    if (std::exchange(relayed_, false) && engaged_ != lanes_.size()) {
        flush_round(lock);
    }
    sweep();
    check_finished();
}

// The application asks: the loops look away. Not where others wait for what a leaf sends.
void session::take_over() {
    if (taken_over_ || d_roots_ != 0 || closing_ || links_.empty() ||
        clock::now().time_since_epoch() - clock::duration(asked_at_.load()) >= lease_time) {
        return;
    }
    taken_over_ = true;
    for (lane& each : lanes_) {
        each.look.set(0);
        if (host().expose(name_, each.set.get(), JL_IN) != 0) {
            hand_back();
            return;
        }
    }
    start_lease();
}

void session::hand_back() {
    if (taken_over_.exchange(false)) {
        for (lane& each : lanes_) {
            host().expose(name_, each.set.get(), 0);
            each.look.set(JL_IN);
        }
    }
}

// A timer that has run out is set anew on its own loop only.
void session::start_lease() {
    if (closing_) {
        return;
    }
    if (lease_) {
        post(loop_locked(), [self = shared_from_this()] {
            const std::lock_guard hold(self->mutex_);
            self->lease_.set(lease_time);
        });
    } else if (!lease_.start(loop_locked(), lease_time, [self = shared_from_this()] { self->on_lease(); })) {
        hand_back();
    }
}

void session::on_lease() {
    const std::lock_guard hold(mutex_);
    if (!taken_over_) {
        return;
    }
    // Whoever ends its wait between the two looks at `waiting_` finds that the lease rests, or is seen here.
    lease_rests_ = true;
    if (waiting_ != 0) {
        return;
    }
    lease_rests_ = false;
    const auto asked = clock::duration(asked_at_.load());
    const auto left = lease_time - (clock::now().time_since_epoch() - asked);
    if (left > clock::duration::zero()) {
        lease_.set(left);
    } else {
        hand_back();
    }
}

void session::waits(bool on) {
    asked_at_ = clock::now().time_since_epoch().count();
    if (on) {
        ++waiting_;
        if (direct_ && !taken_over_) {
            const std::lock_guard hold(mutex_);
            take_over();
        }
        return;
    }
    --waiting_;
    if (lease_rests_.exchange(false)) {
        const std::lock_guard hold(mutex_);
        start_lease();
    }
}

} // namespace joinleaf::tcp_root
