// SPDX-License-Identifier: Apache-2.0
//
// Rules of FD_* events that hold wherever a socket sits, over every protocol entry (clauses EV-20, EV-30 ...
// EV-51).
#include "tests/support/linked.hpp"
#include "tests/support/message_watch.hpp"

#include <algorithm>
#include <atomic>

namespace joinleaf::test {
namespace {

class EventRules : public link_test {};

TEST_P(EventRules, EV_35_EV_37_EV_36_FdReadComesAgainOnlyAfterAReceivingCall) {
    const event_watch watch(watched(), FD_READ);
    tell("one");
    EXPECT_EQ(0, watch.code(FD_READ));
    tell("two");
    EXPECT_TRUE(watch.stays_away(FD_READ)) << "whatever else arrives";
    char room[8] = "";
    ASSERT_TRUE(worked(jl_recv(watched(), room, 3, 0)));
    EXPECT_EQ(0, watch.code(FD_READ)) << "level-triggered: something is left";
    ASSERT_TRUE(worked(jl_recv(watched(), room, 3, 0)));
    EXPECT_TRUE(watch.stays_away(FD_READ)) << "nothing is left";
}

TEST_P(EventRules, EV_35_EachReceivingFunctionReEnables) {
    const event_watch watch(watched(), FD_READ);
    tell("x");
    EXPECT_EQ(0, watch.code(FD_READ));
    char byte = 0;
    WSABUF room{1, &byte};
    DWORD bytes = 0;
    DWORD flags = MSG_PEEK;
    ASSERT_TRUE(worked(WSARecv(watched(), &room, 1, &bytes, &flags, nullptr, nullptr)));
    EXPECT_EQ(0, watch.code(FD_READ)) << "WSARecv";
    flags = MSG_PEEK;
    ASSERT_TRUE(worked(WSARecvFrom(watched(), &room, 1, &bytes, &flags, nullptr, nullptr, nullptr, nullptr)));
    EXPECT_EQ(0, watch.code(FD_READ)) << "WSARecvFrom";
    ASSERT_TRUE(worked(jl_recvfrom(watched(), &byte, 1, MSG_PEEK, nullptr, nullptr)));
    EXPECT_EQ(0, watch.code(FD_READ)) << "recvfrom";
    ASSERT_TRUE(worked(jl_recv(watched(), &byte, 1, MSG_PEEK)));
    EXPECT_EQ(0, watch.code(FD_READ)) << "recv";
}

TEST_P(EventRules, EV_36_D_5_AReceiveWithBadArgumentsReEnablesToo) {
    const event_watch watch(watched(), FD_READ);
    tell("x");
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_TRUE(refused(jl_recv(watched(), nullptr, 1, 0), WSAEFAULT));
    EXPECT_EQ(0, watch.code(FD_READ)) << "any call of a receiving function";
    DWORD flags = 0;
    EXPECT_TRUE(refused(WSARecv(watched(), nullptr, 1, nullptr, &flags, nullptr, nullptr), WSAEFAULT));
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_EQ("x", receive_text(watched()).value_or("nothing"));
}

TEST_P(EventRules, EV_38_ASuccessfulSendRaisesNothingAndTakesNothingBack) {
    const event_watch watch(watched(), FD_WRITE);
    ASSERT_TRUE(eventually([&] { return watch.is_set(); }));
    ASSERT_EQ(1, send_text(watched(), "x")) << last_failure();
    EXPECT_TRUE(enumerate(watched(), watch.event()).has(FD_WRITE)) << "unread, and still there";
    ASSERT_EQ(1, send_text(watched(), "y"));
    EXPECT_TRUE(watch.stays_away(FD_WRITE));
}

TEST_P(EventRules, EV_07_EV_25_WhatIsNotNominatedIsRememberedAcrossEnumerations) {
    const event_watch watch(watched(), FD_OOB);
    tell();
    ASSERT_TRUE(readable(static_cast<int>(watched())));
    EXPECT_EQ(0, enumerate(watched(), watch.event()).bits);
    EXPECT_FALSE(watch.is_set());
    const event_watch wider(watched(), FD_OOB | FD_READ | FD_WRITE);
    EXPECT_TRUE(wider.wait(FD_READ).has(FD_READ));
    const event_watch again(watched(), FD_WRITE);
    EXPECT_EQ(0, again.code(FD_WRITE)) << "it is writable, whatever was told before";
}

TEST_P(EventRules, EV_09_WithTheEventTheSocketStaysReadable) {
    const event_watch watch(watched(), FD_READ);
    tell("x");
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_TRUE(readable(static_cast<int>(watched()))) << "the descriptor tells the same";
    EXPECT_EQ("x", receive_text(watched()).value_or("nothing"));
    EXPECT_FALSE(readable_now(static_cast<int>(watched())));
}

TEST_P(EventRules, EV_48_EV_52_ReservedEventsAreNeverRecorded) {
    const event_watch watch(watched(),
                            FD_GROUP_QOS | FD_QOS | FD_ROUTING_INTERFACE_CHANGE | FD_ADDRESS_LIST_CHANGE);
    tell();
    ASSERT_TRUE(next_text(watched()).has_value());
    EXPECT_EQ(1, send_text(watched(), "x")) << last_failure();
    EXPECT_TRUE(
        watch.stays_away(FD_GROUP_QOS | FD_QOS | FD_ROUTING_INTERFACE_CHANGE | FD_ADDRESS_LIST_CHANGE));
}

// The application's side of EV-20: whoever takes FD_READ out of the record reads until nothing is left.
TEST_P(EventRules, EV_20_ManyThreadsEnumerateAndNothingIsLostOrToldTwice) {
    constexpr int messages = 400;
    constexpr int readers = 4;
    const event_watch watch(watched(), FD_READ);
    std::atomic<int> got{0};
    std::atomic<int> told{0};
    std::atomic<int> receives{0};
    std::vector<std::future<bool>> threads;
    threads.reserve(readers);
    for (int i = 0; i < readers; ++i) {
        threads.push_back(in_background([&] {
            const auto end = clock::now() + patience;
            const WSAEVENT event = watch.event();
            while (got < messages && clock::now() < end) {
                WSAWaitForMultipleEvents(1, &event, FALSE, 20, FALSE);
                WSANETWORKEVENTS now{};
                if (WSAEnumNetworkEvents(watched(), event, &now) != 0) {
                    return false;
                }
                if ((now.lNetworkEvents & FD_READ) == 0) {
                    continue;
                }
                ++told;
                char room[64] = "";
                for (int bytes = 0; bytes >= 0;) {
                    ++receives;
                    bytes = jl_recv(watched(), room, sizeof room, 0);
                    got += std::max(bytes, 0);
                }
                if (WSAGetLastError() != WSAEWOULDBLOCK) {
                    return false;
                }
            }
            return got == messages;
        }));
    }
    for (int i = 0; i < messages; ++i) {
        tell();
        if (i % 32 == 31) { // datagrams have no flow control
            ASSERT_TRUE(eventually([&] { return got > i - 64; })) << got;
        }
    }
    for (auto& thread : threads) {
        EXPECT_TRUE(result_of(thread, "a reader"));
    }
    EXPECT_EQ(messages, got);
    EXPECT_LE(told, receives + 1) << "between two reports there is a receiving call";
}

TEST_P(EventRules, EV_03_EV_20_RegisteringFromManyThreadsLeavesOneRegistration) {
    const owned_event event;
    const owned_queue queue;
    const SOCKET s = watched();
    std::vector<std::future<bool>> threads;
    for (int i = 0; i < 4; ++i) {
        threads.push_back(in_background([&, i] {
            bool good = true;
            for (int round = 0; round < 100; ++round) {
                const bool by_event = (i + round) % 2 == 0;
                good = good && (by_event ? WSAEventSelect(s, event.get(), FD_READ | FD_CLOSE)
                                         : WSAAsyncSelect(s, queue.get(), 7, FD_READ)) == 0;
            }
            return good;
        }));
    }
    for (auto& thread : threads) {
        EXPECT_TRUE(result_of(thread, "a thread that registers"));
    }
    static_cast<void>(queue.all());
    ASSERT_TRUE(worked(WSAEventSelect(s, event.get(), FD_READ)));
    tell();
    EXPECT_TRUE(wait_for_event(s, event.get(), FD_READ).has(FD_READ));
    EXPECT_TRUE(queue.stays_empty());
}

INSTANTIATE_TEST_SUITE_P(Links, EventRules, ::testing::ValuesIn(link_plans()), link_plan_name());

class CloseRules : public link_test {};

TEST_P(CloseRules, EV_35_AClosureIsNoFdRead) {
    const event_watch watch(watched(), FD_READ);
    close_peer();
    EXPECT_TRUE(watch.stays_away(FD_READ));
    const event_watch wider(watched(), FD_READ | FD_CLOSE);
    const auto seen = wider.wait(FD_CLOSE);
    EXPECT_TRUE(seen.has(FD_CLOSE)) << "EV-07: remembered";
    EXPECT_FALSE(seen.has(FD_READ));
}

TEST_P(CloseRules, EV_43_EV_42_FdCloseWaitsForTheLastMessageAlsoWhenRegisteredAlone) {
    const event_watch watch(watched(), FD_CLOSE);
    tell("one");
    tell("two");
    ASSERT_TRUE(readable(static_cast<int>(watched())));
    close_peer();
    EXPECT_TRUE(watch.stays_away(FD_CLOSE)) << "two messages are unread";
    std::string all;
    while (all.size() < 6) {
        const auto part = next_text(watched(), 3);
        ASSERT_TRUE(part.has_value()) << last_failure();
        all += *part;
    }
    EXPECT_EQ("onetwo", all);
    EXPECT_EQ(0, watch.code(FD_CLOSE));
    static_cast<void>(receive_text(watched()));
    EXPECT_TRUE(watch.stays_away(FD_CLOSE)) << "once; nothing re-enables it";
}

TEST_P(CloseRules, EV_44_OnesOwnShutdownIsNoFdClose) {
    for (const int how : {SD_RECEIVE, SD_SEND}) {
        const event_watch watch(watched(), FD_CLOSE | FD_READ);
        ASSERT_TRUE(worked(jl_shutdown(watched(), how))) << how;
        EXPECT_TRUE(watch.stays_away(FD_CLOSE | FD_READ)) << how;
    }
    const event_watch watch(watched(), FD_CLOSE);
    close_peer();
    EXPECT_EQ(0, watch.code(FD_CLOSE)) << "the peer has finished too";
}

TEST_P(CloseRules, EV_44_LC_11_OnesOwnCloseSetsNothing) {
    const owned_event event;
    ASSERT_TRUE(worked(WSAEventSelect(watched(), event.get(), FD_CLOSE)));
    EXPECT_EQ(0, watched_.close());
    close_peer();
    EXPECT_FALSE(readable(static_cast<int>(reinterpret_cast<ULONG_PTR>(event.get())), vigilance));
}

TEST_P(CloseRules, EV_51_MessagesComeInCausalOrder) {
    tell("x");
    close_peer();
    ASSERT_TRUE(readable(static_cast<int>(watched())));
    const message_watch watch(watched(), FD_READ | FD_WRITE | FD_CLOSE);
    std::vector<LONG> order;
    while (order.empty() || order.back() != FD_CLOSE) {
        const auto message = watch.queue().next();
        ASSERT_TRUE(message.has_value()) << "FD_CLOSE does not come";
        order.push_back(WSAGETSELECTEVENT(message->lParam));
        if (order.back() == FD_READ) {
            static_cast<void>(receive_text(watched()));
        }
    }
    EXPECT_EQ(1, std::count(order.begin(), order.end(), FD_READ));
    EXPECT_TRUE(watch.stays_empty()) << "nothing after FD_CLOSE";
}

INSTANTIATE_TEST_SUITE_P(Links, CloseRules, ::testing::ValuesIn(connection_plans()), link_plan_name());

class ConnectRules : public session_test {};

TEST_P(ConnectRules, EV_30_EV_38_EV_51_TheMessagesOfAJoinBeginWithFdConnect) {
    const auto root = make_listening_root();
    const auto door = make_listening_leaf();
    const auto leaf_by_asking = make_leaf();
    const bool invites = built() == way::invite;
    const SOCKET joiner = invites ? root.get() : leaf_by_asking.get();
    const message_watch watch(joiner, FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE);
    const owned_socket made(invites ? plain_join(joiner, local_name(door.get())) : INVALID_SOCKET);
    if (!invites) {
        ASSERT_EQ(joiner, plain_join(joiner, local_name(root.get()))) << last_failure();
    }
    auto admitted = admit(invites ? door.get() : root.get());
    EXPECT_EQ(1, send_text(invites ? admitted.get() : root.get(), "x")) << last_failure();
    EXPECT_EQ(0, watch.code(FD_CONNECT));
    EXPECT_EQ(0, watch.code(FD_WRITE)) << "after FD_CONNECT, before what the peer sent";
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_TRUE(watch.stays_empty());
}

TEST_P(ConnectRules, EV_46_LC_13_ShuttingTheRootTellsEveryLeafSocket) {
    for (const int how : {SD_SEND, SD_BOTH}) {
        auto root = make_listening_root();
        const auto first = add_leaf(root);
        const auto second = add_leaf(root);
        const event_watch of_leaf(first.leaf.get(), FD_CLOSE);
        const event_watch of_second(second.leaf.get(), FD_CLOSE);
        ASSERT_TRUE(worked(jl_shutdown(root.get(), how))) << how;
        EXPECT_EQ(0, of_leaf.code(FD_CLOSE)) << how;
        EXPECT_EQ(0, of_second.code(FD_CLOSE)) << how;
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, ConnectRules,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

class FullRoot : public session_test {
  protected:
    // Until the leaves' side takes no more either.
    static void fill(SOCKET root, const event_watch& watch) {
        constexpr std::size_t largest = 60'000;
        int calls = 0;
        do {
            for (std::size_t size = largest; size > 0;) {
                ASSERT_LT(++calls, 20'000) << "the queue never fills";
                if (send_text(root, std::string(size, 'p')) > 0) {
                    size = std::min(largest, size * 8);
                } else {
                    ASSERT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
                    size /= 8;
                }
            }
        } while (!watch.stays_away(FD_WRITE));
    }
    // Adds a leaf to a nonblocking root; whether FD_WRITE comes with it.
    bool raised_by_another(std::vector<member>& session, SOCKET root, const event_watch& watch) {
        const bool invites = built() == way::invite;
        auto& added = session.emplace_back();
        if (invites) {
            added.door = make_listening_leaf();
            added.branch = owned_socket(plain_join(root, local_name(added.door.get())));
            added.leaf = admit(added.door.get());
        } else {
            added.leaf = make_leaf();
            EXPECT_TRUE(set_nonblocking(added.leaf.get()));
            EXPECT_TRUE(worked(plain_join(added.leaf.get(), local_name(root))));
        }
        const auto seen = watch.wait(invites ? FD_CONNECT : FD_ACCEPT);
        EXPECT_TRUE(seen.has(invites ? FD_CONNECT : FD_ACCEPT));
        if (!invites) {
            added.branch = admit(root);
        }
        return seen.has(FD_WRITE) || !watch.stays_away(FD_WRITE);
    }
};

TEST_P(FullRoot, EV_40_ASecondLeafRaisesNoFdWrite) {
    const auto root = make_listening_root();
    const event_watch watch(root.get(), FD_WRITE | FD_ACCEPT | FD_CONNECT);
    std::vector<member> session;
    ASSERT_TRUE(raised_by_another(session, root.get(), watch))
        << "the first leaf makes the root able to send";
    ASSERT_NO_FATAL_FAILURE(fill(root.get(), watch));
    // The network may take more at any time, which FD_WRITE then tells rightly: such a try shows nothing.
    for (int tries = 1; raised_by_another(session, root.get(), watch); ++tries) {
        ASSERT_LT(tries, 20) << "the queue never stays full";
        ASSERT_EQ(1, send_text(root.get(), "p")) << "FD_WRITE without room: " << last_failure();
        ASSERT_NO_FATAL_FAILURE(fill(root.get(), watch));
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, FullRoot,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

class DeferRules : public root_test {
  protected:
    static int CALLBACK defer(LPWSABUF /*caller*/, LPWSABUF /*data*/, LPQOS /*sqos*/, LPQOS /*gqos*/,
                              LPWSABUF /*callee*/, LPWSABUF /*answer*/, GROUP* /*group*/,
                              DWORD_PTR /*context*/) {
        return CF_DEFER;
    }
    owned_socket asking(SOCKET root) {
        auto leaf = make_leaf();
        EXPECT_TRUE(set_nonblocking(leaf.get()));
        EXPECT_TRUE(worked(plain_join(leaf.get(), local_name(root))));
        return leaf;
    }
};

TEST_P(DeferRules, EV_33_EV_34_ADeferredRequestIsNotIndicatedAgain) {
    const auto root = make_listening_root();
    const event_watch watch(root.get(), FD_ACCEPT);
    const auto first = asking(root.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
    EXPECT_TRUE(refused(WSAAccept(root.get(), nullptr, nullptr, defer, 0), WSATRY_AGAIN));
    const auto second = asking(root.get());
    EXPECT_TRUE(watch.stays_away(FD_ACCEPT)) << "nor what is behind it";
    const event_watch again(root.get(), FD_ACCEPT);
    EXPECT_TRUE(again.stays_away(FD_ACCEPT)) << "nor to a new registration";
    const auto admitted = admit(root.get());
    EXPECT_EQ(0, again.code(FD_ACCEPT)) << "it is decided: now the next";
}

TEST_P(DeferRules, AC_09_AC_10_ADeferredRequestStaysBeforeThoseThatCameLater) {
    const auto root = make_listening_root();
    const auto first = asking(root.get());
    ASSERT_TRUE(readable(root.fd()));
    const auto second = asking(root.get());
    ASSERT_TRUE(set_nonblocking(root.get()));
    const auto port = local_name(first.get()).port();
    for (const auto end = clock::now() + vigilance; clock::now() < end;) {
        address who;
        who.length = sizeof who.storage;
        ASSERT_TRUE(refused(WSAAccept(root.get(), who.get(), &who.length, defer, 0), WSATRY_AGAIN));
        ASSERT_EQ(port, who.port());
    }
    const auto admitted = admit(root.get());
    EXPECT_EQ(port, peer_name(admitted.get()).port());
}

TEST_P(DeferRules, EV_34_AWithdrawnDeferredRequestMakesRoomForTheNext) {
    const auto root = make_listening_root();
    const event_watch watch(root.get(), FD_ACCEPT);
    auto first = asking(root.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
    EXPECT_TRUE(refused(WSAAccept(root.get(), nullptr, nullptr, defer, 0), WSATRY_AGAIN));
    const auto second = asking(root.get());
    EXPECT_TRUE(watch.stays_away(FD_ACCEPT));
    EXPECT_EQ(0, first.close());
    EXPECT_EQ(0, watch.code(FD_ACCEPT)) << "nobody is deferred any more";
    const auto admitted = admit(root.get());
    EXPECT_EQ(local_name(second.get()).port(), peer_name(admitted.get()).port());
}

INSTANTIATE_TEST_SUITE_P(Transports, DeferRules, ::testing::ValuesIn(session_transports()), transport_name());

class StreamRules : public link_test {};

TEST_P(StreamRules, EV_30_EV_38_EV_51_FdConnectThenFdWriteOnce) {
    const auto listener = make_ordinary();
    ASSERT_TRUE(listen_on_loopback(listener.get(), family()));
    const auto s = make_ordinary();
    const message_watch watch(s.get(), FD_CONNECT | FD_WRITE | FD_READ);
    const auto to = local_name(listener.get());
    EXPECT_TRUE(jl_connect(s.get(), to.get(), to.length) == 0 || WSAGetLastError() == WSAEWOULDBLOCK);
    EXPECT_EQ(0, watch.code(FD_CONNECT));
    EXPECT_EQ(0, watch.code(FD_WRITE));
    EXPECT_TRUE(watch.stays_empty());
}

TEST_P(StreamRules, EV_30_EachAttemptTellsItsOwnOutcome) {
    const auto s = make_ordinary();
    const event_watch watch(s.get(), FD_CONNECT);
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    for (int attempt = 0; attempt < 2; ++attempt) {
        EXPECT_TRUE(
            refused(jl_connect(s.get(), nobody.get(), nobody.length), {WSAEWOULDBLOCK, WSAECONNREFUSED}));
        EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT)) << attempt;
        EXPECT_TRUE(watch.stays_away(FD_CONNECT)) << "once per operation";
    }
    const auto listener = make_ordinary();
    ASSERT_TRUE(listen_on_loopback(listener.get(), family()));
    const auto to = local_name(listener.get());
    EXPECT_TRUE(jl_connect(s.get(), to.get(), to.length) == 0 || WSAGetLastError() == WSAEWOULDBLOCK);
    EXPECT_EQ(0, watch.code(FD_CONNECT));
}

TEST_P(StreamRules, EV_11_EV_63_AcceptedSocketsBeginWithTheListenersRegistration) {
    const auto listener = make_ordinary();
    ASSERT_TRUE(listen_on_loopback(listener.get(), family()));
    const message_watch watch(listener.get(), FD_ACCEPT | FD_READ);
    auto client = make_ordinary();
    const auto to = local_name(listener.get());
    ASSERT_TRUE(worked(jl_connect(client.get(), to.get(), to.length)));
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
    const owned_socket server(jl_accept(listener.get(), nullptr, nullptr));
    ASSERT_TRUE(server) << last_failure();
    ASSERT_EQ(1, send_text(client.get(), "x"));
    EXPECT_EQ(0, watch.code(FD_READ, server.get()));
    const event_watch own(server.get(), FD_CLOSE);
    EXPECT_EQ("x", receive_text(server.get()).value_or("nothing"));
    EXPECT_EQ(0, client.close());
    EXPECT_EQ(0, own.code(FD_CLOSE));
    EXPECT_TRUE(watch.stays_empty()) << "a new registration changes only the new socket";
    const auto another = make_ordinary();
    ASSERT_TRUE(worked(jl_connect(another.get(), to.get(), to.length)));
    EXPECT_EQ(0, watch.code(FD_ACCEPT)) << "the listener keeps its own";
}

TEST_P(StreamRules, EV_41_FdOobOnlyWhileUrgentDataIsNotInline) {
    if (!has(XP1_EXPEDITED_DATA)) {
        GTEST_SKIP() << "the entry has no XP1_EXPEDITED_DATA";
    }
    {
        const event_watch watch(watched(), FD_OOB | FD_READ);
        ASSERT_EQ(1, jl_send(peer(), "!", 1, MSG_OOB)) << last_failure();
        EXPECT_EQ(0, watch.code(FD_OOB));
        EXPECT_TRUE(watch.stays_away(FD_OOB)) << "like FD_READ: not before a receiving call";
        char byte = 0;
        ASSERT_EQ(1, jl_recv(watched(), &byte, 1, MSG_OOB)) << last_failure();
        EXPECT_TRUE(watch.stays_away(FD_OOB)) << "it is taken";
    }
    ASSERT_TRUE(set_flag(watched(), SOL_SOCKET, SO_OOBINLINE, 1));
    const event_watch watch(watched(), FD_OOB | FD_READ);
    ASSERT_EQ(1, jl_send(peer(), "?", 1, MSG_OOB));
    const auto seen = watch.wait(FD_READ);
    EXPECT_TRUE(seen.has(FD_READ)) << "inline it is data as any other";
    EXPECT_FALSE(seen.has(FD_OOB));
    EXPECT_TRUE(watch.stays_away(FD_OOB));
}

std::vector<link_plan> stream_plans() {
    std::vector<link_plan> plans;
    for (const auto& one : link_plans()) {
        if (one.watched == seat::stream) {
            plans.push_back(one);
        }
    }
    return plans;
}

INSTANTIATE_TEST_SUITE_P(Links, StreamRules, ::testing::ValuesIn(stream_plans()), link_plan_name());

} // namespace
} // namespace joinleaf::test
