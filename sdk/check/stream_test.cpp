// SPDX-License-Identifier: Apache-2.0
//
// Ordinary TCP streams: connect, accept, data without boundaries, ends, events.
#include "tests/support/event_watch.hpp"
#include "tests/support/session.hpp"

namespace joinleaf::test {
namespace {

class Stream : public transport_test {
  protected:
    owned_socket listening(int backlog = 8) {
        auto s = make_ordinary();
        EXPECT_TRUE(listen_on_loopback(s.get(), family(), backlog));
        return s;
    }
    struct pair {
        owned_socket client, server;
    };
    pair connected() {
        const auto listener = listening();
        pair made{make_ordinary(), {}};
        const auto to = local_name(listener.get());
        EXPECT_TRUE(worked(jl_connect(made.client.get(), to.get(), to.length)));
        EXPECT_TRUE(readable(listener.fd()));
        made.server = owned_socket(jl_accept(listener.get(), nullptr, nullptr));
        EXPECT_TRUE(made.server) << last_failure();
        return made;
    }
};

TEST_P(Stream, AConnectionCarriesBytesBothWays) {
    const auto one = connected();
    ASSERT_EQ(5, send_text(one.client.get(), "hello"));
    EXPECT_EQ("hello", next_text(one.server.get()).value_or("nothing"));
    ASSERT_EQ(5, send_text(one.server.get(), "there"));
    EXPECT_EQ("there", next_text(one.client.get()).value_or("nothing"));
    EXPECT_EQ(local_name(one.client.get()), peer_name(one.server.get()));
    EXPECT_EQ(local_name(one.server.get()), peer_name(one.client.get()));
}

TEST_P(Stream, IO_11_AStreamHasNoBoundaries) {
    const auto one = connected();
    ASSERT_EQ(5, send_text(one.client.get(), "01234"));
    ASSERT_EQ(5, send_text(one.client.get(), "56789"));
    std::string sum;
    while (sum.size() < 10) {
        const auto part = next_text(one.server.get(), 3);
        ASSERT_TRUE(part.has_value()) << last_failure();
        sum += *part;
    }
    EXPECT_EQ("0123456789", sum);
}

TEST_P(Stream, IO_12_TheGracefulEndIsZero) {
    auto one = connected();
    ASSERT_EQ(3, send_text(one.client.get(), "end"));
    EXPECT_EQ(0, one.client.close());
    EXPECT_EQ("end", next_text(one.server.get()).value_or("nothing"));
    EXPECT_EQ("", next_text(one.server.get()).value_or("nothing"));
    EXPECT_EQ("", next_text(one.server.get()).value_or("nothing"));
}

TEST_P(Stream, IO_12_LC_09_AReset_FailsWithConnReset) {
    auto one = connected();
    linger hard{1, 0};
    ASSERT_TRUE(worked(jl_setsockopt(one.client.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
    EXPECT_EQ(0, one.client.close());
    EXPECT_EQ(WSAECONNRESET, failure_of_receive(one.server.get()));
}

TEST_P(Stream, IO_13_AfterShutdown_FailsWithShutdown) {
    const auto one = connected();
    ASSERT_TRUE(worked(jl_shutdown(one.client.get(), SD_SEND)));
    EXPECT_TRUE(worked(jl_shutdown(one.client.get(), SD_SEND)));
    EXPECT_TRUE(refused(send_text(one.client.get(), "x"), WSAESHUTDOWN));
    EXPECT_EQ("", next_text(one.server.get()).value_or("nothing"));
    ASSERT_EQ(4, send_text(one.server.get(), "back")) << "the other direction goes on";
    EXPECT_EQ("back", next_text(one.client.get()).value_or("nothing"));
}

TEST_P(Stream, IO_13_BeforeConnect_FailsWithNotConn) {
    const auto s = make_ordinary();
    char byte = 0;
    EXPECT_TRUE(refused(send_text(s.get(), "x"), WSAENOTCONN));
    EXPECT_TRUE(refused(jl_recv(s.get(), &byte, 1, 0), WSAENOTCONN));
    EXPECT_TRUE(refused(jl_shutdown(s.get(), SD_BOTH), WSAENOTCONN));
    address name;
    name.length = sizeof name.storage;
    EXPECT_TRUE(refused(jl_getpeername(s.get(), name.get(), &name.length), WSAENOTCONN));
}

TEST_P(Stream, ER_30_NobodyListening_FailsWithConnRefused) {
    const auto s = make_ordinary();
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    EXPECT_TRUE(refused(jl_connect(s.get(), nobody.get(), nobody.length), WSAECONNREFUSED));
}

TEST_P(Stream, ER_30_AFailedConnectMayBeTriedAgain) {
    const auto s = make_ordinary();
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    EXPECT_TRUE(refused(jl_connect(s.get(), nobody.get(), nobody.length), WSAECONNREFUSED));
    const auto listener = listening();
    const auto to = local_name(listener.get());
    EXPECT_TRUE(worked(jl_connect(s.get(), to.get(), to.length)));
}

TEST_P(Stream, NonblockingConnectTellsByFdConnect) {
    const auto listener = listening();
    const auto s = make_ordinary();
    const event_watch watch(s.get(), FD_CONNECT | FD_WRITE);
    const auto to = local_name(listener.get());
    const int answer = jl_connect(s.get(), to.get(), to.length);
    EXPECT_TRUE(answer == 0 || WSAGetLastError() == WSAEWOULDBLOCK)
        << last_failure(); // it may have finished by then
    EXPECT_EQ(0, watch.code(FD_CONNECT));
    EXPECT_EQ(1, send_text(s.get(), "x")) << last_failure();
}

TEST_P(Stream, NonblockingConnectThatFailsTellsItsCode) {
    const auto s = make_ordinary();
    const event_watch watch(s.get(), FD_CONNECT);
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    EXPECT_TRUE(refused(jl_connect(s.get(), nobody.get(), nobody.length), {WSAEWOULDBLOCK, WSAECONNREFUSED}));
    EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT));
}

TEST_P(Stream, ConnectTwice_FailsWithIsConn) {
    const auto listener = listening();
    const auto s = make_ordinary();
    const auto to = local_name(listener.get());
    ASSERT_TRUE(worked(jl_connect(s.get(), to.get(), to.length)));
    EXPECT_TRUE(refused(jl_connect(s.get(), to.get(), to.length), WSAEISCONN));
    EXPECT_TRUE(refused(jl_listen(s.get(), 1), WSAEISCONN));
}

TEST_P(Stream, EV_33_EV_35_EV_42_Events) {
    const auto listener = listening();
    const event_watch of_listener(listener.get(), FD_ACCEPT | FD_READ | FD_CLOSE);
    auto client = make_ordinary();
    const auto to = local_name(listener.get());
    ASSERT_TRUE(worked(jl_connect(client.get(), to.get(), to.length)));
    EXPECT_EQ(0, of_listener.code(FD_ACCEPT));
    const owned_socket server(jl_accept(listener.get(), nullptr, nullptr));
    ASSERT_TRUE(server) << last_failure();
    EXPECT_TRUE(refused(jl_accept(listener.get(), nullptr, nullptr), WSAEWOULDBLOCK));
    ASSERT_EQ(2, send_text(client.get(), "hi"));
    EXPECT_TRUE(wait_for_event(server.get(), of_listener.event(), FD_READ).has(FD_READ))
        << "EV-11: inherited";
    EXPECT_EQ("hi", receive_text(server.get()).value_or("nothing"));
    EXPECT_EQ(0, client.close());
    const auto seen = wait_for_event(server.get(), of_listener.event(), FD_CLOSE);
    EXPECT_TRUE(seen.has(FD_CLOSE));
    EXPECT_EQ(0, seen.code(FD_CLOSE));
}

TEST_P(Stream, EV_38_FdWriteComesBackWhenThereIsRoom) {
    const auto one = connected();
    const event_watch watch(one.client.get(), FD_WRITE);
    EXPECT_EQ(0, watch.code(FD_WRITE));
    const std::string piece(100'000, 'p');
    std::size_t sent = 0;
    for (int done = 0; done >= 0; done = send_text(one.client.get(), piece)) {
        sent += static_cast<std::size_t>(done);
        ASSERT_LT(sent, std::size_t{1} << 30) << "the queue never fills";
    }
    EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
    std::size_t got = 0;
    ASSERT_TRUE(set_nonblocking(one.server.get()));
    EXPECT_TRUE(eventually([&] {
        while (const auto part = receive_text(one.server.get())) {
            got += part->size();
        }
        return got == sent;
    })) << got
        << " of " << sent;
    EXPECT_EQ(0, watch.code(FD_WRITE));
}

TEST_P(Stream, ABlockingSendSendsAll) {
    const auto one = connected();
    const std::string much(8'000'000, 'm');
    auto sending = in_background([&] { return send_text(one.client.get(), much); });
    std::size_t got = 0;
    while (got < much.size()) {
        const auto part = next_text(one.server.get());
        ASSERT_TRUE(part.has_value() && !part->empty()) << last_failure();
        got += part->size();
    }
    EXPECT_EQ(static_cast<int>(much.size()), result_of(sending, "send"));
}

TEST_P(Stream, IO_26_MultipointIoctls_FailWithInval) {
    const auto s = make_ordinary();
    BOOL on = TRUE;
    int scope = 1;
    DWORD bytes = 0;
    EXPECT_TRUE(refused(
        WSAIoctl(s.get(), SIO_MULTIPOINT_LOOPBACK, &on, sizeof on, nullptr, 0, &bytes, nullptr, nullptr),
        WSAEINVAL));
    EXPECT_TRUE(refused(
        WSAIoctl(s.get(), SIO_MULTICAST_SCOPE, &scope, sizeof scope, nullptr, 0, &bytes, nullptr, nullptr),
        {WSAEINVAL, WSAENOPROTOOPT}));
}

TEST_P(Stream, LC_17_ClosingEndsABlockedReceive) {
    auto one = connected();
    auto receiving = in_background([s = one.client.get()] {
        char byte = 0;
        return jl_recv(s, &byte, 1, 0) < 0 ? WSAGetLastError() : 0;
    });
    EXPECT_FALSE(is_done(receiving, vigilance));
    EXPECT_EQ(0, one.client.close());
    const int code = result_of(receiving, "recv on a closed socket");
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
}

INSTANTIATE_TEST_SUITE_P(Transports, Stream, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
