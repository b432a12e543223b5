// SPDX-License-Identifier: Apache-2.0
//
// The bytes of the session layer, as WIRE.md describes them: control messages, slice heads, records. Pure: no state,
// every function is safe from any thread.
#pragma once

#include "base.hpp"

#include "joinleaf/provider.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <tl/expected.hpp>

namespace joinleaf::rdma::wire {

inline constexpr std::uint32_t magic = 0x4A4C5244; // "JLRD"
inline constexpr std::uint8_t newest_version = 1;
inline constexpr std::uint8_t oldest_version = 1;

inline constexpr std::size_t data_max = 4096;   // caller or callee data
inline constexpr std::size_t address_max = 512; // of the data plane
inline constexpr std::size_t qos_size = 64;
inline constexpr std::size_t note_size = 16;     // a control message that is no greeting
inline constexpr std::size_t greeting_size = 56; // fixed part of hello and answer
inline constexpr std::size_t control_max = greeting_size + data_max + address_max + qos_size;

enum class kind : std::uint8_t {
    hello = 1,
    answer = 2,
    wait = 3,     // the request is queued at the application
    finished = 4, // everything up to the sender's end has come
    quiet = 5,    // no more messages are wanted
    asleep = 6,   // value: slices seen so far; a later one has to be followed by wake
    wake = 7,
    group = 8,     // root: it sends to a group, which the leaf may join; a group_call
    joined = 9,    // leaf: it hears the group; value: datagrams that it has room for
    switched = 10, // root: from some position on the leaf's data go to the group; a turn
    parted = 11,   // leaf: it does not hear the group, value: why; root: the leaf shall leave it
    missing = 12,  // leaf: what has not come; ranges
    taken = 13,    // leaf; value: position in the group's stream up to which it needs nothing any more
    sent = 14,     // root; value: position up to which everything has gone to the group
    channel = 15,  // root; value: what later datagrams name
};
enum class control_role : std::uint8_t { root = 1, leaf = 2 };
enum class data_role : std::uint8_t { root = 1, leaf = 2 };

// Why an answer refuses; the joiner makes its sentence of it.
enum class reason : std::uint8_t {
    none = 0,
    application = 1,
    backlog = 2,
    closing = 3,
    version = 4,
    role = 5,
    malformed = 6,
    resources = 7,
};

// A hello or an answer.
struct greeting {
    kind what = kind::hello;
    control_role role = control_role::root;
    data_role data = data_role::root;
    std::uint32_t direction = JL_BOTH;
    std::int32_t code = 0; // of an answer
    std::uint32_t callee_room = 0;
    reason why = reason::none;
    std::uint64_t channel = 0;   // what slices for the sender have to name
    std::uint64_t start = 0;     // position of the first byte that the sender will send
    std::uint32_t window = 0;    // slices that the sender has buffers for
    std::uint32_t slice = 0;     // bytes of the largest slice that it takes
    std::vector<std::byte> user; // caller or callee data
    std::vector<std::byte> data_address;
    std::optional<QOS> qos;
};

enum class fault : std::uint8_t { foreign, version, malformed };

[[nodiscard]] const char* text(fault what) noexcept;
[[nodiscard]] const char* text(reason why) noexcept;

[[nodiscard]] std::vector<std::byte> encode(const greeting& what);
[[nodiscard]] tl::expected<greeting, fault> decode_greeting(std::span<const std::byte> message);

// Any other control message.
struct note {
    kind what = kind::wait;
    std::uint64_t value = 0;
};
using note_bytes = std::array<std::byte, note_size>;
[[nodiscard]] note_bytes encode(const note& what) noexcept;

// Where a root sends to, once for all leaves that listen there.
struct group_call {
    address where;
    std::uint32_t window = 0;   // datagrams that will be under way at most
    std::uint32_t datagram = 0; // bytes of the largest one, head included
};
[[nodiscard]] std::vector<std::byte> encode(const group_call& what);
[[nodiscard]] std::optional<group_call> decode_group_call(std::span<const std::byte> message) noexcept;

// From where on a leaf's data come by the group, and where that is in the stream that the connection has carried.
struct turn {
    std::uint64_t channel = 0; // what datagrams name
    std::uint64_t position = 0;
    std::uint64_t stream = 0;
};
[[nodiscard]] std::vector<std::byte> encode(const turn& what);
[[nodiscard]] std::optional<turn> decode_turn(std::span<const std::byte> message) noexcept;

// What a leaf asks for: bytes [from, to) of the group's stream, in ascending order.
struct range {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
};
inline constexpr std::size_t ranges_max = 60; // of one message
[[nodiscard]] std::vector<std::byte> encode(std::span<const range> missing);
// Nothing: none, too many, or not in ascending order.
[[nodiscard]] std::optional<std::vector<range>> decode_missing(std::span<const std::byte> message);

// The kind of a control message, or why it is none.
[[nodiscard]] tl::expected<kind, fault> kind_of(std::span<const std::byte> message) noexcept;
[[nodiscard]] std::optional<note> decode_note(std::span<const std::byte> message) noexcept;

// Before the bytes of each slice.
inline constexpr std::size_t head_size = 32;
inline constexpr std::uint8_t flag_end = 1;     // behind these bytes the sender sends no more messages
inline constexpr std::uint8_t flag_leaving = 2; // with end: it has left the session
inline constexpr std::uint8_t flag_data = 4; // takes a buffer that was granted; others carry the grant alone

struct slice_head {
    std::uint64_t channel = 0;
    std::uint64_t position = 0; // of the first byte behind the head, in the sender's stream
    std::uint32_t size = 0;     // bytes behind the head
    std::uint32_t granted = 0;  // data slices that the receiver of this may have sent in all, modulo 2^32
    std::uint8_t flags = 0;
    std::uint32_t number = 0; // of this data slice on its connection, modulo 2^32
};
using head_bytes = std::array<std::byte, head_size>;
[[nodiscard]] head_bytes encode(const slice_head& what) noexcept;
// Nothing: shorter than a head, of another length than it says, or with flags that do not exist.
[[nodiscard]] std::optional<slice_head> decode_head(std::span<const std::byte> slice) noexcept;

// A datagram of a group has such a head too, with a flag of its own; nothing: it is none. One without bytes says how far
// the group has got.
struct datagram_head {
    std::uint64_t channel = 0;
    std::uint64_t position = 0; // in the group's stream
    std::uint32_t size = 0;
};
[[nodiscard]] head_bytes encode(const datagram_head& what) noexcept;
[[nodiscard]] std::optional<datagram_head> decode_datagram(std::span<const std::byte> bytes) noexcept;

// Before each message in the stream.
inline constexpr std::size_t record_size = 8;
inline constexpr std::uint32_t message_max = 1u << 20;
inline constexpr std::size_t source_size = 20;
struct record {
    std::uint32_t size = 0;  // bytes behind it
    bool has_source = false; // they begin with the address of the message's first sender
};
using record_bytes = std::array<std::byte, record_size>;
[[nodiscard]] record_bytes encode(const record& what) noexcept;
[[nodiscard]] std::optional<record> decode_record(std::span<const std::byte, record_size> bytes) noexcept;

// Family (4, 6; 0: unknown), 0, port, address.
using source_bytes = std::array<std::byte, source_size>;
[[nodiscard]] source_bytes encode_source(const sockaddr* address) noexcept;
[[nodiscard]] address decode_source(std::span<const std::byte, source_size> bytes) noexcept;

} // namespace joinleaf::rdma::wire
