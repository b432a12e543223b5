// SPDX-License-Identifier: Apache-2.0
//
// Joining, leaving, and what rdma_cm has to say about it.
#include "verbs/multicast.hpp"

#include "verbs/membership.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

namespace joinleaf::rdma::verbs {
namespace {

// Those that are in use, by local address and group.
struct directory {
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<multicast>> all;
};

directory& in_use() {
    static directory all;
    return all;
}

} // namespace

tl::expected<std::shared_ptr<multicast>, failure> multicast::of(const address& local, const address& group,
                                                                const settings& limits) {
    directory& all = in_use();
    const std::lock_guard hold(all.mutex);
    std::erase_if(all.all, [](const auto& each) { return each.second.expired(); });
    auto& place = all.all[host_text(local) + ' ' + host_text(group)];
    if (const auto known = place.lock(); known && known->works()) {
        return known;
    }
    std::shared_ptr<multicast> made(new multicast(local.with_port(0), group.with_port(0)));
    if (auto opened = made->open(limits); !opened) {
        return tl::unexpected(opened.error());
    }
    place = made;
    return made;
}

multicast::multicast(const address& local, const address& group) : local_(local), group_(group) {}

multicast::~multicast() {
    const std::lock_guard hold(mutex_);
    let_sends_go();
    end(full_);
    end(sends_);
    drain_events();
}

bool multicast::works() const {
    const std::lock_guard hold(mutex_);
    return !lost_;
}

tl::expected<void, failure> multicast::open(const settings& limits) {
    channel_.reset(rdma_create_event_channel());
    if (!channel_) {
        return failed("rdma_create_event_channel", errno);
    }
    ::fcntl(channel_->fd, F_SETFL, ::fcntl(channel_->fd, F_GETFL) | O_NONBLOCK);
    auto made = make_id();
    if (!made) {
        return tl::unexpected(made.error());
    }
    full_.id = std::move(*made);
    return make_queue_pair(limits);
}

tl::expected<owned<rdma_cm_id>, failure> multicast::make_id() const {
    rdma_cm_id* made = nullptr;
    if (rdma_create_id(channel_.get(), &made, nullptr, RDMA_PS_UDP) != 0) {
        return failed("rdma_create_id", errno);
    }
    owned<rdma_cm_id> out(made);
    int yes = 1;
    if (local_.family() == AF_INET6) {
        rdma_set_option(made, RDMA_OPTION_ID, RDMA_OPTION_ID_AFONLY, &yes, sizeof yes);
    }
    address name = local_;
    const bool bound = rdma_bind_addr(made, name.raw()) == 0;
    if (const int error = errno; !bound && error != ENODEV && error != EADDRNOTAVAIL) {
        return failed("rdma_bind_addr", error);
    }
    if (!bound || made->verbs == nullptr) {
        return tl::unexpected(failure{
            WSAEADDRNOTAVAIL,
            fmt::format("no RDMA device has the address {}: bind the socket to one that a device has, or set "
                        "local",
                        host_text(local_))});
    }
    return out;
}

tl::expected<void, failure> multicast::ask(tie& which, bool send_only) {
    if (!which.id) {
        auto made = make_id();
        if (!made) {
            return tl::unexpected(made.error());
        }
        which.id = std::move(*made);
    }
    address name = group_;
    int failed_with = 0;
    if (send_only) {
        rdma_cm_join_mc_attr_ex wanted{};
        wanted.comp_mask = RDMA_CM_JOIN_MC_ATTR_ADDRESS | RDMA_CM_JOIN_MC_ATTR_JOIN_FLAGS;
        wanted.join_flags = RDMA_MC_JOIN_FLAG_SENDONLY_FULLMEMBER;
        wanted.addr = name.raw();
        failed_with = rdma_join_multicast_ex(which.id.get(), &wanted, nullptr);
    } else {
        failed_with = rdma_join_multicast(which.id.get(), name.raw(), nullptr);
    }
    if (failed_with != 0) {
        return tl::unexpected(group_failure(group_, *full_.id->verbs, errno));
    }
    which.state = phase::asked;
    return {};
}

bool multicast::wanted(bool receiving) const noexcept {
    return std::ranges::any_of(
        members_, [&](const membership* each) { return each->receives() == receiving && !each->lost_; });
}

// A sender is served by a full membership too, and takes one where a send-only join cannot be had.
tl::expected<void, failure> multicast::ask_for_what_is_needed() {
    const bool has_full = full_.state == phase::asked || full_.state == phase::joined;
    if (wanted(true)) {
        return has_full ? tl::expected<void, failure>{} : ask(full_, false);
    }
    const bool has_any = has_full || sends_.state == phase::asked || sends_.state == phase::joined;
    if (has_any || !wanted(false)) {
        return {};
    }
    if (sends_.state != phase::refused && ask(sends_, true)) {
        return {};
    }
    sends_.state = phase::refused;
    return ask(full_, false);
}

void multicast::end(tie& which) noexcept {
    if (which.state == phase::asked || which.state == phase::joined) {
        address name = group_;
        rdma_leave_multicast(which.id.get(), name.raw());
        which.state = phase::none;
    }
    if (&which == &sends_) {
        which.id.reset();
    }
}

// Nobody receives any more: what remains are senders, which need no membership.
void multicast::end_what_is_idle() {
    if (full_.state == phase::joined && wanted(true)) {
        end(sends_);
        return;
    }
    if (full_.state != phase::joined || !wanted(false) || sends_.state == phase::refused) {
        return;
    }
    if (sends_.state == phase::joined) {
        end(full_);
    } else if (sends_.state == phase::none && !ask(sends_, true)) {
        sends_.state = phase::refused;
    }
}

tl::expected<void, failure> multicast::enter(membership& who) {
    const std::lock_guard hold(mutex_);
    if (lost_) {
        return tl::unexpected(*lost_);
    }
    if (who.receives()) {
        if (auto room = make_room(); !room) {
            return room;
        }
        who.waiting_most_ = receive_room_;
    }
    members_.push_back(&who);
    if (auto asked = ask_for_what_is_needed(); !asked) {
        members_.remove(&who);
        return asked;
    }
    tell_the_joined();
    return {};
}

void multicast::leave(membership& who) {
    const std::lock_guard hold(mutex_);
    flush_chain();
    members_.remove(&who);
    for (; !who.waiting_.empty(); who.waiting_.pop()) {
        slots_->let_go(who.waiting_.front().slot);
    }
    if (!members_.empty() && !lost_) {
        end_what_is_idle();
    }
}

bool multicast::take_events() {
    const std::lock_guard hold(mutex_);
    bool any = false;
    rdma_cm_event* event = nullptr;
    errno = 0;
    while (rdma_get_cm_event(channel_.get(), &event) == 0) {
        // librdmacm attaches the queue pair meanwhile, and leaves what went wrong in errno.
        const int error = event->status == -1 ? errno : -event->status;
        const rdma_cm_event copy = *event;
        rdma_ack_cm_event(event);
        on_event(copy, error);
        any = true;
        errno = 0;
    }
    return any;
}

void multicast::on_event(const rdma_cm_event& what, int error) {
    tie& which = what.id == sends_.id.get() ? sends_ : full_;
    if (what.event == RDMA_CM_EVENT_MULTICAST_JOIN && error == 0) {
        on_joined(which, what.param.ud);
    } else if (what.event == RDMA_CM_EVENT_MULTICAST_ERROR && which.state == phase::asked) {
        on_refused(which, group_failure(group_, *full_.id->verbs, error));
    } else if (const failure why = end_of(what.event); why.code != 0) {
        lose(why);
    }
}

void multicast::on_joined(tie& which, const rdma_ud_param& told) {
    which.state = phase::joined;
    if (!std::exchange(has_target_, true)) {
        target_ = told;
        ibv_query_gid(full_.id->verbs, full_.id->port_num, told.ah_attr.grh.sgid_index, &own_gid_);
    }
    end_what_is_idle();
    tell_the_joined();
}

void multicast::on_refused(tie& which, const failure& why) {
    which.state = phase::refused;
    const bool of_senders = &which == &sends_;
    if (of_senders && ask_for_what_is_needed()) {
        return;
    }
    for (membership* const each : members_) {
        if (each->receives() != of_senders && !each->lost_) {
            each->lost_ = why;
            each->control_bell_.ring();
        }
    }
    if (!of_senders && (sends_.state == phase::refused || !ask_for_what_is_needed())) {
        lose(why);
    }
}

void multicast::lose(const failure& why) {
    if (lost_) {
        return;
    }
    lost_ = why;
    for (membership* const each : members_) {
        if (!each->lost_) {
            each->lost_ = why;
        }
        each->control_bell_.ring();
    }
}

bool multicast::is_served(const membership& who) const noexcept {
    return full_.state == phase::joined || (!who.receives() && sends_.state == phase::joined);
}

void multicast::tell_the_joined() {
    for (membership* const each : members_) {
        if (!each->joined_ && !each->lost_ && is_served(*each)) {
            each->joined_ = true;
            each->control_bell_.ring();
        }
    }
}

multicast::news multicast::fetch_news(membership& who) {
    const std::lock_guard hold(mutex_);
    news out;
    if (who.joined_ && !std::exchange(who.joined_told_, true)) {
        out.joined = true;
    }
    out.lost = who.lost_;
    return out;
}

// An address handle for each distance: the kernel's own knows only the default one.
tl::expected<ibv_ah*, failure> multicast::handle_for(std::uint8_t hops) {
    const auto known =
        std::ranges::find_if(handles_, [&](const hop_handle& each) { return each.hops == hops; });
    if (known != handles_.end()) {
        return known->handle.get();
    }
    ibv_ah_attr wanted = target_.ah_attr;
    wanted.grh.hop_limit = hops;
    owned<ibv_ah> made(ibv_create_ah(domain_.get(), &wanted));
    if (!made) {
        return failed("ibv_create_ah", errno);
    }
    handles_.push_back({hops, std::move(made)});
    return handles_.back().handle.get();
}

void multicast::set_hops(membership& who, std::uint8_t hops) {
    const std::lock_guard hold(mutex_);
    who.hops_ = hops;
    who.handle_ = nullptr;
}

} // namespace joinleaf::rdma::verbs
