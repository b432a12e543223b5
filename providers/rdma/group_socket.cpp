// SPDX-License-Identifier: Apache-2.0
//
// The control plane: names, joining, options, closing.
#include "group_socket.hpp"

#include "host_id.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

bool same(const address& a, const address& b) noexcept {
    return a.size == b.size && std::memcmp(a.raw(), b.raw(), a.size) == 0;
}

constexpr group_use use_of(std::uint32_t direction) noexcept {
    switch (direction) {
    case JL_SENDER_ONLY: return group_use::send;
    case JL_RECEIVER_ONLY: return group_use::receive;
    default: return group_use::both;
    }
}

bool is_hops(std::int32_t level, std::int32_t name) noexcept {
    return (level == IPPROTO_IP && name == IP_MULTICAST_TTL) ||
           (level == IPPROTO_IPV6 && name == IPV6_MULTICAST_HOPS);
}

bool is_loopback(std::int32_t level, std::int32_t name) noexcept {
    return (level == IPPROTO_IP && name == IP_MULTICAST_LOOP) ||
           (level == IPPROTO_IPV6 && name == IPV6_MULTICAST_LOOP);
}

} // namespace

group_socket::group_socket(jl_handle* handle, std::shared_ptr<const settings> limits, int family)
    : endpoint(handle),
      limits_(std::move(limits)),
      family_(family),
      host_(host_id()),
      box_(limits_->recv_buffer, wire::group_message_max) {}

tl::expected<void, failure> group_socket::open(engine& way) {
    auto made = way.open(family_, *this);
    if (!made) {
        return tl::unexpected(made.error());
    }
    station_ = std::move(*made);
    return {};
}

std::shared_ptr<group_socket> group_socket::self() {
    return std::static_pointer_cast<group_socket>(shared_from_this());
}

std::int32_t group_socket::bind_to(const address& name) {
    const bool chosen = name.is_any() && limits_->local.size != 0 && limits_->local.family() == name.family();
    return station_->bind(chosen ? limits_->local.with_port(name.port()) : name);
}

std::int32_t group_socket::bind(const sockaddr* name, std::uint32_t length) {
    const std::lock_guard hold(mutex_);
    return station_->local_name().size != 0 ? WSAEINVAL : bind_to(address::of(name, length));
}

// Programs rely on the join to bind a receiver to the session's port, shared with others (JL-23).
std::int32_t group_socket::bind_for(const address& session, bool receives) {
    if (station_->local_name().size != 0) {
        return 0;
    }
    if (receives) {
        int before = 0;
        std::uint32_t size = sizeof before;
        station_->get_option(SOL_SOCKET, SO_REUSEADDR, &before, &size);
        const int yes = 1;
        station_->set_option(SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind_to(any_of(family_).with_port(session.port())) == 0) {
            return 0;
        }
        station_->set_option(SOL_SOCKET, SO_REUSEADDR, &before, sizeof before);
        log_line(JL_LOG_WARNING,
                 fmt::format("rdma: port {} is taken: the socket gets another one", session.port()));
    }
    return bind_to(any_of(family_));
}

std::int32_t group_socket::check_session(const address& name) const {
    if (name.family() != family_) {
        return WSAEAFNOSUPPORT;
    }
    if (name.is_multicast() && name.port() != 0) {
        return 0;
    }
    explain(fmt::format("{} is no session of this entry: a session is a multicast address with a port",
                        name.text()));
    return WSAEADDRNOTAVAIL; // JL-07, JL-08
}

std::int32_t group_socket::join(const jl_join* join) {
    const address session = address::of(join->name, join->name_len);
    if (const auto code = check_session(session); code != 0) {
        return code;
    }
    const std::lock_guard hold(mutex_);
    if (session_) {
        return join_pending_ ? WSAEALREADY : WSAEISCONN;
    }
    const group_use use = use_of(join->direction);
    if (const auto code = bind_for(session, use != group_use::send); code != 0) {
        return code;
    }
    if (!watch_station()) {
        return WSAENOBUFS;
    }
    std::erase_if(others_, [&](const party_ptr& each) { return same(each->session(), session); });
    session_ = std::make_unique<party>(static_cast<party_owner&>(*this), session, use);
    join_op_ = join->op;
    join_pending_ = true;
    session_->join(*station_);
    after_poll();
    keep_ticking();
    return 0;
}

void group_socket::conclude(std::int32_t code) {
    if (!std::exchange(join_pending_, false)) {
        return;
    }
    jl_outcome outcome{};
    outcome.struct_size = sizeof outcome;
    outcome.code = code;
    host().complete(handle(), join_op_, &outcome);
}

void group_socket::on_joined(party& which) {
    if (&which == session_.get()) {
        conclude(0);
    }
}

// A session that could not be joined may be tried again, and another too (JL-33).
void group_socket::on_lost(party& which) {
    last_error_ = which.lost()->code;
    if (&which != session_.get()) {
        return; // the send that waits for it finds out
    }
    explain(which.lost()->sentence);
    if (join_pending_) {
        discard_.push_back(std::move(session_));
        conclude(discard_.back()->lost()->code);
        return;
    }
    log_line(JL_LOG_WARNING,
             fmt::format("rdma: session {} has ended: {}", which.session().text(), which.lost()->sentence));
}

void group_socket::cancel(std::uint64_t op) {
    const std::lock_guard hold(mutex_);
    if (join_pending_ && join_op_ == op) {
        session_.reset();
        explain("the join was cancelled");
        conclude(WSA_OPERATION_ABORTED);
    }
}

// The destination of plain sends, and nothing else; zeros bring the session back (JL-36).
std::int32_t group_socket::connect(const jl_join* join) {
    const address name = address::of(join->name, join->name_len);
    const bool is_nobody = name.is_any();
    if (const auto code = is_nobody ? 0 : check_session(name); code != 0) {
        return code;
    }
    const std::lock_guard hold(mutex_);
    if (station_->local_name().size == 0) {
        if (const auto code = bind_to(any_of(family_)); code != 0) {
            return code;
        }
    }
    destination_ = is_nobody ? std::nullopt : std::optional(name);
    jl_outcome outcome{};
    outcome.struct_size = sizeof outcome;
    host().complete(handle(), join->op, &outcome);
    return 0;
}

std::int32_t group_socket::shutdown(std::int32_t how) {
    const std::lock_guard hold(mutex_);
    if (how != SD_SEND) {
        shut_in_ = true;
        box_.clear();
    }
    shut_out_ = shut_out_ || how != SD_RECEIVE;
    return 0;
}

// What was accepted still goes.
void group_socket::close(std::uint32_t how) {
    const auto keep = shared_from_this();
    const std::lock_guard hold(mutex_);
    if (left_) {
        return;
    }
    if (!std::exchange(closing_, true)) {
        close_until_ = clock::now() + limits_->leaf_timeout;
        join_pending_ = false;
    }
    shut_in_ = true;
    if (how == JL_CLOSE_ABORT) {
        finish_close();
    } else {
        after_poll();
        keep_ticking();
    }
}

void group_socket::finish_close() {
    left_ = true;
    control_watch_.stop();
    data_watch_.stop();
    session_.reset();
    others_.clear();
    discard_.clear();
    station_.reset();
    if (loop_ == nullptr) {
        report_closed();
        return;
    }
    post(loop_, [self = self()] {
        {
            const std::lock_guard hold(self->mutex_);
            self->tick_.stop();
        }
        self->report_closed();
    });
}

std::int32_t group_socket::name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    const std::lock_guard hold(mutex_);
    if (peer == 0) {
        const address local = station_->local_name();
        return local.size != 0 ? local.store(name, length) : WSAEINVAL;
    }
    if (destination_) {
        return destination_->store(name, length);
    }
    return has_member() ? session_->session().store(name, length) : WSAENOTCONN; // JL-78
}

std::int32_t group_socket::set_loopback(const void* value, std::uint32_t size) {
    int on = 0;
    if (value == nullptr || size < sizeof on) {
        return WSAEFAULT;
    }
    std::memcpy(&on, value, sizeof on);
    loopback_ = on != 0;
    return 0;
}

// How far a datagram goes is the device's affair; that one for this host alone is read nowhere else, the receiver's.
std::int32_t group_socket::set_hops(std::int32_t level, std::int32_t name, const void* value,
                                    std::uint32_t size) {
    const auto code = station_->set_option(level, name, value, size);
    if (code == 0) {
        int hops = 0;
        std::memcpy(&hops, value, sizeof hops);
        host_only_ = hops == 0;
    }
    return code;
}

std::int32_t group_socket::set_option(std::int32_t level, std::int32_t name, const void* value,
                                      std::uint32_t size) {
    const std::lock_guard hold(mutex_);
    if (is_loopback(level, name)) {
        return set_loopback(value, size);
    }
    if (is_hops(level, name)) {
        return set_hops(level, name, value, size);
    }
    return level == SOL_SOCKET && name == SO_REUSEADDR ? station_->set_option(level, name, value, size)
                                                       : WSAENOPROTOOPT;
}

std::int32_t group_socket::get_option(std::int32_t level, std::int32_t name, void* value,
                                      std::uint32_t* size) {
    const std::lock_guard hold(mutex_);
    if (level == SOL_SOCKET && name == SO_TYPE) {
        return provider::store_option(SOCK_DGRAM, value, size);
    }
    if (is_loopback(level, name)) {
        return provider::store_option(static_cast<int>(loopback_), value, size);
    }
    return is_hops(level, name) || (level == SOL_SOCKET && name == SO_REUSEADDR)
               ? station_->get_option(level, name, value, size)
               : WSAENOPROTOOPT;
}

std::int32_t group_socket::ioctl(std::uint32_t code, const void* in, std::uint32_t in_size, void* out,
                                 std::uint32_t out_size, std::uint32_t* bytes) {
    const std::lock_guard hold(mutex_);
    *bytes = 0;
    if (is_fionread(code)) {
        poll_data();
        return store_count(box_.next_size(), out, out_size, bytes);
    }
    switch (code) {
    case SIO_MULTIPOINT_LOOPBACK: return set_loopback(in, in_size);
    case SIO_MULTICAST_SCOPE: {
        const bool six = family_ == AF_INET6;
        return in == nullptr || in_size < sizeof(int)
                   ? WSAEFAULT
                   : set_hops(six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL,
                              in, in_size);
    }
    case SIO_ENABLE_CIRCULAR_QUEUEING: circular_ = true; return 0;
    case SIO_FLUSH:
        for (const party_ptr& each : others_) {
            each->drop_rest();
        }
        if (session_) {
            session_->drop_rest();
        }
        return 0;
    default: return WSAEOPNOTSUPP;
    }
}

} // namespace joinleaf::rdma
