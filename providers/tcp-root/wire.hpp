// SPDX-License-Identifier: Apache-2.0
//
// The bytes of tcp-root on a TCP connection, as WIRE.md describes them: a greeting in each direction, then
// frames. Pure: no socket, no allocation, no state; every function is safe from any thread.
#pragma once

#include "joinleaf/provider.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <tl/expected.hpp>

namespace joinleaf::tcp_root::wire {

inline constexpr std::uint32_t magic = 0x4A4C5452; // "JLTR"

// The versions of the wire format that this build speaks.
inline constexpr std::uint8_t newest_version = 1;
inline constexpr std::uint8_t oldest_version = 1;

// Bytes of a greeting: the fixed part, then the caller's or callee's data, then the QoS if there is one.
inline constexpr std::size_t greeting_size = 32;
inline constexpr std::size_t qos_size = 64;
inline constexpr std::size_t data_max = 4096;
inline constexpr std::size_t greeting_max = greeting_size + data_max + qos_size;

enum class kind : std::uint8_t { hello = 1, answer = 2, wait = 3 };
enum class control_role : std::uint8_t { root = 1, leaf = 2 };
enum class data_role : std::uint8_t { root = 1, leaf = 2 };
enum class data_plane : std::uint8_t { rooted = 1, nonrooted = 2 };

// Why an answer refuses; the joiner makes its sentence of it.
enum class reason : std::uint8_t {
    none = 0,
    application = 1, // the condition function rejected it
    backlog = 2,     // more requests wait than listen allows
    closing = 3,     // the listener is being closed
    version = 4,     // no version in common
    role = 5,        // a root invited a root, a leaf asked a leaf
    plane = 6,       // the other side has another data plane
    malformed = 7,   // the hello breaks a rule of WIRE.md
    qos = 8,         // the quality of service that was asked for cannot be honoured
};

// Who somebody is in a session.
struct roles {
    control_role control = control_role::leaf;
    data_role data = data_role::leaf;
    data_plane plane = data_plane::rooted;

    bool operator==(const roles&) const = default;
};

// The fixed part of a hello, an answer or a wait notice.
struct greeting {
    kind what = kind::hello;
    std::uint8_t newest = newest_version;
    std::uint8_t oldest = oldest_version;
    roles who;
    std::uint32_t direction = JL_BOTH; // JL_*_ONLY or JL_BOTH, of the socket that joins
    std::int32_t code = 0;             // answer: 0 or the Winsock code that the joiner completes with
    reason why = reason::none;
    std::uint32_t callee_room = 0; // hello: bytes of callee data that the joiner takes (JL-84)
    std::uint32_t data_size = 0;   // bytes of caller data (hello) or callee data (answer) that follow
    bool has_qos = false;          // 64 bytes of QoS follow the data
    std::uint16_t beat = 0; // the sender is never silent for longer than so many units of 10 ms; 0: it may be

    // Bytes behind the fixed part.
    [[nodiscard]] std::size_t rest() const noexcept { return data_size + (has_qos ? qos_size : 0); }
};

// What is wrong with bytes that came.
enum class fault : std::uint8_t {
    foreign,  // not this protocol at all
    version,  // this protocol, but no version in common
    malformed // this protocol and version, but a rule is broken
};

// A sentence for a log line, without a full stop. Static.
const char* text(fault what) noexcept;
const char* text(reason why) noexcept;

using greeting_bytes = std::array<std::byte, greeting_size>;

greeting_bytes encode(const greeting& what) noexcept;

// False: bytes that begin so never become a greeting.
bool may_be_greeting(std::span<const std::byte> begin) noexcept;

// Takes the fixed part apart and checks every field of it.
tl::expected<greeting, fault> decode(std::span<const std::byte, greeting_size> bytes) noexcept;

// The two FLOWSPECs; provider-specific bytes do not travel.
std::array<std::byte, qos_size> encode_qos(const QOS& qos) noexcept;
QOS decode_qos(std::span<const std::byte, qos_size> bytes) noexcept;

// ---- frames, after the greetings ----

inline constexpr std::size_t frame_size = 8; // bytes before a frame's payload
inline constexpr std::size_t source_size =
    20; // a source address in front of a message that the root passes on
inline constexpr std::uint32_t message_max = 16u << 20;

enum class frame_kind : std::uint8_t {
    message = 1,
    end = 2,   // nothing more comes from the sender of this frame
    quiet = 3, // the sender of this frame wants no more messages
    qos = 4,   // another quality of service, as the sender of this frame sees it; see encode_qos
    gap = 5,   // messages were not sent here because the receiver was too slow for them
    beat = 6,  // the sender of this frame is alive
};

inline constexpr std::uint32_t gap_size = 4; // payload of a gap: how many messages

inline constexpr std::uint8_t flag_source = 1; // message: a source address comes before the data
inline constexpr std::uint8_t flag_echo = 2;   // message from a leaf: it shall come back to its sender too
inline constexpr std::uint8_t flag_leaving =
    1; // end: the sender has left the session, not only shut its sending side
inline constexpr std::uint8_t flag_final = 1; // qos: the sender takes no other one in answer

struct frame {
    frame_kind what = frame_kind::message;
    std::uint8_t flags = 0;
    std::uint32_t size = 0; // bytes after the eight

    [[nodiscard]] bool has_source() const noexcept {
        return what == frame_kind::message && (flags & flag_source) != 0;
    }
    [[nodiscard]] bool wants_echo() const noexcept {
        return what == frame_kind::message && (flags & flag_echo) != 0;
    }
    [[nodiscard]] bool is_leaving() const noexcept {
        return what == frame_kind::end && (flags & flag_leaving) != 0;
    }
};

using frame_bytes = std::array<std::byte, frame_size>;

frame_bytes encode(const frame& what) noexcept;

// A whole gap frame.
using gap_bytes = std::array<std::byte, frame_size + gap_size>;
gap_bytes encode_gap(std::uint64_t messages) noexcept;
std::uint32_t decode_gap(std::span<const std::byte, gap_size> payload) noexcept;

// Nothing: the eight bytes are no frame.
std::optional<frame> decode_frame(std::span<const std::byte, frame_size> bytes) noexcept;

// The address of a message's first sender. Only AF_INET and AF_INET6 travel; anything else becomes an empty
// one.
std::array<std::byte, source_size> encode_source(const sockaddr* address) noexcept;

// Writes the address into room bytes at out; the length, 0 when there is none or no room for it.
std::uint32_t decode_source(std::span<const std::byte, source_size> bytes, sockaddr* out,
                            std::uint32_t room) noexcept;

} // namespace joinleaf::tcp_root::wire
