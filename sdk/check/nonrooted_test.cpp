// SPDX-License-Identifier: Apache-2.0
//
// Sessions without a root, over multicast: join, direction, data, loopback, leaving (clauses JL-23, JL-43,
// JL-58, JL-90 ... JL-95, IO-23 ... IO-29).
#include "tests/support/event_watch.hpp"
#include "tests/support/session.hpp"

#include <fstream>

namespace joinleaf::test {
namespace {

class Nonrooted : public transport_test {
  protected:
    // A member bound to the session's port, sharing it, as public programs do.
    owned_socket join_bound(const address& group, DWORD direction = JL_BOTH) {
        auto s = make_leaf();
        EXPECT_TRUE(set_flag(s.get(), SOL_SOCKET, SO_REUSEADDR, 1));
        EXPECT_TRUE(worked(bind_to(s.get(), any_address(family(), group.port()))));
        EXPECT_EQ(s.get(), plain_join(s.get(), group, direction)) << last_failure();
        return s;
    }
    static void set_loopback(SOCKET s, BOOL on) {
        DWORD bytes = 4711;
        EXPECT_TRUE(worked(
            WSAIoctl(s, SIO_MULTIPOINT_LOOPBACK, &on, sizeof on, nullptr, 0, &bytes, nullptr, nullptr)));
        EXPECT_EQ(0U, bytes) << "IO-20: a set code has no output";
    }
    // Whether this host is a member of the group, as its kernel says.
    [[nodiscard]] bool is_member(address group) const {
        std::ifstream table(family() == AF_INET6 ? "/proc/thread-self/net/igmp6"
                                                 : "/proc/thread-self/net/igmp");
        char wanted[40] = "";
        if (family() == AF_INET6) {
            for (int i = 0; i < 16; ++i) {
                std::snprintf(wanted + 2 * i, 3, "%02x", group.six().sin6_addr.s6_addr[i]);
            }
        } else {
            std::snprintf(wanted, sizeof wanted, "%08X", group.four().sin_addr.s_addr);
        }
        const std::string all((std::istreambuf_iterator<char>(table)), std::istreambuf_iterator<char>());
        return all.find(wanted) != std::string::npos;
    }
};

TEST_P(Nonrooted, JL_43_JL_74_JL_75_AJoinNeedsNoPeerAndReturnsTheSameSocket) {
    const auto s = make_leaf();
    const auto group = fresh_group(family());
    EXPECT_EQ(s.get(), plain_join(s.get(), group)) << last_failure();
    EXPECT_TRUE(is_member(group) || !has_bsd_options(s.get()));
}

TEST_P(Nonrooted, JL_50_JL_58_JL_99_ANonblockingJoinGivesFdConnect) {
    const auto s = make_leaf();
    const event_watch watch(s.get(), FD_CONNECT);
    EXPECT_EQ(s.get(), plain_join(s.get(), fresh_group(family()))) << last_failure();
    EXPECT_EQ(0, watch.code(FD_CONNECT));
    EXPECT_TRUE(watch.stays_away(FD_CONNECT)) << "once";
}

TEST_P(Nonrooted, JL_31_JL_95_ER_09_AMemberCannotJoinAgain) {
    const auto group = fresh_group(family());
    const auto s = join_bound(group);
    EXPECT_TRUE(refused(plain_join(s.get(), group), WSAEISCONN));
    EXPECT_TRUE(refused(plain_join(s.get(), fresh_group(family())), WSAEISCONN))
        << "JL-95: one session per socket";
}

TEST_P(Nonrooted, JL_20_JL_23_TheJoinBindsAnUnboundReceiverToTheSessionsPort) {
    const auto group = fresh_group(family());
    const auto receiver = make_leaf();
    need_bsd_options(receiver.get()); // ports are the kernel's
    ASSERT_EQ(receiver.get(), plain_join(receiver.get(), group)) << last_failure();
    EXPECT_EQ(group.port(), local_name(receiver.get()).port());
    EXPECT_TRUE(refused(bind_to(receiver.get(), any_address(family())), WSAEINVAL));
    const auto second = make_leaf();
    ASSERT_EQ(second.get(), plain_join(second.get(), group)) << last_failure();
    EXPECT_EQ(group.port(), local_name(second.get()).port()) << "the port is shared";
    ASSERT_EQ(2, send_text(second.get(), "hi"));
    EXPECT_EQ("hi", next_text(receiver.get()).value_or("nothing"));
}

TEST_P(Nonrooted, JL_20_AnUnboundSenderGetsAPortOfItsOwn) {
    const auto s = make_leaf();
    ASSERT_EQ(s.get(), plain_join(s.get(), fresh_group(family()), JL_SENDER_ONLY)) << last_failure();
    EXPECT_NE(0, local_name(s.get()).port());
}

TEST_P(Nonrooted, JL_16_ER_02_ATakenPortWithoutSharing_FailsWithAddrInUse) {
    const owned_socket owner(jl_socket(family(), SOCK_DGRAM, IPPROTO_UDP));
    ASSERT_TRUE(worked(bind_to(owner.get(), any_address(family()))));
    const auto s = make_leaf();
    need_bsd_options(s.get()); // ports are the kernel's
    EXPECT_TRUE(
        refused(bind_to(s.get(), any_address(family(), local_name(owner.get()).port())), WSAEADDRINUSE));
}

TEST_P(Nonrooted, LC_12_ADirectionThatTheMemberLacksCannotBeShut) {
    const auto group = fresh_group(family());
    const auto sender = join_bound(group, JL_SENDER_ONLY);
    const auto receiver = join_bound(group, JL_RECEIVER_ONLY);
    EXPECT_TRUE(refused(jl_shutdown(sender.get(), SD_RECEIVE), WSAEINVAL));
    EXPECT_TRUE(refused(jl_shutdown(receiver.get(), SD_SEND), WSAEINVAL));
    EXPECT_TRUE(worked(jl_shutdown(sender.get(), SD_SEND)));
    EXPECT_TRUE(worked(jl_shutdown(receiver.get(), SD_RECEIVE)));
}

TEST_P(Nonrooted, JL_78_ThePeerIsTheSession) {
    const auto group = fresh_group(family());
    const auto s = join_bound(group);
    EXPECT_EQ(group, peer_name(s.get()));
}

TEST_P(Nonrooted, IO_04_JL_94_WhatOneMemberSendsReachesAllOthers) {
    const auto group = fresh_group(family());
    const auto first = join_bound(group);
    const auto second = join_bound(group);
    const auto third = join_bound(group);
    ASSERT_EQ(5, send_text(first.get(), "hello")) << "plain send goes to the session";
    EXPECT_EQ("hello", next_text(second.get()).value_or("nothing"));
    EXPECT_EQ("hello", next_text(third.get()).value_or("nothing"));
    ASSERT_EQ(6, send_text(third.get(), "answer"));
    EXPECT_EQ("answer", next_text(second.get()).value_or("nothing")) << "any member may be the source";
}

TEST_P(Nonrooted, JL_94_ANonmemberMaySendToo) {
    const auto group = fresh_group(family());
    const auto member = join_bound(group);
    const auto stranger = make_ordinary();
    ASSERT_EQ(2, jl_sendto(stranger.get(), "yo", 2, 0, group.get(), group.length)) << last_failure();
    EXPECT_EQ("yo", next_text(member.get()).value_or("nothing"))
        << "received datagrams are not filtered by source";
}

TEST_P(Nonrooted, IO_03_RecvfromTellsTheSource) {
    const auto group = fresh_group(family());
    const auto member = join_bound(group);
    const auto sender = make_leaf();
    ASSERT_TRUE(worked(bind_to(sender.get(), any_address(family()))));
    ASSERT_EQ(sender.get(), plain_join(sender.get(), group, JL_SENDER_ONLY));
    ASSERT_EQ(1, send_text(sender.get(), "x"));
    ASSERT_TRUE(readable(member.fd()));
    char byte = 0;
    address from;
    from.length = sizeof from.storage;
    ASSERT_EQ(1, jl_recvfrom(member.get(), &byte, 1, 0, from.get(), &from.length)) << last_failure();
    EXPECT_EQ(local_name(sender.get()).port(), from.port());
}

TEST_P(Nonrooted, JL_90_JL_91_JL_93_ASenderIsNoMemberAndReceivesNothing) {
    const auto group = fresh_group(family());
    const auto sender = make_leaf();
    ASSERT_EQ(sender.get(), plain_join(sender.get(), group, JL_SENDER_ONLY)) << last_failure();
    EXPECT_FALSE(is_member(group)) << "a no-op towards the network";
    char byte = 0;
    EXPECT_TRUE(refused(jl_recv(sender.get(), &byte, 1, 0), WSAEOPNOTSUPP));
    const auto receiver = join_bound(group);
    ASSERT_EQ(4, send_text(sender.get(), "data"));
    EXPECT_EQ("data", next_text(receiver.get()).value_or("nothing"));
}

TEST_P(Nonrooted, JL_91_GroupTrafficIsNotDeliveredToASender) {
    const auto group = fresh_group(family());
    const auto sender = join_bound(group, JL_SENDER_ONLY);
    const auto member = join_bound(group);
    const auto other = join_bound(group, JL_SENDER_ONLY);
    ASSERT_EQ(4, send_text(other.get(), "data"));
    EXPECT_EQ("data", next_text(member.get()).value_or("nothing"));
    EXPECT_FALSE(readable_now(sender.fd()));
}

TEST_P(Nonrooted, JL_92_JL_93_AReceiverIsAMemberAndCannotSend) {
    const auto group = fresh_group(family());
    const auto receiver = join_bound(group, JL_RECEIVER_ONLY);
    EXPECT_TRUE(is_member(group) || !has_bsd_options(receiver.get()));
    EXPECT_TRUE(refused(send_text(receiver.get(), "x"), WSAEOPNOTSUPP));
    const auto sender = join_bound(group);
    ASSERT_EQ(4, send_text(sender.get(), "data"));
    EXPECT_EQ("data", next_text(receiver.get()).value_or("nothing"));
}

TEST_P(Nonrooted, ASocketGetsItsOwnSessionOnly) {
    const auto first = fresh_group(family());
    const auto second = fresh_group(family()).with_port(first.port());
    const auto of_first = join_bound(first);
    const auto of_second = join_bound(second);
    const auto sender = make_ordinary();
    ASSERT_EQ(3, jl_sendto(sender.get(), "two", 3, 0, second.get(), second.length)) << last_failure();
    EXPECT_EQ("two", next_text(of_second.get()).value_or("nothing"));
    EXPECT_TRUE(stays_silent(of_first.get())) << "same port, same host, another group";
}

TEST_P(Nonrooted, IO_09_JL_36_ConnectChangesTheDestinationOnly) {
    const auto group = fresh_group(family());
    const auto s = join_bound(group);
    const auto listener = make_ordinary();
    ASSERT_TRUE(worked(bind_to(listener.get(), loopback(family()))));
    const auto there = local_name(listener.get());
    ASSERT_EQ(2, jl_sendto(s.get(), "to", 2, 0, there.get(), there.length)) << last_failure();
    EXPECT_EQ("to", next_text(listener.get()).value_or("nothing"));
    ASSERT_TRUE(worked(jl_connect(s.get(), there.get(), there.length)));
    ASSERT_EQ(2, send_text(s.get(), "me"));
    EXPECT_EQ("me", next_text(listener.get()).value_or("nothing"));
    const auto other = join_bound(group);
    ASSERT_EQ(4, send_text(other.get(), "news"));
    EXPECT_EQ("news", next_text(s.get()).value_or("nothing")) << "still a member, and not filtered by source";
}

TEST_P(Nonrooted, IO_23_IO_24_ByDefaultOnesOwnSendsComeBack) {
    const auto s = join_bound(fresh_group(family()));
    ASSERT_EQ(4, send_text(s.get(), "echo"));
    EXPECT_EQ("echo", next_text(s.get()).value_or("nothing"));
    set_loopback(s.get(), FALSE);
    ASSERT_EQ(4, send_text(s.get(), "gone"));
    EXPECT_TRUE(stays_silent(s.get()));
    set_loopback(s.get(), TRUE);
    ASSERT_EQ(4, send_text(s.get(), "back"));
    EXPECT_EQ("back", next_text(s.get()).value_or("nothing"));
}

TEST_P(Nonrooted, IO_23_ItIsSettableBeforeTheJoin) {
    const auto s = make_leaf();
    set_loopback(s.get(), FALSE);
    ASSERT_EQ(s.get(), plain_join(s.get(), fresh_group(family())));
    ASSERT_EQ(4, send_text(s.get(), "gone"));
    EXPECT_TRUE(stays_silent(s.get()));
}

TEST_P(Nonrooted, IO_25_D_17_ItWorksOnTheReceivingSide) {
    const auto group = fresh_group(family());
    const auto on = join_bound(group);
    const auto off = join_bound(group);
    set_loopback(off.get(), FALSE);
    ASSERT_EQ(4, send_text(off.get(), "b->a"));
    EXPECT_EQ("b->a", next_text(on.get()).value_or("nothing")) << "it does not stop others from receiving";
    ASSERT_EQ(4, send_text(on.get(), "a->b"));
    EXPECT_EQ("a->b", next_text(on.get()).value_or("nothing"));
    EXPECT_TRUE(stays_silent(off.get()))
        << "it governs what this socket receives from senders on this machine";
}

TEST_P(Nonrooted, IO_27_TheScopeIsTheTtl) {
    const auto s = make_leaf();
    const int level = family() == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    const int option = family() == AF_INET6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL;
    int known = -1;
    int size = sizeof known;
    if (jl_getsockopt(s.get(), level, option, &known, &size) != 0) {
        not_applicable("IP_MULTICAST_TTL, by which SIO_MULTICAST_SCOPE is read back");
    }
    const auto ttl = [&] {
        int value = -1;
        int length = sizeof value;
        EXPECT_TRUE(worked(jl_getsockopt(s.get(), level, option, &value, &length)));
        return value;
    };
    EXPECT_EQ(1, ttl());
    DWORD bytes = 0;
    for (int scope : {0, 7, 255}) {
        EXPECT_TRUE(worked(WSAIoctl(s.get(), SIO_MULTICAST_SCOPE, &scope, sizeof scope, nullptr, 0, &bytes,
                                    nullptr, nullptr)));
        EXPECT_EQ(scope, ttl());
    }
    for (int scope : {-1, 256}) {
        EXPECT_TRUE(refused(WSAIoctl(s.get(), SIO_MULTICAST_SCOPE, &scope, sizeof scope, nullptr, 0, &bytes,
                                     nullptr, nullptr),
                            WSAEINVAL));
    }
    EXPECT_EQ(255, ttl());
}

TEST_P(Nonrooted, IO_28_IO_29_TheBsdOptionsActOnTheSameState) {
    if (family() == AF_INET6) {
        GTEST_SKIP() << "the IPv4 options";
    }
    auto group = fresh_group(family());
    const auto s = join_bound(group);
    need_bsd_options(s.get());
    ip_mreq request{};
    request.imr_multiaddr = group.four().sin_addr;
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request),
                        WSAEADDRNOTAVAIL));
    request.imr_multiaddr = fresh_group(family()).four().sin_addr;
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), IPPROTO_IP, IP_DROP_MEMBERSHIP, &request, sizeof request),
                        {WSAEADDRNOTAVAIL, WSAEINVAL}));
    ASSERT_TRUE(worked(jl_setsockopt(s.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request)));
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request),
                        WSAEADDRNOTAVAIL));
    ASSERT_TRUE(worked(jl_setsockopt(s.get(), IPPROTO_IP, IP_DROP_MEMBERSHIP, &request, sizeof request)));
}

TEST_P(Nonrooted, LC_06_ClosingDropsTheMembershipWithTheLastSocket) {
    const auto group = fresh_group(family());
    auto first = join_bound(group);
    auto second = join_bound(group);
    need_bsd_options(first.get());
    EXPECT_TRUE(is_member(group));
    EXPECT_EQ(0, first.close());
    EXPECT_TRUE(is_member(group));
    EXPECT_EQ(0, second.close());
    EXPECT_TRUE(eventually([&] { return !is_member(group); }));
}

TEST_P(Nonrooted, EV_47_NobodyIsToldOfALeave) {
    const auto group = fresh_group(family());
    const auto stays = join_bound(group);
    auto leaves = join_bound(group);
    const event_watch watch(stays.get(), FD_CLOSE);
    EXPECT_EQ(0, leaves.close());
    EXPECT_TRUE(watch.stays_away(FD_CLOSE));
}

TEST_P(Nonrooted, LC_19_LeavingAndRejoiningNeedsANewSocketOnly) {
    const auto group = fresh_group(family());
    for (int round = 0; round < 5; ++round) {
        const auto s = join_bound(group);
        ASSERT_EQ(1, send_text(s.get(), "x"));
        EXPECT_EQ("x", next_text(s.get()).value_or("nothing"));
    }
}

TEST_P(Nonrooted, EV_38_EV_40_FdWriteAfterTheJoin) {
    const auto s = make_leaf();
    const event_watch watch(s.get(), FD_CONNECT | FD_WRITE);
    ASSERT_EQ(s.get(), plain_join(s.get(), fresh_group(family())));
    const auto seen = watch.wait(FD_WRITE);
    EXPECT_TRUE(seen.has(FD_WRITE));
    EXPECT_TRUE(seen.has(FD_CONNECT)) << "EV-51: not after FD_WRITE";
}

TEST_P(Nonrooted, EV_40_NoFdWriteForAReceiver) {
    const auto s = make_leaf();
    const event_watch watch(s.get(), FD_CONNECT | FD_WRITE);
    ASSERT_EQ(s.get(), plain_join(s.get(), fresh_group(family()), JL_RECEIVER_ONLY));
    EXPECT_EQ(0, watch.code(FD_CONNECT));
    EXPECT_TRUE(watch.stays_away(FD_WRITE));
}

TEST_P(Nonrooted, EV_35_FdReadForGroupTraffic) {
    const auto group = fresh_group(family());
    const auto receiver = join_bound(group, JL_RECEIVER_ONLY);
    const auto sender = join_bound(group, JL_SENDER_ONLY);
    const event_watch watch(receiver.get(), FD_READ);
    ASSERT_EQ(1, send_text(sender.get(), "1"));
    EXPECT_EQ(0, watch.code(FD_READ));
    ASSERT_EQ(1, send_text(sender.get(), "2"));
    EXPECT_EQ("1", receive_text(receiver.get()).value_or("nothing"));
    EXPECT_EQ(0, watch.code(FD_READ)) << "a datagram is left";
    EXPECT_EQ("2", receive_text(receiver.get()).value_or("nothing"));
}

TEST_P(Nonrooted, JL_41_ER_20_ASessionThatCannotBeReached_FailsWithNetUnreach) {
    if (!private_network_refusal().empty()) {
        not_applicable("a network of the test's own, whose link may be taken down");
    }
    restart({.udp = "ttl: 1"});
    std::string why;
    ASSERT_TRUE(set_link("lo", 0, IFF_UP, why)) << why;
    const auto s = make_leaf();
    const SOCKET joined = plain_join(s.get(), fresh_group(family()));
    const int code = WSAGetLastError();
    ASSERT_TRUE(set_link("lo", IFF_UP, 0, why) && route_multicast(AF_INET, "lo", why)) << why;
    ASSERT_TRUE(!has_ipv6() || route_multicast(AF_INET6, "lo", why)) << why;
    EXPECT_EQ(INVALID_SOCKET, joined);
    EXPECT_TRUE(code == WSAENETUNREACH || code == WSAENETDOWN || code == WSAEADDRNOTAVAIL) << code_name(code);
}

INSTANTIATE_TEST_SUITE_P(Transports, Nonrooted, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
