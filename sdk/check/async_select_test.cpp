// SPDX-License-Identifier: Apache-2.0
//
// WSAAsyncSelect with message queues in the window's place (clauses EV-60 ... EV-65), and the queues themselves.
#include "tests/support/bad_memory.hpp"
#include "tests/support/duplicate.hpp"
#include "tests/support/linked.hpp"
#include "tests/support/message_watch.hpp"

namespace joinleaf::test {
namespace {

constexpr LONG data_events = FD_READ | FD_CLOSE;

class AsyncSelect : public link_test {};

TEST_P(AsyncSelect, EV_60_OneMessagePerEventWithItsContent) {
    const message_watch watch(watched(), FD_READ | FD_WRITE);
    EXPECT_EQ(0, watch.code(FD_WRITE)) << "it is writable";
    tell();
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_TRUE(watch.stays_empty()) << "exactly one message each";
}

TEST_P(AsyncSelect, EV_61_EV_35_EV_37_TheReceivingCallMakesFdReadComeAgain) {
    const message_watch watch(watched(), data_events);
    tell("one");
    EXPECT_EQ(0, watch.code(FD_READ));
    tell("two");
    EXPECT_TRUE(watch.stays_empty()) << "nothing before the re-enabling call";
    char room[8] = "";
    EXPECT_TRUE(worked(jl_recv(watched(), room, sizeof room, MSG_PEEK)));
    EXPECT_EQ(0, watch.code(FD_READ)) << "peeking is a receiving call";
}

TEST_P(AsyncSelect, EV_65_RegisteringAgainPostsWhatStillHolds) {
    const message_watch first(watched(), FD_READ | FD_WRITE);
    EXPECT_EQ(0, first.code(FD_WRITE));
    tell();
    EXPECT_EQ(0, first.code(FD_READ));
    const message_watch second(watched(), FD_READ | FD_WRITE);
    LONG events = 0;
    for (int i = 0; i < 2; ++i) {
        if (const auto message = second.queue().next()) {
            events += WSAGETSELECTEVENT(message->lParam);
        }
    }
    EXPECT_EQ(FD_READ + FD_WRITE, events);
    EXPECT_TRUE(first.stays_empty());
}

TEST_P(AsyncSelect, EV_03_EachKindReplacesTheOther) {
    const message_watch messages(watched(), FD_READ);
    const event_watch events(watched(), FD_READ);
    tell();
    EXPECT_EQ(0, events.code(FD_READ));
    EXPECT_TRUE(messages.stays_empty()) << "replaced";
    const message_watch again(watched(), FD_READ);
    EXPECT_EQ(0, again.code(FD_READ));
    EXPECT_EQ(0, enumerate(watched()).bits) << "the record is cleared, and stays so";
    static_cast<void>(receive_text(watched()));
    EXPECT_FALSE(events.is_set());
}

TEST_P(AsyncSelect, EV_02_EV_05_TheSocketBecomesNonblocking) {
    const owned_queue queue;
    ASSERT_TRUE(worked(WSAAsyncSelect(watched(), queue.get(), 1, FD_OOB)));
    char byte = 0;
    EXPECT_TRUE(refused(jl_recv(watched(), &byte, 1, 0), WSAEWOULDBLOCK));
    jl_u_long off = 0;
    EXPECT_TRUE(refused(jl_ioctlsocket(watched(), static_cast<LONG>(FIONBIO), &off), WSAEINVAL));
    ASSERT_TRUE(worked(WSAAsyncSelect(watched(), queue.get(), 0, 0)));
    EXPECT_TRUE(set_nonblocking(watched(), false));
}

TEST_P(AsyncSelect, EV_62_WhatIsQueuedStaysAfterCancelling) {
    const message_watch watch(watched(), FD_READ);
    tell();
    ASSERT_TRUE(readable(jl_queue_descriptor(watch.queue().get())));
    ASSERT_TRUE(worked(WSAAsyncSelect(watched(), nullptr, 0, 0)));
    static_cast<void>(receive_text(watched()));
    tell();
    ASSERT_TRUE(readable(static_cast<int>(watched())));
    EXPECT_EQ(0, watch.code(FD_READ)) << "from before";
    EXPECT_TRUE(watch.stays_empty()) << "no further one";
}

TEST_P(AsyncSelect, EV_10_EV_44_EV_62_ClosingPostsNothingAndTakesNothingBack) {
    const SOCKET number = watched();
    const message_watch watch(watched(), data_events);
    tell();
    ASSERT_TRUE(readable(jl_queue_descriptor(watch.queue().get())));
    EXPECT_EQ(0, watched_.close());
    EXPECT_EQ(0, watch.code(FD_READ, number));
    EXPECT_TRUE(watch.stays_empty());
}

TEST_P(AsyncSelect, LC_18_EV_60_MessagesNameTheNumberThatAskedForThem) {
    const SOCKET first = watched();
    auto second = duplicate(first);
    const message_watch watch(second.get(), FD_READ);
    tell();
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_EQ("x", receive_text(first).value_or("nothing"));
    ASSERT_EQ(0, second.close());
    tell();
    EXPECT_EQ(0, watch.code(FD_READ, first)) << "a number that is open, once that one is not";
}

TEST_P(AsyncSelect, LC_18_EV_60_NorDoMessagesNameTheFirstNumberWhenItIsClosed) {
    const message_watch watch(watched(), FD_READ);
    const auto copy = duplicate(watched());
    ASSERT_EQ(0, watched_.close());
    tell();
    EXPECT_EQ(0, watch.code(FD_READ, copy.get()));
}

TEST_P(AsyncSelect, ADestroyedQueueLeavesTheSocketUsable) {
    owned_queue queue;
    ASSERT_TRUE(worked(WSAAsyncSelect(watched(), queue.get(), 1, FD_READ)));
    EXPECT_EQ(0, queue.destroy());
    tell("still");
    EXPECT_EQ("still", next_text(watched()).value_or("nothing"));
    const message_watch other(watched(), FD_READ);
    tell();
    EXPECT_EQ(0, other.code(FD_READ));
}

INSTANTIATE_TEST_SUITE_P(Links, AsyncSelect, ::testing::ValuesIn(link_plans()), link_plan_name());

class AsyncClose : public link_test {};

TEST_P(AsyncClose, EV_61_EV_42_EV_43_FdCloseComesOnceAndAfterTheData) {
    const message_watch watch(watched(), data_events);
    tell("last");
    EXPECT_EQ(0, watch.code(FD_READ));
    close_peer();
    EXPECT_TRUE(watch.stays_empty()) << "the data is read first";
    EXPECT_EQ("last", receive_text(watched()).value_or("nothing"));
    EXPECT_EQ(0, watch.code(FD_CLOSE));
    EXPECT_TRUE(watch.stays_empty());
}

TEST_P(AsyncClose, EV_60_TheErrorIsInTheHighWord) {
    const message_watch watch(watched(), FD_CLOSE);
    const linger hard{1, 0};
    ASSERT_TRUE(worked(jl_setsockopt(closing_end(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
    WSASetLastError(4711);
    close_peer();
    const int code = watch.code(FD_CLOSE);
    EXPECT_TRUE(code == WSAECONNRESET || code == WSAECONNABORTED) << code_name(code);
    EXPECT_EQ(4711, WSAGetLastError()) << "EV-64: the last error does not tell it";
}

INSTANTIATE_TEST_SUITE_P(Links, AsyncClose, ::testing::ValuesIn(connection_plans()), link_plan_name());

class AsyncSession : public session_test {};

TEST_P(AsyncSession, EV_63_EV_31_JL_51_OutcomesAndNewSockets) {
    const auto root = make_listening_root();
    const auto door = make_listening_leaf();
    const message_watch of_root(root.get(), FD_ACCEPT | FD_CONNECT | FD_CLOSE);
    owned_socket branch, leaf;
    if (built() == way::invite) {
        branch = owned_socket(plain_join(root.get(), local_name(door.get())));
        ASSERT_TRUE(branch) << last_failure();
        leaf = admit(door.get());
        EXPECT_EQ(0, of_root.code(FD_CONNECT)) << "at the root, not at the new socket";
    } else {
        leaf = make_leaf();
        const message_watch of_leaf(leaf.get(), FD_CONNECT);
        ASSERT_EQ(leaf.get(), plain_join(leaf.get(), local_name(root.get())));
        EXPECT_EQ(0, of_root.code(FD_ACCEPT));
        branch = admit(root.get());
        EXPECT_EQ(0, of_leaf.code(FD_CONNECT));
    }
    EXPECT_EQ(0, leaf.close());
    EXPECT_EQ(0, of_root.code(FD_CLOSE, branch.get())) << "message and mask of the parent, wParam its own";
    EXPECT_TRUE(of_root.stays_empty());
}

TEST_P(AsyncSession, EV_60_ARefusalIsToldByTheMessage) {
    const auto root = make_root();
    const auto leaf = make_leaf();
    const auto asker = built() == way::invite ? root.get() : leaf.get();
    const auto name = loopback(family(), free_port(family(), SOCK_STREAM));
    if (built() == way::invite) {
        ASSERT_TRUE(worked(bind_to(asker, loopback(family()))));
    }
    const message_watch watch(asker, FD_CONNECT);
    const SOCKET started = plain_join(asker, name);
    ASSERT_NE(INVALID_SOCKET, started) << last_failure();
    EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT));
    if (started != asker) {
        EXPECT_EQ(0, jl_closesocket(started));
    }
}

TEST_P(AsyncSession, EV_09_EV_65_AnUntoldOutcomeIsPostedAtRegistrationOnce) {
    const auto root = make_root();
    const auto leaf = make_leaf();
    const auto asker = built() == way::invite ? root.get() : leaf.get();
    const event_watch before(asker, FD_ACCEPT);
    const SOCKET started = plain_join(asker, loopback(family(), free_port(family(), SOCK_STREAM)));
    ASSERT_NE(INVALID_SOCKET, started) << last_failure();
    ASSERT_TRUE(eventually([&] { // the attempt is over when another may start
        const message_watch watch(asker, FD_CONNECT);
        const auto message = watch.queue().next(std::chrono::milliseconds(500));
        return message.has_value() && WSAGETSELECTERROR(message->lParam) == WSAECONNREFUSED;
    }));
    const message_watch again(asker, FD_CONNECT);
    EXPECT_TRUE(again.stays_empty()) << "it was told";
    if (started != asker) {
        EXPECT_EQ(0, jl_closesocket(started));
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, AsyncSession,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

class QueueCalls : public runtime_test {};

TEST_F(QueueCalls, EV_64_UnknownReceiversAndBitsAreRefused) {
    const owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    const owned_queue queue;
    const owned_event event;
    EXPECT_TRUE(refused(WSAAsyncSelect(s.get(), nullptr, 1, FD_READ), WSAEINVAL));
    EXPECT_TRUE(refused(WSAAsyncSelect(s.get(), event_handle(999'999), 1, FD_READ), WSAEINVAL));
    EXPECT_TRUE(refused(WSAAsyncSelect(s.get(), event.get(), 1, FD_READ), WSAEINVAL))
        << "an event is no queue";
    EXPECT_TRUE(refused(WSAEventSelect(s.get(), queue.get(), FD_READ), WSAEINVAL)) << "nor the reverse";
    EXPECT_TRUE(refused(WSAAsyncSelect(s.get(), queue.get(), 1, 0x400), WSAEINVAL));
    EXPECT_TRUE(refused(WSAAsyncSelect(INVALID_SOCKET, queue.get(), 1, FD_READ), WSAENOTSOCK));
}

TEST_F(QueueCalls, PostedMessagesComeInOrderAndPeekingLeavesThem) {
    const owned_queue queue;
    jl_queue_message message{};
    EXPECT_EQ(0, jl_queue_peek(queue.get(), &message, TRUE));
    ASSERT_TRUE(worked(jl_queue_post(queue.get(), 1, 2, -3)));
    ASSERT_TRUE(worked(jl_queue_post(queue.get(), 4, 5, 6)));
    ASSERT_EQ(1, jl_queue_peek(queue.get(), &message, FALSE));
    ASSERT_EQ(1, jl_queue_wait(queue.get(), &message, 0));
    EXPECT_EQ(queue.get(), message.hwnd);
    EXPECT_EQ(1U, message.message);
    EXPECT_EQ(2U, message.wParam);
    EXPECT_EQ(-3, message.lParam);
    ASSERT_EQ(1, jl_queue_peek(queue.get(), &message, TRUE));
    EXPECT_EQ(4U, message.message);
    EXPECT_EQ(0, jl_queue_wait(queue.get(), &message, 5)) << "the time is over";
}

TEST_F(QueueCalls, BadArguments) {
    owned_queue queue;
    const HWND handle = queue.get();
    const unreadable_memory nowhere;
    jl_queue_message message{};
    ASSERT_TRUE(worked(jl_queue_post(handle, 1, 0, 0)));
    EXPECT_TRUE(refused(jl_queue_wait(handle, nullptr, 0), WSAEFAULT));
    EXPECT_TRUE(refused(jl_queue_peek(handle, nowhere.as<jl_queue_message>(), TRUE), WSAEFAULT));
    EXPECT_EQ(1, jl_queue_peek(handle, &message, FALSE)) << "it is still there";
    EXPECT_EQ(0, queue.destroy());
    for (const HWND none : {handle, event_handle(0), event_handle(999'999)}) {
        EXPECT_TRUE(refused(jl_queue_destroy(none), WSA_INVALID_HANDLE));
        EXPECT_TRUE(refused(jl_queue_wait(none, &message, 0), WSA_INVALID_HANDLE));
        EXPECT_TRUE(refused(jl_queue_peek(none, &message, TRUE), WSA_INVALID_HANDLE));
        EXPECT_TRUE(refused(jl_queue_post(none, 1, 0, 0), WSA_INVALID_HANDLE));
        EXPECT_EQ(-1, jl_queue_descriptor(none));
        EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
    }
}

TEST_F(QueueCalls, DestroyingAQueueEndsTheWaits) {
    owned_queue queue;
    const HWND handle = queue.get();
    auto waiting = in_background([handle] {
        jl_queue_message message{};
        return jl_queue_wait(handle, &message, WSA_INFINITE) == SOCKET_ERROR ? WSAGetLastError() : 0;
    });
    EXPECT_FALSE(is_done(waiting, vigilance));
    EXPECT_EQ(0, queue.destroy());
    EXPECT_EQ(WSA_INVALID_HANDLE, result_of(waiting, "jl_queue_wait"));
}

TEST_F(QueueCalls, ST_11_TheLastCleanupPostsNothing) {
    const owned_queue queue;
    const SOCKET listener = jl_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    ASSERT_TRUE(listen_on_loopback(listener, AF_INET));
    const SOCKET client = jl_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    const auto to = local_name(listener);
    ASSERT_TRUE(worked(jl_connect(client, to.get(), to.length)));
    ASSERT_TRUE(readable(static_cast<int>(listener)));
    const SOCKET server = jl_accept(listener, nullptr, nullptr);
    for (const SOCKET s : {listener, client, server}) {
        ASSERT_TRUE(worked(WSAAsyncSelect(s, queue.get(), 1, FD_ACCEPT | FD_READ | FD_CLOSE)));
    }
    end_runtime();
    EXPECT_TRUE(queue.all().empty()) << "although each closing is the end of the other's connection";
    EXPECT_TRUE(worked(jl_queue_post(queue.get(), 9, 0, 0))) << "the queue itself goes on";
    EXPECT_EQ(1U, queue.all().size());
}

} // namespace
} // namespace joinleaf::test
