// SPDX-License-Identifier: Apache-2.0
//
// The runtime that loaded this library: the sentences it is told. Every function is [any].
#pragma once

#include <joinleaf/provider.hpp>

#include <cstdint>
#include <string>

namespace joinleaf::udp_mcast {

// The table of the latest start; never NULL between a successful start and the end of the process.
const jl_host& host() noexcept;

// Keeps the table of a new start (CT-83).
void set_host(const jl_host& table) noexcept;

// The sentence behind the error that the calling function is about to answer or to complete with.
void explain(const std::string& sentence) noexcept;

// level: JL_LOG_*.
void log(std::uint32_t level, const std::string& text) noexcept;

// A reason not to start, and its Winsock code.
struct refusal {
    std::int32_t code;
    std::string sentence;
};

} // namespace joinleaf::udp_mcast
