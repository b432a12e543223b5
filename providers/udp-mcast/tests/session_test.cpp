// SPDX-License-Identifier: Apache-2.0
//
// Joining: binding, outcome, what a member gets and what it does not.
#include "scratch_socket.hpp"

#include <poll.h>

namespace joinleaf::udp_mcast::test {

class Session : public private_network {
  protected:
    yaml_entry entry_;
    const place group_{"239.192.7.1", 20701};
};

class SessionSix : public private_network_six {
  protected:
    yaml_entry entry_;
    const place group_{"ff15::7:1", 20702};
};

TEST_F(Session, JL_94_MembersSendWithoutConnectAndHearEachOther) {
    scratch_socket one(entry_, AF_INET, leaf);
    scratch_socket other(entry_, AF_INET, leaf);
    ASSERT_EQ(one.join(group_), 0);
    ASSERT_EQ(other.join(group_), 0);
    EXPECT_EQ(one.send("to all"), 0);
    const auto got = other.next();
    EXPECT_EQ(got.code, 0);
    EXPECT_EQ(got.text, "to all");
    EXPECT_EQ(got.flags, JL_MSG_GROUP);
    EXPECT_EQ(got.from.host(), "127.0.0.1");
    EXPECT_EQ(got.from.port(), group_.port());
    EXPECT_EQ(one.next().text, "to all"); // IO-24: its own too
}

TEST_F(SessionSix, JL_94_MembersSendWithoutConnectAndHearEachOther) {
    scratch_socket one(entry_, AF_INET6, leaf);
    scratch_socket other(entry_, AF_INET6, leaf);
    ASSERT_EQ(one.join(group_), 0);
    ASSERT_EQ(other.join(group_), 0);
    EXPECT_EQ(one.send("to all"), 0);
    const auto got = other.next();
    EXPECT_EQ(got.text, "to all");
    EXPECT_EQ(got.flags, JL_MSG_GROUP);
    EXPECT_EQ(got.from.host(), "::1");
}

TEST_F(Session, JL_20_JL_23_UnboundReceiverGetsThePortOfTheSession) {
    scratch_socket member(entry_, AF_INET, leaf);
    std::int32_t code = 0;
    member.name(0, &code);
    EXPECT_EQ(code, WSAEINVAL);
    ASSERT_EQ(member.join(group_, JL_RECEIVER_ONLY), 0);
    EXPECT_EQ(member.name(0).port(), group_.port());
    EXPECT_EQ(member.name(0).host(), "0.0.0.0");
}

TEST_F(Session, JL_20_UnboundSenderGetsAPortOfItsOwn) {
    scratch_socket one(entry_, AF_INET, leaf);
    scratch_socket other(entry_, AF_INET, leaf);
    ASSERT_EQ(one.join(group_, JL_SENDER_ONLY), 0);
    ASSERT_EQ(other.join(group_, JL_SENDER_ONLY), 0);
    EXPECT_NE(one.name(0).port(), 0);
    EXPECT_NE(one.name(0).port(), other.name(0).port());
}

TEST_F(Session, JL_22_BoundSocketKeepsItsAddress) {
    scratch_socket member(entry_, AF_INET, leaf);
    ASSERT_EQ(member.bind(place("0.0.0.0", 20799)), 0);
    ASSERT_EQ(member.join(group_), 0);
    EXPECT_EQ(member.name(0).port(), 20799);
}

TEST_F(Session, JL_23_PortThatIsTaken_GivesAnotherAndSaysSo) {
    scratch_socket holder(entry_, AF_INET, 0);
    ASSERT_EQ(holder.bind(place("0.0.0.0", group_.port())), 0);
    scratch_socket member(entry_, AF_INET, leaf);
    EXPECT_EQ(member.join(group_), 0);
    EXPECT_NE(member.name(0).port(), 0);
    EXPECT_NE(member.name(0).port(), group_.port());
    ASSERT_EQ(heard().logs.size(), 1U);
    EXPECT_NE(heard().logs.front().find("port 20701 of session 239.192.7.1 cannot be had"), std::string::npos);
}

TEST_F(Session, OptionReuse_Off_LeavesThePortToTheFirst) {
    const yaml_entry alone({{"reuse", {"", 0, {}}}});
    scratch_socket first(alone, AF_INET, leaf);
    scratch_socket second(alone, AF_INET, leaf);
    ASSERT_EQ(first.join(group_), 0);
    ASSERT_EQ(second.join(group_), 0);
    EXPECT_EQ(first.name(0).port(), group_.port());
    EXPECT_NE(second.name(0).port(), group_.port());
}

TEST_F(Session, JL_08_NameThatIsNoGroup_IsAnArgumentErrorWithoutOutcome) {
    scratch_socket member(entry_, AF_INET, leaf);
    EXPECT_EQ(member.join(place("127.0.0.1", 5000)), WSAEADDRNOTAVAIL);
    EXPECT_EQ(member.join(place("0.0.0.0", 5000)), WSAEADDRNOTAVAIL);
    EXPECT_EQ(member.join(place("239.192.7.1", 0)), WSAEADDRNOTAVAIL);
    std::int32_t code = 0;
    member.name(0, &code);
    EXPECT_EQ(code, WSAEINVAL); // nothing happened
    EXPECT_EQ(member.join(group_), 0);
}

TEST_F(Session, JL_33_JL_60_NoRouteToTheGroup_ComesAsOutcomeAndTheSocketMayTryAgain) {
    scratch_socket member(entry_, AF_INET, leaf);
    std::string why;
    ASSERT_TRUE(joinleaf::test::set_link("lo", 0, IFF_UP, why)) << why;
    EXPECT_EQ(member.join(group_), WSAENETUNREACH);
    ASSERT_FALSE(heard().explanations.empty());
    EXPECT_NE(heard().explanations.back().find("no interface leads to group 239.192.7.1"), std::string::npos);
    EXPECT_EQ(member.name(0).port(), group_.port()); // JL-21
    ASSERT_TRUE(joinleaf::test::set_link("lo", IFF_UP, 0, why)) << why;
    ASSERT_TRUE(joinleaf::test::route_multicast(AF_INET, "lo", why)) << why;
    EXPECT_EQ(member.join(group_), 0);
    EXPECT_EQ(member.send("again"), 0);
    EXPECT_EQ(member.next().text, "again");
}

TEST_F(Session, JL_91_SenderOnly_IsNoMemberAndGetsNothing) {
    scratch_socket sender(entry_, AF_INET, leaf);
    scratch_socket member(entry_, AF_INET, leaf);
    ASSERT_EQ(sender.bind(place("0.0.0.0", 20703)), 0);
    ASSERT_EQ(sender.join(place("239.192.7.1", 20703), JL_SENDER_ONLY), 0);
    ASSERT_EQ(member.join(place("239.192.7.1", 20704)), 0);
    // To the sender's own port, from a member of the same group: a membership would let it through. Nor does
    // what comes by unicast make a descriptor readable that nothing may be received from.
    EXPECT_EQ(member.send("group", place("239.192.7.1", 20703)), 0);
    EXPECT_EQ(member.send("direct", place("127.0.0.1", 20703)), 0);
    EXPECT_EQ(member.send("done"), 0);
    EXPECT_EQ(member.next().text, "done");
    EXPECT_TRUE(sender.is_quiet());
    EXPECT_EQ(sender.send("heard"), 0);
}

TEST_F(Session, OneSessionPerSocket_AnotherGroupOnTheSamePortIsNotDelivered) {
    const place other_group("239.192.7.2", group_.port());
    scratch_socket one(entry_, AF_INET, leaf);
    scratch_socket other(entry_, AF_INET, leaf);
    ASSERT_EQ(one.join(group_), 0);
    ASSERT_EQ(other.join(other_group), 0);
    EXPECT_EQ(other.send("other"), 0);
    EXPECT_EQ(one.send("own"), 0);
    EXPECT_EQ(one.next().text, "own");
    EXPECT_TRUE(one.is_quiet());
    EXPECT_EQ(other.next().text, "other");
    EXPECT_TRUE(other.is_quiet());
}

TEST_F(SessionSix, OneSessionPerSocket_AnotherGroupOnTheSamePortIsNotDelivered) {
    scratch_socket one(entry_, AF_INET6, leaf);
    scratch_socket other(entry_, AF_INET6, leaf);
    ASSERT_EQ(one.join(group_), 0);
    ASSERT_EQ(other.join(place("ff15::7:2", group_.port())), 0);
    EXPECT_EQ(other.send("other"), 0);
    EXPECT_EQ(one.send("own"), 0);
    EXPECT_EQ(one.next().text, "own");
    EXPECT_TRUE(one.is_quiet());
    EXPECT_EQ(other.next().text, "other");
}

TEST_F(SessionSix, OneSessionPerSocket_TheSameGroupOnAnotherLinkIsNotDelivered) {
    std::string why;
    if (!add_wire("six0", "fd77::1", why)) {
        GTEST_SKIP() << why;
    }
    const auto by = [](const char* name) { return place("ff12::7:3", 20705, ::if_nametoindex(name)); };
    scratch_socket on_lo(entry_, AF_INET6, leaf);
    scratch_socket on_six(entry_, AF_INET6, leaf);
    ASSERT_EQ(on_lo.join(by("lo")), 0);
    ASSERT_EQ(on_six.join(by("six0")), 0);
    EXPECT_EQ(on_lo.send("by lo"), 0);
    EXPECT_EQ(on_lo.next().text, "by lo");
    EXPECT_EQ(on_six.send("by six"), 0);
    EXPECT_EQ(on_six.next().text, "by six");
    EXPECT_TRUE(on_lo.is_quiet());
    EXPECT_TRUE(on_six.is_quiet());
}

TEST_F(Session, UnicastToAMember_IsDeliveredAndNotMarkedAsGroup) {
    scratch_socket member(entry_, AF_INET, leaf);
    scratch_socket stranger(entry_, AF_INET, 0);
    ASSERT_EQ(member.join(group_), 0);
    EXPECT_EQ(stranger.send("direct", place("127.0.0.1", group_.port())), 0);
    const auto got = member.next();
    EXPECT_EQ(got.text, "direct");
    EXPECT_EQ(got.flags, 0U);
}

TEST_F(Session, IO_09_SendtoOnAMember_GoesToTheAddressGiven) {
    scratch_socket member(entry_, AF_INET, leaf);
    scratch_socket peer(entry_, AF_INET, 0);
    ASSERT_EQ(peer.bind(place("127.0.0.1", 0)), 0);
    ASSERT_EQ(member.join(group_), 0);
    EXPECT_EQ(member.send("aside", peer.name(0)), 0);
    EXPECT_EQ(peer.next().text, "aside");
    EXPECT_TRUE(member.is_quiet());
}

TEST_F(Session, JL_36_JL_78_ConnectOnAMember_ChangesTheDefaultDestinationOnly) {
    scratch_socket member(entry_, AF_INET, leaf);
    scratch_socket peer(entry_, AF_INET, 0);
    ASSERT_EQ(peer.bind(place("127.0.0.1", 0)), 0);
    std::int32_t code = 0;
    member.name(1, &code);
    EXPECT_EQ(code, WSAENOTCONN);
    ASSERT_EQ(member.join(group_), 0);
    EXPECT_EQ(member.name(1).host(), "239.192.7.1");
    ASSERT_EQ(member.connect(peer.name(0)), 0);
    EXPECT_EQ(member.name(1).port(), peer.name(0).port());
    EXPECT_EQ(member.send("to peer"), 0);
    EXPECT_EQ(peer.next().text, "to peer");
    EXPECT_EQ(peer.send("to group", group_),
              0); // another source than the peer of the kernel's connect would be
    EXPECT_EQ(member.next().text, "to group");
    ASSERT_EQ(member.connect(place("0.0.0.0", 0)), 0);
    EXPECT_EQ(member.name(1).host(), "239.192.7.1");
    EXPECT_EQ(member.send("back"), 0);
    EXPECT_EQ(member.next().text, "back");
}

// Microsoft's samples bind to the address of the interface that shall carry the session.
TEST_F(Session, JL_22_LeafBoundToAnInterfaceAddress_ReceivesOnThatInterface) {
    scratch_socket member(entry_, AF_INET, leaf);
    ASSERT_EQ(member.bind(place("127.0.0.1", 20706)), 0);
    EXPECT_EQ(member.name(0).host(), "127.0.0.1");
    ASSERT_EQ(member.join(place("239.192.7.6", 20706)), 0);
    EXPECT_EQ(member.name(0).host(), "127.0.0.1");
    EXPECT_EQ(member.send("here"), 0);
    const auto got = member.next();
    EXPECT_EQ(got.text, "here");
    EXPECT_EQ(got.from.host(), "127.0.0.1");
    EXPECT_EQ(got.from.port(), 20706);
}

TEST_F(Session, JL_22_LeafBoundToAnInterfaceAddress_LeavesTheOthersAlone) {
    std::string why;
    if (!add_wire("wire0", "198.51.100.1", why)) {
        GTEST_SKIP() << why;
    }
    scratch_socket on_wire(entry_, AF_INET, leaf);
    scratch_socket on_lo(entry_, AF_INET, leaf); // the route goes by lo
    for (auto* member : {&on_wire, &on_lo}) {
        ASSERT_EQ(member->set(SOL_SOCKET, SO_REUSEADDR, 1), 0);
    }
    ASSERT_EQ(on_wire.bind(place("198.51.100.1", group_.port())), 0);
    ASSERT_EQ(on_wire.join(group_), 0);
    ASSERT_EQ(on_lo.join(group_), 0);
    EXPECT_EQ(on_wire.send("by wire"), 0);
    const auto got = on_wire.next();
    EXPECT_EQ(got.text, "by wire");
    EXPECT_EQ(got.from.host(), "198.51.100.1");
    EXPECT_TRUE(on_lo.is_quiet());
}

TEST_F(Session, LeafBoundToOneAddress_IsNotReachedByAnother) {
    scratch_socket member(entry_, AF_INET, leaf);
    scratch_socket stranger(entry_, AF_INET, 0);
    ASSERT_EQ(member.bind(place("127.0.0.9", 0)), 0);
    const auto port = member.name(0).port();
    ASSERT_NE(port, 0);
    EXPECT_EQ(stranger.send("wrong", place("127.0.0.1", port)), 0);
    EXPECT_EQ(stranger.send("right", place("127.0.0.9", port)), 0);
    EXPECT_EQ(member.next().text, "right");
    EXPECT_TRUE(member.is_quiet());
    ASSERT_EQ(stranger.bind(place("127.0.0.1", 0)), WSAEINVAL);
    EXPECT_EQ(member.send("source", place("127.0.0.1", stranger.name(0).port())), 0);
    EXPECT_EQ(stranger.next().from.host(), "127.0.0.9");
}

TEST_F(SessionSix, LeafBoundToOneAddress_IsNotReachedByAnother) {
    std::string why;
    ASSERT_TRUE(joinleaf::test::add_address("lo", "fd77:9::1", 128, why)) << why;
    scratch_socket member(entry_, AF_INET6, leaf);
    scratch_socket stranger(entry_, AF_INET6, 0);
    ASSERT_EQ(member.bind(place("fd77:9::1", 0)), 0);
    const auto port = member.name(0).port();
    EXPECT_EQ(stranger.send("wrong", place("::1", port)), 0);
    EXPECT_EQ(stranger.send("right", place("fd77:9::1", port)), 0);
    EXPECT_EQ(member.next().text, "right");
    EXPECT_TRUE(member.is_quiet());
    EXPECT_EQ(member.send("source", place("::1", stranger.name(0).port())), 0);
    EXPECT_EQ(stranger.next().from.host(), "fd77:9::1");
}

TEST_F(Session, JL_16_LeafBoundToATakenAddress_FailsAsUsual) {
    scratch_socket holder(entry_, AF_INET, 0);
    ASSERT_EQ(holder.bind(place("127.0.0.1", 0)), 0);
    scratch_socket member(entry_, AF_INET, leaf);
    EXPECT_EQ(member.bind(place("127.0.0.1", holder.name(0).port())), WSAEADDRINUSE);
    EXPECT_EQ(member.bind(place("127.0.0.9", holder.name(0).port())), WSAEADDRINUSE);
    EXPECT_EQ(member.bind(place("192.0.2.77", 0)), WSAEADDRNOTAVAIL);
    EXPECT_EQ(member.bind(place("127.0.0.9", 0)), 0);
}

TEST_F(Session, OptionInterface_JoinsAndSendsThere) {
    std::string why;
    if (!add_wire("wire0", "198.51.100.1", why)) {
        GTEST_SKIP() << why;
    }
    const yaml_entry by_wire({{"interface", {"198.51.100.1", 0, {}}}});
    scratch_socket on_wire(by_wire, AF_INET, leaf);
    scratch_socket on_lo(entry_, AF_INET, leaf); // the route goes by lo
    ASSERT_EQ(on_wire.join(group_), 0);
    ASSERT_EQ(on_lo.join(group_), 0);
    EXPECT_EQ(on_wire.send("by wire"), 0);
    const auto got = on_wire.next();
    EXPECT_EQ(got.text, "by wire");
    EXPECT_EQ(got.from.host(), "198.51.100.1");
    EXPECT_TRUE(on_lo.is_quiet());
}

TEST_F(Session, IO_27_Scope_IsTheTtlOnTheWire) {
    scratch_socket member(entry_, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    const int on = 1;
    const int watcher = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(watcher, 0);
    ASSERT_EQ(::setsockopt(watcher, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    ASSERT_EQ(::setsockopt(watcher, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
    const place any("0.0.0.0", group_.port());
    ASSERT_EQ(::bind(watcher, any.get(), any.length()), 0);
    const auto ttl_seen = [&] {
        pollfd wanted{watcher, POLLIN, 0};
        ::poll(&wanted, 1, 2000);
        char byte = 0;
        alignas(cmsghdr) char notes[64];
        iovec piece{&byte, 1};
        msghdr header{nullptr, 0, &piece, 1, notes, sizeof notes, 0};
        int ttl = -1;
        if (::recvmsg(watcher, &header, MSG_DONTWAIT) == 1 && CMSG_FIRSTHDR(&header) != nullptr) {
            std::memcpy(&ttl, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof ttl);
        }
        return ttl;
    };
    EXPECT_EQ(member.send("d"), 0);
    EXPECT_EQ(ttl_seen(), 1); // the default
    for (const int ttl : {0, 9, 255}) {
        EXPECT_EQ(member.control(SIO_MULTICAST_SCOPE, ttl), 0);
        EXPECT_EQ(member.send("t"), 0);
        EXPECT_EQ(ttl_seen(), ttl);
        int read_back = -1;
        EXPECT_EQ(member.get(IPPROTO_IP, IP_MULTICAST_TTL, read_back), 0);
        EXPECT_EQ(read_back, ttl);
    }
    EXPECT_EQ(member.control(SIO_MULTICAST_SCOPE, -1), WSAEINVAL);
    EXPECT_EQ(member.control(SIO_MULTICAST_SCOPE, 256), WSAEINVAL);
    ::close(watcher);
}

TEST_F(SessionSix, IO_27_Scope_IsTheHopLimit) {
    scratch_socket member(entry_, AF_INET6, leaf);
    EXPECT_EQ(member.control(SIO_MULTICAST_SCOPE, 9), 0);
    int hops = 0;
    EXPECT_EQ(member.get(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops), 0);
    EXPECT_EQ(hops, 9);
    EXPECT_EQ(member.control(SIO_MULTICAST_SCOPE, 256), WSAEINVAL);
}

TEST_F(Session, LC_06_LC_19_ThousandJoinsAndCloses_LeaveNothingBehind) {
    const int before = ::dup(0);
    ::close(before);
    for (int i = 0; i < 1000; ++i) {
        scratch_socket member(entry_, AF_INET, leaf);
        ASSERT_EQ(member.join(group_), 0);
    }
    const int after = ::dup(0);
    ::close(after);
    EXPECT_EQ(after, before);
}

} // namespace joinleaf::udp_mcast::test
