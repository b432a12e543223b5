// SPDX-License-Identifier: Apache-2.0
#include "party.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace joinleaf::rdma {
namespace {

std::uint64_t draw_sender() {
    static thread_local std::mt19937_64 lot{std::random_device{}()};
    return lot();
}

// [at, at + size) of the parts; in one piece where it lies so, else gathered into room.
std::span<const std::byte> piece_of(std::span<const iovec> parts, std::size_t at, std::size_t size,
                                    std::vector<std::byte>& room) {
    std::size_t skip = at;
    for (const iovec& part : parts) {
        if (skip < part.iov_len) {
            if (part.iov_len - skip >= size) {
                return bytes_of(part).subspan(skip, size);
            }
            break;
        }
        skip -= part.iov_len;
    }
    room.resize(size);
    provider::collect(parts, at, room);
    return room;
}

} // namespace

party::party(party_owner& owner, const address& session, group_use use)
    : owner_(owner), session_(session), use_(use), sender_(draw_sender()) {}

void party::join(station& through) {
    auto made = through.join_group(session_, use_, *this);
    if (!made) {
        on_lost(made.error());
    } else if (!lost_) {
        membership_ = std::move(*made);
    }
}

void party::on_joined() {
    joined_ = true;
    owner_.on_joined(*this);
}

void party::on_lost(const failure& why) {
    if (!std::exchange(lost_, why)) {
        owner_.on_lost(*this);
    }
}

// The body is copied by the engine: it is none of the memory that was lent.
posted party::post_piece(std::span<const std::byte> bytes) {
    const auto answer = membership_->post(wire::encode(head_), bytes, 0);
    if (answer == posted::copied || answer == posted::taken) {
        head_.offset += static_cast<std::uint32_t>(bytes.size());
        unflushed_ = true;
        return posted::copied;
    }
    return answer;
}

posted party::send(wire::piece_head head, std::span<const iovec> parts, std::size_t size) {
    if (!resume()) {
        return posted::full;
    }
    if (!has_joined()) {
        return posted::broken;
    }
    head.port = session_.port();
    head.sender = sender_;
    head.number = next_number_;
    head.size = static_cast<std::uint32_t>(size);
    head.offset = 0;
    head.unit = static_cast<std::uint32_t>(membership_->datagram_size() - wire::piece_head_size);
    head_ = head;
    for (std::size_t at = 0; at < size || at == 0;) {
        const std::size_t length = std::min<std::size_t>(head_.unit, size - at);
        const auto answer = post_piece(piece_of(parts, at, length, piece_));
        if (answer == posted::broken || (answer == posted::full && at == 0)) {
            return answer;
        }
        if (answer == posted::full) {
            rest_.resize(size - at);
            provider::collect(parts, at, rest_);
            rest_at_ = 0;
            break;
        }
        at += length;
        if (size == 0) {
            break;
        }
    }
    ++next_number_;
    return posted::copied;
}

bool party::resume() {
    while (has_rest() && has_joined()) {
        const auto next = std::span<const std::byte>(rest_).subspan(rest_at_);
        const auto piece = next.first(std::min<std::size_t>(head_.unit, next.size()));
        const auto answer = post_piece(piece);
        if (answer == posted::full) {
            return false;
        }
        rest_at_ = answer == posted::broken ? rest_.size() : rest_at_ + piece.size();
    }
    return true;
}

void party::flush() {
    if (std::exchange(unflushed_, false) && membership_) {
        membership_->flush();
        ++doorbells_;
    }
}

} // namespace joinleaf::rdma
