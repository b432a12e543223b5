// SPDX-License-Identifier: Apache-2.0
//
// Ordinary datagram sockets: binding, sending, short buffers, events (clauses IO-10 ... IO-16, EV-39, EV-42).
#include "tests/support/bad_memory.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/session.hpp"

namespace joinleaf::test {
namespace {

class Datagram : public transport_test {
  protected:
    owned_socket bound() {
        auto s = make_ordinary();
        EXPECT_TRUE(worked(bind_to(s.get(), loopback(family()))));
        return s;
    }
    static int send_to(SOCKET s, const std::string& text, const address& to) {
        return jl_sendto(s, text.data(), static_cast<int>(text.size()), 0, to.get(), to.length);
    }
};

TEST_P(Datagram, AMessageArrivesWholeWithItsSource) {
    const auto from = bound();
    const auto to = bound();
    ASSERT_EQ(5, send_to(from.get(), "hello", local_name(to.get())));
    ASSERT_TRUE(readable(to.fd()));
    char room[32] = "";
    address source;
    source.length = sizeof source.storage;
    ASSERT_EQ(5, jl_recvfrom(to.get(), room, sizeof room, 0, source.get(), &source.length)) << last_failure();
    EXPECT_EQ(local_name(from.get()), source);
    EXPECT_EQ(local_name(from.get()).length, source.length);
}

TEST_P(Datagram, IO_10_AShortBufferLosesTheRest) {
    const auto from = bound();
    const auto to = bound();
    ASSERT_EQ(10, send_to(from.get(), "0123456789", local_name(to.get())));
    ASSERT_EQ(4, send_to(from.get(), "next", local_name(to.get())));
    ASSERT_TRUE(readable(to.fd()));
    char room[4] = "";
    EXPECT_TRUE(refused(jl_recv(to.get(), room, 4, 0), WSAEMSGSIZE));
    EXPECT_EQ("0123", std::string(room, 4));
    EXPECT_EQ("next", next_text(to.get()).value_or("nothing"));
}

TEST_P(Datagram, IO_10_PeekLeavesTheMessage) {
    const auto from = bound();
    const auto to = bound();
    ASSERT_EQ(3, send_to(from.get(), "abc", local_name(to.get())));
    ASSERT_TRUE(readable(to.fd()));
    char room[8] = "";
    EXPECT_EQ(3, jl_recv(to.get(), room, sizeof room, MSG_PEEK));
    EXPECT_EQ("abc", receive_text(to.get()).value_or("nothing"));
}

TEST_P(Datagram, IO_13_ReceivingUnbound_FailsWithInval) {
    const auto s = make_ordinary();
    char byte = 0;
    EXPECT_TRUE(refused(jl_recv(s.get(), &byte, 1, 0), WSAEINVAL));
}

TEST_P(Datagram, IO_13_SendingWithoutADestination_FailsWithNotConn) {
    const auto s = make_ordinary();
    EXPECT_TRUE(refused(send_text(s.get(), "x"), {WSAENOTCONN, WSAEDESTADDRREQ}));
}

TEST_P(Datagram, IO_13_TheFirstSendBinds) {
    const auto to = bound();
    const auto s = make_ordinary();
    address none;
    none.length = sizeof none.storage;
    EXPECT_TRUE(refused(jl_getsockname(s.get(), none.get(), &none.length), WSAEINVAL));
    ASSERT_EQ(1, send_to(s.get(), "x", local_name(to.get())));
    EXPECT_NE(0, local_name(s.get()).port());
    ASSERT_TRUE(set_nonblocking(s.get()));
    char byte = 0;
    EXPECT_TRUE(refused(jl_recv(s.get(), &byte, 1, 0), WSAEWOULDBLOCK));
}

TEST_P(Datagram, IO_16_AMessageBeyondTheLimit_FailsWithMsgSize) {
    const auto from = bound();
    const auto to = bound();
    EXPECT_TRUE(refused(send_to(from.get(), std::string(66'000, 'x'), local_name(to.get())), WSAEMSGSIZE));
    ASSERT_EQ(2, send_to(from.get(), "ok", local_name(to.get())));
    EXPECT_EQ("ok", next_text(to.get()).value_or("nothing"));
}

TEST_P(Datagram, JL_36_ConnectSetsTheDestinationAndMayBeRepeated) {
    const auto s = bound();
    const auto first = bound();
    const auto second = bound();
    for (const auto* there : {&first, &second}) {
        const auto name = local_name(there->get());
        ASSERT_TRUE(worked(jl_connect(s.get(), name.get(), name.length)));
        EXPECT_EQ(name, peer_name(s.get()));
        ASSERT_EQ(2, send_text(s.get(), "to"));
        EXPECT_EQ("to", next_text(there->get()).value_or("nothing"));
    }
}

TEST_P(Datagram, EV_30_ConnectGivesFdConnectAtOnce) {
    const auto s = bound();
    const auto there = local_name(bound().get());
    const event_watch watch(s.get(), FD_CONNECT);
    const int answer = jl_connect(s.get(), there.get(), there.length);
    EXPECT_TRUE(answer == 0 || WSAGetLastError() == WSAEWOULDBLOCK) << last_failure();
    EXPECT_EQ(0, watch.code(FD_CONNECT));
}

TEST_P(Datagram, EV_39_ABoundSocketIsWritableOnceAtRegistration) {
    const auto s = bound();
    const event_watch watch(s.get(), FD_WRITE);
    EXPECT_EQ(0, watch.code(FD_WRITE));
    const auto to = bound();
    ASSERT_EQ(1, send_to(s.get(), "x", local_name(to.get())));
    EXPECT_TRUE(watch.stays_away(FD_WRITE));
}

TEST_P(Datagram, EV_39_BindMakesItWritable) {
    const auto s = make_ordinary();
    const event_watch watch(s.get(), FD_WRITE);
    EXPECT_TRUE(watch.stays_away(FD_WRITE));
    ASSERT_TRUE(worked(bind_to(s.get(), loopback(family()))));
    EXPECT_EQ(0, watch.code(FD_WRITE));
}

TEST_P(Datagram, EV_42_NoFdCloseEver) {
    const auto s = bound();
    auto there = bound();
    const auto name = local_name(there.get());
    ASSERT_TRUE(worked(jl_connect(s.get(), name.get(), name.length)));
    const event_watch watch(s.get(), FD_CLOSE);
    EXPECT_EQ(0, there.close());
    EXPECT_EQ(1, send_text(s.get(), "x"));
    EXPECT_TRUE(watch.stays_away(FD_CLOSE));
}

TEST_P(Datagram, IO_13_LC_12_Shutdown) {
    const auto s = bound();
    const auto to = local_name(bound().get());
    EXPECT_TRUE(refused(jl_shutdown(s.get(), 3), WSAEINVAL));
    ASSERT_TRUE(worked(jl_shutdown(s.get(), SD_SEND)));
    EXPECT_TRUE(refused(send_to(s.get(), "x", to), WSAESHUTDOWN));
    EXPECT_TRUE(worked(jl_shutdown(s.get(), SD_SEND))) << "twice";
}

TEST_P(Datagram, IO_34_FionreadTellsTheBytesOfTheOneMessage) {
    const auto from = bound();
    const auto to = bound();
    jl_u_long queued = 4711;
    ASSERT_TRUE(worked(jl_ioctlsocket(to.get(), static_cast<LONG>(FIONREAD), &queued)));
    EXPECT_EQ(0U, queued);
    ASSERT_EQ(7, send_to(from.get(), "1234567", local_name(to.get())));
    ASSERT_TRUE(readable(to.fd()));
    ASSERT_TRUE(worked(jl_ioctlsocket(to.get(), static_cast<LONG>(FIONREAD), &queued)));
    EXPECT_EQ(7U, queued);
}

TEST_P(Datagram, BindErrors) {
    const auto s = make_ordinary();
    const auto name = loopback(family());
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(jl_bind(s.get(), nullptr, name.length), WSAEFAULT));
    EXPECT_TRUE(refused(jl_bind(s.get(), nowhere.as<sockaddr>(), name.length), WSAEFAULT));
    EXPECT_TRUE(refused(jl_bind(s.get(), name.get(), 4), WSAEFAULT));
    auto foreign = name;
    foreign.storage.ss_family = 4242;
    EXPECT_TRUE(refused(bind_to(s.get(), foreign), {WSAEAFNOSUPPORT, WSAEFAULT}));
    EXPECT_TRUE(refused(bind_to(s.get(), make_address(family() == AF_INET6 ? "2001:db8::7" : "192.0.2.7")),
                        WSAEADDRNOTAVAIL));
    ASSERT_TRUE(worked(bind_to(s.get(), name)));
    EXPECT_TRUE(refused(bind_to(s.get(), name), WSAEINVAL));
    const auto other = make_ordinary();
    EXPECT_TRUE(refused(bind_to(other.get(), local_name(s.get())), WSAEADDRINUSE));
}

TEST_P(Datagram, NameErrors) {
    const auto s = bound();
    const unreadable_memory nowhere;
    address name;
    int length = 4;
    EXPECT_TRUE(refused(jl_getsockname(s.get(), name.get(), &length), WSAEFAULT));
    length = sizeof name.storage;
    EXPECT_TRUE(refused(jl_getsockname(s.get(), nowhere.as<sockaddr>(), &length), WSAEFAULT));
    EXPECT_TRUE(refused(jl_getsockname(s.get(), name.get(), nullptr), WSAEFAULT));
    EXPECT_TRUE(refused(jl_getpeername(s.get(), name.get(), &length), WSAENOTCONN));
}

TEST_P(Datagram, ER_31_OptionErrors) {
    const auto s = bound();
    const unreadable_memory nowhere;
    int value = 0;
    int length = sizeof value;
    EXPECT_TRUE(refused(jl_getsockopt(s.get(), SOL_SOCKET, SO_TYPE, nullptr, &length), WSAEFAULT));
    EXPECT_TRUE(refused(jl_getsockopt(s.get(), SOL_SOCKET, SO_TYPE, nowhere.as<int>(), &length), WSAEFAULT));
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), SOL_SOCKET, SO_REUSEADDR, nowhere.as<int>(), 4), WSAEFAULT));
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), SOL_SOCKET, SO_TYPE, &value, sizeof value),
                        {WSAENOPROTOOPT, WSAEINVAL}));
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), 4711, 1, &value, sizeof value), {WSAENOPROTOOPT, WSAEINVAL}));
    ASSERT_TRUE(worked(jl_getsockopt(s.get(), SOL_SOCKET, SO_TYPE, &value, &length)));
    EXPECT_EQ(SOCK_DGRAM, value);
    EXPECT_EQ(static_cast<int>(sizeof value), length);
}

INSTANTIATE_TEST_SUITE_P(Transports, Datagram, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
