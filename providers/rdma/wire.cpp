// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include "joinleaf/provider/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <endian.h>

namespace joinleaf::rdma::wire {
namespace {

using provider::get32;
using provider::get64;
using provider::get8;
using provider::get_flowspec;
using provider::put32;
using provider::put64;
using provider::put8;
using provider::put_flowspec;

constexpr std::uint8_t flag_qos = 1;
constexpr std::uint8_t all_slice_flags = flag_end | flag_leaving | flag_data;
constexpr std::uint8_t flag_group = 8;
constexpr std::size_t call_size = note_size + source_size;
constexpr std::size_t turn_size = note_size + 16;
constexpr std::size_t range_size = 16;
constexpr std::byte record_mark{0x4D}; // "M"

void put_preamble(std::span<std::byte> bytes, kind what, std::uint8_t flags) noexcept {
    put32(bytes, 0, magic);
    put8(bytes, 4, newest_version);
    put8(bytes, 5, oldest_version);
    put8(bytes, 6, static_cast<std::uint8_t>(what));
    put8(bytes, 7, flags);
}

bool direction_is_known(std::uint8_t direction) noexcept {
    return direction == JL_SENDER_ONLY || direction == JL_RECEIVER_ONLY || direction == JL_BOTH;
}

// Only an answer has a code, and only one that refuses a reason; whoever is admitted is told how to send.
bool is_well_formed(std::span<const std::byte> bytes) noexcept {
    const bool is_answer = get8(bytes, 6) == static_cast<std::uint8_t>(kind::answer);
    const std::uint32_t code = get32(bytes, 12);
    const std::uint8_t why = get8(bytes, 28);
    const std::size_t data = get32(bytes, 20);
    const std::size_t place = get32(bytes, 24);
    const std::size_t qos = (get8(bytes, 7) & flag_qos) != 0 ? qos_size : 0;
    const bool zeros =
        get8(bytes, 10) == 0 && get8(bytes, 29) == 0 && get8(bytes, 30) == 0 && get8(bytes, 31) == 0;
    const auto is_role = [](std::uint8_t value) { return value == 1 || value == 2; };
    const bool role = is_role(get8(bytes, 8)) && is_role(get8(bytes, 9));
    const bool sizes =
        data <= data_max && place <= address_max && bytes.size() == greeting_size + data + place + qos;
    const bool refuses = is_answer && code != 0;
    const bool admits = refuses || (get32(bytes, 48) != 0 && get32(bytes, 52) > head_size);
    return (get8(bytes, 7) & ~flag_qos) == 0 && zeros && role && direction_is_known(get8(bytes, 11)) &&
           sizes && code <= 0x7FFFFFFF && (is_answer || (code == 0 && why == 0)) &&
           why <= static_cast<std::uint8_t>(reason::resources) && admits;
}

} // namespace

const char* text(fault what) noexcept {
    switch (what) {
    case fault::foreign: return "it does not speak the protocol of rdma";
    case fault::version: return "it speaks no version of the protocol that this side speaks";
    case fault::malformed: return "what it sends breaks the protocol";
    }
    return "";
}

const char* text(reason why) noexcept {
    switch (why) {
    case reason::none: return "the peer refused it";
    case reason::application: return "the peer's application rejected it";
    case reason::backlog: return "more requests wait at the peer than its backlog allows";
    case reason::closing: return "the peer is closing its listener";
    case reason::version: return "the peer speaks no version of the protocol that this side speaks";
    case reason::role: return "the peer has the same role in the control plane";
    case reason::malformed: return "the peer did not understand the request";
    case reason::resources: return "the peer has no buffers left for another member";
    }
    return "";
}

std::vector<std::byte> encode(const greeting& what) {
    std::vector<std::byte> out(greeting_size);
    put_preamble(out, what.what, what.qos ? flag_qos : 0);
    put8(out, 8, static_cast<std::uint8_t>(what.role));
    put8(out, 9, static_cast<std::uint8_t>(what.data));
    put8(out, 11, static_cast<std::uint8_t>(what.direction));
    put32(out, 12, static_cast<std::uint32_t>(what.code));
    put32(out, 16, what.callee_room);
    put32(out, 20, static_cast<std::uint32_t>(what.user.size()));
    put32(out, 24, static_cast<std::uint32_t>(what.data_address.size()));
    put8(out, 28, static_cast<std::uint8_t>(what.why));
    put64(out, 32, what.channel);
    put64(out, 40, what.start);
    put32(out, 48, what.window);
    put32(out, 52, what.slice);
    out.insert(out.end(), what.user.begin(), what.user.end());
    out.insert(out.end(), what.data_address.begin(), what.data_address.end());
    if (what.qos) {
        std::array<std::byte, qos_size> flows{};
        put_flowspec(std::span(flows).first(qos_size / 2), what.qos->SendingFlowspec);
        put_flowspec(std::span(flows).last(qos_size / 2), what.qos->ReceivingFlowspec);
        out.insert(out.end(), flows.begin(), flows.end());
    }
    return out;
}

tl::expected<kind, fault> kind_of(std::span<const std::byte> message) noexcept {
    if (message.size() < 8 || get32(message, 0) != magic) {
        return tl::unexpected(fault::foreign);
    }
    if (get8(message, 4) < oldest_version || get8(message, 5) > newest_version) {
        return tl::unexpected(fault::version);
    }
    const std::uint8_t what = get8(message, 6);
    if (what < 1 || what > static_cast<std::uint8_t>(kind::channel)) {
        return tl::unexpected(fault::malformed);
    }
    return static_cast<kind>(what);
}

tl::expected<greeting, fault> decode_greeting(std::span<const std::byte> message) {
    const auto what = kind_of(message);
    if (!what) {
        return tl::unexpected(what.error());
    }
    if ((*what != kind::hello && *what != kind::answer) || message.size() < greeting_size ||
        !is_well_formed(message)) {
        return tl::unexpected(fault::malformed);
    }
    greeting out;
    out.what = *what;
    out.role = static_cast<control_role>(get8(message, 8));
    out.data = static_cast<data_role>(get8(message, 9));
    out.direction = get8(message, 11);
    out.code = static_cast<std::int32_t>(get32(message, 12));
    out.callee_room = get32(message, 16);
    out.why = static_cast<reason>(get8(message, 28));
    out.channel = get64(message, 32);
    out.start = get64(message, 40);
    out.window = get32(message, 48);
    out.slice = get32(message, 52);
    const auto user = message.subspan(greeting_size, get32(message, 20));
    const auto place = message.subspan(greeting_size + user.size(), get32(message, 24));
    out.user.assign(user.begin(), user.end());
    out.data_address.assign(place.begin(), place.end());
    if ((get8(message, 7) & flag_qos) != 0) {
        const auto flows = message.last(qos_size);
        out.qos = QOS{};
        out.qos->SendingFlowspec = get_flowspec(flows.first(qos_size / 2));
        out.qos->ReceivingFlowspec = get_flowspec(flows.last(qos_size / 2));
    }
    return out;
}

note_bytes encode(const note& what) noexcept {
    note_bytes out{};
    put_preamble(out, what.what, 0);
    put64(out, 8, what.value);
    return out;
}

std::optional<note> decode_note(std::span<const std::byte> message) noexcept {
    const auto what = kind_of(message);
    const bool is_longer = !what || *what == kind::hello || *what == kind::answer || *what == kind::group ||
                           *what == kind::switched || *what == kind::missing;
    if (is_longer || message.size() != note_size || get8(message, 7) != 0) {
        return std::nullopt;
    }
    return note{*what, get64(message, 8)};
}

std::vector<std::byte> encode(const group_call& what) {
    std::vector<std::byte> out(call_size);
    put_preamble(out, kind::group, 0);
    put32(out, 8, what.window);
    put32(out, 12, what.datagram);
    const auto where = encode_source(what.where.raw());
    std::ranges::copy(where, out.begin() + note_size);
    return out;
}

std::optional<group_call> decode_group_call(std::span<const std::byte> message) noexcept {
    if (message.size() != call_size) {
        return std::nullopt;
    }
    const group_call out{decode_source(message.subspan(note_size).first<source_size>()), get32(message, 8),
                         get32(message, 12)};
    const bool sound = out.window != 0 && out.datagram > head_size && out.where.is_multicast();
    return sound ? std::optional(out) : std::nullopt;
}

std::vector<std::byte> encode(const turn& what) {
    std::vector<std::byte> out(turn_size);
    put_preamble(out, kind::switched, 0);
    put64(out, 8, what.channel);
    put64(out, 16, what.position);
    put64(out, 24, what.stream);
    return out;
}

std::optional<turn> decode_turn(std::span<const std::byte> message) noexcept {
    return message.size() == turn_size
               ? std::optional(turn{get64(message, 8), get64(message, 16), get64(message, 24)})
               : std::nullopt;
}

std::vector<std::byte> encode(std::span<const range> missing) {
    std::vector<std::byte> out(note_size + range_size * missing.size());
    put_preamble(out, kind::missing, 0);
    put64(out, 8, missing.size());
    for (std::size_t i = 0; i < missing.size(); ++i) {
        put64(out, note_size + range_size * i, missing[i].from);
        put64(out, note_size + range_size * i + 8, missing[i].to);
    }
    return out;
}

std::optional<std::vector<range>> decode_missing(std::span<const std::byte> message) {
    const std::uint64_t count = message.size() >= note_size ? get64(message, 8) : 0;
    if (count == 0 || count > ranges_max || message.size() != note_size + range_size * count) {
        return std::nullopt;
    }
    std::vector<range> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = {get64(message, note_size + range_size * i), get64(message, note_size + range_size * i + 8)};
        if (out[i].from >= out[i].to || (i != 0 && out[i].from < out[i - 1].to)) {
            return std::nullopt;
        }
    }
    return out;
}

head_bytes encode(const slice_head& what) noexcept {
    head_bytes out{};
    put64(out, 0, what.channel);
    put64(out, 8, what.position);
    put32(out, 16, what.size);
    put32(out, 20, what.granted);
    put8(out, 24, what.flags);
    put32(out, 28, what.number);
    return out;
}

std::optional<slice_head> decode_head(std::span<const std::byte> slice) noexcept {
    if (slice.size() < head_size) {
        return std::nullopt;
    }
    const slice_head out{get64(slice, 0),  get64(slice, 8), get32(slice, 16),
                         get32(slice, 20), get8(slice, 24), get32(slice, 28)};
    const bool known = (out.flags & ~all_slice_flags) == 0;
    const bool ends = (out.flags & flag_leaving) == 0 || (out.flags & flag_end) != 0;
    const bool carries = out.size == 0 || (out.flags & flag_data) != 0;
    const bool zeros =
        std::ranges::all_of(slice.subspan(25, 3), [](std::byte b) { return b == std::byte{0}; });
    return known && ends && carries && zeros && out.size == slice.size() - head_size ? std::optional(out)
                                                                                     : std::nullopt;
}

head_bytes encode(const datagram_head& what) noexcept {
    return encode(slice_head{what.channel, what.position, what.size, 0, flag_group, 0});
}

std::optional<datagram_head> decode_datagram(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < head_size) {
        return std::nullopt;
    }
    const datagram_head out{get64(bytes, 0), get64(bytes, 8), get32(bytes, 16)};
    const auto rest = encode(out);
    const bool same = std::ranges::equal(bytes.subspan(20, head_size - 20), std::span(rest).subspan(20));
    return same && out.size == bytes.size() - head_size ? std::optional(out) : std::nullopt;
}

record_bytes encode(const record& what) noexcept {
    record_bytes out{};
    put32(out, 0, what.size);
    out[4] = record_mark;
    put8(out, 5, what.has_source ? 1 : 0);
    return out;
}

std::optional<record> decode_record(std::span<const std::byte, record_size> bytes) noexcept {
    const record out{get32(bytes, 0), get8(bytes, 5) == 1};
    const bool marked = bytes[4] == record_mark && get8(bytes, 5) <= 1 && bytes[6] == std::byte{0} &&
                        bytes[7] == std::byte{0};
    const std::size_t head = out.has_source ? source_size : 0;
    const bool fits = out.size >= head && out.size - head <= message_max;
    return marked && fits ? std::optional(out) : std::nullopt;
}

source_bytes encode_source(const sockaddr* from) noexcept {
    source_bytes out{};
    if (from->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, from, sizeof in);
        put8(out, 0, 4);
        std::memcpy(out.data() + 2, &in.sin_port, 2);
        std::memcpy(out.data() + 4, &in.sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        sockaddr_in6 in6{};
        std::memcpy(&in6, from, sizeof in6);
        put8(out, 0, 6);
        std::memcpy(out.data() + 2, &in6.sin6_port, 2);
        std::memcpy(out.data() + 4, &in6.sin6_addr, 16);
    }
    return out;
}

address decode_source(std::span<const std::byte, source_size> bytes) noexcept {
    if (get8(bytes, 0) == 4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        std::memcpy(&in.sin_port, bytes.data() + 2, 2);
        std::memcpy(&in.sin_addr, bytes.data() + 4, 4);
        return address::of(reinterpret_cast<const sockaddr*>(&in), sizeof in);
    }
    if (get8(bytes, 0) == 6) {
        sockaddr_in6 in6{};
        in6.sin6_family = AF_INET6;
        std::memcpy(&in6.sin6_port, bytes.data() + 2, 2);
        std::memcpy(&in6.sin6_addr, bytes.data() + 4, 16);
        return address::of(reinterpret_cast<const sockaddr*>(&in6), sizeof in6);
    }
    return {};
}

} // namespace joinleaf::rdma::wire
