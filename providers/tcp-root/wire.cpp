// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include "joinleaf/provider/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace joinleaf::tcp_root::wire {
namespace {

using provider::get32;
using provider::get8;
using provider::get_flowspec;
using provider::put32;
using provider::put8;
using provider::put_flowspec;

constexpr std::uint8_t flag_qos = 1;

bool is_one_of(std::uint8_t value, std::uint8_t last) noexcept {
    return value >= 1 && value <= last;
}

bool roles_are_known(std::span<const std::byte> bytes) noexcept {
    return is_one_of(get8(bytes, 12), 2) && is_one_of(get8(bytes, 13), 2) && is_one_of(get8(bytes, 14), 2);
}

bool direction_is_known(std::uint8_t direction) noexcept {
    return direction == JL_SENDER_ONLY || direction == JL_RECEIVER_ONLY || direction == JL_BOTH;
}

bool sizes_agree(std::span<const std::byte> bytes) noexcept {
    const std::uint32_t data = get32(bytes, 24);
    const std::size_t qos = (get8(bytes, 7) & flag_qos) != 0 ? qos_size : 0;
    return data <= data_max && get32(bytes, 8) == greeting_size - 12 + data + qos;
}

bool tail_is_known(std::span<const std::byte> bytes) noexcept {
    const auto zero = [](std::byte b) { return b == std::byte{0}; };
    return get8(bytes, 28) <= static_cast<std::uint8_t>(reason::qos) &&
           std::ranges::all_of(bytes.subspan(29, 1), zero);
}

// Only an answer carries a code, and only one that refuses a reason; a wait notice carries nothing at all.
bool fits_its_kind(std::span<const std::byte> bytes) noexcept {
    const auto what = static_cast<kind>(get8(bytes, 6));
    const bool quiet = get32(bytes, 16) == 0 && get8(bytes, 28) == 0;
    const bool bare = get32(bytes, 8) == greeting_size - 12;
    switch (what) {
    case kind::hello: return quiet;
    case kind::answer: return get32(bytes, 16) <= 0x7FFFFFFF;
    case kind::wait: return quiet && bare;
    }
    return false;
}

bool is_well_formed(std::span<const std::byte> bytes) noexcept {
    return is_one_of(get8(bytes, 6), 3) && (get8(bytes, 7) & ~flag_qos) == 0 && roles_are_known(bytes) &&
           direction_is_known(get8(bytes, 15)) && sizes_agree(bytes) && tail_is_known(bytes) &&
           fits_its_kind(bytes);
}

} // namespace

const char* text(fault what) noexcept {
    switch (what) {
    case fault::foreign: return "it does not speak the protocol of tcp-root";
    case fault::version: return "it speaks no version of the protocol that is known here";
    case fault::malformed: return "its greeting is malformed";
    }
    return "unknown";
}

const char* text(reason why) noexcept {
    switch (why) {
    case reason::none: return "no reason given";
    case reason::application: return "its application rejected the request";
    case reason::backlog: return "its queue of waiting requests is full (listen's backlog)";
    case reason::closing: return "its listening socket was closed";
    case reason::version: return "it speaks no version of the protocol that is known here";
    case reason::role:
        return "it has the same role in the control plane: a root invites leaves, a leaf asks a root";
    case reason::plane: return "its session has the other data plane (rooted against relayed)";
    case reason::malformed: return "it found the greeting malformed";
    case reason::qos: return "it cannot honour the quality of service that was asked for";
    }
    return "unknown";
}

greeting_bytes encode(const greeting& what) noexcept {
    greeting_bytes out{};
    put32(out, 0, magic);
    put8(out, 4, what.newest);
    put8(out, 5, what.oldest);
    put8(out, 6, static_cast<std::uint8_t>(what.what));
    put8(out, 7, what.has_qos ? flag_qos : std::uint8_t{0});
    put32(out, 8, static_cast<std::uint32_t>(greeting_size - 12 + what.rest()));
    put8(out, 12, static_cast<std::uint8_t>(what.who.control));
    put8(out, 13, static_cast<std::uint8_t>(what.who.data));
    put8(out, 14, static_cast<std::uint8_t>(what.who.plane));
    put8(out, 15, static_cast<std::uint8_t>(what.direction));
    put32(out, 16, static_cast<std::uint32_t>(what.code));
    put32(out, 20, what.callee_room);
    put32(out, 24, what.data_size);
    put8(out, 28, static_cast<std::uint8_t>(what.why));
    put8(out, 30, static_cast<std::uint8_t>(what.beat >> 8));
    put8(out, 31, static_cast<std::uint8_t>(what.beat & 0xFF));
    return out;
}

bool may_be_greeting(std::span<const std::byte> begin) noexcept {
    const std::uint32_t ordered = htonl(magic);
    return std::memcmp(begin.data(), &ordered, std::min(begin.size(), sizeof ordered)) == 0;
}

tl::expected<greeting, fault> decode(std::span<const std::byte, greeting_size> bytes) noexcept {
    if (get32(bytes, 0) != magic) {
        return tl::unexpected(fault::foreign);
    }
    greeting out;
    out.newest = get8(bytes, 4);
    out.oldest = get8(bytes, 5);
    if (out.oldest > newest_version || out.newest < oldest_version || out.oldest > out.newest) {
        return tl::unexpected(fault::version);
    }
    if (!is_well_formed(bytes)) {
        return tl::unexpected(fault::malformed);
    }
    out.what = static_cast<kind>(get8(bytes, 6));
    out.has_qos = (get8(bytes, 7) & flag_qos) != 0;
    out.who = {static_cast<control_role>(get8(bytes, 12)), static_cast<data_role>(get8(bytes, 13)),
               static_cast<data_plane>(get8(bytes, 14))};
    out.direction = get8(bytes, 15);
    out.code = static_cast<std::int32_t>(get32(bytes, 16));
    out.callee_room = get32(bytes, 20);
    out.data_size = get32(bytes, 24);
    out.why = static_cast<reason>(get8(bytes, 28));
    out.beat = static_cast<std::uint16_t>(get8(bytes, 30) << 8 | get8(bytes, 31));
    return out;
}

std::array<std::byte, qos_size> encode_qos(const QOS& qos) noexcept {
    std::array<std::byte, qos_size> out{};
    put_flowspec(std::span(out).first(qos_size / 2), qos.SendingFlowspec);
    put_flowspec(std::span(out).last(qos_size / 2), qos.ReceivingFlowspec);
    return out;
}

QOS decode_qos(std::span<const std::byte, qos_size> bytes) noexcept {
    QOS out{};
    out.SendingFlowspec = get_flowspec(bytes.first(qos_size / 2));
    out.ReceivingFlowspec = get_flowspec(bytes.last(qos_size / 2));
    return out;
}

frame_bytes encode(const frame& what) noexcept {
    frame_bytes out{};
    put32(out, 0, what.size);
    put8(out, 4, static_cast<std::uint8_t>(what.what));
    put8(out, 5, what.flags);
    return out;
}

gap_bytes encode_gap(std::uint64_t messages) noexcept {
    gap_bytes out{};
    const auto head = encode(frame{frame_kind::gap, 0, gap_size});
    std::ranges::copy(head, out.begin());
    put32(out, frame_size,
          static_cast<std::uint32_t>(
              std::min<std::uint64_t>(messages, std::numeric_limits<std::uint32_t>::max())));
    return out;
}

std::uint32_t decode_gap(std::span<const std::byte, gap_size> payload) noexcept {
    return get32(payload, 0);
}

namespace {

std::uint8_t known_flags(frame_kind what) noexcept {
    switch (what) {
    case frame_kind::message: return flag_source | flag_echo;
    case frame_kind::end: return flag_leaving;
    case frame_kind::qos: return flag_final;
    case frame_kind::quiet:
    case frame_kind::gap:
    case frame_kind::beat: break;
    }
    return 0;
}

bool size_is_right(const frame& what) noexcept {
    const std::uint32_t head = what.has_source() ? source_size : 0;
    switch (what.what) {
    case frame_kind::message: return what.size >= head && what.size - head <= message_max;
    case frame_kind::qos: return what.size == qos_size;
    case frame_kind::gap: return what.size == gap_size;
    case frame_kind::end:
    case frame_kind::quiet:
    case frame_kind::beat: break;
    }
    return what.size == 0;
}

} // namespace

std::optional<frame> decode_frame(std::span<const std::byte, frame_size> bytes) noexcept {
    if (!is_one_of(get8(bytes, 4), 6) || get8(bytes, 6) != 0 || get8(bytes, 7) != 0) {
        return std::nullopt;
    }
    const frame out{static_cast<frame_kind>(get8(bytes, 4)), get8(bytes, 5), get32(bytes, 0)};
    const bool right = (out.flags & ~known_flags(out.what)) == 0 && size_is_right(out);
    return right ? std::optional(out) : std::nullopt;
}

std::array<std::byte, source_size> encode_source(const sockaddr* address) noexcept {
    std::array<std::byte, source_size> out{};
    if (address->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, address, sizeof in);
        put8(out, 0, 4);
        std::memcpy(out.data() + 2, &in.sin_port, 2);
        std::memcpy(out.data() + 4, &in.sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        sockaddr_in6 in6{};
        std::memcpy(&in6, address, sizeof in6);
        put8(out, 0, 6);
        std::memcpy(out.data() + 2, &in6.sin6_port, 2);
        std::memcpy(out.data() + 4, &in6.sin6_addr, 16);
    }
    return out;
}

std::uint32_t decode_source(std::span<const std::byte, source_size> bytes, sockaddr* out,
                            std::uint32_t room) noexcept {
    if (get8(bytes, 0) == 4 && room >= sizeof(sockaddr_in)) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        std::memcpy(&in.sin_port, bytes.data() + 2, 2);
        std::memcpy(&in.sin_addr, bytes.data() + 4, 4);
        std::memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    if (get8(bytes, 0) == 6 && room >= sizeof(sockaddr_in6)) {
        sockaddr_in6 in6{};
        in6.sin6_family = AF_INET6;
        std::memcpy(&in6.sin6_port, bytes.data() + 2, 2);
        std::memcpy(&in6.sin6_addr, bytes.data() + 4, 16);
        std::memcpy(out, &in6, sizeof in6);
        return sizeof in6;
    }
    return 0;
}

} // namespace joinleaf::tcp_root::wire
