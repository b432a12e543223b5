// SPDX-License-Identifier: Apache-2.0
#include "inflow.hpp"

#include <algorithm>
#include <utility>

namespace joinleaf::rdma {

void slot_shares::begin(std::uint32_t slot, std::size_t bytes) {
    if (slot >= held_.size()) {
        held_.resize(slot + 1);
    }
    held_[slot] = {bytes, 1};
}

void slot_shares::leave(std::uint32_t slot, peer& whose) {
    holding& what = held_[slot];
    if (--what.shares == 0) {
        last_(slot, what.bytes, whose);
    }
}

void inflow::begin(std::uint64_t position, std::size_t window) noexcept {
    next_ = position;
    moved_ = position;
    window_ = window;
}

// Slices are numbered as they are posted, so that one that comes twice is told from bytes that come twice.
bool inflow::is_repeated(std::uint32_t number) {
    const auto ahead = static_cast<std::int32_t>(number - number_);
    if (ahead < 0 || numbers_.contains(number)) {
        return true;
    }
    if (ahead != 0) {
        numbers_.insert(number);
        return false;
    }
    ++number_;
    while (!numbers_.empty() && numbers_.erase(number_) != 0) {
        ++number_;
    }
    return false;
}

// An end is empty, and stands where the next slice would.
bool inflow::has_come(std::uint64_t position, std::size_t size) const {
    if (size == 0) {
        return position < next_ || (all_came_ && position == next_);
    }
    const auto found = early_.find(position);
    return position < next_ || (found != early_.end() && found->second.size != 0);
}

inflow::arrival inflow::add(const wire::slice_head& head, const parcel& got, std::size_t copies) {
    if (is_repeated(head.number)) {
        return arrival::repeated;
    }
    if (has_come(head.position, head.size)) {
        return arrival::dropped;
    }
    if (numbers_.size() > 4 * window_ || early_slots_ >= window_ || all_came_) {
        return arrival::broken;
    }
    if (const auto found = early_.find(head.position); found != early_.end()) {
        // Of an end that waits already, one that says more.
        found->second.flags |= head.flags;
        return head.size == 0 && found->second.size == 0 ? arrival::dropped : arrival::broken;
    }
    const auto bytes = got.bytes.subspan(wire::head_size);
    if (head.size != 0 && early_.size() - early_slots_ < copies) {
        insert_copy(head.position, bytes, head.flags);
        return arrival::copied;
    }
    insert(head.position, {got.slot, {}, bytes, head.size, head.flags});
    return arrival::kept;
}

void inflow::insert_copy(std::uint64_t position, std::span<const std::byte> bytes, std::uint8_t flags) {
    piece copy{
        arrived::no_slot, {bytes.begin(), bytes.end()}, {}, static_cast<std::uint32_t>(bytes.size()), flags};
    copy.bytes = copy.own;
    insert(position, std::move(copy));
}

inflow::arrival inflow::add_copy(std::uint64_t position, std::span<const std::byte> bytes, std::size_t most) {
    const bool is_early = position != next_;
    if (all_came_ || has_come(position, bytes.size()) || early_.contains(position) ||
        (is_early && early_.size() - early_slots_ >= most)) {
        return arrival::dropped;
    }
    insert_copy(position, bytes, 0);
    return arrival::kept;
}

void inflow::insert(std::uint64_t position, piece&& what) {
    if (position != next_) {
        early_slots_ += what.slot != arrived::no_slot ? 1U : 0U;
        early_.emplace(position, std::move(what));
        return;
    }
    enqueue(std::move(what));
    for (auto each = early_.begin(); each != early_.end() && each->first == next_; each = early_.begin()) {
        piece early = std::move(each->second);
        early_.erase(each);
        early_slots_ -= early.slot != arrived::no_slot ? 1U : 0U;
        enqueue(std::move(early));
    }
    // All pieces of a stream are cut at the same places, and so one that lies across another is none of it.
    while (!early_.empty() && early_.begin()->first < next_) {
        if (early_.begin()->second.slot != arrived::no_slot) {
            broken_ = true;
            return;
        }
        early_.erase(early_.begin());
    }
}

void inflow::enqueue(piece&& what) {
    next_ += what.size;
    all_came_ = all_came_ || (what.flags & wire::flag_leaving) != 0;
    pieces_.push(std::move(what));
}

std::vector<wire::range> inflow::missing(std::uint64_t from, std::uint64_t to) const {
    std::vector<wire::range> out;
    std::uint64_t at = std::max(from, next_);
    for (const auto& [position, early] : early_) {
        if (position >= to) {
            break;
        }
        if (position > at) {
            out.push_back({at, position});
        }
        at = std::max(at, position + early.size);
    }
    if (at < to) {
        out.push_back({at, to});
    }
    return out;
}

std::uint64_t inflow::overtaken() const noexcept {
    // The network that reorders at all lets a datagram pass one or two others.
    constexpr std::size_t passed = 3;
    return early_.size() < passed ? next_ : std::prev(early_.end(), passed)->first;
}

inflow::state inflow::move(message_sink& sink, peer& self, slot_shares& shares) {
    while (!pieces_.empty() && !broken_) {
        if (!sink.has_room(self)) {
            return state::stalled;
        }
        piece& from = pieces_.front();
        if (!from.bytes.empty()) {
            broken_ = ended_ || !move_one(sink, self);
        }
        if (from.bytes.empty()) {
            const bool cut = in_message_ || record_have_ != 0;
            ended_ = ended_ || (from.flags & wire::flag_end) != 0;
            left_ = left_ || (from.flags & wire::flag_leaving) != 0;
            broken_ = broken_ || (ended_ && cut);
            moved_ += from.size;
            ++pieces_moved_;
            const std::uint32_t slot = from.slot;
            pieces_.pop();
            if (slot != arrived::no_slot) {
                shares.leave(slot, self);
            }
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

bool inflow::move_one(message_sink& sink, peer& self) {
    piece& from = pieces_.front();
    if (!in_message_ && (!read_record(from) || !in_message_)) {
        return record_have_ != 0;
    }
    const bool in_one_piece = whole_.empty() && from.bytes.size() >= message_.size;
    const std::size_t n = std::min<std::size_t>(message_.size - whole_.size(), from.bytes.size());
    const auto bytes = from.bytes.first(n);
    from.bytes = from.bytes.subspan(n);
    if (in_one_piece) {
        put_whole(sink, self, bytes);
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
        sink.put(self, {all, std::move(own), arrived::no_slot, message_.has_source});
    }
    return true;
}

// A message that lies in the piece at the front: it takes the memory along if it is the last there.
void inflow::put_whole(message_sink& sink, peer& self, std::span<const std::byte> bytes) {
    piece& from = pieces_.front();
    in_message_ = false;
    if (from.slot != arrived::no_slot) {
        sink.put(self, {bytes, {}, from.slot, message_.has_source});
    } else if (from.bytes.empty()) {
        sink.put(self, {bytes, std::move(from.own), arrived::no_slot, message_.has_source});
    } else {
        std::vector<std::byte> own(bytes.begin(), bytes.end());
        const std::span<const std::byte> all(own);
        sink.put(self, {all, std::move(own), arrived::no_slot, message_.has_source});
    }
}

void inflow::clear(peer& self, slot_shares& shares) {
    const auto drop = [&](const piece& what) {
        if (what.slot != arrived::no_slot) {
            shares.leave(what.slot, self);
        }
    };
    while (!pieces_.empty()) {
        const piece last = std::move(pieces_.front());
        pieces_.pop();
        drop(last);
    }
    for (const auto& [position, early] : std::exchange(early_, {})) {
        drop(early);
    }
    early_slots_ = 0;
}

} // namespace joinleaf::rdma
