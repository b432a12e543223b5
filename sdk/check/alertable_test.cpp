// SPDX-License-Identifier: Apache-2.0
//
// Completion routines and queued calls: where they run, when, and what they may do (clauses CT-90, EV-75,
// EV-76, IO-49, IO-50, ST-11, ST-19, ST-20).
#include "tests/support/channel.hpp"
#include "tests/support/overlapped_call.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

namespace joinleaf::test {
namespace {

// What a routine was called with, and in which thread.
struct indication {
    DWORD code;
    DWORD bytes;
    LPWSAOVERLAPPED state;
    std::thread::id thread;
};

thread_local std::vector<indication> indications;
thread_local std::function<void(LPWSAOVERLAPPED)> inside_routine;

void CALLBACK note(DWORD code, DWORD bytes, LPWSAOVERLAPPED state, DWORD /*flags*/) {
    indications.push_back({code, bytes, state, std::this_thread::get_id()});
    if (inside_routine) {
        inside_routine(state);
    }
}

constexpr DWORD long_enough = 20000;

class Alertable : public channel_test {
  protected:
    void SetUp() override {
        indications.clear();
        inside_routine = nullptr;
        channel_test::SetUp();
    }
};

TEST_P(Alertable, IO_49_EV_75_ARoutineRunsOnlyInAnAlertableWaitOfItsThread) {
    const auto way = open();
    const owned_event never;
    const WSAEVENT handle = never.get();
    overlapped_call call;
    call.set_event();
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get(), note));
    EXPECT_TRUE(call.is_set()) << "IO-44: with a routine the event is the application's";
    ASSERT_EQ(4, send_text(way.from.get(), "data"));
    ASSERT_TRUE(eventually([&] { return call.over(); }));
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_TIMEOUT), WSAWaitForMultipleEvents(1, &handle, FALSE, 50, FALSE));
    EXPECT_EQ(0U, jl_sleep_ex(20, FALSE));
    std::thread([] { EXPECT_EQ(0U, jl_sleep_ex(20, TRUE)); }).join();
    EXPECT_TRUE(indications.empty());
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION),
              WSAWaitForMultipleEvents(1, &handle, FALSE, long_enough, TRUE));
    ASSERT_EQ(1U, indications.size());
    EXPECT_EQ(0U, indications[0].code);
    EXPECT_EQ(4U, indications[0].bytes);
    EXPECT_EQ(call.state(), indications[0].state);
    EXPECT_EQ(std::this_thread::get_id(), indications[0].thread);
    EXPECT_EQ(0U, jl_sleep_ex(20, TRUE)) << "once";
}

TEST_P(Alertable, IO_42_IO_49_DoneAtOnce_QueuesTheRoutine) {
    const auto way = open();
    overlapped_call call("text");
    ASSERT_EQ(0, call.send(way.from.get(), note));
    EXPECT_TRUE(indications.empty());
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), jl_sleep_ex(0, TRUE));
    ASSERT_EQ(1U, indications.size());
    EXPECT_EQ(4U, indications[0].bytes);
}

TEST_P(Alertable, EV_75_AWaitThatBeganBeforeIsEndedByTheRoutine) {
    const auto way = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get(), note));
    auto sending = in_background([&] {
        std::this_thread::sleep_for(vigilance);
        return send_text(way.from.get(), "data");
    });
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), jl_sleep_ex(long_enough, TRUE));
    EXPECT_EQ(4, result_of(sending, "send"));
    EXPECT_EQ(1U, indications.size());
}

TEST_P(Alertable, EV_75_EV_76_NoEventIsConsumedAndNothingIsLost) {
    const auto way = open();
    const owned_event set;
    WSASetEvent(set.get());
    const WSAEVENT handle = set.get();
    overlapped_call call("text");
    ASSERT_EQ(0, call.send(way.from.get(), note));
    bool ran = false;
    bool signalled = false;
    for (int i = 0; i < 2; ++i) {
        const auto answer = WSAWaitForMultipleEvents(1, &handle, TRUE, long_enough, TRUE);
        ran = ran || answer == WSA_WAIT_IO_COMPLETION;
        signalled = signalled || answer == WSA_WAIT_EVENT_0;
    }
    EXPECT_TRUE(ran);
    EXPECT_TRUE(signalled);
    EXPECT_TRUE(set.is_set());
}

TEST_P(Alertable, CT_90_RoutinesOfOneSocketAreNotNested) {
    const auto way = open();
    overlapped_call calls[3];
    for (auto& call : calls) {
        ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get(), note));
    }
    int depth = 0;
    int deepest = 0;
    inside_routine = [&](LPWSAOVERLAPPED) {
        deepest = std::max(deepest, ++depth);
        EXPECT_EQ(0U, jl_sleep_ex(30, TRUE));
        --depth;
    };
    for (auto& call : calls) {
        ASSERT_EQ(1, send_text(way.from.get(), "x"));
        ASSERT_TRUE(eventually([&] { return call.over(); }));
    }
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), jl_sleep_ex(long_enough, TRUE));
    EXPECT_EQ(3U, indications.size()) << "all that wait are run";
    EXPECT_EQ(1, deepest);
}

TEST_P(Alertable, CT_90_ARoutineOfAnotherSocketMayBeNested) {
    const auto one = open();
    const auto two = open();
    overlapped_call outer;
    overlapped_call inner;
    ASSERT_EQ(WSA_IO_PENDING, outer.receive(one.to.get(), note));
    ASSERT_EQ(WSA_IO_PENDING, inner.receive(two.to.get(), note));
    inside_routine = [&](LPWSAOVERLAPPED state) {
        if (state == outer.state()) {
            ASSERT_EQ(1, send_text(two.from.get(), "x"));
            EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), jl_sleep_ex(long_enough, TRUE));
        }
    };
    ASSERT_EQ(1, send_text(one.from.get(), "x"));
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), jl_sleep_ex(long_enough, TRUE));
    EXPECT_EQ(2U, indications.size());
}

TEST_P(Alertable, IO_49_ARoutineMayStartTheNextCall) {
    const auto way = open();
    overlapped_call call(std::size_t{1});
    std::string got;
    inside_routine = [&](LPWSAOVERLAPPED) {
        got += call.text();
        if (got.size() < 50) {
            const int code = call.receive(way.to.get(), note);
            EXPECT_TRUE(code == 0 || code == WSA_IO_PENDING) << code_name(code);
        }
    };
    ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get(), note));
    std::string sent;
    for (int i = 0; i < 50; ++i) {
        sent += static_cast<char>('a' + i % 26);
        ASSERT_EQ(1, send_text(way.from.get(), sent.substr(sent.size() - 1)));
    }
    while (got.size() < 50 && jl_sleep_ex(long_enough, TRUE) == WSA_WAIT_IO_COMPLETION) {}
    EXPECT_EQ(sent, got);
}

TEST_P(Alertable, IO_50_CloseGivesTheRoutinesTheirIndication) {
    auto way = open();
    overlapped_call calls[2];
    for (auto& call : calls) {
        ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get(), note));
    }
    ASSERT_EQ(0, way.to.close());
    EXPECT_TRUE(indications.empty());
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), jl_sleep_ex(long_enough, TRUE));
    ASSERT_EQ(2U, indications.size());
    for (const auto& one : indications) {
        EXPECT_EQ(static_cast<DWORD>(WSA_OPERATION_ABORTED), one.code);
    }
}

TEST_P(Alertable, IO_50_ARoutineMayCloseItsSocket) {
    auto way = open();
    overlapped_call calls[2];
    for (auto& call : calls) {
        ASSERT_EQ(WSA_IO_PENDING, call.receive(way.to.get(), note));
    }
    inside_routine = [&](LPWSAOVERLAPPED) { EXPECT_EQ(0, way.to.close()); };
    ASSERT_EQ(1, send_text(way.from.get(), "x"));
    while (indications.size() < 2 && jl_sleep_ex(long_enough, TRUE) == WSA_WAIT_IO_COMPLETION) {}
    ASSERT_EQ(2U, indications.size());
    EXPECT_EQ(static_cast<DWORD>(WSA_OPERATION_ABORTED), indications[1].code);
}

TEST_P(Alertable, IO_50_TheEndOfAThreadDropsItsRoutines) {
    const auto way = open();
    overlapped_call call;
    std::thread([&] { EXPECT_EQ(WSA_IO_PENDING, call.receive(way.to.get(), note)); }).join();
    EXPECT_TRUE(call.over());
    EXPECT_EQ(WSA_OPERATION_ABORTED, call.code());
    EXPECT_EQ(0U, jl_sleep_ex(0, TRUE));
}

TEST_P(Alertable, ST_11_TheLastCleanupRunsNoRoutine) {
    auto way = open();
    auto other = open();
    overlapped_call done("text");
    overlapped_call pending;
    ASSERT_EQ(0, done.send(way.from.get(), note));
    ASSERT_EQ(WSA_IO_PENDING, pending.receive(other.to.get(), note));
    way.leave_open();
    other.leave_open();
    end();
    jl_sleep_ex(20, TRUE);
    EXPECT_TRUE(indications.empty());
    ASSERT_TRUE(start_runtime(configuration()));
}

TEST_P(Alertable, ST_19_ABlockingReceiveWaitsAlertably) {
    const auto way = open();
    const auto other = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(other.to.get(), note));
    inside_routine = [&](LPWSAOVERLAPPED) { EXPECT_EQ(4, send_text(way.from.get(), "data")); };
    ASSERT_EQ(1, send_text(other.from.get(), "x"));
    EXPECT_EQ("data", receive_text(way.to.get()).value_or("nothing")) << "the call went on waiting";
    EXPECT_EQ(1U, indications.size());
}

TEST_P(Alertable, ST_19_SelectWaitsAlertably) {
    const auto way = open();
    const auto other = open();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.receive(other.to.get(), note));
    inside_routine = [&](LPWSAOVERLAPPED) { EXPECT_EQ(4, send_text(way.from.get(), "data")); };
    ASSERT_EQ(1, send_text(other.from.get(), "x"));
    jl_fd_set set{};
    jl_fd_add(way.to.get(), &set);
    EXPECT_EQ(1, jl_select(0, &set, nullptr, nullptr, nullptr));
    EXPECT_EQ(1U, indications.size());
}

TEST_P(Alertable, ST_20_ARoutineThatClosesTheSocketOfTheCallItInterrupts) {
    auto way = open();
    const SOCKET s = way.to.get();
    auto outcome = in_background([&] {
        jl_queue_user_apc([](ULONG_PTR closed) { EXPECT_EQ(0, jl_closesocket(closed)); }, jl_current_thread(),
                          s);
        char byte = 0;
        return jl_recv(s, &byte, 1, 0) == SOCKET_ERROR ? WSAGetLastError() : 0;
    });
    const int code = result_of(outcome, "recv of a socket that its own thread closes");
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
    static_cast<void>(way.to.release());
}

INSTANTIATE_TEST_SUITE_P(Transports, Alertable, ::testing::ValuesIn(all_transports()), transport_name());

class AlertableJoin : public root_test {};

TEST_P(AlertableJoin, ST_19_RoutinesRunDuringABlockingJoinWhichGoesOnWaiting) {
    const auto root = make_listening_root();
    const auto leaf = make_leaf();
    std::atomic<int> ran{0};
    auto joining = in_background([&] {
        const auto count = [](ULONG_PTR counter) { ++*reinterpret_cast<std::atomic<int>*>(counter); };
        for (int i = 0; i < 3; ++i) {
            jl_queue_user_apc(count, jl_current_thread(), reinterpret_cast<ULONG_PTR>(&ran));
        }
        return join(leaf.get(), {local_name(root.get())});
    });
    EXPECT_TRUE(eventually([&] { return ran == 3; }));
    EXPECT_FALSE(is_done(joining));
    const auto branch = admit(root.get());
    EXPECT_EQ(0, result_of(joining, "WSAJoinLeaf").error);
}

TEST_P(AlertableJoin, ST_19_ABlockingAcceptWaitsAlertably) {
    const auto root = make_listening_root();
    std::atomic<int> ran{0};
    auto accepting = in_background([&] {
        jl_queue_user_apc([](ULONG_PTR counter) { ++*reinterpret_cast<std::atomic<int>*>(counter); },
                          jl_current_thread(), reinterpret_cast<ULONG_PTR>(&ran));
        return jl_accept(root.get(), nullptr, nullptr);
    });
    EXPECT_TRUE(eventually([&] { return ran == 1; }));
    const auto leaf = make_leaf();
    EXPECT_EQ(leaf.get(), plain_join(leaf.get(), local_name(root.get()))) << last_failure();
    const owned_socket branch(result_of(accepting, "accept"));
    EXPECT_TRUE(branch);
}

INSTANTIATE_TEST_SUITE_P(Sessions, AlertableJoin, ::testing::ValuesIn(session_transports()), transport_name());

// Calls that a program queues itself.
class QueuedCall : public runtime_test {
  protected:
    static void CALLBACK count(ULONG_PTR counter) { ++*reinterpret_cast<std::atomic<int>*>(counter); }
    std::atomic<int> ran_{0};
    [[nodiscard]] ULONG_PTR counter() { return reinterpret_cast<ULONG_PTR>(&ran_); }
};

TEST_F(QueuedCall, IO_49_RunsInTheThreadItWasQueuedTo) {
    std::promise<HANDLE> handle;
    auto other = in_background([&] {
        handle.set_value(jl_open_current_thread());
        return jl_sleep_ex(WSA_INFINITE, TRUE);
    });
    const HANDLE thread = handle.get_future().get();
    ASSERT_NE(nullptr, thread);
    EXPECT_NE(0U, jl_queue_user_apc(count, thread, counter())) << last_failure();
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), result_of(other, "SleepEx"));
    EXPECT_EQ(1, ran_);
    EXPECT_TRUE(readable(static_cast<int>(reinterpret_cast<std::uintptr_t>(thread))))
        << "the thread has ended";
    EXPECT_EQ(0U, jl_queue_user_apc(count, thread, counter()));
    EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
    EXPECT_TRUE(jl_close_handle(thread));
    EXPECT_FALSE(jl_close_handle(thread));
}

TEST_F(QueuedCall, IO_49_ACallThatQueuesItselfDoesNotHoldTheThread) {
    static std::atomic<int> rounds{0};
    rounds = 0;
    struct self {
        static void CALLBACK run(ULONG_PTR) {
            if (++rounds < 3) {
                jl_queue_user_apc(run, jl_current_thread(), 0);
            }
        }
    };
    jl_queue_user_apc(self::run, jl_current_thread(), 0);
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), jl_sleep_ex(0, TRUE));
    EXPECT_EQ(1, rounds);
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), jl_sleep_ex(WSA_INFINITE, TRUE));
    EXPECT_EQ(2, rounds);
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_IO_COMPLETION), jl_sleep_ex(0, TRUE));
    EXPECT_EQ(0U, jl_sleep_ex(0, TRUE));
}

TEST_F(QueuedCall, WSACleanupInsideACallThatInterruptsABlockingOne_FailsWithInProgress) {
    const owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    const auto name = loopback(AF_INET);
    ASSERT_TRUE(worked(jl_bind(s.get(), name.get(), name.length)));
    DWORD limit = 200;
    ASSERT_TRUE(worked(jl_setsockopt(s.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)));
    const auto cleanup = [](ULONG_PTR) { EXPECT_TRUE(refused(WSACleanup(), WSAEINPROGRESS)); };
    jl_queue_user_apc(cleanup, jl_current_thread(), 0);
    char byte = 0;
    EXPECT_TRUE(refused(jl_recv(s.get(), &byte, 1, 0), WSAETIMEDOUT));
}

TEST_F(QueuedCall, BadArguments) {
    EXPECT_EQ(0U, jl_queue_user_apc(nullptr, jl_current_thread(), 0));
    EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
    const owned_event event;
    EXPECT_EQ(0U, jl_queue_user_apc(count, event.get(), 0));
    EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
}

} // namespace
} // namespace joinleaf::test
