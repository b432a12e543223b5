// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <algorithm>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

// What one read may add to the log over its bound: a message of the greatest size, and frames without data
// that each gain a source address.
constexpr std::size_t log_overshoot = wire::message_max + (1u << 20);

std::size_t loop_count() {
    return host().loop_count == nullptr || host().loop_at == nullptr
               ? 1
               : std::max<std::size_t>(1, host().loop_count());
}

} // namespace

session::session(jl_handle* root, std::shared_ptr<const settings> limits, wire::roles who)
    : limits_(std::move(limits)),
      who_(who),
      direct_(who.plane == wire::data_plane::rooted && who.data == wire::data_role::root),
      lanes_(loop_count()),
      inbox_(limits_->recv_buffer, lanes_.size()),
      log_(limits_->send_buffer + lanes_.size() * log_overshoot),
      barrier_(limits_->send_buffer),
      root_(root),
      name_(root),
      slow_(limits_->slow_leaf),
      least_limit_(limits_->send_buffer) {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        lanes_[i].number = i;
        lanes_[i].owner = this;
        lanes_[i].set = tcp::descriptor(::epoll_create1(EPOLL_CLOEXEC));
    }
}

bool session::is_complete() const noexcept {
    return std::ranges::all_of(lanes_, [](const lane& each) { return static_cast<bool>(each.set); });
}

// A thread that comes back from a system call finds the mutex held for moments only.
void session::relock(lock_type& lock) {
    for (int i = 0; i < 64; ++i) {
        if (lock.try_lock()) {
            return;
        }
    }
    lock.lock();
}

jl_loop* session::loop_of(const link& leaf) {
    lane& its = lanes_[leaf.lane];
    if (its.loop == nullptr) {
        its.loop = lanes_.size() == 1 ? loop_locked() : host().loop_at(static_cast<std::uint32_t>(its.number));
    }
    return its.loop;
}

jl_loop* session::loop() {
    const std::lock_guard hold(mutex_);
    return loop_locked();
}

jl_loop* session::loop_locked() {
    if (loop_ == nullptr) {
        loop_ = host().loop_of(name_);
    }
    return loop_;
}

std::int32_t session::arm(std::uint32_t direction, std::int32_t* code) {
    if (direction == JL_IN) {
        if (!inbox_.check() && direct_) {
            read_here(reader::taker);
        }
        return inbox_.check() ? JL_READY : JL_ARMED;
    }
    if (direction != JL_OUT) {
        return JL_ARMED;
    }
    const std::lock_guard hold(mutex_);
    if (shut_out_ || closing_) {
        *code = WSAESHUTDOWN;
        return JL_ENDED;
    }
    const bool echo_fits = !echo_ || inbox_.has_room();
    if (members_ != 0 && echo_fits && (fits(wanted_room_) || make_room(wanted_room_))) {
        return JL_READY;
    }
    want_out_ = true;
    if (members_ != 0 && echo_fits) {
        begin_waiting();
    }
    return JL_ARMED;
}

std::int32_t session::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    std::int32_t code = inbox_.take(messages, count, done, left);
    if (code == WSAEWOULDBLOCK && direct_) {
        asked_at_ = clock::now().time_since_epoch().count();
        read_here(reader::taker);
        code = inbox_.take(messages, count, done, left);
    }
    if (code == 0) {
        converses_.store(true, std::memory_order_relaxed);
    }
    if (paused_any_.load() && inbox_.is_half_empty()) {
        const std::lock_guard hold(mutex_);
        resume_readers();
        room_came_back();
    }
    return code;
}

std::uint64_t session::readable_bytes() {
    if (inbox_.queued_bytes() == 0 && direct_) {
        read_here(reader::loop);
    }
    return inbox_.queued_bytes();
}

std::int32_t session::shutdown(std::int32_t how) {
    lock_type lock(mutex_);
    const bool again = how == SD_RECEIVE ? shut_in_ : shut_out_.load();
    if (links_.empty() && !again) {
        return WSAENOTCONN;
    }
    if (how != SD_SEND) {
        shut_in_ = true;
        resume_readers();
    }
    if (how != SD_RECEIVE && !shut_out_.exchange(true)) {
        for (const link_ptr& leaf : links_) {
            if (leaf->is_open()) {
                end_leaf_socket(*leaf, 0);
                finish_out(*leaf, false);
            }
        }
        flush_round(lock);
    }
    return 0;
}

void session::close(std::uint32_t how, std::function<void()> done) {
    lock_type lock(mutex_);
    root_ = nullptr;
    closing_ = true;
    shut_in_ = true;
    hand_back();
    if (done != nullptr) {
        on_closed_ = std::move(done);
    }
    const auto everyone = links_;
    for (const link_ptr& leaf : everyone) {
        if (how == JL_CLOSE_ABORT) {
            fail(*leaf, WSAECONNABORTED);
        } else if (leaf->is_open()) {
            begin_leaving(*leaf);
        }
    }
    flush_round(lock);
    resume_readers();
    check_finished();
}

std::int32_t session::admit(const std::shared_ptr<link>& leaf, newcomer who) {
    lock_type lock(mutex_);
    if (closing_ || shut_out_) {
        return WSAESHUTDOWN;
    }
    if (leaf->state != link::phase::fresh) {
        return WSA_OPERATION_ABORTED;
    }
    leaf->state = link::phase::open;
    leaf->fd = std::move(who.fd);
    leaf->peer = who.peer;
    leaf->local = who.local.size != 0 ? who.local : tcp::local_name(leaf->fd.get());
    leaf->d_root = who.data == wire::data_role::root;
    leaf->deaf = who.deaf;
    leaf->mute = who.mute;
    leaf->member = true;
    leaf->joined = leaf->progress = leaf->heard = clock::now();
    leaf->beat = decltype(leaf->beat)(who.beat);
    leaf->lane = static_cast<std::uint32_t>(next_lane_++ % lanes_.size());
    if (leaf->slow.bytes == 0) {
        leaf->slow = slow_;
    }
    if (!take_seat(*leaf)) {
        leaf->state = link::phase::gone;
        leaf->member = false;
        return WSAENOBUFS;
    }
    slow_rules_ += leaf->slow.what != slow_rule::policy::block ? 1u : 0u;
    {
        const std::lock_guard counters(append_mutex_);
        leaf->before = carried_;
        leaf->out.begin(log_.head(), std::move(who.lead));
    }
    if (leaf->deaf) {
        deafen(*leaf);
    }
    links_.push_back(leaf);
    ++members_;
    ++joins_;
    d_roots_ += leaf->d_root ? 1u : 0u;
    if (leaf->d_root) {
        hand_back(); // others wait for what it sends
    }
    flush_whole(lock, *leaf);
    if (leaf->broken != 0) {
        fail(*leaf, WSAECONNRESET);
        return WSAECONNRESET;
    }
    update_watch(*leaf);
    heed(*leaf);
    room_came_back();
    keep_ticking();
    return 0;
}

void session::expect(link& leaf, const address& local) {
    const std::lock_guard hold(mutex_);
    leaf.local = local;
}

void session::expel(const std::shared_ptr<link>& leaf, std::uint32_t how, std::function<void()> done) {
    lock_type lock(mutex_);
    leaf->socket = nullptr;
    if (leaf->state == link::phase::fresh) {
        leaf->state = link::phase::gone;
    }
    // A session that ends waits for its leaves itself.
    const bool over = !leaf->is_open() || (closing_ && how != JL_CLOSE_ABORT);
    if (over) {
        lock.unlock();
        if (done != nullptr) {
            done();
        }
        return;
    }
    if (done != nullptr) {
        leaf->on_gone = std::make_unique<std::function<void()>>(std::move(done));
    }
    if (how == JL_CLOSE_ABORT) {
        fail(*leaf, WSAECONNABORTED);
        return;
    }
    begin_leaving(*leaf);
    flush_whole(lock, *leaf);
    release_space();
}

std::int32_t session::shutdown_leaf(const std::shared_ptr<link>& leaf, std::int32_t how) {
    lock_type lock(mutex_);
    if (leaf->state == link::phase::fresh) {
        return WSAENOTCONN;
    }
    if (!leaf->is_open()) {
        return 0;
    }
    if (how != SD_SEND) {
        leaf->discard = true;
    }
    if (how != SD_RECEIVE) {
        finish_out(*leaf, false);
        flush_whole(lock, *leaf);
        release_space();
    }
    return 0;
}

void session::set_echo(bool on, const address& self) {
    const std::lock_guard hold(mutex_);
    const std::lock_guard appending(append_mutex_);
    self_ = self;
    echo_ = on;
}

std::optional<std::int32_t> session::ended(const link& leaf) const {
    const std::lock_guard hold(mutex_);
    return leaf.ended;
}

link::phase session::phase_of(const link& leaf) const {
    const std::lock_guard hold(mutex_);
    return leaf.state;
}

address session::name_of(const link& leaf, bool peer) const {
    const std::lock_guard hold(mutex_);
    return peer ? leaf.peer : leaf.local;
}

std::int32_t session::with_fd(link& leaf, const std::function<std::int32_t(int)>& use) {
    const std::lock_guard hold(mutex_);
    return leaf.fd ? use(leaf.fd.get()) : WSAENOTCONN;
}

void session::with_each_fd(const std::function<void(int)>& use) {
    const std::lock_guard hold(mutex_);
    for (const link_ptr& leaf : links_) {
        if (leaf->fd) {
            use(leaf->fd.get());
        }
    }
}

} // namespace joinleaf::tcp_root
