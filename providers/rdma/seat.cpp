// SPDX-License-Identifier: Apache-2.0
#include "seat.hpp"

#include <algorithm>

namespace joinleaf::rdma {
namespace {

// A leaf is judged by so many datagrams; one that misses more than three of four of them is better off without.
constexpr std::size_t datagrams_to_judge = 1024;

} // namespace

void seat::take(std::uint64_t stream, std::uint64_t position, std::size_t window) {
    state_ = phase::seated;
    taken_ = stream;
    position_ = position;
    window_ = window;
    told = stream;
    vain = 0;
    judged_ = 0;
    repairs_ = 0;
    given_.clear();
}

void seat::took(std::uint64_t stream, std::uint64_t position, std::size_t count) {
    taken_ = stream;
    position_ = position;
    judged_ += count;
    wanted_.erase(wanted_.begin(), wanted_.lower_bound(stream));
    given_.erase(given_.begin(), given_.lower_bound(stream));
}

void seat::want(const datagram& what) {
    if (what.stream >= taken_ && given_.insert(what.stream).second) {
        wanted_.emplace(what.stream, what);
        ++repairs_;
    }
}

const datagram* seat::next_repair() const noexcept {
    return wanted_.empty() ? nullptr : &wanted_.begin()->second;
}

bool seat::hears_too_little() noexcept {
    if (judged_ < datagrams_to_judge) {
        return false;
    }
    const bool too_little = repairs_ > judged_ / 4 * 3;
    judged_ = 0;
    repairs_ = 0;
    return too_little;
}

std::uint64_t seat::needs(std::uint64_t head) const noexcept {
    const std::uint64_t kept = is_kept() ? position_ : head;
    return wanted_.empty() ? kept : std::min(kept, wanted_.begin()->second.position);
}

} // namespace joinleaf::rdma
