// SPDX-License-Identifier: Apache-2.0
//
// The groups of one socket. WSAJoinLeaf and the BSD options act on this one state (IO-29); the kernel keeps
// it, and what it does not decide, the link of an IPv6 group, goes into the socket's filter. [caller] of the
// sending direction. Every function answers 0 or an errno.
#pragma once

#include "address.hpp"
#include "packet_filter.hpp"

#include <vector>

namespace joinleaf::udp_mcast {

class memberships {
  public:
    explicit memberships(int fd) noexcept : fd_(fd) {}

    // Puts a changed filter in force, keeping its groups.
    int set_filter(packet_filter filter);
    [[nodiscard]] const packet_filter& filter() const noexcept { return filter_; }

    // link 0: the kernel's choice. EADDRINUSE: a member already; ENODEV: no such link, or no route decides.
    int add(const address& group, unsigned link);
    int drop(const address& group, unsigned link);

    // One sender of a group. EADDRNOTAVAIL: admitted already (add), or not admitted (drop).
    int add_source(const address& group, const address& source, unsigned link);
    int drop_source(const address& group, const address& source, unsigned link);

    // Shuts one sender of an any-source membership out, and lets it in again.
    int block_source(const address& group, const address& source, unsigned link);
    int unblock_source(const address& group, const address& source, unsigned link);

  private:
    struct membership {
        in6_addr group;
        unsigned link;    // 0 stands for any link
        unsigned sources; // senders asked for; 0: any
    };
    template <class Ask> int joining(const address& group, unsigned link, Ask ask);
    int group_request(int option, const address& group, unsigned link) const;
    int source_request(int option, const address& group, const address& source, unsigned link) const;
    std::vector<membership>::iterator find(const address& group, unsigned link);
    void forget(const address& group, unsigned link);
    int put_in_force(const std::vector<membership>& six);

    int fd_;
    packet_filter filter_;
    std::vector<membership> six_;
};

} // namespace joinleaf::udp_mcast
