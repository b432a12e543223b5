// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "joinleaf/provider.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace joinleaf::tcp_root {

// What is done about a leaf that does not keep up.
struct slow_rule {
    enum class policy : std::uint8_t { block = 1, drop_newest = 2, drop_oldest = 3, disconnect = 4 };

    policy what = policy::block;
    std::size_t bytes = 0;           // of the log that may wait for it
    std::chrono::nanoseconds time{}; // that the oldest of it may wait, or a send for it
};

// The values of one YAML entry's options. Shared by everything that the entry's instance makes.
struct settings {
    std::chrono::nanoseconds join_timeout;
    std::chrono::nanoseconds handshake_timeout;
    std::chrono::nanoseconds leaf_timeout;
    std::size_t handshake_limit;
    std::size_t send_buffer;
    std::size_t recv_buffer;
    slow_rule slow_leaf;
    std::chrono::nanoseconds heartbeat;         // 0: none
    std::chrono::nanoseconds heartbeat_timeout; // 0: silence is no reason

    // The longest silence of this side, as a greeting tells it.
    [[nodiscard]] std::uint16_t beat() const noexcept;
};

// JL_SO_SLOW_LEAF: what the application leaves open stays as it is in rule. WSAEFAULT, WSAEINVAL.
std::int32_t load_slow_rule(const void* value, std::uint32_t size, const settings& limits,
                            slow_rule& rule) noexcept;
std::int32_t store_slow_rule(const slow_rule& rule, void* value, std::uint32_t* size) noexcept;

// The table from which the parser, the schema and the documentation are made.
std::span<const jl_option* const> option_table() noexcept;

settings read_settings(const jl_create& create);

} // namespace joinleaf::tcp_root
