// SPDX-License-Identifier: Apache-2.0
//
// How far a message goes, with a router between two networks.
#include "two_bridges.hpp"

#include <linux/mroute.h>
#include <linux/mroute6.h>

#include <tuple>
#include <utility>

namespace joinleaf::udp_mcast::test {

namespace {

class Reach : public two_bridges {};

TEST_F(Reach, IO_27_Ttl_DecidesHowFarAMessageGoes) {
    host_network router;
    ASSERT_EQ(router.refusal(), "");
    connect(router, "eth0", 0, 254);
    connect(router, "eth1", 1, 254);
    int igmp = -1;
    bool routes = false;
    router.run([&] {
        igmp = ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_IGMP);
        const int on = 1;
        routes = ::setsockopt(igmp, IPPROTO_IP, MRT_INIT, &on, sizeof on) == 0;
        mfcctl way{};
        way.mfcc_origin.s_addr = ::inet_addr("10.9.0.1");
        ::inet_pton(AF_INET, group_.host().c_str(), &way.mfcc_mcastgrp);
        for (vifi_t number = 0; number < 2; ++number) {
            vifctl link{};
            link.vifc_vifi = number;
            link.vifc_flags = VIFF_USE_IFINDEX;
            link.vifc_threshold = 1;
            link.vifc_lcl_ifindex = static_cast<int>(::if_nametoindex(number == 0 ? "eth0" : "eth1"));
            routes = routes && ::setsockopt(igmp, IPPROTO_IP, MRT_ADD_VIF, &link, sizeof link) == 0;
        }
        way.mfcc_ttls[1] = 1;
        routes = routes && ::setsockopt(igmp, IPPROTO_IP, MRT_ADD_MFC, &way, sizeof way) == 0;
        // Replies would come the other way; only the forward direction is looked at.
        std::ignore = std::system("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0");
    });
    if (!routes) {
        ::close(igmp);
        GTEST_SKIP() << "this kernel routes no multicast (CONFIG_IP_MROUTE)";
    }
    const auto near_by = at(left_, "eth0");
    const auto far_away = at(right_, "eth0");
    const auto local = at(home_, "eth0");
    const auto sender = at(home_, "eth0");
    for (const auto* one : {&near_by, &far_away, &local}) {
        ASSERT_EQ((*one)->socket.join(group_), 0);
    }
    ASSERT_EQ(sender->socket.join(group_, JL_SENDER_ONLY), 0);
    for (const auto& [ttl, text] : {std::pair(0, "host"), std::pair(1, "network"), std::pair(2, "one router"),
                                    std::pair(0, "host again")}) {
        ASSERT_EQ(sender->socket.control(SIO_MULTICAST_SCOPE, ttl), 0);
        EXPECT_EQ(sender->socket.send(text), 0);
        EXPECT_EQ(local->socket.next().text, text);
    }
    EXPECT_EQ(near_by->socket.next().text, "network");
    EXPECT_EQ(near_by->socket.next().text, "one router");
    EXPECT_EQ(far_away->socket.next().text, "one router");
    EXPECT_TRUE(near_by->socket.is_quiet());
    EXPECT_TRUE(far_away->socket.is_quiet());
    ::close(igmp);
}

TEST_F(Reach, IO_27_Scope_DecidesHowFarAMessageGoesOverIPv6) {
    host_network router;
    ASSERT_EQ(router.refusal(), "");
    connect(router, "eth0", 0, 254);
    connect(router, "eth1", 1, 254);
    int control = -1;
    bool routes = false;
    router.run([&] {
        control = ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
        const int on = 1;
        routes = ::setsockopt(control, IPPROTO_IPV6, MRT6_INIT, &on, sizeof on) == 0;
        mf6cctl way{};
        way.mf6cc_origin.sin6_family = AF_INET6;
        ::inet_pton(AF_INET6, "fd09:0::1", &way.mf6cc_origin.sin6_addr);
        way.mf6cc_mcastgrp.sin6_family = AF_INET6;
        ::inet_pton(AF_INET6, six_.host().c_str(), &way.mf6cc_mcastgrp.sin6_addr);
        for (mifi_t number = 0; number < 2; ++number) {
            mif6ctl link{};
            link.mif6c_mifi = number;
            link.vifc_threshold = 1;
            link.mif6c_pifi = static_cast<unsigned short>(::if_nametoindex(number == 0 ? "eth0" : "eth1"));
            routes = routes && ::setsockopt(control, IPPROTO_IPV6, MRT6_ADD_MIF, &link, sizeof link) == 0;
        }
        IF_SET(1, &way.mf6cc_ifset);
        routes = routes && ::setsockopt(control, IPPROTO_IPV6, MRT6_ADD_MFC, &way, sizeof way) == 0;
    });
    if (!routes) {
        ::close(control);
        GTEST_SKIP() << "this kernel routes no multicast of IPv6 (CONFIG_IPV6_MROUTE)";
    }
    const auto near_by = at(left_, "eth0", AF_INET6);
    const auto far_away = at(right_, "eth0", AF_INET6);
    const auto local = at(home_, "eth0", AF_INET6);
    const auto sender = at(home_, "eth0", AF_INET6);
    ASSERT_EQ(sender->socket.bind(place("fd09:0::1", 0)), 0); // not its link's address, which is not routed
    for (const auto* one : {&near_by, &far_away, &local}) {
        ASSERT_EQ((*one)->socket.join(six_), 0);
    }
    ASSERT_EQ(sender->socket.join(six_, JL_SENDER_ONLY), 0);
    for (const auto& [hops, text] : {std::pair(0, "host"), std::pair(1, "network"),
                                     std::pair(2, "one router"), std::pair(0, "host again")}) {
        ASSERT_EQ(sender->socket.control(SIO_MULTICAST_SCOPE, hops), 0);
        EXPECT_EQ(sender->socket.send(text), 0);
        EXPECT_EQ(local->socket.next().text, text);
    }
    EXPECT_EQ(near_by->socket.next().text, "network");
    EXPECT_EQ(near_by->socket.next().text, "one router");
    EXPECT_EQ(far_away->socket.next().text, "one router");
    EXPECT_TRUE(near_by->socket.is_quiet());
    EXPECT_TRUE(far_away->socket.is_quiet());
    ::close(control);
}

} // namespace

} // namespace joinleaf::udp_mcast::test
