// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "group_record.hpp"

#include "joinleaf/provider.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace joinleaf::rdma {

// The values of one YAML entry's options. Shared by everything that the entry's instance makes.
struct settings {
    std::string engine;
    std::string fabric;
    bool polled = false; // engine ofi: the application never waits for long
    address local;     // size 0: none is preferred
    address multicast; // where roots of that family send once for all leaves; size 0: nowhere
    std::string group; // the same as it is written
    std::shared_ptr<group_record> record = std::make_shared<group_record>();
    std::chrono::nanoseconds join_timeout;
    std::chrono::nanoseconds handshake_timeout;
    std::chrono::nanoseconds leaf_timeout;
    std::size_t handshake_limit;
    std::size_t send_buffer;
    std::size_t recv_buffer;
    std::size_t slice;
    std::uint32_t window;
};

// The table from which the parser, the schema and the documentation are made.
std::span<const jl_option* const> option_table() noexcept;

settings read_settings(const jl_create& create);

} // namespace joinleaf::rdma
