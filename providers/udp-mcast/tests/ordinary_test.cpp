// SPDX-License-Identifier: Apache-2.0
//
// Sockets without multipoint flags: ordinary UDP.
#include "scratch_socket.hpp"

#include <support/waiting.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>

namespace joinleaf::udp_mcast::test {

class Ordinary : public private_network {
  protected:
    yaml_entry entry_;
};

TEST_F(Ordinary, Connect_SetsPeerAndFiltersByIt) {
    scratch_socket one(entry_, AF_INET, 0);
    scratch_socket peer(entry_, AF_INET, 0);
    scratch_socket stranger(entry_, AF_INET, 0);
    ASSERT_EQ(peer.bind(place("127.0.0.1", 0)), 0);
    ASSERT_EQ(one.connect(peer.name(0)), 0);
    EXPECT_NE(one.name(0).port(), 0);
    EXPECT_EQ(one.name(1).port(), peer.name(0).port());
    EXPECT_EQ(stranger.send("stranger", one.name(0)), 0);
    EXPECT_EQ(peer.send("peer", one.name(0)), 0);
    EXPECT_EQ(one.next().text, "peer");
    EXPECT_TRUE(one.is_quiet());
    EXPECT_EQ(one.send("reply"), 0);
    EXPECT_EQ(peer.next().text, "reply");
}

TEST_F(Ordinary, ConnectToZeros_TakesThePeerAwayAndKeepsThePort) {
    scratch_socket one(entry_, AF_INET, 0);
    scratch_socket peer(entry_, AF_INET, 0);
    scratch_socket stranger(entry_, AF_INET, 0);
    ASSERT_EQ(peer.bind(place("127.0.0.1", 0)), 0);
    ASSERT_EQ(one.connect(peer.name(0)), 0);
    const auto port = one.name(0).port();
    ASSERT_EQ(one.connect(place("0.0.0.0", 0)), 0);
    EXPECT_EQ(one.name(0).port(), port);
    std::int32_t code = 0;
    one.name(1, &code);
    EXPECT_EQ(code, WSAENOTCONN);
    EXPECT_EQ(one.send("x"), WSAENOTCONN);
    EXPECT_EQ(stranger.send("stranger", place("127.0.0.1", port)), 0);
    EXPECT_EQ(one.next().text, "stranger");
}

// Only a socket that can hear a group pays for knowing what came by it.
TEST_F(Ordinary, IO_29_AMembership_TellsWhatCameByMulticast_AndNothingElseChanges) {
    scratch_socket one(entry_, AF_INET, 0);
    scratch_socket peer(entry_, AF_INET, 0);
    ASSERT_EQ(one.bind(place("0.0.0.0", 0)), 0);
    ASSERT_EQ(peer.bind(place("127.0.0.1", 0)), 0);
    const place here("127.0.0.1", one.name(0).port());
    const auto check = [&](const place& to, std::uint32_t flags) {
        ASSERT_EQ(peer.send("0123456789", to), 0);
        ASSERT_TRUE(joinleaf::test::readable(one.fd(), std::chrono::seconds(2)));
        auto got = one.receive(4, JL_MSG_PEEK);
        EXPECT_EQ(got.text, "0123");
        EXPECT_EQ(got.flags, JL_MSG_PEEK | JL_MSG_CUT | flags);
        got = one.receive(10);
        EXPECT_EQ(got.text, "0123456789");
        EXPECT_EQ(got.flags, flags);
        EXPECT_EQ(got.from.host(), "127.0.0.1");
        EXPECT_EQ(got.from.port(), peer.name(0).port());
        ASSERT_EQ(peer.send("", to), 0);
        EXPECT_EQ(one.next().code, 0);
        EXPECT_TRUE(one.is_quiet());
    };
    check(here, 0);
    ip_mreqn request{};
    ASSERT_EQ(::inet_pton(AF_INET, "239.192.15.1", &request.imr_multiaddr), 1);
    ASSERT_EQ(one.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, request), 0);
    check(here, 0);
    const in_addr by{htonl(INADDR_LOOPBACK)};
    ASSERT_EQ(peer.set(IPPROTO_IP, IP_MULTICAST_IF, by), 0);
    check(place("239.192.15.1", here.port()), JL_MSG_GROUP);
}

TEST_F(Ordinary, JL_07_PortZero_IsNoPeerAndNoDestination) {
    scratch_socket one(entry_, AF_INET, 0);
    EXPECT_EQ(one.connect(place("127.0.0.1", 0)), WSAEADDRNOTAVAIL);
    EXPECT_EQ(one.send("x", place("127.0.0.1", 0)), WSAEADDRNOTAVAIL);
    EXPECT_EQ(one.send("x", place("0.0.0.0", 9)), WSAEADDRNOTAVAIL);
    EXPECT_EQ(one.send("x"), WSAENOTCONN);
}

TEST_F(Ordinary, UnreachablePort_IsToldAsReset) {
    scratch_socket one(entry_, AF_INET, 0);
    place nobody;
    {
        scratch_socket shortly(entry_, AF_INET, 0);
        ASSERT_EQ(shortly.bind(place("127.0.0.1", 0)), 0);
        nobody = shortly.name(0);
    }
    ASSERT_EQ(one.connect(nobody), 0);
    EXPECT_EQ(one.send("x"), 0);
    EXPECT_EQ(one.next().code, WSAECONNRESET);
    EXPECT_EQ(one.receive().code, WSAEWOULDBLOCK); // told once
    EXPECT_EQ(one.send("x"), 0);
    std::int32_t ready = 0;
    EXPECT_EQ(one.ops().arm(one.endpoint(), JL_IN, &ready), JL_READY);
    int error = 0;
    EXPECT_EQ(one.get(SOL_SOCKET, SO_ERROR, error), 0);
    EXPECT_EQ(error, WSAECONNRESET); // never an errno
    EXPECT_EQ(one.get(SOL_SOCKET, SO_ERROR, error), 0);
    EXPECT_EQ(error, 0);
}

TEST_F(Ordinary, UnreachablePort_IsNotToldWhenSwitchedOff) {
    constexpr std::uint32_t sio_udp_connreset = 0x9800000c;
    scratch_socket one(entry_, AF_INET, 0);
    place nobody;
    {
        scratch_socket shortly(entry_, AF_INET, 0);
        ASSERT_EQ(shortly.bind(place("127.0.0.1", 0)), 0);
        nobody = shortly.name(0);
    }
    ASSERT_EQ(one.connect(nobody), 0);
    EXPECT_EQ(one.control(sio_udp_connreset, 0), 0);
    EXPECT_EQ(one.send("x"), 0);
    EXPECT_EQ(one.next().code, WSAEWOULDBLOCK);
    EXPECT_EQ(one.send("x"), 0);
    EXPECT_EQ(one.send("x"), 0); // the error of the former is not this one's
}

TEST_F(Ordinary, CT_69_BsdOptionsMakeAMember) {
    const place group("239.192.11.1", 21101);
    scratch_socket member(entry_, AF_INET, 0);
    scratch_socket bystander(entry_, AF_INET, 0);
    for (auto* socket : {&member, &bystander}) {
        ASSERT_EQ(socket->set(SOL_SOCKET, SO_REUSEADDR, 1), 0);
        ASSERT_EQ(socket->bind(place("0.0.0.0", group.port())), 0);
    }
    ip_mreq request{};
    ::inet_pton(AF_INET, "239.192.11.1", &request.imr_multiaddr);
    ASSERT_EQ(member.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, request), 0);
    EXPECT_EQ(member.send("group", group), 0);
    EXPECT_EQ(member.next().text, "group");
    EXPECT_TRUE(bystander.is_quiet()); // it joined nothing
}

TEST_F(Ordinary, IO_32_BroadcastAddress_IsAUsableAddress) {
    scratch_socket one(entry_, AF_INET, 0);
    sockaddr_in everyone{};
    std::uint32_t bytes = 0;
    const auto& ops = one.ops();
    EXPECT_EQ(
        ops.ioctl(one.endpoint(), SIO_GET_BROADCAST_ADDRESS, nullptr, 0, &everyone, sizeof everyone, &bytes),
        0);
    EXPECT_EQ(bytes, sizeof everyone);
    EXPECT_EQ(everyone.sin_family, AF_INET);
    EXPECT_EQ(everyone.sin_addr.s_addr, INADDR_BROADCAST);
    EXPECT_EQ(ops.ioctl(one.endpoint(), SIO_GET_BROADCAST_ADDRESS, nullptr, 0, &everyone, 4, &bytes),
              WSAEFAULT);
}

TEST_F(Ordinary, Broadcast_NeedsItsOption) {
    std::string why;
    if (!joinleaf::test::add_link_pair("cast0", "cast1", why)) {
        GTEST_SKIP() << why;
    }
    ASSERT_TRUE(joinleaf::test::add_address("cast0", "198.51.100.9", 24, why)) << why;
    ASSERT_TRUE(joinleaf::test::set_link("cast0", IFF_UP, 0, why)) << why;
    scratch_socket one(entry_, AF_INET, 0);
    const place everyone("198.51.100.255", 9);
    EXPECT_EQ(one.send("x", everyone), WSAEACCES);
    EXPECT_EQ(one.set(SOL_SOCKET, SO_BROADCAST, 1), 0);
    EXPECT_EQ(one.send("x", everyone), 0);
}

TEST_F(Ordinary, IO_22_ControlsThisTransportLacks_SayWhich) {
    scratch_socket one(entry_, AF_INET, 0);
    EXPECT_EQ(one.control(SIO_FLUSH, 0), 0); // nothing is ever held back here (IO-31)
    EXPECT_EQ(one.control(SIO_ENABLE_CIRCULAR_QUEUEING, 0), WSAENOPROTOOPT) << "this host has no loops";
    EXPECT_EQ(one.control(0x12345678, 0), WSAEOPNOTSUPP);
    if (joinleaf::test::has_ipv6()) {
        scratch_socket six(entry_, AF_INET6, 0);
        EXPECT_EQ(six.control(SIO_GET_BROADCAST_ADDRESS, 0), WSAENOPROTOOPT);
    }
}

TEST_F(Ordinary, IPv6_IsAloneOnItsPort) {
    if (!joinleaf::test::has_ipv6()) {
        GTEST_SKIP() << "this kernel has no IPv6";
    }
    scratch_socket four(entry_, AF_INET, 0);
    scratch_socket six(entry_, AF_INET6, 0);
    ASSERT_EQ(four.bind(place("0.0.0.0", 0)), 0);
    EXPECT_EQ(six.bind(place("::", four.name(0).port())), 0);
    int only = 0;
    EXPECT_EQ(six.get(IPPROTO_IPV6, IPV6_V6ONLY, only), 0);
    EXPECT_EQ(only, 1);
}

TEST_F(Ordinary, Name_WithTooLittleRoom_FailsWithFault) {
    scratch_socket one(entry_, AF_INET, 0);
    ASSERT_EQ(one.bind(place("127.0.0.1", 0)), 0);
    place found;
    std::uint32_t length = 4;
    EXPECT_EQ(one.ops().name(one.endpoint(), 0, found.get(), &length), WSAEFAULT);
}

TEST_F(Ordinary, Descriptor_IsNotInherited) {
    const scratch_socket one(entry_, AF_INET, 0);
    EXPECT_NE(::fcntl(one.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

} // namespace joinleaf::udp_mcast::test
