// SPDX-License-Identifier: Apache-2.0
#include "inflow.hpp"

#include <algorithm>
#include <utility>

namespace joinleaf::rdma {

void slot_shares::take(std::uint32_t slot) {
    if (slot >= shares_.size()) {
        shares_.resize(slot + 1);
    }
    ++shares_[slot];
}

void slot_shares::leave(std::uint32_t slot, peer& whose) {
    if (--shares_[slot] == 0) {
        give_back_(slot, whose);
    }
}

void inflow::begin(std::uint64_t position, std::size_t window) noexcept {
    next_ = position;
    window_ = window;
}

inflow::arrival inflow::add(const wire::slice_head& head, const parcel& got) {
    // The last slice of a stream is empty: come twice, it stands where the next one would.
    const bool again = all_came_ && head.size == 0 && head.position == next_;
    if (again || head.position < next_ || early_.contains(head.position)) {
        return arrival::dropped;
    }
    if (early_.size() >= window_ || all_came_) {
        return arrival::broken;
    }
    if (head.position != next_) {
        early_.emplace(head.position, std::pair(head, got));
        return arrival::kept;
    }
    enqueue(head, got);
    for (auto each = early_.begin(); each != early_.end() && each->first == next_; each = early_.begin()) {
        const auto [early_head, early_got] = each->second;
        early_.erase(each);
        enqueue(early_head, early_got);
    }
    return arrival::kept;
}

void inflow::enqueue(const wire::slice_head& head, const parcel& got) {
    pieces_.push({got.slot, got.bytes.subspan(wire::head_size), head.flags});
    next_ += head.size;
    all_came_ = all_came_ || (head.flags & wire::flag_leaving) != 0;
}

inflow::state inflow::move(message_sink& sink, const std::shared_ptr<peer>& self, slot_shares& shares) {
    while (!pieces_.empty() && !broken_) {
        if (!sink.has_room(*self)) {
            return state::stalled;
        }
        piece& from = pieces_.front();
        if (!from.bytes.empty()) {
            broken_ = ended_ || !move_one(sink, self, shares);
        }
        if (from.bytes.empty()) {
            const bool cut = in_message_ || record_have_ != 0;
            ended_ = ended_ || (from.flags & wire::flag_end) != 0;
            left_ = left_ || (from.flags & wire::flag_leaving) != 0;
            broken_ = broken_ || (ended_ && cut);
            const std::uint32_t slot = from.slot;
            pieces_.pop();
            shares.leave(slot, *self);
        }
    }
    return broken_ ? state::broken : state::idle;
}

// True: the record's head is complete, or more of it has to come; false: it is none.
bool inflow::read_record(piece& from) {
    const std::size_t n = std::min(record_.size() - record_have_, from.bytes.size());
    std::copy_n(from.bytes.begin(), n, record_.begin() + static_cast<std::ptrdiff_t>(record_have_));
    record_have_ += n;
    from.bytes = from.bytes.subspan(n);
    if (record_have_ < record_.size()) {
        return true;
    }
    const auto next = wire::decode_record(record_);
    record_have_ = 0;
    in_message_ = next.has_value();
    message_ = next.value_or(wire::record{});
    return in_message_;
}

bool inflow::move_one(message_sink& sink, const std::shared_ptr<peer>& self, slot_shares& shares) {
    piece& from = pieces_.front();
    if (!in_message_ && (!read_record(from) || !in_message_)) {
        return record_have_ != 0;
    }
    const bool in_one_piece = whole_.empty() && from.bytes.size() >= message_.size;
    const std::size_t n = std::min<std::size_t>(message_.size - whole_.size(), from.bytes.size());
    const auto bytes = from.bytes.first(n);
    from.bytes = from.bytes.subspan(n);
    if (in_one_piece) {
        in_message_ = false;
        shares.take(from.slot);
        sink.put({self, bytes, {}, from.slot, message_.has_source});
        return true;
    }
    if (whole_.empty()) {
        whole_.reserve(message_.size);
    }
    whole_.insert(whole_.end(), bytes.begin(), bytes.end());
    if (whole_.size() == message_.size) {
        in_message_ = false;
        auto own = std::exchange(whole_, {});
        const std::span<const std::byte> all(own);
        sink.put({self, all, std::move(own), inbox::no_slot, message_.has_source});
    }
    return true;
}

void inflow::clear(const std::shared_ptr<peer>& self, slot_shares& shares) {
    while (!pieces_.empty()) {
        const std::uint32_t slot = pieces_.front().slot;
        pieces_.pop();
        shares.leave(slot, *self);
    }
    for (const auto& [position, early] : std::exchange(early_, {})) {
        shares.leave(early.second.slot, *self);
    }
}

} // namespace joinleaf::rdma
