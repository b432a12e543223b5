// SPDX-License-Identifier: Apache-2.0
// The commands `send` and `recv`.
#pragma once

#include "result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace joinleaf::cli {

/// What both sides are told.
struct transfer_options {
    std::string config;                        ///< empty: the search order
    std::string file;                          ///< empty or "-": standard input or output
    std::string provider;                      ///< empty: the first entry that fits
    std::string address;                       ///< empty: any (a rooted send only)
    std::chrono::duration<double> timeout{30}; ///< longest wait for a leaf, for data, for an answer
    bool quiet = false;                        ///< no progress and no notes
};

struct send_options : transfer_options {
    std::size_t leaves = 1;
    bool lines = false;
    std::uint64_t rate = 0; ///< bytes a second; 0: what the transport takes, on an unreliable one 10 MiB
};

/// Sends to `leaves` receivers and hears from each how it went. status::success only if all have everything.
result<void> send(const send_options& options);

/// Receives one transfer. status::success only if everything came and its SHA-256 is the sender's.
result<void> receive(const transfer_options& options);

} // namespace joinleaf::cli
