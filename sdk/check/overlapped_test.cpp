// SPDX-License-Identifier: Apache-2.0
//
// Overlapped sending and receiving told by events, over every transport (clauses IO-40 ... IO-48, IO-50 ...
// IO-54).
#include "tests/support/bad_memory.hpp"
#include "tests/support/channel.hpp"
#include "tests/support/overlapped_call.hpp"

#include <vector>

namespace joinleaf::test {
namespace {

class Overlapped : public channel_test {
  protected:
    // Sends until a send has to wait for room; nothing where the transport always has room.
    static std::vector<std::unique_ptr<overlapped_call>> fill(SOCKET s, std::size_t size, int limit) {
        std::vector<std::unique_ptr<overlapped_call>> calls;
        for (int i = 0; i < limit; ++i) {
            calls.push_back(
                std::make_unique<overlapped_call>(std::string(size, static_cast<char>('a' + i % 26))));
            if (const int code = calls.back()->send(s); code != 0) {
                EXPECT_EQ(WSA_IO_PENDING, code) << code_name(code);
                break;
            }
        }
        return calls;
    }
};

TEST_P(Overlapped, IO_42_DoneAtOnce_IsIndicatedAllTheSame) {
    const auto way = open();
    ASSERT_EQ(5, send_text(way.from.get(), "hello"));
    ASSERT_TRUE(readable(way.to.fd()));
    overlapped_call call;
    ASSERT_EQ(0, call.receive(way.to.get()));
    EXPECT_EQ(5U, call.bytes());
    EXPECT_TRUE(call.is_set());
    EXPECT_EQ((overlapped_end{0, 5, 0}), call.end(way.to.get()));
    EXPECT_EQ("hello", call.text());
}

TEST_P(Overlapped, IO_42_ASendWithRoomIsDoneAtOnce) {
    const auto way = open();
    overlapped_call call("hello");
    ASSERT_EQ(0, call.send(way.from.get()));
    EXPECT_EQ(5U, call.bytes());
    EXPECT_EQ((overlapped_end{0, 5, 0}), call.wait(way.from.get()));
    EXPECT_EQ("hello", next_text(way.to.get()).value_or("nothing"));
}

TEST_P(Overlapped, IO_43_IO_45_WhatCannotBeDoneAtOnceIsPendingAndIndicatedOnce) {
    const auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    EXPECT_EQ(WSA_IO_INCOMPLETE, call.end(way.to.get()).code);
    EXPECT_FALSE(call.is_set());
    EXPECT_FALSE(call.over());
    ASSERT_EQ(4, send_text(way.from.get(), "late"));
    EXPECT_EQ((overlapped_end{0, 4, 0}), call.wait(way.to.get()));
    EXPECT_EQ("late", call.text());
    WSAResetEvent(call.event());
    ASSERT_EQ(4, send_text(way.from.get(), "more"));
    ASSERT_TRUE(readable(way.to.fd())) << "the next message is nobody's";
    EXPECT_FALSE(call.is_set());
}

TEST_P(Overlapped, IO_45_WaitingForTheOutcome) {
    const auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    auto waiting = in_background([&] {
        overlapped_end what;
        what.code = WSAGetOverlappedResult(way.to.get(), call.state(), &what.bytes, TRUE, &what.flags) != FALSE
                        ? 0
                        : WSAGetLastError();
        return what;
    });
    ASSERT_EQ(4, send_text(way.from.get(), "late"));
    EXPECT_EQ((overlapped_end{0, 4, 0}), result_of(waiting, "WSAGetOverlappedResult"));
}

TEST_P(Overlapped, IO_45_WithoutAnEventThereIsNoWait) {
    const auto way = open();
    overlapped_call call;
    call.state()->hEvent = nullptr;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    DWORD bytes = 0;
    DWORD flags = 0;
    EXPECT_FALSE(WSAGetOverlappedResult(way.to.get(), call.state(), &bytes, TRUE, &flags));
    EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
    EXPECT_FALSE(WSAGetOverlappedResult(way.to.get(), nullptr, &bytes, FALSE, &flags));
    EXPECT_EQ(WSAEFAULT, WSAGetLastError());
    ASSERT_EQ(4, send_text(way.from.get(), "late"));
    EXPECT_TRUE(eventually([&] { return call.over(); }));
    EXPECT_EQ((overlapped_end{0, 4, 0}), call.end(way.to.get()));
}

TEST_P(Overlapped, IO_44_StartingResetsTheEvent) {
    const auto way = open();
    overlapped_call call;
    call.set_event();
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    EXPECT_FALSE(call.is_set());
}

TEST_P(Overlapped, IO_43_AnEventThatIsNoneStartsNothing) {
    const auto way = open();
    overlapped_call call;
    call.state()->hEvent = event_handle(way.to.get());
    EXPECT_EQ(WSA_INVALID_HANDLE, call.receive(way.to.get()));
    ASSERT_EQ(4, send_text(way.from.get(), "free"));
    EXPECT_EQ("free", next_text(way.to.get()).value_or("nothing"));
}

TEST_P(Overlapped, IO_41_BlockingModeDoesNotMatter) {
    const auto way = open();
    ASSERT_TRUE(set_nonblocking(way.to.get()));
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    ASSERT_EQ(4, send_text(way.from.get(), "late"));
    EXPECT_EQ((overlapped_end{0, 4, 0}), call.wait(way.to.get()));
}

TEST_P(Overlapped, IO_46_ReceivesAreFilledInOrder) {
    const auto way = open();
    std::vector<std::unique_ptr<overlapped_call>> calls;
    for (int i = 0; i < 100; ++i) {
        calls.push_back(std::make_unique<overlapped_call>(std::size_t{4}));
        ASSERT_EQ(WSA_IO_PENDING, calls.back()->receive(way.to.get()));
    }
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(4, send_text(way.from.get(), std::to_string(1000 + i)));
    }
    for (int i = 0; i < 100; ++i) {
        auto& call = *calls[static_cast<std::size_t>(i)];
        ASSERT_EQ((overlapped_end{0, 4, 0}), call.wait(way.to.get())) << i;
        ASSERT_EQ(std::to_string(1000 + i), call.text());
    }
}

TEST_P(Overlapped, IO_46_SendsGoOutInOrder) {
    const auto way = open();
    std::vector<std::unique_ptr<overlapped_call>> calls;
    std::string sum;
    for (int i = 0; i < 20; ++i) {
        calls.push_back(std::make_unique<overlapped_call>(std::to_string(1000 + i)));
        const int code = calls.back()->send(way.from.get());
        ASSERT_TRUE(code == 0 || code == WSA_IO_PENDING) << code_name(code);
    }
    std::string expected;
    for (int i = 0; i < 20; ++i) {
        expected += std::to_string(1000 + i);
    }
    while (sum.size() < expected.size()) {
        const auto part = next_text(way.to.get());
        ASSERT_TRUE(part.has_value()) << last_failure();
        sum += *part;
    }
    EXPECT_EQ(expected, sum);
    for (auto& call : calls) {
        EXPECT_EQ((overlapped_end{0, 4, 0}), call->wait(way.from.get()));
    }
}

TEST_P(Overlapped, IO_46_AnOrdinaryReceiveWaitsBehindThePendingOnes) {
    const auto way = open();
    overlapped_call first(std::size_t{5});
    ASSERT_EQ(WSA_IO_PENDING, first.receive(way.to.get()));
    auto second = in_background([&] { return receive_text(way.to.get(), 6).value_or("nothing"); });
    EXPECT_FALSE(is_done(second, vigilance));
    ASSERT_EQ(5, send_text(way.from.get(), "first"));
    EXPECT_EQ((overlapped_end{0, 5, 0}), first.wait(way.to.get()));
    EXPECT_EQ("first", first.text());
    EXPECT_FALSE(is_done(second, vigilance));
    ASSERT_EQ(6, send_text(way.from.get(), "second"));
    EXPECT_EQ("second", result_of(second, "recv behind an overlapped receive"));
}

TEST_P(Overlapped, IO_14_IO_46_ANonblockingReceiveBehindPendingOnesWouldBlock) {
    const auto way = open();
    ASSERT_TRUE(set_nonblocking(way.to.get()));
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    char byte = 0;
    EXPECT_TRUE(refused(jl_recv(way.to.get(), &byte, 1, 0), WSAEWOULDBLOCK));
}

TEST_P(Overlapped, IO_47_TheArrayOfBuffersIsCopied) {
    const auto way = open();
    char one[3] = "";
    char two[4] = "";
    WSABUF parts[2] = {{3, one}, {4, two}};
    const owned_event event;
    WSAOVERLAPPED state{};
    state.hEvent = event.get();
    DWORD flags = 0;
    ASSERT_TRUE(refused(WSARecv(way.to.get(), parts, 2, nullptr, &flags, &state, nullptr), WSA_IO_PENDING));
    parts[0] = {};
    parts[1] = {};
    ASSERT_EQ(7, send_text(way.from.get(), "scatter"));
    DWORD bytes = 0;
    ASSERT_TRUE(WSAGetOverlappedResult(way.to.get(), &state, &bytes, TRUE, &flags)) << last_failure();
    EXPECT_EQ(7U, bytes);
    EXPECT_EQ("sca", std::string(one, 3));
    EXPECT_EQ("tter", std::string(two, 4));
}

TEST_P(Overlapped, IO_48_AShortReceive) {
    const auto way = open();
    overlapped_call call(std::size_t{4});
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    ASSERT_EQ(10, send_text(way.from.get(), "0123456789"));
    const auto outcome = call.wait(way.to.get());
    EXPECT_EQ(4U, outcome.bytes);
    EXPECT_EQ("0123", call.text());
    if (stream()) {
        EXPECT_EQ(0, outcome.code);
    } else if (has(XP1_PARTIAL_MESSAGE)) {
        EXPECT_EQ((overlapped_end{0, 4, static_cast<DWORD>(MSG_PARTIAL)}), outcome);
    } else {
        EXPECT_EQ(WSAEMSGSIZE, outcome.code);
    }
}

TEST_P(Overlapped, IO_50_CloseEndsPendingOperationsWithAborted) {
    auto way = open();
    overlapped_call first;
    overlapped_call second;
    ASSERT_EQ(WSA_IO_PENDING, first.receive(way.to.get()));
    ASSERT_EQ(WSA_IO_PENDING, second.receive(way.to.get()));
    ASSERT_EQ(0, way.to.close());
    for (auto* const call : {&first, &second}) {
        EXPECT_TRUE(call->is_set());
        EXPECT_TRUE(call->over());
        EXPECT_EQ(WSA_OPERATION_ABORTED, call->code());
    }
    EXPECT_EQ(WSAENOTSOCK, first.end(INVALID_SOCKET).code);
}

TEST_P(Overlapped, IO_50_TheEndOfAThreadCancelsWhatItBegan) {
    const auto way = open();
    overlapped_call of_thread;
    overlapped_call of_main;
    EXPECT_EQ(WSA_IO_PENDING, of_main.receive(way.to.get()));
    std::thread([&] { EXPECT_EQ(WSA_IO_PENDING, of_thread.receive(way.to.get())); }).join();
    EXPECT_EQ(WSA_OPERATION_ABORTED, of_thread.wait(way.to.get()).code);
    EXPECT_FALSE(of_main.over());
    ASSERT_EQ(4, send_text(way.from.get(), "mine"));
    EXPECT_EQ((overlapped_end{0, 4, 0}), of_main.wait(way.to.get()));
}

TEST_P(Overlapped, IO_50_CancelIoExEndsOneOrAll) {
    const auto way = open();
    overlapped_call calls[3];
    for (auto& call : calls) {
        ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    }
    const auto handle = event_handle(way.to.get());
    EXPECT_TRUE(jl_cancel_io_ex(handle, calls[1].state())) << last_failure();
    EXPECT_EQ(WSA_OPERATION_ABORTED, calls[1].wait(way.to.get()).code);
    EXPECT_FALSE(jl_cancel_io_ex(handle, calls[1].state()));
    EXPECT_EQ(ERROR_NOT_FOUND, WSAGetLastError());
    ASSERT_EQ(3, send_text(way.from.get(), "one"));
    EXPECT_EQ((overlapped_end{0, 3, 0}), calls[0].wait(way.to.get()));
    EXPECT_TRUE(jl_cancel_io_ex(handle, nullptr)) << last_failure();
    EXPECT_EQ(WSA_OPERATION_ABORTED, calls[2].wait(way.to.get()).code);
    EXPECT_FALSE(jl_cancel_io_ex(calls[0].event(), nullptr));
    EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
}

TEST_P(Overlapped, IO_50_CancelIoEndsTheThreadsOwn) {
    const auto way = open();
    overlapped_call mine;
    overlapped_call others;
    ASSERT_EQ(WSA_IO_PENDING, mine.receive(way.to.get()));
    std::promise<void> begun;
    std::promise<void> enough;
    auto other = in_background([&] {
        EXPECT_EQ(WSA_IO_PENDING, others.receive(way.to.get()));
        begun.set_value();
        enough.get_future().wait();
        return 0;
    });
    begun.get_future().wait();
    EXPECT_TRUE(jl_cancel_io(event_handle(way.to.get())));
    EXPECT_EQ(WSA_OPERATION_ABORTED, mine.wait(way.to.get()).code);
    EXPECT_FALSE(others.over());
    enough.set_value();
    result_of(other, "the other thread");
}

TEST_P(Overlapped, IO_54_APendingReceiveThatTakesTheDataLeavesNoFdRead) {
    const auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    const event_watch watch(way.to.get(), FD_READ);
    ASSERT_EQ(4, send_text(way.from.get(), "mine"));
    EXPECT_EQ((overlapped_end{0, 4, 0}), call.wait(way.to.get()));
    EXPECT_TRUE(watch.stays_away(FD_READ));
    ASSERT_EQ(4, send_text(way.from.get(), "free"));
    EXPECT_EQ(0, watch.code(FD_READ)) << "what no operation waits for is recorded";
    EXPECT_EQ("free", receive_text(way.to.get()).value_or("nothing"));
}

TEST_P(Overlapped, IO_54_AfterACancelFdReadComesAgain) {
    const auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    const event_watch watch(way.to.get(), FD_READ);
    EXPECT_TRUE(jl_cancel_io_ex(event_handle(way.to.get()), nullptr));
    ASSERT_EQ(4, send_text(way.from.get(), "free"));
    EXPECT_EQ(0, watch.code(FD_READ));
}

TEST_P(Overlapped, ST_11_TheLastCleanupSetsNoEvent) {
    auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    const int event = static_cast<int>(reinterpret_cast<std::uintptr_t>(call.event()));
    way.leave_open();
    end();
    EXPECT_TRUE(call.over());
    EXPECT_FALSE(readable(event, vigilance));
    ASSERT_TRUE(start_runtime(configuration()));
}

TEST_P(Overlapped, IO_46_SendsThatWaitForRoomGoOutInOrderAndWhole) {
    const auto way = open();
    if (!stream() && !has(XP1_GUARANTEED_DELIVERY)) {
        GTEST_SKIP() << "the transport is not reliable";
    }
    constexpr std::size_t size = 30000;
    auto calls = fill(way.from.get(), size, 4000);
    for (int i = 0; i < 10; ++i) { // further ones stand behind
        calls.push_back(std::make_unique<overlapped_call>(std::string(size, static_cast<char>('A' + i))));
        const int code = calls.back()->send(way.from.get());
        ASSERT_TRUE(code == WSA_IO_PENDING || code == 0) << code_name(code);
    }
    auto reading = in_background([&] {
        std::string sum;
        while (sum.size() < calls.size() * size) {
            const auto part = next_text(way.to.get());
            if (!part) {
                break;
            }
            sum += *part;
        }
        return sum;
    });
    for (auto& call : calls) {
        ASSERT_EQ((overlapped_end{0, size, 0}), call->wait(way.from.get()));
    }
    const auto got = result_of(reading, "reading what was sent");
    ASSERT_EQ(calls.size() * size, got.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
        ASSERT_EQ(calls[i]->text(), got.substr(i * size, size)) << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, Overlapped, ::testing::ValuesIn(all_transports()), transport_name());

class OverlappedStream : public Overlapped {};

TEST_P(OverlappedStream, IO_48_TheGracefulEndIsZeroBytes) {
    auto way = open();
    overlapped_call first;
    overlapped_call second;
    ASSERT_EQ(WSA_IO_PENDING, first.receive(way.to.get()));
    ASSERT_EQ(WSA_IO_PENDING, second.receive(way.to.get()));
    ASSERT_EQ(0, way.from.close());
    EXPECT_EQ((overlapped_end{0, 0, 0}), first.wait(way.to.get()));
    EXPECT_EQ((overlapped_end{0, 0, 0}), second.wait(way.to.get()));
}

TEST_P(OverlappedStream, IO_51_AResetEndsPendingReceives) {
    auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    const linger hard{1, 0};
    ASSERT_TRUE(worked(jl_setsockopt(way.from.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
    ASSERT_EQ(0, way.from.close());
    EXPECT_EQ(WSAECONNRESET, call.wait(way.to.get()).code);
    overlapped_call next;
    EXPECT_EQ(WSAECONNRESET, next.receive(way.to.get()));
    EXPECT_FALSE(next.is_set()) << "IO-43: not started, no indication";
}

TEST_P(OverlappedStream, IO_48_AReceiveWithoutRoomTellsThatDataIsThere) {
    const auto way = open();
    overlapped_call probe(std::size_t{0});
    ASSERT_EQ(WSA_IO_PENDING, probe.receive(way.to.get()));
    EXPECT_FALSE(readable(static_cast<int>(reinterpret_cast<std::uintptr_t>(probe.event())), vigilance));
    ASSERT_EQ(4, send_text(way.from.get(), "data"));
    EXPECT_EQ((overlapped_end{0, 0, 0}), probe.wait(way.to.get()));
    EXPECT_EQ("data", receive_text(way.to.get()).value_or("nothing"));
}

TEST_P(OverlappedStream, IO_48_MsgWaitAllCollects) {
    const auto way = open();
    overlapped_call call(std::size_t{8});
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get(), nullptr, MSG_WAITALL));
    ASSERT_EQ(3, send_text(way.from.get(), "abc"));
    EXPECT_FALSE(readable(static_cast<int>(reinterpret_cast<std::uintptr_t>(call.event())), vigilance));
    ASSERT_EQ(5, send_text(way.from.get(), "defgh"));
    EXPECT_EQ((overlapped_end{0, 8, 0}), call.wait(way.to.get()));
    EXPECT_EQ("abcdefgh", call.text());
}

TEST_P(OverlappedStream, LC_12_ShutdownComesAfterThePendingSends) {
    const auto way = open();
    constexpr std::size_t size = 100000;
    const auto calls = fill(way.from.get(), size, 1000);
    ASSERT_TRUE(worked(jl_shutdown(way.from.get(), SD_SEND)));
    overlapped_call late("late");
    EXPECT_EQ(WSAESHUTDOWN, late.send(way.from.get()));
    std::size_t sum = 0;
    for (std::optional<std::string> part; (part = next_text(way.to.get())).has_value() && !part->empty();) {
        sum += part->size();
    }
    EXPECT_EQ(calls.size() * size, sum) << last_failure();
    for (const auto& call : calls) {
        EXPECT_EQ((overlapped_end{0, size, 0}), call->wait(way.from.get()));
    }
}

TEST_P(OverlappedStream, LC_12_ShutdownOfReceivingEndsPendingReceives) {
    const auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    ASSERT_TRUE(worked(jl_shutdown(way.to.get(), SD_RECEIVE)));
    const auto outcome = call.wait(way.to.get());
    EXPECT_TRUE(outcome.code == WSAESHUTDOWN || outcome == (overlapped_end{0, 0, 0})) << outcome;
}

TEST_P(OverlappedStream, IO_50_CloseEndsPendingSends) {
    auto way = open();
    const auto calls = fill(way.from.get(), 100000, 1000);
    ASSERT_EQ(WSA_IO_INCOMPLETE, calls.back()->end(way.from.get()).code);
    const linger hard{1, 0};
    ASSERT_TRUE(worked(jl_setsockopt(way.from.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
    ASSERT_EQ(0, way.from.close());
    EXPECT_TRUE(calls.back()->is_set());
    EXPECT_EQ(WSA_OPERATION_ABORTED, calls.back()->code());
}

INSTANTIATE_TEST_SUITE_P(Streams, OverlappedStream, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

class OverlappedSession : public Overlapped {};

TEST_P(OverlappedSession, IO_52_WhileTheJoinIsPendingNothingIsQueued) {
    const auto root = make_listening_root();
    const auto leaf = make_leaf();
    ASSERT_TRUE(set_nonblocking(leaf.get()));
    ASSERT_EQ(leaf.get(), plain_join(leaf.get(), local_name(root.get()))) << last_failure();
    overlapped_call call;
    EXPECT_EQ(WSAENOTCONN, call.receive(leaf.get()));
    EXPECT_EQ(WSAENOTCONN, call.send(leaf.get()));
    EXPECT_FALSE(call.is_set());
}

TEST_P(OverlappedSession, IO_52_ALeafsDataReachesTheRootsPendingReceive) {
    const auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.from.get()));
    ASSERT_EQ(2, send_text(way.to.get(), "up"));
    EXPECT_EQ((overlapped_end{0, 2, 0}), call.wait(way.from.get()));
    EXPECT_EQ("up", call.text());
}

TEST_P(OverlappedSession, IO_12_IO_48_TheEndOfTheSessionIsDiscon) {
    auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get()));
    way.rest.clear();
    ASSERT_EQ(0, way.from.close());
    EXPECT_EQ(WSAEDISCON, call.wait(way.to.get()).code);
}

INSTANTIATE_TEST_SUITE_P(Sessions, OverlappedSession, ::testing::ValuesIn(session_transports()),
                         transport_name());

// What does not depend on the transport.
class OverlappedAttribute : public runtime_test {
  protected:
    static owned_socket bound(DWORD flags) {
        owned_socket s(WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0, flags));
        EXPECT_TRUE(worked(bind_to(s.get(), loopback(AF_INET))));
        return s;
    }
    int send_to(SOCKET s, const address& to, LPWSAOVERLAPPED state) {
        return WSASendTo(s, &piece_, 1, &bytes_, 0, to.get(), to.length, state, nullptr);
    }

    char room_[8] = "payload";
    WSABUF piece_{7, room_};
    DWORD bytes_ = 0;
    DWORD flags_ = 0;
};

TEST_F(OverlappedAttribute, CT_60_IO_40_WithoutTheFlagTheStructureIsIgnored) {
    const auto s = bound(0);
    WSAOVERLAPPED state{};
    state.Internal = 4711;
    ASSERT_TRUE(worked(send_to(s.get(), local_name(s.get()), &state)));
    EXPECT_EQ(7U, bytes_);
    ASSERT_TRUE(readable(s.fd()));
    ASSERT_TRUE(worked(WSARecv(s.get(), &piece_, 1, &bytes_, &flags_, &state, nullptr)));
    EXPECT_EQ(7U, bytes_);
    EXPECT_EQ(4711U, state.Internal);
}

TEST_F(OverlappedAttribute, CT_60_SocketMakesAnOverlappedOne) {
    const owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    ASSERT_TRUE(worked(bind_to(s.get(), loopback(AF_INET))));
    overlapped_call call;
    EXPECT_EQ(WSA_IO_PENDING, call.receive(s.get()));
}

TEST_F(OverlappedAttribute, IO_41_WithoutAStructureTheCallIsOrdinary) {
    const auto s = bound(WSA_FLAG_OVERLAPPED);
    ASSERT_TRUE(worked(send_to(s.get(), local_name(s.get()), nullptr)));
    ASSERT_TRUE(readable(s.fd()));
    ASSERT_TRUE(worked(WSARecv(s.get(), &piece_, 1, &bytes_, &flags_, nullptr, nullptr)));
    EXPECT_EQ(7U, bytes_);
}

TEST_F(OverlappedAttribute, IO_41_ARoutineWithoutAStructure_FailsWithFault) {
    const auto s = bound(WSA_FLAG_OVERLAPPED);
    const auto routine = [](DWORD, DWORD, LPWSAOVERLAPPED, DWORD) {};
    EXPECT_TRUE(refused(WSARecv(s.get(), &piece_, 1, &bytes_, &flags_, nullptr, routine), WSAEFAULT));
}

TEST_F(OverlappedAttribute, IO_43_ArgumentErrorsStartNothing) {
    const auto s = bound(WSA_FLAG_OVERLAPPED);
    WSAOVERLAPPED state{};
    EXPECT_TRUE(refused(WSARecv(s.get(), nullptr, 1, &bytes_, &flags_, &state, nullptr), WSAEFAULT));
    EXPECT_TRUE(refused(WSARecv(s.get(), &piece_, 0, &bytes_, &flags_, &state, nullptr), WSAEINVAL));
    EXPECT_TRUE(refused(WSARecv(s.get(), &piece_, 1, &bytes_, nullptr, &state, nullptr), WSAEFAULT));
    flags_ = MSG_OOB;
    EXPECT_TRUE(refused(WSARecv(s.get(), &piece_, 1, &bytes_, &flags_, &state, nullptr), WSAEOPNOTSUPP));
    const owned_socket unbound(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    flags_ = 0;
    EXPECT_TRUE(refused(WSARecv(unbound.get(), &piece_, 1, &bytes_, &flags_, &state, nullptr), WSAEINVAL));
}

TEST_F(OverlappedAttribute, IO_43_TheSourceIsStoredWithTheData) {
    const auto s = bound(WSA_FLAG_OVERLAPPED);
    const owned_event event;
    WSAOVERLAPPED state{};
    state.hEvent = event.get();
    address source;
    source.length = sizeof source.storage;
    ASSERT_TRUE(refused(
        WSARecvFrom(s.get(), &piece_, 1, nullptr, &flags_, source.get(), &source.length, &state, nullptr),
        WSA_IO_PENDING));
    const auto from = bound(0);
    char text[] = "from";
    WSABUF data{4, text};
    const auto to = local_name(s.get());
    ASSERT_TRUE(worked(WSASendTo(from.get(), &data, 1, &bytes_, 0, to.get(), to.length, nullptr, nullptr)));
    ASSERT_TRUE(WSAGetOverlappedResult(s.get(), &state, &bytes_, TRUE, &flags_)) << last_failure();
    EXPECT_EQ(4U, bytes_);
    EXPECT_EQ(local_name(from.get()), source);
}

TEST_F(OverlappedAttribute, IO_13_TheFirstOverlappedSendBindsTheSocket) {
    const auto to = bound(0);
    const owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    WSAOVERLAPPED state{};
    ASSERT_TRUE(worked(send_to(s.get(), local_name(to.get()), &state)));
    EXPECT_NE(0, local_name(s.get()).port());
    EXPECT_EQ("payload", next_text(to.get()).value_or("nothing"));
}

} // namespace
} // namespace joinleaf::test
