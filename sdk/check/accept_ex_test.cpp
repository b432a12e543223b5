// SPDX-License-Identifier: Apache-2.0
//
// AcceptEx over ordinary streams: a connection in a socket that is there before, its first data, its addresses, and who is
// told of it (EV-33, IO-43, IO-50, IO-53).
#include "tests/support/bad_memory.hpp"
#include "tests/support/completion_port.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/overlapped_call.hpp"
#include "tests/support/stream_fixture.hpp"

#include <netinet/tcp.h>

#include <mutex>
#include <set>

namespace joinleaf::test {
namespace {

class AcceptEx : public stream_test {
  protected:
    static constexpr std::size_t none = 0; // no first data
    [[nodiscard]] std::size_t room(std::size_t first = none) const {
        return first + 2 * std::size_t{overlapped_call::address_room(family())};
    }
    static address stored_name(const sockaddr* name, int length) {
        address copy;
        copy.length = length;
        std::memcpy(&copy.storage, name, static_cast<std::size_t>(length));
        return copy;
    }
    static int take_context(SOCKET accepted, SOCKET listener) {
        return jl_setsockopt(accepted, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, &listener, sizeof listener);
    }
    static DWORD connect_time(SOCKET s) {
        DWORD seconds = 4711;
        int length = sizeof seconds;
        EXPECT_TRUE(worked(jl_getsockopt(s, SOL_SOCKET, SO_CONNECT_TIME, &seconds, &length)));
        return seconds;
    }
};

TEST_P(AcceptEx, IO_42_IO_43_TheConnectionTakesItsSeatInTheGivenSocket) {
    const auto listener = make_listener();
    const auto accepted = make_ordinary();
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    EXPECT_FALSE(call.is_set());
    EXPECT_EQ(~DWORD{0}, connect_time(accepted.get()));
    const auto client = connect_to(listener.get());
    EXPECT_EQ((overlapped_end{0, 0, 0}), call.wait(listener.get()));
    EXPECT_GT(60U, connect_time(accepted.get()));
    EXPECT_TRUE(worked(take_context(accepted.get(), listener.get())));
    EXPECT_EQ(local_name(client.get()), peer_name(accepted.get()));
    EXPECT_EQ(local_name(listener.get()), local_name(accepted.get()));
    ASSERT_EQ(4, send_text(client.get(), "ping"));
    EXPECT_EQ("ping", next_text(accepted.get()).value_or("nothing"));
    ASSERT_EQ(4, send_text(accepted.get(), "pong"));
    EXPECT_EQ("pong", next_text(client.get()).value_or("nothing"));
}

TEST_P(AcceptEx, TheAddressesStandInTheBuffer) {
    const auto listener = make_listener();
    const auto accepted = make_ordinary();
    overlapped_call call(room(17)); // nothing in it is aligned
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    const auto client = connect_to(listener.get());
    ASSERT_EQ(5, send_text(client.get(), "hello"));
    EXPECT_EQ((overlapped_end{0, 5, 0}), call.wait(listener.get()));
    EXPECT_EQ("hello", call.text());
    const auto names = call.names();
    ASSERT_NE(nullptr, names.local);
    ASSERT_NE(nullptr, names.remote);
    EXPECT_EQ(local_name(listener.get()), stored_name(names.local, names.local_length));
    EXPECT_EQ(local_name(client.get()), stored_name(names.remote, names.remote_length));
}

TEST_P(AcceptEx, WithRoomForFirstDataItEndsWithThem) {
    const auto listener = make_listener();
    const auto accepted = make_ordinary();
    overlapped_call call(room(8));
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    const auto client = connect_to(listener.get());
    EXPECT_TRUE(eventually([&] { return connect_time(accepted.get()) != ~DWORD{0}; }))
        << "the connection is there, which servers ask for that mistrust silent clients";
    EXPECT_FALSE(call.is_set());
    ASSERT_EQ(12, send_text(client.get(), "first, later"));
    EXPECT_EQ((overlapped_end{0, 8, 0}), call.wait(listener.get()));
    EXPECT_EQ("first, l", call.text());
    EXPECT_EQ("ater", next_text(accepted.get()).value_or("nothing"));
}

TEST_P(AcceptEx, IO_48_AClientThatLeavesWithoutAWordEndsItWithNoBytes) {
    const auto listener = make_listener();
    const auto accepted = make_ordinary();
    overlapped_call call(room(8));
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    connect_to(listener.get()).close();
    EXPECT_EQ((overlapped_end{0, 0, 0}), call.wait(listener.get()));
}

TEST_P(AcceptEx, ARequestThatWaitsAlreadyIsTaken) {
    const auto listener = make_listener();
    const auto client = connect_to(listener.get());
    ASSERT_TRUE(readable(listener.fd()));
    const auto accepted = make_ordinary();
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    EXPECT_EQ((overlapped_end{0, 0, 0}), call.wait(listener.get()));
    EXPECT_EQ(local_name(client.get()), peer_name(accepted.get()));
}

TEST_P(AcceptEx, IO_46_SeveralAreFilledInTheOrderOfTheCalls) {
    constexpr int count = 8;
    const auto listener = make_listener();
    std::vector<owned_socket> accepted, clients;
    std::vector<std::unique_ptr<overlapped_call>> calls;
    for (int i = 0; i < count; ++i) {
        accepted.push_back(make_ordinary());
        calls.push_back(std::make_unique<overlapped_call>(room()));
        ASSERT_EQ(WSA_IO_PENDING, calls.back()->accept(listener.get(), accepted.back().get(), family()));
    }
    for (std::size_t i = 0; i < count; ++i) {
        clients.push_back(connect_to(listener.get()));
        ASSERT_EQ((overlapped_end{0, 0, 0}), calls[i]->wait(listener.get())) << i;
        EXPECT_EQ(local_name(clients.back().get()), peer_name(accepted[i].get())) << i;
    }
}

TEST_P(AcceptEx, IO_53_ThePortOfTheListenerIsTold_AndThatOfTheConnectionOfItsData) {
    const owned_port port;
    const auto listener = make_listener();
    const auto accepted = make_ordinary();
    ASSERT_TRUE(port.take_in(listener.get(), 1));
    ASSERT_TRUE(port.take_in(accepted.get(), 2));
    overlapped_call call(room(4));
    call.state()->hEvent = nullptr;
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    const auto client = connect_to(listener.get());
    ASSERT_EQ(4, send_text(client.get(), "data"));
    auto got = next_packet(port.get());
    EXPECT_TRUE(got.good) << code_name(got.code);
    EXPECT_EQ(1U, got.key);
    EXPECT_EQ(4U, got.bytes);
    EXPECT_EQ(call.state(), got.state);
    overlapped_call receive;
    receive.state()->hEvent = nullptr;
    ASSERT_EQ(WSA_IO_PENDING, receive.receive(accepted.get())) << "it is associated still";
    ASSERT_EQ(4, send_text(client.get(), "more"));
    got = next_packet(port.get());
    EXPECT_EQ(2U, got.key);
    EXPECT_EQ(4U, got.bytes);
    EXPECT_FALSE(readable(port.fd(), vigilance)) << "one packet each";
}

TEST_P(AcceptEx, IO_50_ClosingTheListenerAbortsIt_AndTheSocketServesAgain) {
    auto listener = make_listener();
    const auto accepted = make_ordinary();
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    ASSERT_EQ(0, listener.close());
    EXPECT_TRUE(call.is_set());
    EXPECT_EQ(WSA_OPERATION_ABORTED, call.code());
    const auto another = make_listener();
    overlapped_call again(room());
    ASSERT_EQ(WSA_IO_PENDING, again.accept(another.get(), accepted.get(), family()));
    const auto client = connect_to(another.get());
    EXPECT_EQ((overlapped_end{0, 0, 0}), again.wait(another.get()));
}

TEST_P(AcceptEx, IO_50_ClosingTheListenerAbortsAlsoTheWaitForFirstData) {
    auto listener = make_listener();
    const auto accepted = make_ordinary();
    overlapped_call call(room(4));
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    const auto client = connect_to(listener.get());
    ASSERT_TRUE(eventually([&] { return connect_time(accepted.get()) != ~DWORD{0}; }));
    ASSERT_EQ(0, listener.close());
    EXPECT_TRUE(eventually([&] { return call.is_set(); }));
    EXPECT_EQ(WSA_OPERATION_ABORTED, call.code());
}

TEST_P(AcceptEx, IO_50_ClosingTheGivenSocketAbortsIt_AndTheRequestIsForTheNext) {
    const auto listener = make_listener();
    auto first = make_ordinary();
    auto second = make_ordinary();
    overlapped_call call(room());
    overlapped_call next(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), first.get(), family()));
    ASSERT_EQ(WSA_IO_PENDING, next.accept(listener.get(), second.get(), family()));
    ASSERT_EQ(0, first.close());
    EXPECT_TRUE(call.is_set());
    EXPECT_EQ(WSA_OPERATION_ABORTED, call.code());
    const auto client = connect_to(listener.get());
    EXPECT_EQ((overlapped_end{0, 0, 0}), next.wait(listener.get()));
}

TEST_P(AcceptEx, IO_50_CancelIoExEndsOneOfThem) {
    const auto listener = make_listener();
    const auto first = make_ordinary();
    const auto second = make_ordinary();
    overlapped_call call(room());
    overlapped_call other(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), first.get(), family()));
    ASSERT_EQ(WSA_IO_PENDING, other.accept(listener.get(), second.get(), family()));
    EXPECT_TRUE(jl_cancel_io_ex(event_handle(listener.get()), call.state()));
    EXPECT_EQ((overlapped_end{WSA_OPERATION_ABORTED, 0, 0}), call.wait(listener.get()));
    const auto client = connect_to(listener.get());
    EXPECT_EQ((overlapped_end{0, 0, 0}), other.wait(listener.get()));
    EXPECT_EQ(local_name(client.get()), peer_name(second.get()));
}

TEST_P(AcceptEx, IO_50_ItEndsWithTheThreadThatBeganIt) {
    const auto listener = make_listener();
    const auto accepted = make_ordinary();
    overlapped_call call(room());
    std::thread([&] {
        EXPECT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    }).join();
    EXPECT_EQ((overlapped_end{WSA_OPERATION_ABORTED, 0, 0}), call.wait(listener.get()));
}

TEST_P(AcceptEx, ST_11_TheLastCleanupSetsNoEvent) {
    auto listener = make_listener();
    auto accepted = make_ordinary();
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    EXPECT_EQ(1, end_runtime());
    static_cast<void>(listener.release());
    static_cast<void>(accepted.release());
    EXPECT_TRUE(call.over());
    EXPECT_FALSE(readable(static_cast<int>(reinterpret_cast<std::uintptr_t>(call.event())),
                          std::chrono::milliseconds(0)));
}

TEST_P(AcceptEx, EV_33_ItEnablesFdAcceptAgain_AndTakesTheRequestItself) {
    const auto listener = make_listener();
    const event_watch watch(listener.get(), FD_ACCEPT);
    const auto first = connect_to(listener.get());
    const auto second = connect_to(listener.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
    const auto accepted = make_ordinary();
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    EXPECT_EQ((overlapped_end{0, 0, 0}), call.wait(listener.get()));
    EXPECT_EQ(0, watch.code(FD_ACCEPT)) << "for the request behind it";
    const owned_socket other(jl_accept(listener.get(), nullptr, nullptr));
    EXPECT_TRUE(other) << last_failure();
}

TEST_P(AcceptEx, EV_33_IO_54_WhatAPendingOneTakesIsToldToNobodyElse) {
    const auto listener = make_listener();
    const event_watch watch(listener.get(), FD_ACCEPT);
    const auto accepted = make_ordinary();
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    EXPECT_TRUE(refused(jl_accept(listener.get(), nullptr, nullptr), WSAEWOULDBLOCK));
    const auto first = connect_to(listener.get());
    EXPECT_EQ((overlapped_end{0, 0, 0}), call.wait(listener.get()));
    EXPECT_TRUE(watch.stays_away(FD_ACCEPT));
    const auto second = connect_to(listener.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT)) << "with none pending requests are told as ever";
}

TEST_P(AcceptEx, JL_71_TheListenersPropertiesComeWithUpdateAcceptContext) {
    const auto listener = make_listener();
    const linger hard{1, 7};
    ASSERT_TRUE(worked(jl_setsockopt(listener.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
    const event_watch watch(listener.get(), FD_ACCEPT | FD_READ);
    const auto accepted = make_ordinary();
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    const auto client = connect_to(listener.get());
    ASSERT_EQ((overlapped_end{0, 0, 0}), call.wait(listener.get()));
    const auto lingers = [&] {
        linger now{};
        int length = sizeof now;
        EXPECT_TRUE(worked(jl_getsockopt(accepted.get(), SOL_SOCKET, SO_LINGER, &now, &length)));
        return now.l_onoff != 0 && now.l_linger == 7;
    };
    EXPECT_FALSE(lingers());
    ASSERT_TRUE(worked(take_context(accepted.get(), listener.get())));
    EXPECT_TRUE(lingers());
    ASSERT_EQ(4, send_text(client.get(), "data"));
    EXPECT_EQ(0, wait_for_event(accepted.get(), watch.event(), FD_READ).code(FD_READ))
        << "the same event object";
}

TEST_P(AcceptEx, TheOptionsOfTheGivenSocketStay) {
    const auto listener = make_listener();
    const auto accepted = make_ordinary();
    if (!set_flag(accepted.get(), IPPROTO_TCP, TCP_NODELAY, 1)) {
        GTEST_SKIP() << "the entry has no TCP_NODELAY";
    }
    const auto nodelay = [](SOCKET s) {
        int value = 0;
        int length = sizeof value;
        EXPECT_TRUE(worked(jl_getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, &length)));
        return value != 0;
    };
    ASSERT_FALSE(nodelay(listener.get()));
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    const auto client = connect_to(listener.get());
    ASSERT_EQ((overlapped_end{0, 0, 0}), call.wait(listener.get()));
    EXPECT_TRUE(nodelay(accepted.get()));
}

TEST_P(AcceptEx, EV_11_AnEventRegistrationOfTheGivenSocketServesTheConnection) {
    const auto listener = make_listener();
    const auto accepted = make_ordinary();
    const event_watch watch(accepted.get(), FD_READ | FD_WRITE | FD_CLOSE);
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    auto client = connect_to(listener.get());
    EXPECT_EQ(0, watch.code(FD_WRITE));
    ASSERT_EQ(4, send_text(client.get(), "data"));
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_EQ("data", receive_text(accepted.get()).value_or("nothing"));
    client.close();
    EXPECT_EQ(0, watch.code(FD_CLOSE));
}

TEST_P(AcceptEx, WhatWaitsForAConnectionIsGoodForNothingElse) {
    const auto listener = make_listener();
    const auto another = make_listener();
    const auto accepted = make_ordinary();
    overlapped_call call(room());
    ASSERT_EQ(WSA_IO_PENDING, call.accept(listener.get(), accepted.get(), family()));
    overlapped_call second(room());
    EXPECT_EQ(WSAEINVAL, second.accept(another.get(), accepted.get(), family()));
    EXPECT_TRUE(refused(bind_to(accepted.get(), loopback(family())), WSAEINVAL));
    EXPECT_TRUE(refused(jl_listen(accepted.get(), 1), WSAEINVAL));
    const auto to = local_name(another.get());
    EXPECT_TRUE(refused(jl_connect(accepted.get(), to.get(), to.length), WSAEINVAL));
    EXPECT_TRUE(refused(send_text(accepted.get(), "x"), WSAENOTCONN));
    EXPECT_TRUE(refused(take_context(accepted.get(), listener.get()), WSAENOTCONN));
}

TEST_P(AcceptEx, BadArgumentsAreTold) {
    const auto listener = make_listener();
    const auto accepted = make_ordinary();
    const auto other = make_ordinary();
    const unreadable_memory nowhere;
    const DWORD needed = overlapped_call::address_room(family());
    std::string buffer(room(), '\0');
    WSAOVERLAPPED state{};
    DWORD bytes = 0;
    const auto accept = [&](SOCKET from, SOCKET into, void* to, DWORD local, DWORD remote,
                            WSAOVERLAPPED* told) {
        return jl_accept_ex(from, into, to, 0, local, remote, &bytes, told) != FALSE ? 0 : SOCKET_ERROR;
    };
    const auto with = [&](SOCKET from, SOCKET into) {
        return accept(from, into, buffer.data(), needed, needed, &state);
    };
    EXPECT_TRUE(refused(with(INVALID_SOCKET, accepted.get()), WSAENOTSOCK));
    EXPECT_TRUE(refused(with(listener.get(), INVALID_SOCKET), WSAENOTSOCK));
    EXPECT_TRUE(refused(with(other.get(), accepted.get()), WSAEINVAL)) << "not listening";
    EXPECT_TRUE(refused(with(listener.get(), listener.get()), WSAEINVAL));
    EXPECT_TRUE(refused(accept(listener.get(), accepted.get(), nullptr, needed, needed, &state), WSAEFAULT));
    EXPECT_TRUE(refused(accept(listener.get(), accepted.get(), nowhere.as<char>(), needed, needed, &state),
                        WSAEFAULT));
    EXPECT_TRUE(refused(accept(listener.get(), accepted.get(), buffer.data(), needed - 1, needed, &state),
                        WSAEFAULT));
    EXPECT_TRUE(refused(accept(listener.get(), accepted.get(), buffer.data(), needed, 0, &state), WSAEFAULT));
    EXPECT_TRUE(refused(accept(listener.get(), accepted.get(), buffer.data(), needed, needed, nullptr),
                        WSA_INVALID_PARAMETER));
    ASSERT_TRUE(worked(bind_to(accepted.get(), loopback(family()))));
    EXPECT_TRUE(refused(with(listener.get(), accepted.get()), WSAEINVAL)) << "bound";
    const auto client = connect_to(listener.get());
    EXPECT_TRUE(refused(with(listener.get(), client.get()), WSAEINVAL)) << "connected";
    EXPECT_TRUE(readable(listener.fd())) << "the request is still there";
}

// Sockets that are accepted, connected, closed and cancelled by several threads: every operation ends once, with a
// lawful code.
TEST_P(AcceptEx, IO_43_IO_50_EachEndsExactlyOnce_HoweverManyThreadsCloseAndConnect) {
    constexpr int rounds = 60;
    const owned_port port;
    auto listener = make_listener();
    ASSERT_TRUE(port.take_in(listener.get(), 1));
    const auto to = local_name(listener.get());
    std::vector<std::unique_ptr<overlapped_call>> calls;
    std::vector<owned_socket> accepted;
    for (int i = 0; i < rounds; ++i) {
        accepted.push_back(make_ordinary());
        calls.push_back(std::make_unique<overlapped_call>(room(i % 2 == 0 ? 0 : 4)));
        calls.back()->state()->hEvent = nullptr;
        ASSERT_EQ(WSA_IO_PENDING, calls.back()->accept(listener.get(), accepted.back().get(), family()));
    }
    std::thread closes([&] {
        for (std::size_t i = 0; i < rounds; i += 3) {
            EXPECT_EQ(0, accepted[i].close());
        }
    });
    std::thread cancels([&] {
        for (std::size_t i = 1; i < rounds; i += 3) {
            jl_cancel_io_ex(event_handle(listener.get()), calls[i]->state());
        }
    });
    std::vector<owned_socket> clients;
    for (int i = 0; i < rounds / 2; ++i) {
        clients.push_back(make_ordinary());
        set_nonblocking(clients.back().get(), true);
        static_cast<void>(jl_connect(clients.back().get(), to.get(), to.length));
    }
    closes.join();
    cancels.join();
    EXPECT_EQ(0, listener.close());
    std::multiset<LPWSAOVERLAPPED> seen;
    for (int i = 0; i < rounds; ++i) {
        const auto got = next_packet(port.get());
        ASSERT_TRUE(got.good || got.code == WSA_OPERATION_ABORTED || got.code == WSAECONNRESET)
            << i << " " << code_name(got.code);
        EXPECT_EQ(1U, got.key);
        seen.insert(got.state);
    }
    for (const auto& one : calls) {
        EXPECT_EQ(1U, seen.count(one->state()));
    }
    EXPECT_FALSE(readable(port.fd(), vigilance));
}

INSTANTIATE_TEST_SUITE_P(Transports, AcceptEx, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
