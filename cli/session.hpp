// SPDX-License-Identifier: Apache-2.0
// Building a session with the multipoint calls: the sender is its root, the receivers are its leaves.
#pragma once

#include "address.hpp"
#include "entry.hpp"
#include "link.hpp"
#include "result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace joinleaf::cli {

/// A leaf as the root of a rooted session sees it.
struct member {
    unique_socket socket;                ///< readable once the leaf has gone
    std::optional<std::uint64_t> number; ///< its own, where the entry carries connect data
    std::string from;                    ///< its address
};

/// The sender's socket. Rooted control: a listening c_root. Nonrooted: a member of the group.
struct root {
    link session;
    address where; ///< what receivers are given: the listening address, or the group with its port
};

/// Opens the sender's side; where: the address to listen on, or the group; nothing: any address (rooted only).
/// A port 0 is filled in.
result<root> open_root(const entry& with, const std::optional<address>& where);

/// Takes the next leaf that asks; nothing when the deadline came first. Rooted control only.
result<std::optional<member>> admit(const root& at, clock::time_point deadline);

/// Joins as a receiver, again and again while nobody listens there yet. number: this receiver's own, carried to
/// the root where the entry can.
result<link> join(const entry& with, const address& where, std::uint64_t number, clock::time_point deadline);

} // namespace joinleaf::cli
