// SPDX-License-Identifier: Apache-2.0
#include "ancillary.hpp"

#include <netinet/udp.h>

#include <cerrno>
#include <cstring>

namespace joinleaf::udp_mcast {

namespace {

bool is_group(const cmsghdr& note) noexcept {
    if (note.cmsg_level == IPPROTO_IP && note.cmsg_type == IP_ORIGDSTADDR) {
        sockaddr_in to{};
        std::memcpy(&to, CMSG_DATA(&note), sizeof to);
        return IN_MULTICAST(ntohl(to.sin_addr.s_addr));
    }
    if (note.cmsg_level == IPPROTO_IPV6 && note.cmsg_type == IPV6_PKTINFO) {
        in6_pktinfo to{};
        std::memcpy(&to, CMSG_DATA(&note), sizeof to);
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&to.ipi6_addr) && (to.ipi6_addr.s6_addr[12] & 0xf0U) == 0xe0U;
        return mapped || IN6_IS_ADDR_MULTICAST(&to.ipi6_addr);
    }
    return false;
}

// The first note that `fits`, or NULL.
template <class Fits> const cmsghdr* find_note(const msghdr& header, Fits fits) noexcept {
    auto& all = const_cast<msghdr&>(header); // which the macros only read
    for (auto* note = CMSG_FIRSTHDR(&all); note != nullptr; note = CMSG_NXTHDR(&all, note)) {
        if (fits(*note)) {
            return note;
        }
    }
    return nullptr;
}

} // namespace

int note_destinations(int fd, int family) noexcept {
    const int yes = 1;
    // IP_PKTINFO would tell it too, and look up a route for each datagram.
    const bool six = family == AF_INET6;
    return ::setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVPKTINFO : IP_RECVORIGDSTADDR,
                        &yes, sizeof yes) == 0
               ? 0
               : errno;
}

bool came_to_group(const msghdr& header) noexcept {
    return find_note(header, is_group) != nullptr;
}

std::size_t segment_of(const msghdr& header) noexcept {
    const auto* const note = find_note(
        header, [](const cmsghdr& one) { return one.cmsg_level == SOL_UDP && one.cmsg_type == UDP_GRO; });
    int size = 0;
    if (note != nullptr) {
        std::memcpy(&size, CMSG_DATA(note), sizeof size);
    }
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

} // namespace joinleaf::udp_mcast
