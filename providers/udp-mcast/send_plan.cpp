// SPDX-License-Identifier: Apache-2.0
#include "send_plan.hpp"

#include "joinleaf/provider/buffers.hpp"

#include <netinet/udp.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace joinleaf::udp_mcast {

namespace {

bool same_place(const msghdr& packet, const sockaddr* to, socklen_t to_length) noexcept {
    return packet.msg_namelen == to_length &&
           (packet.msg_name == to || (to != nullptr && packet.msg_name != nullptr &&
                                      std::memcmp(packet.msg_name, to, to_length) == 0));
}

} // namespace

bool send_plan::joins_last(std::size_t size, const sockaddr* to, socklen_t to_length) const noexcept {
    if (packet_count_ == 0 || !allowed_.on || size == 0) {
        return false;
    }
    const auto& last = runs_[packet_count_ - 1];
    return !last.complete && size <= last.size && last.count < most_segments &&
           last.size <= allowed_.largest && last.bytes + size <= most_bytes &&
           same_place(packets_[packet_count_ - 1].msg_hdr, to, to_length);
}

// Adds a message's bytes to the last packet, or to one that is about to begin. False: no room.
bool send_plan::add_pieces(const jl_msg& message, std::size_t size, bool joins) noexcept {
    if (size > small) {
        if (piece_count_ + message.iov_count > most_pieces) {
            return false;
        }
        std::copy_n(message.iov, message.iov_count, pieces_.data() + piece_count_);
        piece_count_ += message.iov_count;
        return true;
    }
    if (small_bytes_ + size > small_room || piece_count_ == most_pieces) {
        return false;
    }
    char* const start = small_.data() + small_bytes_;
    for (std::uint32_t i = 0; i < message.iov_count; ++i) {
        const auto& piece = message.iov[i];
        std::copy_n(static_cast<const char*>(piece.iov_base), piece.iov_len, small_.data() + small_bytes_);
        small_bytes_ += piece.iov_len;
    }
    auto& last = pieces_[piece_count_ - (joins ? 1 : 0)];
    if (joins && static_cast<char*>(last.iov_base) + last.iov_len == start) {
        last.iov_len += size;
    } else {
        pieces_[piece_count_++] = {start, size};
    }
    return true;
}

bool send_plan::add(const jl_msg& message, sockaddr* to, socklen_t to_length) noexcept {
    const auto size = provider::total(provider::parts_of(message));
    const bool joins = joins_last(size, to, to_length);
    const auto first = piece_count_;
    if (!joins && packet_count_ == most_packets) {
        return false;
    }
    if (message.iov_count > most_pieces && size > small) {
        if (packet_count_ != 0) {
            return false;
        }
        // A message of very many pieces goes alone, in the caller's own array.
        runs_[0] = {1, size, size, true};
        packets_[0] = {};
        packets_[0].msg_hdr = {to, to_length, message.iov, message.iov_count, nullptr, 0, 0};
        packet_count_ = 1;
        piece_count_ = most_pieces;
        return true;
    }
    if (!add_pieces(message, size, joins)) {
        return false;
    }
    if (!joins) {
        runs_[packet_count_] = {1, size, size, size == 0};
        packets_[packet_count_] = {};
        packets_[packet_count_].msg_hdr = {to, to_length, pieces_.data() + first, 0, nullptr, 0, 0};
        ++packet_count_;
    } else {
        auto& last = runs_[packet_count_ - 1];
        last.bytes += size;
        ++last.count;
        last.complete = size < last.size; // only the last datagram of a super-packet may be shorter
    }
    packets_[packet_count_ - 1].msg_hdr.msg_iovlen += piece_count_ - first;
    return true;
}

void send_plan::write_note(std::size_t packet) noexcept {
    auto& header = packets_[packet].msg_hdr;
    header.msg_control = source_.empty() ? nullptr : const_cast<char*>(source_.data());
    header.msg_controllen = source_.size();
    if (runs_[packet].count == 1) {
        return;
    }
    auto& bytes = notes_[packet].bytes;
    std::copy(source_.begin(), source_.end(), bytes.begin());
    const auto segment = static_cast<std::uint16_t>(runs_[packet].size);
    auto* const head = new (bytes.data() + source_.size()) cmsghdr{};
    head->cmsg_level = SOL_UDP;
    head->cmsg_type = UDP_SEGMENT;
    head->cmsg_len = CMSG_LEN(sizeof segment);
    std::memcpy(CMSG_DATA(head), &segment, sizeof segment);
    header.msg_control = bytes.data();
    header.msg_controllen = source_.size() + CMSG_SPACE(sizeof segment);
}

std::span<mmsghdr> send_plan::packets() noexcept {
    for (std::size_t i = 0; i < packet_count_; ++i) {
        write_note(i);
    }
    return {packets_.data(), packet_count_};
}

} // namespace joinleaf::udp_mcast
