// SPDX-License-Identifier: Apache-2.0
//
// What a socket does not want to receive, decided in the kernel by a classic BPF program, so that the
// descriptor is readable exactly when there is something to read and receiving stays one system call. Every
// function is [any].
#pragma once

#include "address.hpp"

#include <linux/filter.h>

#include <vector>

namespace joinleaf::udp_mcast {

// An IPv6 group that was joined on one link. The kernel matches an IPv6 group whatever link the datagram came
// by.
struct group_on_link {
    in6_addr group;
    unsigned link; // never 0
};

// The default admits everything.
struct packet_filter {
    bool nothing = false;              // drops everything
    bool local_multicast = true;       // false: drops multicast of senders on this host
    std::vector<group_on_link> groups; // drops multicast to one of these groups that came by another link
    address only_to;                   // drops unicast to any other local address; length 0: none

    [[nodiscard]] bool admits_everything() const noexcept;

    // The program that decides it.
    [[nodiscard]] std::vector<sock_filter> program() const;

    // Puts the program in force on a socket, or takes the former one away. 0 or an errno, and then nothing
    // changed.
    [[nodiscard]] int attach(int fd) const;
};

} // namespace joinleaf::udp_mcast
