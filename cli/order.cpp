// SPDX-License-Identifier: Apache-2.0
#include "order.hpp"

#include <utility>

namespace joinleaf::cli {

void order::put(const header& head, std::span<const std::byte> body) {
    if (head.number < next_ || waiting_.contains(head.number) || (sent_ && head.number >= *sent_)) {
        ++dropped_;
        return;
    }
    waiting_.emplace(head.number, held{head, payload(body.begin(), body.end())});
}

std::optional<held> order::take() {
    const auto first = waiting_.begin();
    const bool gap_is_final = sent_.has_value() || waiting_.size() > window_;
    if (first == waiting_.end() || (first->first != next_ && !gap_is_final)) {
        return std::nullopt;
    }
    lost_ += first->first - next_;
    next_ = first->first + 1;
    std::optional<held> message(std::move(first->second));
    waiting_.erase(first);
    if (sent_ && waiting_.empty() && next_ < *sent_) {
        lost_ += *sent_ - next_;
        next_ = *sent_;
    }
    return message;
}

void order::close(std::uint64_t sent) {
    sent_ = sent;
    if (waiting_.empty() && next_ < sent) {
        lost_ += sent - next_;
        next_ = sent;
    }
}

} // namespace joinleaf::cli
