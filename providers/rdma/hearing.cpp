// SPDX-License-Identifier: Apache-2.0
#include "hearing.hpp"

#include <algorithm>
#include <utility>

namespace joinleaf::rdma {
namespace {

// Holds across the turn of the 32 bits.
std::int32_t distance(std::uint32_t from, std::uint32_t to) noexcept {
    return static_cast<std::int32_t>(to - from);
}

} // namespace

hearing::sender& hearing::find(const wire::piece_head& head) {
    const auto is_it = [&](const sender& each) { return each.id == head.sender; };
    if (latest_ < senders_.size() && is_it(senders_[latest_])) {
        return senders_[latest_];
    }
    const auto known = std::ranges::find_if(senders_, is_it);
    if (known != senders_.end()) {
        latest_ = static_cast<std::size_t>(known - senders_.begin());
        return *known;
    }
    sender fresh;
    fresh.id = head.sender;
    fresh.name = head.from;
    if (senders_.size() < most) {
        senders_.push_back(std::move(fresh));
        latest_ = senders_.size() - 1;
    } else {
        latest_ = std::exchange(eldest_, (eldest_ + 1) % most);
        senders_[latest_] = std::move(fresh);
    }
    return senders_[latest_];
}

std::optional<hearing::whole> hearing::take(const wire::piece_head& head, std::span<const std::byte> bytes) {
    sender& of = find(head);
    if (!std::exchange(of.heard, true)) {
        // Of a message whose beginning came before this socket was there nothing is missing.
        of.next = head.offset == 0 ? head.number : head.number + 1;
    }
    if (distance(of.next, head.number) < 0) {
        return std::nullopt; // late, or a second time
    }
    if (bytes.size() != head.size) {
        return add_piece(of, head, bytes);
    }
    return whole{&of, head.number, head.number - of.next, bytes};
}

std::optional<hearing::whole> hearing::add_piece(sender& of, const wire::piece_head& head,
                                                 std::span<const std::byte> bytes) {
    const std::size_t pieces = (head.size + head.unit - 1) / head.unit;
    if (!of.in_making || of.number != head.number) {
        if (of.in_making && distance(of.number, head.number) < 0) {
            return std::nullopt;
        }
        of.in_making = true;
        of.number = head.number;
        of.unit = head.unit;
        of.pieces_missing = pieces;
        of.bytes.resize(head.size);
        of.have.assign(pieces, false);
    }
    const std::size_t index = head.offset / head.unit;
    if (of.bytes.size() != head.size || of.unit != head.unit || of.have[index]) {
        return std::nullopt;
    }
    of.have[index] = true;
    std::ranges::copy(bytes, of.bytes.begin() + head.offset);
    if (--of.pieces_missing != 0) {
        return std::nullopt;
    }
    of.in_making = false;
    return whole{&of, head.number, head.number - of.next, of.bytes};
}

void hearing::accept(const whole& message) noexcept {
    sender& of = *message.by;
    of.next = message.number + 1;
    of.in_making = of.in_making && distance(of.next, of.number) >= 0;
    ++of.received;
    of.missing += message.gap;
    missing_ += message.gap;
}

void hearing::pass_over(const wire::piece_head& head) noexcept {
    const auto known =
        std::ranges::find_if(senders_, [&](const sender& each) { return each.id == head.sender; });
    if (known != senders_.end() && distance(known->next, head.number) >= 0) {
        known->next = head.number + 1;
        known->in_making = false;
    }
}

} // namespace joinleaf::rdma
