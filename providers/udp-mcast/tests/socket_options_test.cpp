// SPDX-License-Identifier: Apache-2.0
//
// The BSD options beside the join: one state.
#include "scratch_socket.hpp"

#include <linux/filter.h>

namespace joinleaf::udp_mcast::test {

class SocketOptions : public private_network {
  protected:
    static ip_mreq membership(const char* group, const char* interface = "0.0.0.0") {
        ip_mreq request{};
        ::inet_pton(AF_INET, group, &request.imr_multiaddr);
        ::inet_pton(AF_INET, interface, &request.imr_interface);
        return request;
    }
    yaml_entry entry_;
    const place group_{"239.192.12.1", 21201};
};

class SocketOptionsSix : public private_network_six {
  protected:
    yaml_entry entry_;
    const place group_{"ff15::12:1", 21202};
};

TEST_F(SocketOptions, IO_29_GroupJoinedByTheSession_CannotBeAddedAgain) {
    scratch_socket member(entry_, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    EXPECT_EQ(member.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership("239.192.12.1")), WSAEADDRNOTAVAIL);
    group_req same{};
    std::memcpy(&same.gr_group, group_.get(), group_.length());
    EXPECT_EQ(member.set(IPPROTO_IP, MCAST_JOIN_GROUP, same), WSAEADDRNOTAVAIL);
}

TEST_F(SocketOptions, IO_29_GroupJoinedOnTheConfiguredInterface_CannotBeAddedAgain) {
    std::string why;
    if (!add_wire("opt0", "198.51.100.17", why)) {
        GTEST_SKIP() << why;
    }
    const yaml_entry by_wire({{"interface", {"opt0", 0, {}}}}); // the route goes by lo
    scratch_socket member(by_wire, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    for (const char* interface : {"0.0.0.0", "198.51.100.17"}) {
        EXPECT_EQ(member.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership("239.192.12.1", interface)),
                  WSAEADDRNOTAVAIL);
    }
}

TEST_F(SocketOptions, IO_29_GroupAddedBefore_MayBeJoined) {
    scratch_socket member(entry_, AF_INET, leaf);
    ASSERT_EQ(member.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership("239.192.12.1")), 0);
    ASSERT_EQ(member.join(group_), 0);
    EXPECT_EQ(member.send("once"), 0);
    EXPECT_EQ(member.next().text, "once");
    EXPECT_TRUE(member.is_quiet());
}

TEST_F(SocketOptions, IO_28_GroupTwice_AndDropOfOneNotJoined_FailWithAddrNotAvail) {
    scratch_socket one(entry_, AF_INET, 0);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_DROP_MEMBERSHIP, membership("239.192.12.1")), WSAEADDRNOTAVAIL);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership("239.192.12.1")), 0);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership("239.192.12.1")), WSAEADDRNOTAVAIL);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_DROP_MEMBERSHIP, membership("239.192.12.1")), 0);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_DROP_MEMBERSHIP, membership("239.192.12.1")), WSAEADDRNOTAVAIL);
}

TEST_F(SocketOptionsSix, IO_28_GroupTwice_AndDropOfOneNotJoined_FailWithAddrNotAvail) {
    scratch_socket one(entry_, AF_INET6, 0);
    ipv6_mreq request{};
    ::inet_pton(AF_INET6, "ff15::12:1", &request.ipv6mr_multiaddr);
    request.ipv6mr_interface = ::if_nametoindex("lo");
    EXPECT_EQ(one.set(IPPROTO_IPV6, IPV6_LEAVE_GROUP, request), WSAEADDRNOTAVAIL);
    EXPECT_EQ(one.set(IPPROTO_IPV6, IPV6_JOIN_GROUP, request), 0);
    EXPECT_EQ(one.set(IPPROTO_IPV6, IPV6_JOIN_GROUP, request), WSAEADDRNOTAVAIL);
    EXPECT_EQ(one.set(IPPROTO_IPV6, IPV6_LEAVE_GROUP, request), 0);
    EXPECT_EQ(one.set(IPPROTO_IPV6, IPV6_LEAVE_GROUP, request), WSAEADDRNOTAVAIL);
}

TEST_F(SocketOptionsSix, SeveralGroupsOnOneSocket_AreAllReceived) {
    scratch_socket member(entry_, AF_INET6, leaf);
    ASSERT_EQ(member.join(group_), 0);
    for (const bool by_link : {true, false}) {
        ipv6_mreq request{};
        ::inet_pton(AF_INET6, by_link ? "ff15::12:2" : "ff15::12:3", &request.ipv6mr_multiaddr);
        request.ipv6mr_interface = by_link ? ::if_nametoindex("lo") : 0;
        ASSERT_EQ(member.set(IPPROTO_IPV6, IPV6_JOIN_GROUP, request), 0);
    }
    for (const char* host : {"ff15::12:1", "ff15::12:2", "ff15::12:3"}) {
        EXPECT_EQ(member.send(host, place(host, group_.port())), 0);
        EXPECT_EQ(member.next().text, host);
    }
    ipv6_mreq second{};
    ::inet_pton(AF_INET6, "ff15::12:2", &second.ipv6mr_multiaddr);
    second.ipv6mr_interface = ::if_nametoindex("lo");
    ASSERT_EQ(member.set(IPPROTO_IPV6, IPV6_LEAVE_GROUP, second), 0);
    EXPECT_EQ(member.send("left", place("ff15::12:2", group_.port())), 0);
    EXPECT_EQ(member.send("stayed", place("ff15::12:3", group_.port())), 0);
    EXPECT_EQ(member.next().text, "stayed");
}

// Each group that is bound to a link is a rule of the filter; there must be room for many.
TEST_F(SocketOptionsSix, ManyGroupsOnOneLink_AreAllReceived) {
    scratch_socket member(entry_, AF_INET6, leaf);
    ASSERT_EQ(member.bind(place("::", group_.port())), 0);
    constexpr unsigned many = 100;
    for (unsigned i = 0; i < many; ++i) {
        ipv6_mreq request{};
        ::inet_pton(AF_INET6, "ff15::1200", &request.ipv6mr_multiaddr);
        request.ipv6mr_multiaddr.s6_addr[15] = static_cast<std::uint8_t>(i);
        request.ipv6mr_interface = ::if_nametoindex("lo");
        ASSERT_EQ(member.set(IPPROTO_IPV6, IPV6_JOIN_GROUP, request), 0) << i;
    }
    EXPECT_EQ(member.send("first", place("ff15::1200", group_.port())), 0);
    EXPECT_EQ(member.next().text, "first");
    EXPECT_EQ(member.send("last", place("ff15::1263", group_.port())), 0);
    EXPECT_EQ(member.next().text, "last");
}

TEST_F(SocketOptions, Membership_BadArguments) {
    scratch_socket one(entry_, AF_INET, 0);
    const int half = 0;
    EXPECT_EQ(one.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, half), WSAEFAULT);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership("127.0.0.1")), WSAEADDRNOTAVAIL);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership("239.192.12.1", "192.0.2.9")),
              WSAEADDRNOTAVAIL);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership("239.192.12.1", "0.0.77.77")), WSAENETUNREACH);
}

TEST_F(SocketOptions, InterfaceByIndexInZeroNet_IsWinsocksWay) {
    scratch_socket one(entry_, AF_INET, 0);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership("239.192.12.1", "0.0.0.1")), 0);
    in_addr link{};
    ::inet_pton(AF_INET, "0.0.0.1", &link);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_MULTICAST_IF, link), 0);
    in_addr read_back{};
    EXPECT_EQ(one.get(IPPROTO_IP, IP_MULTICAST_IF, read_back), 0);
    EXPECT_EQ(read_back.s_addr, link.s_addr);
    ::inet_pton(AF_INET, "192.0.2.9", &link);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_MULTICAST_IF, link), WSAEADDRNOTAVAIL);
}

TEST_F(SocketOptions, MulticastInterface_IsAlsoThatOfTheJoin) {
    std::string why;
    if (!add_wire("opt0", "198.51.100.17", why)) {
        GTEST_SKIP() << why;
    }
    scratch_socket member(entry_, AF_INET, leaf);
    in_addr link{};
    ::inet_pton(AF_INET, "198.51.100.17", &link);
    ASSERT_EQ(member.set(IPPROTO_IP, IP_MULTICAST_IF, link), 0);
    ASSERT_EQ(member.join(group_), 0);
    EXPECT_EQ(member.send("wire"), 0);
    EXPECT_EQ(member.next().from.host(), "198.51.100.17");
}

TEST_F(SocketOptions, Ttl_IsChecked) {
    scratch_socket one(entry_, AF_INET, 0);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_MULTICAST_TTL, 256), WSAEINVAL);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_MULTICAST_TTL, -1), WSAEINVAL);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_MULTICAST_TTL, static_cast<unsigned char>(3)), 0);
    int ttl = 0;
    EXPECT_EQ(one.get(IPPROTO_IP, IP_MULTICAST_TTL, ttl), 0);
    EXPECT_EQ(ttl, 3);
}

TEST_F(SocketOptions, BufferSize_ReadsBackAsSet) {
    scratch_socket one(entry_, AF_INET, 0);
    EXPECT_EQ(one.set(SOL_SOCKET, SO_RCVBUF, 65536), 0);
    int bytes = 0;
    EXPECT_EQ(one.get(SOL_SOCKET, SO_RCVBUF, bytes), 0);
    EXPECT_EQ(bytes, 65536);
}

TEST_F(SocketOptions, WhatTheRuntimeKeeps_AndWhatWouldUndoTheFilter_IsUnknownHere) {
    scratch_socket one(entry_, AF_INET, leaf);
    EXPECT_EQ(one.set(SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1), WSAENOPROTOOPT);
    EXPECT_EQ(one.set(SOL_SOCKET, SO_MAX_MSG_SIZE, 1), WSAENOPROTOOPT);
    EXPECT_EQ(one.set(SOL_SOCKET, SO_DETACH_FILTER, 1), WSAENOPROTOOPT);
    EXPECT_EQ(one.set(SOL_SOCKET, SO_ATTACH_FILTER, sock_fprog{}), WSAENOPROTOOPT);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_MULTICAST_ALL, 1), WSAENOPROTOOPT);
    EXPECT_EQ(one.set(IPPROTO_IP, IP_PKTINFO, 0), WSAENOPROTOOPT);
    EXPECT_EQ(one.set(SOL_SOCKET, SO_TYPE, 1), WSAENOPROTOOPT);
    EXPECT_EQ(one.set(SOL_SOCKET, SO_REUSEADDR, char{1}), WSAEFAULT);
}

TEST_F(SocketOptions, MaxPacingRate_IsTheKernelsOwn) {
    scratch_socket one(entry_, AF_INET, leaf);
    EXPECT_EQ(one.set(SOL_SOCKET, SO_MAX_PACING_RATE, std::uint32_t{125'000}), 0);
    std::uint32_t rate = 0;
    EXPECT_EQ(one.get(SOL_SOCKET, SO_MAX_PACING_RATE, rate), 0);
    EXPECT_EQ(rate, 125'000U);
}

} // namespace joinleaf::udp_mcast::test
