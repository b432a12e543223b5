// SPDX-License-Identifier: Apache-2.0
//
// Ordinary TCP streams as Windows documents them, beyond connect and accept: options, expedited data, time limits,
// what select says.
#include "tests/support/event_watch.hpp"
#include "tests/support/session.hpp"

#include <filesystem>
#include <iterator>

namespace joinleaf::test {
namespace {

class WindowsStream : public transport_test {
  protected:
    struct pair {
        owned_socket client, server;
    };
    pair connected() {
        auto listener = make_ordinary();
        EXPECT_TRUE(listen_on_loopback(listener.get(), family()));
        pair made{make_ordinary(), {}};
        const auto to = local_name(listener.get());
        EXPECT_TRUE(worked(jl_connect(made.client.get(), to.get(), to.length)));
        EXPECT_TRUE(readable(listener.fd()));
        made.server = owned_socket(jl_accept(listener.get(), nullptr, nullptr));
        EXPECT_TRUE(made.server) << last_failure();
        return made;
    }
};

int receive(SOCKET s, std::string& text, std::size_t room, int flags) {
    text.assign(room, '\0');
    const int got = jl_recv(s, text.data(), static_cast<int>(room), flags);
    text.resize(static_cast<std::size_t>(std::max(got, 0)));
    return got;
}

int send_flagged(SOCKET s, const std::string& text, int flags) {
    return jl_send(s, text.data(), static_cast<int>(text.size()), flags);
}

jl_u_long ask(SOCKET s, DWORD code) {
    jl_u_long value = 99;
    EXPECT_TRUE(worked(jl_ioctlsocket(s, static_cast<LONG>(code), &value)));
    return value;
}

int option(SOCKET s, int level, int name) {
    int value = -1;
    int size = sizeof value;
    EXPECT_TRUE(worked(jl_getsockopt(s, level, name, &value, &size)));
    return value;
}

TEST_P(WindowsStream, IO_10_EV_35_PeekLeavesTheBytes) {
    const auto one = connected();
    ASSERT_EQ(5, send_text(one.client.get(), "peeks"));
    ASSERT_TRUE(readable(one.server.fd()));
    std::string text;
    EXPECT_EQ(3, receive(one.server.get(), text, 3, MSG_PEEK));
    EXPECT_EQ("pee", text);
    EXPECT_EQ(5, receive(one.server.get(), text, 9, 0));
    EXPECT_EQ("peeks", text);
}

TEST_P(WindowsStream, IO_34_FionreadTellsWhatOneReceiveMayTake) {
    const auto one = connected();
    EXPECT_EQ(0U, ask(one.server.get(), FIONREAD));
    ASSERT_EQ(7, send_text(one.client.get(), "sevenby"));
    EXPECT_TRUE(eventually([&] { return ask(one.server.get(), FIONREAD) == 7; }));
}

TEST_P(WindowsStream, WaitallWaitsForTheWholeBuffer) {
    const auto one = connected();
    auto receiving = in_background([s = one.server.get()] {
        std::string text;
        receive(s, text, 8, MSG_WAITALL);
        return text;
    });
    ASSERT_EQ(4, send_text(one.client.get(), "half"));
    EXPECT_FALSE(is_done(receiving, vigilance));
    ASSERT_EQ(4, send_text(one.client.get(), "half"));
    EXPECT_EQ("halfhalf", result_of(receiving, "recv with MSG_WAITALL"));
}

TEST_P(WindowsStream, WaitallEndsWithTheConnection) {
    auto one = connected();
    ASSERT_EQ(4, send_text(one.client.get(), "less"));
    one.client.close();
    std::string text;
    EXPECT_EQ(4, receive(one.server.get(), text, 8, MSG_WAITALL)) << last_failure();
    EXPECT_EQ(0, receive(one.server.get(), text, 8, MSG_WAITALL));
}

TEST_P(WindowsStream, EV_41_ExpeditedData_IsToldByFdOob_AndReadBesideTheStream) {
    const auto one = connected();
    const event_watch watch(one.server.get(), FD_OOB | FD_READ | FD_CLOSE);
    ASSERT_EQ(6, send_text(one.client.get(), "before"));
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_EQ(1U, ask(one.server.get(), SIOCATMARK)) << "no expedited data waits";
    ASSERT_EQ(1, send_flagged(one.client.get(), "!", MSG_OOB)) << last_failure();
    EXPECT_EQ(0, watch.code(FD_OOB));
    EXPECT_EQ(0U, ask(one.server.get(), SIOCATMARK)) << "there is data before the mark";
    std::string text;
    EXPECT_EQ(1, receive(one.server.get(), text, 4, MSG_OOB)) << last_failure();
    EXPECT_EQ("!", text);
    EXPECT_EQ(1U, ask(one.server.get(), SIOCATMARK)) << "all expedited data has been read";
    ASSERT_EQ(5, send_text(one.client.get(), "after"));
    std::string sum;
    EXPECT_TRUE(eventually([&] {
        if (receive(one.server.get(), text, 64, 0) > 0) {
            sum += text;
        }
        return sum == "beforeafter";
    })) << sum;
    EXPECT_TRUE(refused(receive(one.server.get(), text, 1, MSG_OOB), {WSAEWOULDBLOCK, WSAEINVAL}));
}

TEST_P(WindowsStream, EV_41_WithOobinline_TheByteIsPartOfTheStream_AndNoFdOobComes) {
    const auto one = connected();
    EXPECT_EQ(0, option(one.server.get(), SOL_SOCKET, SO_OOBINLINE));
    ASSERT_TRUE(set_flag(one.server.get(), SOL_SOCKET, SO_OOBINLINE, 1));
    EXPECT_NE(0, option(one.server.get(), SOL_SOCKET, SO_OOBINLINE));
    const event_watch watch(one.server.get(), FD_OOB | FD_READ);
    ASSERT_EQ(2, send_text(one.client.get(), "ab"));
    EXPECT_EQ(0, watch.code(FD_READ));
    ASSERT_EQ(1, send_flagged(one.client.get(), "!", MSG_OOB));
    EXPECT_TRUE(watch.stays_away(FD_OOB));
    EXPECT_EQ(0U, ask(one.server.get(), SIOCATMARK));
    std::string text;
    EXPECT_EQ(2, receive(one.server.get(), text, 64, 0)) << "a receive does not read across the mark";
    EXPECT_EQ(1U, ask(one.server.get(), SIOCATMARK));
    EXPECT_EQ(1, receive(one.server.get(), text, 64, 0));
    EXPECT_EQ("!", text);
}

TEST_P(WindowsStream, IO_14_SO_RCVTIMEO_InMilliseconds_EndsAReceiveWithTimedOut) {
    const auto one = connected();
    DWORD limit = 30;
    ASSERT_TRUE(worked(jl_setsockopt(one.server.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)));
    EXPECT_EQ(30, option(one.server.get(), SOL_SOCKET, SO_RCVTIMEO));
    std::string text;
    EXPECT_TRUE(refused(receive(one.server.get(), text, 1, 0), WSAETIMEDOUT));
    ASSERT_EQ(1, send_text(one.client.get(), "x"));
    limit = 0; // for ever
    ASSERT_TRUE(worked(jl_setsockopt(one.server.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)));
    EXPECT_EQ(1, receive(one.server.get(), text, 1, 0)) << last_failure();
}

TEST_P(WindowsStream, IO_14_SO_SNDTIMEO_EndsASendWithTimedOut) {
    const auto one = connected();
    DWORD limit = 30;
    ASSERT_TRUE(worked(jl_setsockopt(one.client.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit)));
    const std::string piece(1U << 20U, 'p');
    int last = 0;
    for (int i = 0; i < 1024 && last >= 0; ++i) {
        last = send_text(one.client.get(), piece);
    }
    EXPECT_TRUE(refused(last, WSAETIMEDOUT));
}

std::ptrdiff_t descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

TEST_P(WindowsStream, LC_20_ClosedWithDataThatTheResetPeerNeverTook_LeavesNoDescriptor) {
    { const auto warm = connected(); } // what a runtime makes once is there now
    const auto before = descriptors();
    {
        const auto one = connected();
        ASSERT_TRUE(set_nonblocking(one.client.get()));
        const std::string piece(1U << 20U, 'p');
        while (send_text(one.client.get(), piece) > 0) {}
        EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
    }
    EXPECT_TRUE(eventually([&] { return descriptors() <= before; })) << descriptors() << " of " << before;
}

TEST_P(WindowsStream, IO_13_AfterShutdownOfReceiving_AReceiveFails_SendingGoesOn) {
    const auto one = connected();
    ASSERT_TRUE(worked(jl_shutdown(one.server.get(), SD_RECEIVE)));
    std::string text;
    EXPECT_TRUE(refused(receive(one.server.get(), text, 1, 0), WSAESHUTDOWN));
    ASSERT_EQ(2, send_text(one.server.get(), "on"));
    EXPECT_EQ("on", next_text(one.client.get()).value_or("nothing"));
}

TEST_P(WindowsStream, JL_36_ConnectWhilePending_FailsWithAlready_ThenWithIsConn) {
    auto listener = make_ordinary();
    ASSERT_TRUE(listen_on_loopback(listener.get(), family()));
    const auto s = make_ordinary();
    ASSERT_TRUE(set_nonblocking(s.get()));
    const auto to = local_name(listener.get());
    const int first = jl_connect(s.get(), to.get(), to.length);
    EXPECT_TRUE(first == 0 || WSAGetLastError() == WSAEWOULDBLOCK) << last_failure();
    EXPECT_TRUE(eventually([&] {
        EXPECT_EQ(SOCKET_ERROR, jl_connect(s.get(), to.get(), to.length));
        EXPECT_TRUE(WSAGetLastError() == WSAEALREADY || WSAGetLastError() == WSAEISCONN) << last_failure();
        return WSAGetLastError() == WSAEISCONN;
    }));
}

// What select says of one socket: 1 readable, 2 writable, 4 exceptional.
int selected(SOCKET s, long milliseconds) {
    jl_fd_set in, out, exceptional;
    for (auto* set : {&in, &out, &exceptional}) {
        jl_fd_zero(set);
        jl_fd_add(s, set);
    }
    const timeval limit{milliseconds / 1000, milliseconds % 1000 * 1000};
    jl_select(0, &in, &out, &exceptional, &limit);
    return (jl_fd_isset(s, &in) != 0 ? 1 : 0) | (jl_fd_isset(s, &out) != 0 ? 2 : 0) |
           (jl_fd_isset(s, &exceptional) != 0 ? 4 : 0);
}

TEST_P(WindowsStream, Select_ConnectedIsWritable_RefusedIsExceptional) {
    auto listener = make_ordinary();
    ASSERT_TRUE(listen_on_loopback(listener.get(), family()));
    const auto good = make_ordinary();
    ASSERT_TRUE(set_nonblocking(good.get()));
    const auto to = local_name(listener.get());
    static_cast<void>(jl_connect(good.get(), to.get(), to.length));
    EXPECT_EQ(2, selected(good.get(), 20'000));
    const auto bad = make_ordinary();
    ASSERT_TRUE(set_nonblocking(bad.get()));
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    EXPECT_TRUE(
        refused(jl_connect(bad.get(), nobody.get(), nobody.length), {WSAEWOULDBLOCK, WSAECONNREFUSED}));
    EXPECT_EQ(4, selected(bad.get(), 20'000) & 6);
    EXPECT_EQ(WSAECONNREFUSED, option(bad.get(), SOL_SOCKET, SO_ERROR)) << "ER-33";
    EXPECT_EQ(0, option(bad.get(), SOL_SOCKET, SO_ERROR)) << "read once";
}

TEST_P(WindowsStream, Select_ExpeditedDataIsExceptional) {
    const auto one = connected();
    ASSERT_EQ(1, send_flagged(one.client.get(), "!", MSG_OOB));
    EXPECT_TRUE(eventually([&] { return (selected(one.server.get(), 100) & 4) != 0; }));
}

TEST_P(WindowsStream, ER_02_AnAddressInUse_CannotBeBoundAgain_WhateverSO_EXCLUSIVEADDRUSESays) {
    const auto first = make_ordinary();
    ASSERT_TRUE(set_flag(first.get(), SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1));
    EXPECT_EQ(1, option(first.get(), SOL_SOCKET, SO_EXCLUSIVEADDRUSE));
    ASSERT_TRUE(listen_on_loopback(first.get(), family()));
    const auto name = local_name(first.get());
    const auto second = make_ordinary();
    EXPECT_TRUE(refused(bind_to(second.get(), name), {WSAEADDRINUSE, WSAEACCES}));
    EXPECT_TRUE(set_flag(second.get(), SOL_SOCKET, SO_REUSEADDR, 1));
    const int bound = bind_to(second.get(), name);
    EXPECT_TRUE(bound != 0 || jl_listen(second.get(), 1) != 0) << "another server took the port";
    EXPECT_TRUE(refused(set_flag(first.get(), SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1) ? 0 : SOCKET_ERROR, WSAEINVAL))
        << "too late";
}

TEST_P(WindowsStream, AC_08_SO_CONDITIONAL_ACCEPT_IsKept_AndBelongsBeforeListen) {
    const auto s = make_ordinary();
    EXPECT_EQ(0, option(s.get(), SOL_SOCKET, SO_CONDITIONAL_ACCEPT));
    ASSERT_TRUE(set_flag(s.get(), SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 1));
    EXPECT_EQ(1, option(s.get(), SOL_SOCKET, SO_CONDITIONAL_ACCEPT));
    ASSERT_TRUE(listen_on_loopback(s.get(), family()));
    int off = 0;
    EXPECT_TRUE(
        refused(jl_setsockopt(s.get(), SOL_SOCKET, SO_CONDITIONAL_ACCEPT, &off, sizeof off), WSAEINVAL));
    const auto client = make_ordinary();
    const auto to = local_name(s.get());
    ASSERT_TRUE(worked(jl_connect(client.get(), to.get(), to.length)));
    const auto reject = [](LPWSABUF, LPWSABUF, LPQOS, LPQOS, LPWSABUF, LPWSABUF, GROUP*, DWORD_PTR) -> int {
        return CF_REJECT;
    };
    EXPECT_EQ(INVALID_SOCKET, WSAAccept(s.get(), nullptr, nullptr, reject, 0));
    EXPECT_EQ(WSAECONNREFUSED, WSAGetLastError());
    EXPECT_EQ(WSAECONNRESET, failure_of_receive(client.get()))
        << "TCP had connected before anybody could object";
}

TEST_P(WindowsStream, OptionsOfTheConnection_HaveTheirValues) {
    const auto one = connected();
    EXPECT_EQ(SOCK_STREAM, option(one.client.get(), SOL_SOCKET, SO_TYPE));
    EXPECT_EQ(0, option(one.client.get(), SOL_SOCKET, SO_ACCEPTCONN));
    EXPECT_EQ(0, option(one.client.get(), SOL_SOCKET, SO_ERROR));
    for (const auto& [level, name] : {std::pair{SOL_SOCKET, SO_KEEPALIVE}, std::pair{int{IPPROTO_TCP}, 1}}) {
        ASSERT_TRUE(set_flag(one.client.get(), level, name, 1)); // 1 is TCP_NODELAY on either system
        EXPECT_NE(0, option(one.client.get(), level, name));
    }
    EXPECT_GE(option(one.client.get(), SOL_SOCKET, SO_CONNECT_TIME), 0);
    EXPECT_TRUE(refused(jl_setsockopt(one.client.get(), SOL_SOCKET, SO_TYPE, &one, 4), WSAENOPROTOOPT));
}

TEST_P(WindowsStream, IO_09_SendtoAndRecvfrom_OnAConnection_IgnoreTheAddress) {
    const auto one = connected();
    const auto other = loopback(family(), 9);
    EXPECT_EQ(2, jl_sendto(one.client.get(), "hi", 2, 0, other.get(), other.length)) << last_failure();
    ASSERT_TRUE(readable(one.server.fd()));
    char text[8];
    address from;
    from.length = sizeof from.storage;
    EXPECT_EQ(2, jl_recvfrom(one.server.get(), text, sizeof text, 0, from.get(), &from.length))
        << last_failure();
}

TEST_P(WindowsStream, AnEmptySend_SendsNothing) {
    const auto one = connected();
    EXPECT_EQ(0, jl_send(one.client.get(), "", 0, 0));
    EXPECT_TRUE(stays_silent(one.server.get()));
}

TEST_P(WindowsStream, IO_22_ER_31_UnknownOptionsAndFlags_AnswerWinsockCodes) {
    const auto s = make_ordinary();
    int value = 1;
    int size = sizeof value;
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), SOL_SOCKET, 0x7ffe, &value, sizeof value), WSAENOPROTOOPT));
    EXPECT_TRUE(refused(jl_getsockopt(s.get(), SOL_SOCKET, 0x7ffe, &value, &size), WSAENOPROTOOPT));
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), 0x7ffe, 1, &value, sizeof value), {WSAENOPROTOOPT, WSAEINVAL}));
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), SOL_SOCKET, SO_KEEPALIVE, &value, 1), WSAEFAULT));
    const auto one = connected();
    EXPECT_TRUE(refused(send_flagged(one.client.get(), "x", 0x4000000), WSAEOPNOTSUPP));
}

INSTANTIATE_TEST_SUITE_P(Transports, WindowsStream, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
