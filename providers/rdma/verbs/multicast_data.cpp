// SPDX-License-Identifier: Apache-2.0
//
// The queue pair, and the datagrams that go through it.
#include "verbs/membership.hpp"
#include "verbs/multicast.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>

namespace joinleaf::rdma::verbs {
namespace {

// What the device puts before each datagram: the route header of InfiniBand, or an IP header that ends there.
constexpr std::size_t route_size = 40;
constexpr std::size_t ipv4_size = 20;
constexpr std::size_t line_size = 64; // of the processor's cache
constexpr std::uint32_t sends_at_once = 128;
constexpr std::size_t least_receives = 256;
constexpr std::size_t most_receives = 512;
constexpr std::uint32_t inline_wanted = 256;
constexpr int completions_a_fetch = 16;
constexpr int fetches_a_turn = 16;
constexpr std::uint64_t is_receive = std::uint64_t{1} << 63U;
// How long the last datagrams may take to leave the device.
constexpr std::chrono::milliseconds farewell{500};
constexpr std::chrono::microseconds farewell_pause{50};

std::size_t bytes_of(ibv_mtu mtu) noexcept {
    return std::size_t{128} << static_cast<unsigned>(mtu);
}

} // namespace

tl::expected<void, failure> multicast::make_queue_pair(const settings& limits) {
    ibv_context& device = *full_.id->verbs;
    ibv_device_attr facts{};
    if (const int error = ibv_query_device(&device, &facts); error != 0) {
        return failed("ibv_query_device", error);
    }
    ibv_port_attr port{};
    if (const int error = ibv_query_port(&device, full_.id->port_num, &port); error != 0) {
        return failed("ibv_query_port", error);
    }
    datagram_size_ = bytes_of(port.active_mtu);
    const auto most = static_cast<std::uint32_t>(std::max(std::min(facts.max_qp_wr, facts.max_cqe / 2), 1));
    send_room_ = std::min(sends_at_once, most);
    const std::size_t wanted = std::clamp(limits.recv_buffer / datagram_size_, least_receives, most_receives);
    receive_room_ = static_cast<std::uint32_t>(std::min<std::size_t>(wanted, most));
    domain_.reset(ibv_alloc_pd(&device));
    if (!domain_) {
        return failed("ibv_alloc_pd", errno);
    }
    completions_.reset(ibv_create_comp_channel(&device));
    if (!completions_) {
        return failed("ibv_create_comp_channel", errno);
    }
    ::fcntl(completions_->fd, F_SETFL, ::fcntl(completions_->fd, F_GETFL) | O_NONBLOCK);
    queue_.reset(
        ibv_create_cq(&device, static_cast<int>(send_room_ + receive_room_), nullptr, completions_.get(), 0));
    if (!queue_) {
        return failed("ibv_create_cq", errno);
    }
    ibv_qp_init_attr asked{};
    asked.send_cq = queue_.get();
    asked.recv_cq = queue_.get();
    asked.qp_type = IBV_QPT_UD;
    asked.cap = {send_room_, receive_room_, 1, 1, inline_wanted};
    if (rdma_create_qp(full_.id.get(), domain_.get(), &asked) != 0 && errno == EINVAL) {
        asked.cap = {send_room_, receive_room_, 1, 1, 0};
        errno = 0;
        rdma_create_qp(full_.id.get(), domain_.get(), &asked);
    }
    if (full_.id->qp == nullptr) {
        return failed("rdma_create_qp", errno);
    }
    inline_room_ = asked.cap.max_inline_data;
    const std::size_t slot = (route_size + datagram_size_ + line_size - 1) / line_size * line_size;
    slots_ = std::make_unique<datagram_slots>(*domain_, slot);
    send_slots_ = std::make_unique<datagram_slots>(*domain_, datagram_size_);
    return send_slots_->add(send_room_);
}

// A member that does not fetch what has come keeps as many slots as it may, and no more: the others and the device have
// theirs.
tl::expected<void, failure> multicast::make_room() {
    const auto receivers = static_cast<std::size_t>(
        std::ranges::count_if(members_, [](const membership* each) { return each->receives(); }));
    const std::size_t needed = (receivers + 2) * receive_room_;
    if (slots_->size() < needed) {
        if (auto added = slots_->add(needed - slots_->size()); !added) {
            return added;
        }
    }
    post_receives();
    return lost_ ? tl::unexpected(*lost_) : tl::expected<void, failure>{};
}

// All of them with one doorbell.
void multicast::post_receives() {
    constexpr std::size_t most = 64;
    while (receives_posted_ < receive_room_ && slots_->idle() != 0 && !lost_) {
        std::array<ibv_recv_wr, most> requests;
        std::array<ibv_sge, most> places;
        const std::size_t count =
            std::min({most, static_cast<std::size_t>(receive_room_ - receives_posted_), slots_->idle()});
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t slot = *slots_->take();
            places[i] = slots_->part(slot, route_size + datagram_size_);
            requests[i] = {is_receive | slot, i + 1 < count ? &requests[i + 1] : nullptr, &places[i], 1};
        }
        ibv_recv_wr* refused = nullptr;
        if (const int error = ibv_post_recv(full_.id->qp, requests.data(), &refused); error != 0) {
            lose({WSAENETDOWN, sentence("ibv_post_recv", error)});
        }
        receives_posted_ += static_cast<std::uint32_t>(count);
    }
}

posted multicast::post(membership& by, std::span<const std::byte> head, std::span<const std::byte> body) {
    const std::lock_guard hold(mutex_);
    const std::size_t size = head.size() + body.size();
    // A device may send what is longer than its MTU to nowhere, and call that a success.
    if (lost_ || by.lost_ || !by.joined_ || size > datagram_size_) {
        return posted::broken;
    }
    if (posted_ - done_ >= send_room_) {
        flush_chain();
        take_in();
        if (posted_ - done_ >= send_room_) {
            return lost_ ? posted::broken : posted::full;
        }
    }
    if (by.handle_ == nullptr) {
        const auto made = handle_for(by.hops_);
        if (!made) {
            by.lost_ = made.error();
            by.control_bell_.ring();
            return posted::broken;
        }
        by.handle_ = *made;
    }
    // Slots and sends have the same order, and the room of the queue pair is that of the slots.
    const auto slot = static_cast<std::uint32_t>(posted_ % send_room_);
    std::byte* const place = send_slots_->at(slot);
    std::ranges::copy(head, place);
    std::ranges::copy(body, place + head.size());
    request& made = chain_.emplace_back();
    made.part = send_slots_->part(slot, size);
    made.what.wr_id = ++posted_;
    made.what.num_sge = 1;
    made.what.opcode = IBV_WR_SEND;
    made.what.send_flags = size <= inline_room_ ? static_cast<unsigned>(IBV_SEND_INLINE) : 0U;
    made.what.wr.ud.ah = by.handle_;
    made.what.wr.ud.remote_qpn = target_.qp_num;
    made.what.wr.ud.remote_qkey = target_.qkey;
    hand_copies(by, head, body);
    return posted::copied;
}

void multicast::flush() {
    const std::lock_guard hold(mutex_);
    flush_chain();
}

// One doorbell, and one completion, for all.
void multicast::flush_chain() {
    if (chain_.empty()) {
        return;
    }
    for (std::size_t i = 0; i < chain_.size(); ++i) {
        chain_[i].what.sg_list = &chain_[i].part;
        chain_[i].what.next = i + 1 < chain_.size() ? &chain_[i + 1].what : nullptr;
    }
    chain_.back().what.send_flags |= IBV_SEND_SIGNALED;
    ibv_send_wr* refused = nullptr;
    if (const int error = ibv_post_send(full_.id->qp, &chain_.front().what, &refused); error != 0) {
        lose({WSAENETDOWN, sentence("ibv_post_send", error)});
    }
    chain_.clear();
}

bool multicast::take_completions() {
    const std::lock_guard hold(mutex_);
    return take_in();
}

bool multicast::take_in() {
    std::array<ibv_wc, completions_a_fetch> come;
    bool any = false;
    for (int turn = 0; turn < fetches_a_turn; ++turn) {
        const int count = ibv_poll_cq(queue_.get(), completions_a_fetch, come.data());
        for (int i = 0; i < count; ++i) {
            handle(come[static_cast<std::size_t>(i)]);
        }
        any = any || count > 0;
        if (count < completions_a_fetch) {
            break;
        }
    }
    polled_since_ = polled_since_ || any;
    if (any) {
        post_receives();
    }
    return any;
}

void multicast::handle(const ibv_wc& what) {
    const bool received = (what.wr_id & is_receive) != 0;
    if (received) {
        --receives_posted_;
    } else {
        done_ = std::max(done_, what.wr_id);
    }
    if (const failure why = end_of(what.status); why.code != 0) {
        lose({WSAENETDOWN, why.sentence});
    }
    if (!received) {
        return;
    }
    const auto slot = static_cast<std::uint32_t>(what.wr_id);
    slots_->hold(slot);
    const std::span<const std::byte> route(slots_->at(slot), route_size);
    if (what.status == IBV_WC_SUCCESS && what.byte_len > route_size && !is_own(what, route)) {
        hand_out(slot, what.byte_len - static_cast<std::uint32_t>(route_size), nullptr);
    }
    slots_->let_go(slot);
}

// Some devices give the queue pair that has sent a datagram a copy of it, some do not. Who else of this process has
// joined has got one in memory (hand_copies).
bool multicast::is_own(const ibv_wc& what, std::span<const std::byte> route) const noexcept {
    if (what.src_qp != full_.id->qp->qp_num || (what.wc_flags & IBV_WC_GRH) == 0) {
        return false;
    }
    constexpr std::size_t source_gid = 8;
    constexpr std::size_t source_ipv4 = route_size - ipv4_size + 12;
    constexpr std::size_t ipv4_in_gid = 12;
    return std::memcmp(route.data() + source_gid, own_gid_.raw, sizeof own_gid_.raw) == 0 ||
           (local_.family() == AF_INET &&
            std::memcmp(route.data() + source_ipv4, own_gid_.raw + ipv4_in_gid, sizeof(in_addr)) == 0);
}

void multicast::hand_out(std::uint32_t slot, std::uint32_t size, const membership* but) {
    for (membership* const each : members_) {
        if (each == but || !each->receives() || !each->joined_ ||
            each->waiting_.size() >= each->waiting_most_) {
            continue;
        }
        slots_->hold(slot);
        each->waiting_.push({slot, {slots_->at(slot) + route_size, size}});
        each->data_bell_.ring();
    }
}

void multicast::hand_copies(const membership& by, std::span<const std::byte> head,
                            std::span<const std::byte> body) {
    const bool has_others = std::ranges::any_of(
        members_, [&](const membership* each) { return each != &by && each->receives() && each->joined_; });
    if (!has_others) {
        return;
    }
    const auto slot = slots_->take();
    if (!slot) {
        return;
    }
    slots_->hold(*slot);
    std::ranges::copy(head, slots_->at(*slot) + route_size);
    std::ranges::copy(body, slots_->at(*slot) + route_size + head.size());
    hand_out(*slot, static_cast<std::uint32_t>(head.size() + body.size()), &by);
    slots_->let_go(*slot);
}

void multicast::fetch(membership& who, std::vector<datagram>& out) {
    const std::lock_guard hold(mutex_);
    for (; !who.waiting_.empty(); who.waiting_.pop()) {
        out.push_back(who.waiting_.front());
    }
}

void multicast::give_back(std::span<const datagram> read) {
    if (read.empty()) {
        return;
    }
    const std::lock_guard hold(mutex_);
    for (const datagram& each : read) {
        slots_->let_go(each.slot);
    }
    post_receives();
}

void multicast::drain_events() noexcept {
    ibv_cq* which = nullptr;
    void* context = nullptr;
    while (completions_ && ibv_get_cq_event(completions_.get(), &which, &context) == 0) {
        ibv_ack_cq_events(which, 1);
    }
}

bool multicast::arm(const membership& who) {
    const std::lock_guard hold(mutex_);
    if (!armed_ || polled_since_) {
        drain_events();
        armed_ = ibv_req_notify_cq(queue_.get(), 0) == 0;
        polled_since_ = false;
        if (take_in()) {
            return false;
        }
    }
    return armed_ && who.waiting_.empty();
}

// A queue pair ends with what it has not sent yet.
void multicast::let_sends_go() {
    if (!queue_ || lost_) {
        return;
    }
    const auto until = std::chrono::steady_clock::now() + farewell;
    flush_chain();
    while (done_ < posted_ && !lost_ && std::chrono::steady_clock::now() < until) {
        if (!take_in()) {
            std::this_thread::sleep_for(farewell_pause);
        }
    }
}

} // namespace joinleaf::rdma::verbs
