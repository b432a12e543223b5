// SPDX-License-Identifier: Apache-2.0
#include "outflow.hpp"

#include "wire.hpp"

#include <algorithm>

namespace joinleaf::rdma {
namespace {

// So many messages share a slice at most: looking at their lengths costs the sender time, and the receiver's buffer
// comes back only when the last of them has been taken.
constexpr int records_a_slice = 64;

} // namespace

void outflow::begin(std::uint64_t position) noexcept {
    cursor_ = position;
}

std::optional<outflow::slice> outflow::plan(const ring& log, std::size_t room) const noexcept {
    std::uint64_t to = deaf_ ? cursor_ : std::min(log.head(), stop_.value_or(log.head()));
    to = skips_.empty() ? to : std::min(to, skips_.front().first);
    if (cursor_ < to) {
        const std::size_t bytes = whole_records(log, to, room);
        return slice{cursor_, cursor_ - skipped_, log.piece(cursor_, cursor_ + bytes), wire::flag_data};
    }
    if (!stop_ || end_posted()) {
        return std::nullopt;
    }
    const std::uint8_t leave = leaving_ ? wire::flag_leaving : 0;
    return slice{
        cursor_, cursor_ - skipped_, {}, static_cast<std::uint8_t>(wire::flag_data | wire::flag_end | leave)};
}

std::size_t outflow::whole_records(const ring& log, std::uint64_t to, std::size_t room) const noexcept {
    const std::uint64_t limit = cursor_ + std::min<std::uint64_t>(log.piece(cursor_, to).size(), room);
    std::uint64_t at = cursor_ + rest_;
    for (int i = 0; i < records_a_slice && at < limit && limit - at >= wire::record_size; ++i) {
        wire::record_bytes head;
        log.copy(at, head);
        const std::uint64_t next =
            at + wire::record_size + wire::decode_record(head).value_or(wire::record{}).size;
        if (next > limit) {
            break;
        }
        at = next;
    }
    // A message that fits no slice, or lies around the end of the memory, is cut.
    return static_cast<std::size_t>((at == cursor_ ? limit : std::min(at, limit)) - cursor_);
}

void outflow::skip(std::uint64_t from, std::uint64_t to) {
    if (deaf_ || (stop_ && from >= *stop_)) {
        return;
    }
    if (!skips_.empty() && skips_.at(skips_.size() - 1).second == from) {
        skips_.at(skips_.size() - 1).second = to;
    } else {
        skips_.push({from, to});
    }
    pass_skipped();
}

void outflow::pass_skipped() noexcept {
    while (!skips_.empty() && skips_.front().first == cursor_) {
        skipped_ += skips_.front().second - cursor_;
        cursor_ = skips_.front().second;
        skips_.pop();
    }
}

void outflow::posted(const ring& log, const slice& what, bool free) {
    const std::uint64_t to = what.position + what.bytes.size();
    // How much of the message at the new cursor has gone.
    std::uint64_t at = cursor_ + rest_;
    while (at < to) {
        wire::record_bytes head;
        log.copy(at, head);
        at += wire::record_size + wire::decode_record(head).value_or(wire::record{}).size;
    }
    rest_ = at - to;
    cursor_ = to;
    pass_skipped();
    end_posted_ = end_posted_ || (what.flags & wire::flag_end) != 0;
    leave_posted_ = leave_posted_ || (what.flags & wire::flag_leaving) != 0;
    if (free && flying_.empty()) {
        ++first_cookie_;
    } else {
        flying_.push({what.position, free});
    }
}

void outflow::sent(std::uint64_t cookie) noexcept {
    flying_.at(static_cast<std::size_t>(cookie - first_cookie_)).landed = true;
    while (!flying_.empty() && flying_.front().landed) {
        flying_.pop();
        ++first_cookie_;
    }
}

void outflow::end(std::uint64_t position, bool leaving) noexcept {
    if (!stop_) {
        stop_ = std::max(position, cursor_);
    }
    leaving_ = leaving_ || leaving;
}

std::uint64_t outflow::needs(std::uint64_t head) const noexcept {
    if (!flying_.empty()) {
        return flying_.front().from;
    }
    return deaf_ || (stop_ && cursor_ >= *stop_) ? head : cursor_;
}

} // namespace joinleaf::rdma
