// SPDX-License-Identifier: Apache-2.0
//
// The options of one YAML entry: the table the runtime shows and checks, and its values as this provider uses
// them. Every function is [init].
#pragma once

#include "address.hpp"
#include "base.hpp"

#include <tl/expected.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace joinleaf::udp_mcast {

// Immutable once read.
struct settings {
    std::string interface;    // name of the link for sending and joining; empty: the kernel's choice
    in_addr source{};         // of group datagrams sent there; INADDR_ANY: the kernel's choice
    int ttl = 1;              // 0 ... 255
    bool loopback = true;     // whether group datagrams of senders on this host are received
    bool reuse = true;        // whether a join that binds shares the session's port
    bool offload = true;      // whether equal datagrams cross the stack as one
    bool fragment = false;    // whether session members' datagrams longer than the MTU are cut up
    std::size_t coalesce = 0; // bytes of a datagram of packed messages; 0: none is packed
    std::chrono::nanoseconds coalesce_delay{}; // how long a message waits for more
    std::chrono::nanoseconds gather{};         // how long a message of a flood waits for more; 0: not at all
    bool sequence = false;                     // whether messages to the session are numbered
    int receive_buffer = 0;                    // bytes; 0: the kernel's default
    int send_buffer = 0;                       // likewise
    std::vector<address> sources;              // empty: any source

    // Those of one family.
    [[nodiscard]] std::vector<address> sources_of(int family) const;
};

// The rows of the option table, in the order in which `read_settings` expects their values.
std::span<const jl_option* const> option_table() noexcept;

// Checks what the table cannot express. The sentence begins with the position of the value at fault.
tl::expected<settings, refusal> read_settings(const jl_create& create);

} // namespace joinleaf::udp_mcast
