// SPDX-License-Identifier: Apache-2.0
#include "verbs/device.hpp"

#include "verbs/line.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

namespace joinleaf::rdma::verbs {
namespace {

constexpr int completions_a_fetch = 16;
constexpr int fetches_a_poll = 16;
constexpr std::uint32_t sends_a_line = 128;
constexpr std::size_t lines_at_first = 32;
// Slices up to here go with the work request itself; most devices can do that much.
constexpr std::uint32_t inline_wanted = 256;
// Buffers beyond those of the session layer, for control messages.
constexpr std::uint32_t control_slots = 4;
// A receiver that has no buffer says so, and is asked again after 0.64 ms: without this, the connection manager makes it
// 655 ms.
constexpr std::uint8_t not_ready_timer = 12;

// The number of a work request: a slot, or a line with the number of its send.
constexpr std::uint64_t is_receive = std::uint64_t{1} << 63U;
constexpr std::uint64_t nobody = is_receive - 1;

} // namespace

tl::expected<std::unique_ptr<device>, failure> device::open(ibv_context& context, const settings& limits) {
    std::unique_ptr<device> made(new device(context, limits));
    if (auto started = made->start(); !started) {
        return tl::unexpected(started.error());
    }
    return made;
}

device::device(ibv_context& context, const settings& limits)
    : context_(context),
      buffer_size_(limits.slice),
      receive_room_(limits.window + spare_slots + control_slots) {}

device::~device() {
    for (block& each : blocks_) {
        each.registration.reset();
        ::munmap(each.at, each.size);
    }
}

tl::expected<void, failure> device::start() {
    if (const int error = ibv_query_device(&context_, &facts_); error != 0) {
        return failed("ibv_query_device", error);
    }
    const auto most = static_cast<std::uint32_t>(std::max(facts_.max_qp_wr, 1));
    receive_room_ = std::min(receive_room_, most);
    send_room_ = std::min(sends_a_line, most);
    domain_.reset(ibv_alloc_pd(&context_));
    if (!domain_) {
        return failed("ibv_alloc_pd", errno);
    }
    channel_.reset(ibv_create_comp_channel(&context_));
    if (!channel_) {
        return failed("ibv_create_comp_channel", errno);
    }
    ::fcntl(channel_->fd, F_SETFL, ::fcntl(channel_->fd, F_GETFL) | O_NONBLOCK);
    const std::size_t wanted = (receive_room_ + send_room_) * lines_at_first;
    const auto size = std::min(wanted, static_cast<std::size_t>(std::max(facts_.max_cqe, 1)));
    queue_.reset(ibv_create_cq(&context_, static_cast<int>(size), nullptr, channel_.get(), 0));
    return queue_ ? tl::expected<void, failure>{} : failed("ibv_create_cq", errno);
}

// A completion queue that overflows takes every connection down.
tl::expected<void, failure> device::reserve(std::size_t completions) {
    const std::size_t wanted = queue_used_ + completions;
    const auto most = static_cast<std::size_t>(std::max(facts_.max_cqe, 1));
    if (wanted > most) {
        return tl::unexpected(failure{
            WSAENOBUFS, fmt::format("the device's completion queues hold {} entries, and {} would be needed: "
                                    "make window smaller",
                                    most, wanted)});
    }
    if (wanted > static_cast<std::size_t>(queue_->cqe)) {
        const auto size = std::min(wanted * 2, most);
        if (const int error = ibv_resize_cq(queue_.get(), static_cast<int>(size)); error != 0) {
            return failed("ibv_resize_cq", error);
        }
    }
    queue_used_ = wanted;
    return {};
}

tl::expected<void, failure> device::equip(line& which, rdma_cm_id& id) {
    if (auto room = reserve(receive_room_ + send_room_); !room) {
        return room;
    }
    ibv_qp_init_attr wanted{};
    wanted.send_cq = queue_.get();
    wanted.recv_cq = queue_.get();
    wanted.qp_type = IBV_QPT_RC;
    wanted.cap = {send_room_, receive_room_, 2, 1, inline_wanted};
    if (rdma_create_qp(&id, domain_.get(), &wanted) != 0 && errno == EINVAL) {
        wanted.cap = {send_room_, receive_room_, 2, 1, 0};
        errno = 0;
        rdma_create_qp(&id, domain_.get(), &wanted);
    }
    if (id.qp == nullptr) {
        queue_used_ -= receive_room_ + send_room_;
        return failed("rdma_create_qp", errno);
    }
    auto place = std::ranges::find(lines_, nullptr);
    if (place == lines_.end()) {
        place = lines_.insert(lines_.end(), nullptr);
    }
    *place = &which;
    which.number_ = static_cast<std::uint32_t>(place - lines_.begin());
    which.inline_room_ = wanted.cap.max_inline_data;
    return {};
}

// Completions of a queue pair may outlive it, and its buffers and its number are others' from now on.
void device::retire(const line& which, std::uint32_t queue_pair) {
    while (fetch() != 0) {}
    for (std::size_t i = next_; i < fetched_.size(); ++i) {
        if (fetched_[i].qp_num == queue_pair) {
            fetched_[i].wr_id = nobody;
        }
    }
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].home == &which) {
            slots_[i].home = nullptr;
            if (std::exchange(slots_[i].posted, false)) {
                idle_.push_back(i);
            }
        }
    }
    lines_[which.number_] = nullptr;
    queue_used_ -= receive_room_ + send_room_;
}

tl::expected<void, failure> device::lend(std::span<std::byte> memory) {
    auto made = std::make_unique<region>();
    made->memory = memory;
    made->registration.reset(ibv_reg_mr(domain_.get(), memory.data(), memory.size(), IBV_ACCESS_LOCAL_WRITE));
    if (!made->registration) {
        return failed("ibv_reg_mr", errno);
    }
    regions_.push_back(std::move(made));
    return {};
}

void device::take_back(std::span<std::byte> memory, std::shared_ptr<void> owner) {
    const auto found = std::ranges::find_if(
        regions_, [&](const auto& each) { return each->memory.data() == memory.data() && !each->keep; });
    if (found == regions_.end()) {
        return;
    }
    if ((*found)->in_flight == 0) {
        regions_.erase(found);
    } else {
        (*found)->keep = std::move(owner);
    }
}

region* device::region_of(std::span<const std::byte> bytes) noexcept {
    for (const auto& each : regions_) {
        if (bytes.data() >= each->memory.data() && bytes.data() < each->memory.data() + each->memory.size()) {
            return each.get();
        }
    }
    return nullptr;
}

void device::landed(region& which) {
    if (--which.in_flight == 0 && which.keep) {
        std::erase_if(regions_, [&](const auto& each) { return each.get() == &which; });
    }
}

tl::expected<void, failure> device::add_slots(line& which, std::size_t count) {
    count = std::min<std::size_t>(count, receive_room_ - which.slots_);
    if (idle_.size() < count) {
        if (auto added = add_block(count - idle_.size()); !added) {
            return added;
        }
    }
    const std::vector<std::uint32_t> taken(idle_.end() - static_cast<std::ptrdiff_t>(count), idle_.end());
    idle_.resize(idle_.size() - count);
    for (const std::uint32_t each : taken) {
        slots_[each].home = &which;
    }
    which.slots_ += static_cast<std::uint32_t>(count);
    post(which, taken);
    return {};
}

tl::expected<void, failure> device::add_block(std::size_t count) {
    const std::size_t size = count * buffer_size_;
    void* const got = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) {
        return tl::unexpected(failure{WSAENOBUFS, "no memory for receive buffers"});
    }
    auto* const at = static_cast<std::byte*>(got);
    owned<ibv_mr> registration(ibv_reg_mr(domain_.get(), at, size, IBV_ACCESS_LOCAL_WRITE));
    if (!registration) {
        const int error = errno;
        ::munmap(got, size);
        return failed("ibv_reg_mr", error);
    }
    for (std::size_t i = 0; i < count; ++i) {
        idle_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.push_back({at + i * buffer_size_, registration->lkey, nullptr, false});
    }
    blocks_.push_back({at, size, std::move(registration)});
    return {};
}

// All of them with one doorbell.
void device::post(line& which, std::span<const std::uint32_t> slots) {
    constexpr std::size_t most = 64;
    while (!slots.empty()) {
        std::array<ibv_recv_wr, most> requests;
        std::array<ibv_sge, most> places;
        const std::size_t count = std::min(most, slots.size());
        for (std::size_t i = 0; i < count; ++i) {
            slot& each = slots_[slots[i]];
            each.posted = true;
            places[i] = {reinterpret_cast<std::uintptr_t>(each.at), static_cast<std::uint32_t>(buffer_size_),
                         each.key};
            requests[i] = {is_receive | slots[i], i + 1 < count ? &requests[i + 1] : nullptr, &places[i], 1};
        }
        ibv_recv_wr* refused = nullptr;
        if (const int error = ibv_post_recv(which.queue_pair(), requests.data(), &refused); error != 0) {
            which.break_off({WSAECONNABORTED, sentence("ibv_post_recv", error)});
        }
        slots = slots.subspan(count);
    }
}

void device::repost() {
    const auto all = std::exchange(returned_, {});
    for (std::size_t from = 0; from < all.size();) {
        line* const home = slots_[all[from]].home;
        std::size_t to = from;
        while (to < all.size() && slots_[all[to]].home == home) {
            ++to;
        }
        if (home != nullptr) {
            post(*home, std::span(all).subspan(from, to - from));
        } else {
            idle_.insert(idle_.end(), all.begin() + static_cast<std::ptrdiff_t>(from),
                         all.begin() + static_cast<std::ptrdiff_t>(to));
        }
        from = to;
    }
}

std::size_t device::fetch() noexcept {
    if (next_ == fetched_.size()) {
        fetched_.clear();
        next_ = 0;
    }
    const std::size_t had = fetched_.size();
    fetched_.resize(had + completions_a_fetch);
    const int got = ibv_poll_cq(queue_.get(), completions_a_fetch, fetched_.data() + had);
    const auto count = static_cast<std::size_t>(std::max(got, 0));
    fetched_.resize(had + count);
    polled_since_ = polled_since_ || count != 0;
    return count;
}

bool device::poll(station_owner* owner) {
    repost();
    bool any = false;
    for (int i = 0; i < fetches_a_poll; ++i) {
        const std::size_t count = fetch();
        while (next_ < fetched_.size()) {
            const ibv_wc what = fetched_[next_++];
            handle(what, owner);
            any = true;
        }
        if (count < completions_a_fetch) {
            break;
        }
    }
    return any;
}

void device::handle(const ibv_wc& what, station_owner* owner) {
    if (what.wr_id == nobody) {
        return;
    }
    if ((what.wr_id & is_receive) != 0) {
        received(what, owner);
        return;
    }
    line* const which = lines_[line::number_of(what.wr_id)];
    which->sent(line::send_of(what.wr_id));
    if (const failure why = end_of(what.status); why.code != 0) {
        which->break_off(why);
    }
}

void device::received(const ibv_wc& what, station_owner* owner) {
    const auto number = static_cast<std::uint32_t>(what.wr_id);
    slot& come = slots_[number];
    if (what.status != IBV_WC_SUCCESS) {
        // Its queue pair works no more; the buffer comes back with it.
        if (const failure why = end_of(what.status); why.code != 0) {
            come.home->break_off(why);
        }
        return;
    }
    come.posted = false;
    const parcel got{number, {come.at, std::min<std::size_t>(what.byte_len, buffer_size_)}};
    if ((what.wc_flags & IBV_WC_WITH_IMM) != 0) {
        come.home->take_chunk(got);
    } else if (owner != nullptr) {
        owner->on_parcel(got);
    } else {
        give_back(number);
    }
}

void device::drain_events() noexcept {
    ibv_cq* which = nullptr;
    void* context = nullptr;
    while (ibv_get_cq_event(channel_.get(), &which, &context) == 0) {
        ibv_ack_cq_events(which, 1);
    }
}

bool device::arm() noexcept {
    repost();
    if (armed_ && !polled_since_) {
        return true;
    }
    drain_events();
    armed_ = ibv_req_notify_cq(queue_.get(), 0) == 0;
    polled_since_ = false;
    return fetch() == 0 && armed_;
}

// Only the queue pair's own timer; a device that does not take it is merely slower after a stall.
void ask_again_soon(ibv_qp& which) noexcept {
    ibv_qp_attr wanted{};
    wanted.min_rnr_timer = not_ready_timer;
    ibv_modify_qp(&which, &wanted, IBV_QP_MIN_RNR_TIMER);
}

} // namespace joinleaf::rdma::verbs
