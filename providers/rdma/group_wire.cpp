// SPDX-License-Identifier: Apache-2.0
#include "group_wire.hpp"

#include "wire.hpp"

#include "joinleaf/provider/bytes.hpp"

#include <algorithm>

namespace joinleaf::rdma::wire {
namespace {

using namespace provider;

constexpr std::size_t at_version = 4;
constexpr std::size_t at_flags = 5;
constexpr std::size_t at_port = 6;
constexpr std::size_t at_sender = 8;
constexpr std::size_t at_host = 16;
constexpr std::size_t at_number = 24;
constexpr std::size_t at_size = 28;
constexpr std::size_t at_offset = 32;
constexpr std::size_t at_unit = 36;
constexpr std::size_t at_from = 40;

// All pieces have the size of the first one, and the last ends with the message.
bool lies_right(const piece_head& head, std::size_t bytes) noexcept {
    if (head.size > group_message_max || head.offset > head.size || bytes > head.size - head.offset) {
        return false;
    }
    if (bytes == head.size) {
        return true;
    }
    const bool is_last = head.offset + bytes == head.size;
    return bytes != 0 && head.unit != 0 && head.offset % head.unit == 0 &&
           (bytes == head.unit || (is_last && bytes < head.unit));
}

} // namespace

piece_head_bytes encode(const piece_head& what) noexcept {
    piece_head_bytes out{};
    put32(out, 0, piece_magic);
    put8(out, at_version, piece_version);
    put8(out, at_flags, what.flags);
    put8(out, at_port, static_cast<std::uint8_t>(what.port >> 8U));
    put8(out, at_port + 1, static_cast<std::uint8_t>(what.port));
    put64(out, at_sender, what.sender);
    put64(out, at_host, what.host);
    put32(out, at_number, what.number);
    put32(out, at_size, what.size);
    put32(out, at_offset, what.offset);
    put32(out, at_unit, what.unit);
    std::ranges::copy(encode_source(what.from.raw()), out.begin() + at_from);
    return out;
}

std::optional<piece_head> decode_piece(std::span<const std::byte> datagram) noexcept {
    if (datagram.size() < piece_head_size || get32(datagram, 0) != piece_magic ||
        get8(datagram, at_version) != piece_version ||
        (get8(datagram, at_flags) & ~unsigned{flag_host_only}) != 0) {
        return std::nullopt;
    }
    piece_head out;
    out.flags = get8(datagram, at_flags);
    out.port = static_cast<std::uint16_t>(get8(datagram, at_port) << 8U | get8(datagram, at_port + 1));
    out.sender = get64(datagram, at_sender);
    out.host = get64(datagram, at_host);
    out.number = get32(datagram, at_number);
    out.size = get32(datagram, at_size);
    out.offset = get32(datagram, at_offset);
    out.unit = get32(datagram, at_unit);
    out.from = decode_source(datagram.subspan<at_from, source_size>());
    if (!lies_right(out, datagram.size() - piece_head_size)) {
        return std::nullopt;
    }
    return out;
}

} // namespace joinleaf::rdma::wire
