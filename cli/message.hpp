// SPDX-License-Identifier: Apache-2.0
// What `joinleaf send` and `joinleaf recv` say to one another, whatever the transport.
//
// A message of the session is a header of 32 bytes, numbers big-endian, and a payload that ends with the message:
//
//   0  magic    "JLTR"
//   4  version  1
//   5  kind
//   6  flags
//   8  session  drawn by the sender for one transfer; 0 in `here`
//  16  number   data: sequence from 0; end: messages sent; here and report: the receiver's own number
//  24  length   of the payload
#pragma once

#include "digest.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace joinleaf::cli {

enum class kind : std::uint8_t {
    here = 1,   ///< receiver: I am a member and wait; needed where the control plane is nonrooted
    begin = 2,  ///< sender: the transfer has begun, or still goes on while its source is silent
    data = 3,   ///< sender
    end = 4,    ///< sender: everything was sent
    report = 5, ///< receiver: how it went
    bye = 6,    ///< sender: all reports are there
};

constexpr std::uint16_t flag_line_ends = 1; ///< data: a line ends here, its line feed is not among the bytes

struct header {
    cli::kind kind = kind::data;
    std::uint16_t flags = 0;
    std::uint64_t session = 0;
    std::uint64_t number = 0;
};

constexpr std::size_t header_size = 32;
using header_bytes = std::array<std::byte, header_size>;
using payload = std::vector<std::byte>;

header_bytes encode(const header& value, std::size_t payload_size);

/// The header of a whole message; nothing where it is not one of ours or its length does not fit.
std::optional<header> decode(std::span<const std::byte> message);

/// Payload of `begin`: what is coming.
struct description {
    std::optional<std::uint64_t> size; ///< bytes, where the sender knows
    std::string name;                  ///< of the sender's file; empty for standard input
};

payload encode(const description& value, std::size_t room);
std::optional<description> decode_description(std::span<const std::byte> bytes);

/// Payload of `end`.
struct summary {
    std::uint64_t bytes = 0;
    digest::value sha256{};
};

payload encode(const summary& value);
std::optional<summary> decode_summary(std::span<const std::byte> bytes);

/// Payload of `report`.
struct report {
    bool complete = false; ///< everything came and its SHA-256 is the sender's
    std::uint64_t bytes = 0;
    std::uint64_t lost = 0; ///< messages
};

payload encode(const report& value);
std::optional<report> decode_report(std::span<const std::byte> bytes);

/// A number that two processes do not draw alike; never 0.
std::uint64_t draw_number();

} // namespace joinleaf::cli
