// SPDX-License-Identifier: Apache-2.0
//
// Numbers with units, as they stand in configuration files and in providers' options. A number is whole, is followed
// by its unit without a space, and never goes without one; the error says what was found and which units are allowed.
#pragma once

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace joinleaf::config {

/// `10ns`, `5us`, `250ms`, `1s`, `5min`, `1h`. Overflow is an error. [any]
tl::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text);

/// Bytes: `512B`, `64KiB`, `4MiB`, `1GiB`, `1TiB`, and by thousands `64kB`, `4MB`, `1GB`, `1TB`. Overflow is an
/// error. [any]
tl::expected<std::uint64_t, std::string> parse_size(std::string_view text);

/// Bits per second: `500bit`, `64kbit`, `100Mbit`, `1Gbit`, `1Tbit`, all by thousands. Overflow is an error. [any]
tl::expected<std::uint64_t, std::string> parse_rate(std::string_view text);

} // namespace joinleaf::config
