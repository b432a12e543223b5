// SPDX-License-Identifier: Apache-2.0
#include "source_numbers.hpp"

#include <algorithm>

namespace joinleaf::udp_mcast {

namespace {

bool is(const source_numbers::source& one, const address& from, std::uint32_t sender) noexcept {
    return one.sender == sender && one.name.port() == from.port() && one.name.same_host(from);
}

} // namespace

source_numbers::source_numbers() {
    sources_.reserve(most);
}

source_numbers::source& source_numbers::find(const address& from, std::uint32_t sender) noexcept {
    if (latest_ < sources_.size() && is(sources_[latest_], from, sender)) {
        return sources_[latest_];
    }
    const auto known =
        std::ranges::find_if(sources_, [&](const source& one) { return is(one, from, sender); });
    latest_ = static_cast<std::size_t>(known - sources_.begin());
    if (known != sources_.end()) {
        return *known;
    }
    if (sources_.size() < most) {
        return sources_.emplace_back(source{from, sender, 0, 0, 0});
    }
    latest_ = eldest_;
    eldest_ = (eldest_ + 1) % most;
    return sources_[latest_] = source{from, sender, 0, 0, 0};
}

std::uint32_t source_numbers::note(const address& from, const envelope& header, std::uint32_t count) noexcept {
    const std::lock_guard hold(lock_);
    auto& of = find(from, header.sender);
    // Differences hold across the turn of the 32 bits.
    const auto ahead = of.received == 0 ? 0 : static_cast<std::int32_t>(header.number - of.next);
    of.received += count;
    if (ahead < 0 && of.received > count) {
        return 0;
    }
    of.next = header.number + count;
    of.missing += static_cast<std::uint32_t>(ahead);
    missing_ += static_cast<std::uint32_t>(ahead);
    return static_cast<std::uint32_t>(ahead);
}

std::uint64_t source_numbers::missing() const noexcept {
    const std::lock_guard hold(lock_);
    return missing_;
}

std::vector<source_numbers::source> source_numbers::all() const {
    const std::lock_guard hold(lock_);
    return sources_;
}

} // namespace joinleaf::udp_mcast
