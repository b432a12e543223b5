// SPDX-License-Identifier: Apache-2.0
#include "verbs/datagram_slots.hpp"

#include <cerrno>
#include <utility>

#include <sys/mman.h>

namespace joinleaf::rdma::verbs {

datagram_slots::~datagram_slots() {
    for (block& each : blocks_) {
        each.registration.reset();
        ::munmap(each.at, each.size);
    }
}

tl::expected<void, failure> datagram_slots::add(std::size_t count) {
    if (count == 0) {
        return {};
    }
    const std::size_t size = count * slot_size_;
    void* const got = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) {
        return tl::unexpected(failure{WSAENOBUFS, "no memory for the datagrams of a group"});
    }
    auto* const at = static_cast<std::byte*>(got);
    owned<ibv_mr> registration(ibv_reg_mr(&domain_, at, size, IBV_ACCESS_LOCAL_WRITE));
    if (!registration) {
        const int error = errno;
        ::munmap(got, size);
        return failed("ibv_reg_mr", error);
    }
    // No slot is given back to a list that would have to grow.
    idle_.reserve(slots_.size() + count);
    for (std::size_t i = 0; i < count; ++i) {
        idle_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.push_back({at + i * slot_size_, registration->lkey, 0});
    }
    blocks_.push_back({at, size, std::move(registration)});
    return {};
}

std::optional<std::uint32_t> datagram_slots::take() noexcept {
    if (idle_.empty()) {
        return std::nullopt;
    }
    const std::uint32_t out = idle_.back();
    idle_.pop_back();
    return out;
}

void datagram_slots::let_go(std::uint32_t which) noexcept {
    slot& of = slots_[which];
    if (of.readers > 1) {
        --of.readers;
        return;
    }
    of.readers = 0;
    idle_.push_back(which);
}

} // namespace joinleaf::rdma::verbs
