// SPDX-License-Identifier: Apache-2.0
//
// A station's memberships of multicast groups.
#include "verbs/membership.hpp"
#include "verbs/station.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace joinleaf::rdma::verbs {
namespace {

constexpr int hops_most = 255;

// The address from which the kernel would send to the group; size 0: it knows no way.
address source_towards(const address& group) {
    const provider::descriptor probe(::socket(group.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const address to = group.with_port(1);
    address out;
    socklen_t length = address::room;
    if (!probe || ::connect(probe.get(), to.raw(), to.size) != 0 ||
        ::getsockname(probe.get(), out.raw(), &length) != 0) {
        return {};
    }
    out.size = length;
    return out.with_port(0);
}

} // namespace

// Where the socket is bound to no address of its own, its connections decide, for a session stays on one device; without
// any, the routing table.
tl::expected<address, failure> station::local_for(const address& group) const {
    if (local_.size != 0 && !local_.is_any()) {
        return local_;
    }
    if (!estate_->lines.empty()) {
        return estate_->lines.front()->local().with_port(0);
    }
    const address by_route = source_towards(group);
    if (by_route.size == 0) {
        return tl::unexpected(failure{
            WSAENETUNREACH, fmt::format("no route leads to group {}: bind the socket to the address of an "
                                        "RDMA device, or set local",
                                        host_text(group))});
    }
    return by_route;
}

tl::expected<std::unique_ptr<rdma::group>, failure> station::join_group(const address& which, group_use use,
                                                                        group_owner& owner) {
    const auto local = local_for(which);
    if (!local) {
        return tl::unexpected(local.error());
    }
    auto home = multicast::of(*local, which, limits_);
    if (!home) {
        return tl::unexpected(home.error());
    }
    auto made = std::make_unique<membership>(*this, std::move(*home), use, hops_, owner);
    if (auto heard = hear(*made); !heard) {
        return tl::unexpected(heard.error());
    }
    memberships_.push_back(made.get());
    if (auto entered = made->home()->enter(*made); !entered) {
        return tl::unexpected(entered.error());
    }
    if (local_.is_any() && estate_->lines.empty()) {
        local_ = local->with_port(local_.port());
    }
    return made;
}

bool station::shares_home(const membership& which) const {
    return std::ranges::any_of(
        memberships_, [&](const membership* each) { return each != &which && each->home() == which.home(); });
}

tl::expected<void, failure> station::hear(const membership& which) {
    if (shares_home(which)) {
        return {};
    }
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, which.home()->event_fd(), &event) != 0 ||
        ::epoll_ctl(data_epoll_.get(), EPOLL_CTL_ADD, which.home()->data_fd(), &event) != 0) {
        return failed("epoll_ctl", errno);
    }
    return {};
}

void station::forget(const membership& which) {
    std::erase(memberships_, &which);
    if (!shares_home(which)) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, which.home()->event_fd(), nullptr);
        ::epoll_ctl(data_epoll_.get(), EPOLL_CTL_DEL, which.home()->data_fd(), nullptr);
    }
}

bool station::poll_groups_control() {
    control_bell_.quiet();
    bool any = false;
    for (std::size_t i = 0; i < memberships_.size(); ++i) {
        any = memberships_[i]->poll_control() || any;
    }
    return any;
}

bool station::poll_groups_data() {
    data_bell_.quiet();
    bool any = false;
    for (std::size_t i = 0; i < memberships_.size(); ++i) {
        any = memberships_[i]->poll_data() || any;
    }
    return any;
}

bool station::arm_groups() {
    bool armed = true;
    for (membership* const each : memberships_) {
        armed = each->arm() && armed;
    }
    return armed;
}

std::int32_t station::set_hops(int hops) {
    if (hops < 0 || hops > hops_most) {
        return WSAEINVAL;
    }
    hops_ = static_cast<std::uint8_t>(hops);
    for (membership* const each : memberships_) {
        each->set_hops(hops_);
    }
    return 0;
}

} // namespace joinleaf::rdma::verbs
