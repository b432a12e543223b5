// SPDX-License-Identifier: Apache-2.0
//
// Completion ports (clause IO-53).
#include "tests/support/channel.hpp"
#include "tests/support/completion_port.hpp"
#include "tests/support/overlapped_call.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <set>

namespace joinleaf::test {
namespace {

class CompletionPort : public channel_test {};

TEST_P(CompletionPort, IO_53_EachOperationQueuesOnePacket) {
    const owned_port port;
    const auto way = open();
    ASSERT_TRUE(port.take_in(way.to.get(), 17)) << last_failure();
    ASSERT_TRUE(port.take_in(way.from.get(), 18)) << last_failure();
    overlapped_call receive;
    overlapped_call send("data");
    receive.state()->hEvent = nullptr;
    send.state()->hEvent = nullptr;
    ASSERT_EQ(WSA_IO_PENDING, receive.receive(way.to.get()));
    ASSERT_EQ(0, send.send(way.from.get()));
    std::set<ULONG_PTR> keys;
    for (int i = 0; i < 2; ++i) {
        const auto got = next_packet(port.get());
        ASSERT_TRUE(got.good) << code_name(got.code);
        EXPECT_EQ(4U, got.bytes);
        EXPECT_EQ(got.key == 17 ? receive.state() : send.state(), got.state);
        keys.insert(got.key);
    }
    EXPECT_EQ((std::set<ULONG_PTR>{17, 18}), keys);
    EXPECT_EQ("data", receive.text());
    EXPECT_EQ(WSA_WAIT_TIMEOUT, static_cast<DWORD>(next_packet(port.get(), 20).code));
}

TEST_P(CompletionPort, IO_53_FailuresQueueAPacketToo) {
    const owned_port port;
    auto way = open();
    ASSERT_TRUE(port.take_in(way.to.get(), 17));
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    ASSERT_EQ(0, way.to.close());
    const auto got = next_packet(port.get());
    EXPECT_FALSE(got.good);
    EXPECT_EQ(WSA_OPERATION_ABORTED, got.code);
    EXPECT_EQ(call.state(), got.state);
    EXPECT_EQ(17U, got.key);
    EXPECT_TRUE(call.is_set()) << "an event is set besides";
}

TEST_P(CompletionPort, IO_53_OrdinaryCallsQueueNothing) {
    const owned_port port;
    const auto way = open();
    ASSERT_TRUE(port.take_in(way.to.get(), 1));
    ASSERT_EQ(4, send_text(way.from.get(), "data"));
    EXPECT_EQ("data", next_text(way.to.get()).value_or("nothing"));
    EXPECT_FALSE(readable(port.fd(), vigilance));
}

TEST_P(CompletionPort, IO_53_ASocketIsAssociatedOnce) {
    const owned_port port;
    const owned_port other;
    const auto way = open();
    ASSERT_TRUE(port.take_in(way.to.get(), 1));
    for (const auto* const one : {&port, &other}) {
        EXPECT_FALSE(one->take_in(way.to.get(), 2));
        EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
    }
    overlapped_call call;
    const auto routine = [](DWORD, DWORD, LPWSAOVERLAPPED, DWORD) {};
    EXPECT_EQ(WSAEINVAL, call.receive(way.to.get(), routine));
}

TEST_P(CompletionPort, IO_50_IO_53_WhatAPortIsToldOfOutlivesItsThread) {
    const owned_port port;
    const auto way = open();
    ASSERT_TRUE(port.take_in(way.to.get(), 1));
    overlapped_call call;
    std::thread([&] { EXPECT_EQ(WSA_IO_PENDING, call.receive(way.to.get())); }).join();
    ASSERT_EQ(4, send_text(way.from.get(), "data"));
    const auto got = next_packet(port.get());
    EXPECT_TRUE(got.good) << code_name(got.code);
    EXPECT_EQ(4U, got.bytes);
}

TEST_P(CompletionPort, IO_53_SuccessAtOnceMayBeLeftUntold) {
    const owned_port port;
    const auto way = open();
    ASSERT_TRUE(port.take_in(way.from.get(), 1));
    ASSERT_TRUE(port.take_in(way.to.get(), 2));
    for (const auto* const s : {&way.from, &way.to}) {
        ASSERT_TRUE(jl_set_file_completion_notification_modes(event_handle(s->get()),
                                                              FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    }
    overlapped_call receive;
    overlapped_call send("data");
    ASSERT_EQ(WSA_IO_PENDING, receive.receive(way.to.get()));
    ASSERT_EQ(0, send.send(way.from.get()));
    EXPECT_EQ(2U, next_packet(port.get()).key) << "what was pending is told";
    EXPECT_FALSE(readable(port.fd(), vigilance));
}

TEST_P(CompletionPort, IO_53_SeveralThreadsShareThePackets) {
    constexpr int messages = 400;
    const owned_port port(4);
    const auto way = open();
    ASSERT_TRUE(port.take_in(way.to.get(), 1));
    std::vector<std::unique_ptr<overlapped_call>> calls;
    for (int i = 0; i < messages; ++i) {
        calls.push_back(std::make_unique<overlapped_call>(std::size_t{4}));
        calls.back()->state()->hEvent = nullptr;
        ASSERT_EQ(WSA_IO_PENDING, calls.back()->receive(way.to.get()));
    }
    std::mutex lock;
    std::multiset<LPWSAOVERLAPPED> seen;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (packet got; (got = next_packet(port.get())).key != 99;) {
                const std::lock_guard hold(lock);
                seen.insert(got.state);
            }
        });
    }
    for (int i = 0; i < messages; ++i) { // datagrams have room for so many, no more
        const auto before = static_cast<std::size_t>(std::max(0, i - 50));
        EXPECT_TRUE(i < 50 || eventually([&] { return calls[before]->over(); }));
        EXPECT_EQ(4, send_text(way.from.get(), std::to_string(1000 + i)));
    }
    EXPECT_TRUE(eventually([&] {
        const std::lock_guard hold(lock);
        return seen.size() == messages;
    })) << seen.size();
    for (std::size_t i = 0; i < threads.size(); ++i) {
        jl_post_queued_completion_status(port.get(), 0, 99, nullptr);
    }
    for (auto& one : threads) {
        one.join();
    }
    for (int i = 0; i < messages; ++i) {
        EXPECT_EQ(1U, seen.count(calls[static_cast<std::size_t>(i)]->state()));
        EXPECT_EQ(std::to_string(1000 + i), calls[static_cast<std::size_t>(i)]->text()) << "IO-46";
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, CompletionPort, ::testing::ValuesIn(all_transports()), transport_name());

class PortObject : public runtime_test {};

TEST_F(PortObject, IO_53_PostedPacketsComeAsTheyAreInOrder) {
    const owned_port port;
    WSAOVERLAPPED state{};
    for (DWORD i = 0; i < 200; ++i) {
        ASSERT_TRUE(jl_post_queued_completion_status(port.get(), i, i + 1, i % 2 == 0 ? &state : nullptr));
    }
    for (DWORD i = 0; i < 200; ++i) {
        const auto got = next_packet(port.get());
        ASSERT_TRUE(got.good);
        ASSERT_EQ(i, got.bytes);
        ASSERT_EQ(i + 1, got.key);
        ASSERT_EQ(i % 2 == 0 ? &state : nullptr, got.state);
    }
}

TEST_F(PortObject, IO_53_TheDescriptorIsReadableWhileAPacketIsQueued) {
    const owned_port port;
    EXPECT_FALSE(readable_now(port.fd()));
    jl_post_queued_completion_status(port.get(), 0, 1, nullptr);
    jl_post_queued_completion_status(port.get(), 0, 2, nullptr);
    EXPECT_TRUE(readable(port.fd()));
    EXPECT_EQ(1U, next_packet(port.get()).key);
    EXPECT_TRUE(readable(port.fd()));
    EXPECT_EQ(2U, next_packet(port.get()).key);
    EXPECT_FALSE(readable_now(port.fd()));
}

TEST_F(PortObject, IO_53_SeveralPacketsInOneCall) {
    const owned_port port;
    for (DWORD i = 0; i < 5; ++i) {
        jl_post_queued_completion_status(port.get(), i, i, nullptr);
    }
    std::array<OVERLAPPED_ENTRY, 8> entries{};
    ULONG taken = 0;
    ASSERT_TRUE(jl_get_queued_completion_status_ex(port.get(), entries.data(), 3, &taken, 0, FALSE));
    EXPECT_EQ(3U, taken);
    ASSERT_TRUE(jl_get_queued_completion_status_ex(port.get(), entries.data(), 8, &taken, 0, FALSE));
    ASSERT_EQ(2U, taken);
    EXPECT_EQ(3U, entries[0].lpCompletionKey);
    EXPECT_EQ(4U, entries[1].dwNumberOfBytesTransferred);
    EXPECT_FALSE(jl_get_queued_completion_status_ex(port.get(), entries.data(), 8, &taken, 0, FALSE));
    EXPECT_EQ(static_cast<int>(WSA_WAIT_TIMEOUT), WSAGetLastError());
    EXPECT_FALSE(jl_get_queued_completion_status_ex(port.get(), entries.data(), 0, &taken, 0, FALSE));
    EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
}

TEST_F(PortObject, EV_75_IO_53_AnAlertableWaitAtAPort) {
    const owned_port port;
    std::array<OVERLAPPED_ENTRY, 1> entries{};
    ULONG taken = 0;
    jl_queue_user_apc([](ULONG_PTR) {}, jl_current_thread(), 0);
    EXPECT_FALSE(jl_get_queued_completion_status_ex(port.get(), entries.data(), 1, &taken, 20000, TRUE));
    EXPECT_EQ(static_cast<int>(WSA_WAIT_IO_COMPLETION), WSAGetLastError());
}

TEST_F(PortObject, IO_53_ClosingThePortEndsTheWaits) {
    owned_port port;
    const HANDLE handle = port.get();
    auto waiting = in_background([&] { return next_packet(handle, WSA_INFINITE); });
    EXPECT_FALSE(is_done(waiting, vigilance));
    EXPECT_TRUE(port.close());
    const auto got = result_of(waiting, "GetQueuedCompletionStatus");
    EXPECT_FALSE(got.good);
    EXPECT_EQ(nullptr, got.state);
    EXPECT_EQ(ERROR_ABANDONED_WAIT_0, got.code);
    EXPECT_EQ(WSA_INVALID_HANDLE, next_packet(handle, 0).code);
    EXPECT_FALSE(jl_post_queued_completion_status(handle, 0, 0, nullptr));
}

TEST_F(PortObject, IO_53_AsManyThreadsRunAsThePortAllows) {
    const owned_port port(1);
    jl_post_queued_completion_status(port.get(), 0, 1, nullptr);
    ASSERT_EQ(1U, next_packet(port.get()).key); // this thread runs
    jl_post_queued_completion_status(port.get(), 0, 2, nullptr);
    auto second = in_background([&] { return next_packet(port.get(), 0).code; });
    EXPECT_EQ(static_cast<int>(WSA_WAIT_TIMEOUT), result_of(second, "a second thread"));
    EXPECT_EQ(2U, next_packet(port.get(), 0).key) << "the thread that comes back is served";
    jl_post_queued_completion_status(port.get(), 0, 3, nullptr);
    auto third = in_background([&] { return next_packet(port.get()).key; });
    EXPECT_EQ(3U, result_of(third, "a thread let in because the running one may be blocked"));
}

TEST_F(PortObject, IO_53_BadArguments) {
    const owned_port port;
    const owned_event event;
    const owned_socket plain(WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0, 0));
    EXPECT_FALSE(port.take_in(plain.get(), 1)) << "not overlapped";
    EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
    EXPECT_EQ(nullptr, jl_create_io_completion_port(event.get(), port.get(), 1, 0));
    EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
    EXPECT_EQ(nullptr, jl_create_io_completion_port(INVALID_HANDLE_VALUE, port.get(), 1, 0));
    EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
    EXPECT_EQ(nullptr, jl_create_io_completion_port(INVALID_HANDLE_VALUE, event.get(), 1, 0));
    EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
    EXPECT_EQ(WSA_INVALID_HANDLE, next_packet(event.get(), 0).code);
    EXPECT_FALSE(WSACloseEvent(port.get())) << "a port is no event";
    EXPECT_FALSE(WSASetEvent(port.get()));
    EXPECT_FALSE(jl_set_file_completion_notification_modes(event_handle(plain.get()), 4));
    EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
}

TEST_F(PortObject, IO_53_CloseHandleClosesASocketToo) {
    owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    EXPECT_TRUE(jl_close_handle(event_handle(s.get())));
    EXPECT_TRUE(refused(jl_closesocket(s.release()), WSAENOTSOCK));
}

TEST_F(PortObject, IO_53_APortIsMadeWithItsFirstSocket) {
    const owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    const HANDLE port = jl_create_io_completion_port(event_handle(s.get()), nullptr, 7, 0);
    ASSERT_NE(nullptr, port) << last_failure();
    const auto name = loopback(AF_INET);
    ASSERT_TRUE(worked(jl_bind(s.get(), name.get(), name.length)));
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(s.get()));
    EXPECT_TRUE(jl_cancel_io_ex(event_handle(s.get()), nullptr));
    EXPECT_EQ(7U, next_packet(port).key);
    EXPECT_TRUE(jl_close_handle(port));
}

} // namespace
} // namespace joinleaf::test
