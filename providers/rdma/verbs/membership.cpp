// SPDX-License-Identifier: Apache-2.0
#include "verbs/membership.hpp"

#include "verbs/station.hpp"

#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace joinleaf::rdma::verbs {

doorbell::doorbell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void doorbell::ring() noexcept {
    const std::lock_guard hold(mutex_);
    if (!rung_.exchange(true, std::memory_order_relaxed)) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(fd_.get(), &one, sizeof one);
    }
}

void doorbell::quiet() noexcept {
    if (!rung_.load(std::memory_order_relaxed)) {
        return; // no system call for who polls
    }
    const std::lock_guard hold(mutex_);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(fd_.get(), &count, sizeof count);
    rung_.store(false, std::memory_order_relaxed);
}

membership::membership(station& where, std::shared_ptr<multicast> home, group_use use, std::uint8_t hops,
                       group_owner& owner)
    : station_(where),
      home_(std::move(home)),
      use_(use),
      owner_(owner),
      control_bell_(where.control_bell()),
      data_bell_(where.data_bell()),
      hops_(hops) {}

membership::~membership() {
    home_->leave(*this);
    station_.forget(*this);
}

posted membership::post(std::span<const std::byte> head, std::span<const std::byte> body, std::uint64_t) {
    return over_ ? posted::broken : home_->post(*this, head, body);
}

bool membership::poll_control() {
    if (over_) {
        return false;
    }
    const bool any = home_->take_events();
    const auto told = home_->fetch_news(*this);
    if (told.joined) {
        owner_.on_joined();
    }
    if (told.lost) {
        over_ = true;
        owner_.on_lost(*told.lost);
    }
    return any || told.joined || told.lost;
}

bool membership::poll_data() {
    if (over_) {
        return false;
    }
    const bool any = home_->take_completions();
    home_->fetch(*this, fetched_);
    for (const datagram& each : fetched_) {
        owner_.on_datagram(each.bytes);
    }
    const bool came = !fetched_.empty();
    home_->give_back(fetched_);
    fetched_.clear();
    return any || came;
}

} // namespace joinleaf::rdma::verbs
