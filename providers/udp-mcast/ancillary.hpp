// SPDX-License-Identifier: Apache-2.0
//
// What the kernel notes about a datagram that it hands over. Every function is [any].
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>

namespace joinleaf::udp_mcast {

// Room for the notes about one datagram or super-packet: its destination, in either family, and the bytes of
// a segment.
struct alignas(cmsghdr) note_space {
    std::array<char, CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int))> bytes;
};

// Has the kernel note the destination of each datagram, which costs every receive a little; an IPv6 socket may get
// IPv4 as well. 0 or an errno.
int note_destinations(int fd, int family) noexcept;

// Whether it was addressed to a group; false where the destination is not noted.
bool came_to_group(const msghdr& header) noexcept;

// Bytes of each datagram of a super-packet; 0: it is a lone datagram.
std::size_t segment_of(const msghdr& header) noexcept;

} // namespace joinleaf::udp_mcast
