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

void outflow::begin(std::uint64_t position, std::uint64_t stream) noexcept {
    cursor_ = position;
    skipped_ = position - stream;
    all_skipped_ = skipped_;
}

std::optional<outflow::slice> outflow::plan(const ring& log, std::size_t room) const noexcept {
    std::uint64_t to = deaf_ ? cursor_ : std::min(log.head(), stop_.value_or(log.head()));
    to = skips_.empty() ? to : std::min(to, skips_.front().first);
    to = carrier_ != nullptr ? std::min(to, held_) : to;
    if (cursor_ < to) {
        const std::size_t bytes = whole_records(log, to, room);
        return slice{cursor_, cursor_ - skipped_, log.piece(cursor_, cursor_ + bytes), wire::flag_data};
    }
    if (!stop_ || end_posted()) {
        return std::nullopt;
    }
    const std::uint8_t leave = leaving_ ? wire::flag_leaving : 0;
    const std::uint64_t at = carrier_ != nullptr ? stop_stream_ : stream();
    return slice{cursor_, at, {}, static_cast<std::uint8_t>(wire::flag_data | wire::flag_end | leave)};
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
    if (deaf_ || carrier_ != nullptr || (stop_ && from >= *stop_)) {
        return;
    }
    all_skipped_ += to - from;
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
    take_off(what.position, free);
}

void outflow::posted_again(std::uint64_t position, bool free) {
    take_off(position, free);
}

void outflow::take_off(std::uint64_t from, bool free) {
    if (free && flying_.empty()) {
        ++first_cookie_;
        return;
    }
    flying_.push({from, free});
    for (std::size_t i = flying_.size() - 1; i-- != 0 && flying_.at(i).from > from;) {
        flying_.at(i).from = from;
    }
}

void outflow::jump(std::uint64_t head) {
    cursor_ = head;
    skipped_ = all_skipped_;
    rest_ = 0;
    while (!skips_.empty()) {
        skips_.pop();
    }
}

void outflow::hand_over(const outflow& carrier, std::uint64_t head) {
    offset_ = carrier.all_skipped_ - all_skipped_;
    carrier_ = &carrier;
    held_ = head;
}

void outflow::take_over() {
    if (stop_ && carrier_->cursor_ >= *stop_) {
        return; // only the end is left, and its place is known
    }
    cursor_ = carrier_->cursor_;
    skips_ = carrier_->skips_;
    rest_ = carrier_->rest_;
    skipped_ = carrier_->skipped_ - offset_;
    all_skipped_ = carrier_->all_skipped_ - offset_;
    carrier_ = nullptr;
}

void outflow::deafen() noexcept {
    deaf_ = true;
    carrier_ = nullptr;
}

void outflow::sent(std::uint64_t cookie) noexcept {
    flying_.at(static_cast<std::size_t>(cookie - first_cookie_)).landed = true;
    while (!flying_.empty() && flying_.front().landed) {
        flying_.pop();
        ++first_cookie_;
    }
}

void outflow::lose_sight() noexcept {
    first_cookie_ += flying_.size();
    while (!flying_.empty()) {
        flying_.pop();
    }
}

void outflow::end(std::uint64_t position, bool leaving) noexcept {
    if (!stop_) {
        stop_ = std::max(position, cursor_);
        stop_stream_ = carrier_ != nullptr ? stream_of(carrier_->stream_at_head(position)) : 0;
    }
    leaving_ = leaving_ || leaving;
}

std::uint64_t outflow::needs(std::uint64_t head) const noexcept {
    if (!flying_.empty()) {
        return flying_.front().from;
    }
    const bool has_all = deaf_ || (stop_ && cursor_ >= *stop_) || has_handed_over();
    return has_all ? head : cursor_;
}

} // namespace joinleaf::rdma
