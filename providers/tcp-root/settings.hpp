// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "joinleaf/provider.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace joinleaf::tcp_root {

// The values of one YAML entry's options. Shared by everything that the entry's instance makes.
struct settings {
    std::chrono::nanoseconds join_timeout;
    std::chrono::nanoseconds handshake_timeout;
    std::chrono::nanoseconds leaf_timeout;
    std::size_t handshake_limit;
    std::size_t send_buffer;
    std::size_t recv_buffer;
};

// The table from which the parser, the schema and the documentation are made.
std::span<const jl_option* const> option_table() noexcept;

settings read_settings(const jl_create& create);

} // namespace joinleaf::tcp_root
