// SPDX-License-Identifier: Apache-2.0
//
// listen and accept: what they need, what they take, in which order, and what happens to those who wait
// (clauses AC).
#include "tests/support/bad_memory.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

#include <sys/resource.h>

namespace joinleaf::test {
namespace {

// Both ways of building a session; the accepting side is the leaf that is invited, or the root that is asked.
class Accept : public session_test {
  protected:
    owned_socket make_listener() {
        return built() == way::invite ? make_listening_leaf() : make_listening_root();
    }
    owned_socket make_joiner() { return built() == way::invite ? make_root() : make_leaf(); }
    // Starts a nonblocking join and gives what must be kept open for it; the joiner itself stays the
    // caller's.
    owned_socket start_join(SOCKET joiner, SOCKET listener) {
        EXPECT_TRUE(set_nonblocking(joiner));
        const SOCKET started = plain_join(joiner, local_name(listener));
        EXPECT_TRUE(worked(started));
        return owned_socket(started == joiner ? INVALID_SOCKET : started);
    }
};

TEST_P(Accept, AC_01_AC_02_FdAcceptTellsOfARequestAndAcceptAdmitsIt) {
    const auto listener = make_listener();
    const event_watch watch(listener.get(), FD_ACCEPT);
    EXPECT_FALSE(watch.is_set());
    const auto joiner = make_joiner();
    const auto leaf = start_join(joiner.get(), listener.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
    const owned_socket accepted(jl_accept(listener.get(), nullptr, nullptr));
    EXPECT_TRUE(worked(accepted.get()));
}

TEST_P(Accept, AC_07_AC_18_TheAcceptedSocketCannotAcceptAndTheListenerGoesOn) {
    const auto listener = make_listener();
    const auto first = make_joiner();
    const auto first_leaf = start_join(first.get(), listener.get());
    const auto accepted = admit(listener.get());
    EXPECT_TRUE(refused(jl_accept(accepted.get(), nullptr, nullptr), {WSAEINVAL, WSAEOPNOTSUPP}));
    const auto second = make_joiner();
    const auto second_leaf = start_join(second.get(), listener.get());
    EXPECT_TRUE(admit(listener.get()));
}

TEST_P(Accept, AC_14_NonblockingWithNothingQueued_FailsWithWouldBlock) {
    const auto listener = make_listener();
    ASSERT_TRUE(set_nonblocking(listener.get()));
    EXPECT_TRUE(refused(jl_accept(listener.get(), nullptr, nullptr), WSAEWOULDBLOCK));
    EXPECT_TRUE(refused(WSAAccept(listener.get(), nullptr, nullptr, nullptr, 0), WSAEWOULDBLOCK));
}

TEST_P(Accept, AC_14_BlockingWaitsForARequest) {
    const auto listener = make_listener();
    auto accepting = in_background([&] { return jl_accept(listener.get(), nullptr, nullptr); });
    EXPECT_FALSE(is_done(accepting, vigilance));
    const auto joiner = make_joiner();
    const auto leaf = start_join(joiner.get(), listener.get());
    const owned_socket accepted(result_of(accepting, "accept"));
    EXPECT_TRUE(accepted);
}

TEST_P(Accept, AC_15_TheJoinersAddressIsStored) {
    const auto listener = make_listener();
    const auto joiner = make_joiner();
    ASSERT_TRUE(worked(bind_to(joiner.get(), loopback(family()))));
    const auto leaf = start_join(joiner.get(), listener.get());
    ASSERT_TRUE(readable(listener.fd()));
    address peer;
    peer.length = sizeof peer.storage;
    const owned_socket accepted(jl_accept(listener.get(), peer.get(), &peer.length));
    ASSERT_TRUE(accepted) << last_failure();
    EXPECT_EQ(loopback(family()).length, peer.length);
    EXPECT_EQ(peer_name(accepted.get()), peer);
    if (built() == way::ask) {
        EXPECT_EQ(local_name(joiner.get()), peer);
    }
}

TEST_P(Accept, AC_15_EitherPointerNullStoresNothing) {
    const auto listener = make_listener();
    for (int round = 0; round < 2; ++round) {
        const auto joiner = make_joiner();
        const auto leaf = start_join(joiner.get(), listener.get());
        ASSERT_TRUE(readable(listener.fd()));
        address peer;
        int length = 4711;
        const owned_socket accepted(round == 0 ? jl_accept(listener.get(), nullptr, &length)
                                               : jl_accept(listener.get(), peer.get(), nullptr));
        EXPECT_TRUE(accepted) << last_failure();
        EXPECT_EQ(4711, length);
        EXPECT_EQ(0, peer.storage.ss_family);
    }
}

TEST_P(Accept, AC_15_TooLittleRoomForTheAddress_FailsWithFaultAndKeepsTheRequest) {
    const auto listener = make_listener();
    const auto joiner = make_joiner();
    const auto leaf = start_join(joiner.get(), listener.get());
    ASSERT_TRUE(readable(listener.fd()));
    address peer;
    for (int length : {0, 1, 8}) {
        EXPECT_TRUE(refused(jl_accept(listener.get(), peer.get(), &length), WSAEFAULT));
    }
    EXPECT_TRUE(admit(listener.get()));
}

TEST_P(Accept, AC_15_UnwritableMemory_FailsWithFault) {
    const auto listener = make_listener();
    const auto joiner = make_joiner();
    const auto leaf = start_join(joiner.get(), listener.get());
    ASSERT_TRUE(readable(listener.fd()));
    const unreadable_memory nowhere;
    int length = sizeof(sockaddr_storage);
    EXPECT_TRUE(refused(jl_accept(listener.get(), nowhere.as<sockaddr>(), &length), WSAEFAULT));
    address peer;
    EXPECT_TRUE(refused(jl_accept(listener.get(), peer.get(), nowhere.as<int>()), WSAEFAULT));
}

TEST_P(Accept, AC_17_NotListening_FailsWithInval) {
    const auto root = make_root();
    const auto leaf = make_leaf();
    EXPECT_TRUE(refused(jl_accept(root.get(), nullptr, nullptr), WSAEINVAL));
    EXPECT_TRUE(refused(WSAAccept(leaf.get(), nullptr, nullptr, nullptr, 0), WSAEINVAL));
    ASSERT_TRUE(worked(bind_to(leaf.get(), loopback(family()))));
    EXPECT_TRUE(refused(jl_accept(leaf.get(), nullptr, nullptr), WSAEINVAL));
}

TEST_P(Accept, AC_17_NoDescriptorLeft_FailsWithMFileAndKeepsTheRequest) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizer's own checks need descriptors";
#endif
    const auto listener = make_listener();
    const auto joiner = make_joiner();
    const auto leaf = start_join(joiner.get(), listener.get());
    ASSERT_TRUE(readable(listener.fd()));
    rlimit before{};
    ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
    const rlimit none{3, before.rlim_max};
    ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
    const SOCKET got = jl_accept(listener.get(), nullptr, nullptr);
    const int code = WSAGetLastError();
    ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &before));
    EXPECT_EQ(INVALID_SOCKET, got);
    EXPECT_EQ(WSAEMFILE, code) << code_name(code);
    EXPECT_TRUE(admit(listener.get()));
}

// The caller data of the request at the head, and what to answer.
struct look {
    int verdict;
    std::string data;
};

int CALLBACK look_at(LPWSABUF, LPWSABUF data, LPQOS, LPQOS, LPWSABUF, LPWSABUF, GROUP*, DWORD_PTR context) {
    auto& self = from_context<look>(context);
    self.data = data == nullptr ? "" : std::string(data->buf, data->len);
    return self.verdict;
}

TEST_P(Accept, AC_19_FirstComeFirstServed) {
    const auto listener = make_listener();
    std::vector<owned_socket> joiners;
    std::vector<owned_socket> leaves;
    const auto to = local_name(listener.get());
    const auto accept_by = [&](look& how) {
        return owned_socket(
            WSAAccept(listener.get(), nullptr, nullptr, look_at, reinterpret_cast<DWORD_PTR>(&how)));
    };
    for (const std::string name : {"first", "second"}) {
        joiners.push_back(make_joiner());
        ASSERT_TRUE(set_nonblocking(joiners.back().get()));
        std::string text = name;
        WSABUF caller{static_cast<ULONG>(text.size()), text.data()};
        const SOCKET started = WSAJoinLeaf(joiners.back().get(), to.get(), to.length, &caller, nullptr,
                                           nullptr, nullptr, JL_BOTH);
        ASSERT_TRUE(worked(started));
        leaves.emplace_back(started == joiners.back().get() ? INVALID_SOCKET : started);
        // The first is seen to be queued before the second asks.
        ASSERT_TRUE(readable(listener.fd()));
        look how{CF_DEFER, ""};
        EXPECT_FALSE(accept_by(how));
        EXPECT_EQ("first", how.data);
    }
    for (const std::string name : {"first", "second"}) {
        ASSERT_TRUE(readable(listener.fd()));
        look how{CF_ACCEPT, ""};
        EXPECT_TRUE(accept_by(how)) << last_failure();
        EXPECT_EQ(name, how.data);
    }
}

TEST_P(Accept, AC_20_AFullBacklogRefusesOrLetsWait) {
    restart({.tcp = "join_timeout: 500ms"});
    auto listener = built() == way::invite ? make_leaf() : make_root();
    ASSERT_TRUE(listen_on_loopback(listener.get(), family(), 1));
    std::vector<owned_socket> joiners;
    std::vector<owned_socket> leaves;
    std::vector<owned_event> events(6);
    for (auto& event : events) {
        joiners.push_back(make_joiner());
        ASSERT_TRUE(worked(WSAEventSelect(joiners.back().get(), event.get(), FD_CONNECT)));
        leaves.push_back(start_join(joiners.back().get(), listener.get()));
    }
    // Nobody accepts: everyone is told, by a refusal or by the time.
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto seen = wait_for_event(joiners[i].get(), events[i].get(), FD_CONNECT);
        ASSERT_TRUE(seen.has(FD_CONNECT)) << i;
        const int code = seen.code(FD_CONNECT);
        EXPECT_TRUE(code == WSAECONNREFUSED || code == WSAETIMEDOUT) << code_name(code);
    }
}

TEST_P(Accept, AC_21_ClosingTheListenerRefusesEverythingQueued) {
    auto listener = make_listener();
    std::vector<owned_socket> joiners;
    std::vector<owned_socket> leaves;
    std::vector<owned_event> events(3);
    for (auto& event : events) {
        joiners.push_back(make_joiner());
        ASSERT_TRUE(worked(WSAEventSelect(joiners.back().get(), event.get(), FD_CONNECT)));
        leaves.push_back(start_join(joiners.back().get(), listener.get()));
    }
    ASSERT_TRUE(readable(listener.fd()));
    EXPECT_EQ(0, listener.close());
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto seen = wait_for_event(joiners[i].get(), events[i].get(), FD_CONNECT);
        ASSERT_TRUE(seen.has(FD_CONNECT)) << i;
        EXPECT_EQ(WSAECONNREFUSED, seen.code(FD_CONNECT)) << code_name(seen.code(FD_CONNECT));
    }
}

TEST_P(Accept, LC_17_ClosingTheListenerEndsABlockedAccept) {
    auto listener = make_listener();
    auto accepting = in_background([s = listener.get()] {
        return jl_accept(s, nullptr, nullptr) == INVALID_SOCKET ? WSAGetLastError() : 0;
    });
    EXPECT_FALSE(is_done(accepting, vigilance));
    EXPECT_EQ(0, listener.close());
    const int code = result_of(accepting, "accept on a closed listener");
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
}

TEST_P(Accept, AC_24_ListenNeedsABoundFreeSocket) {
    const auto unbound = built() == way::invite ? make_leaf() : make_root();
    EXPECT_TRUE(refused(jl_listen(unbound.get(), 1), WSAEINVAL));
    const auto listener = make_listener();
    EXPECT_TRUE(worked(jl_listen(listener.get(), 1))) << "again on a listener";
    EXPECT_TRUE(worked(jl_listen(listener.get(), SOMAXCONN)));
}

TEST_P(Accept, AC_24_AMemberCannotListen) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    EXPECT_TRUE(refused(jl_listen(one.leaf.get(), 1), WSAEISCONN));
}

INSTANTIATE_TEST_SUITE_P(Transports, Accept, ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

class Listener : public root_test {};

TEST_P(Listener, AC_03_AC_04_AnOrdinaryConnectIsRefusedOrNeverOffered) {
    restart({.tcp = "handshake_timeout: 300ms"});
    const auto leaf = make_listening_leaf();
    const auto root = make_listening_root();
    for (const auto* listener : {&leaf, &root}) {
        const auto to = local_name(listener->get());
        const owned_socket ordinary(jl_socket(family(), SOCK_STREAM, IPPROTO_TCP));
        ASSERT_TRUE(ordinary) << last_failure();
        // Its kernel connects; what says no greeting is dropped and never reaches accept.
        if (jl_connect(ordinary.get(), to.get(), to.length) == 0) {
            EXPECT_TRUE(readable(ordinary.fd())) << "the connection is dropped";
        } else {
            EXPECT_EQ(WSAECONNREFUSED, WSAGetLastError());
        }
        EXPECT_FALSE(readable_now(listener->fd()));
    }
}

TEST_P(Listener, AC_04_AnOrdinaryListenerRefusesAJoin) {
    restart({.tcp = "handshake_timeout: 300ms"});
    const owned_socket ordinary(jl_socket(family(), SOCK_STREAM, IPPROTO_TCP));
    ASSERT_TRUE(listen_on_loopback(ordinary.get(), family()));
    const auto leaf = make_leaf();
    EXPECT_TRUE(refused(plain_join(leaf.get(), local_name(ordinary.get())), WSAECONNREFUSED));
    const auto root = make_root();
    EXPECT_TRUE(refused(plain_join(root.get(), local_name(ordinary.get())), WSAECONNREFUSED));
}

INSTANTIATE_TEST_SUITE_P(Transports, Listener, ::testing::ValuesIn(session_transports()), transport_name());

class ListenerWithoutConnections : public transport_test {};

TEST_P(ListenerWithoutConnections, AC_17_AC_24_ADatagramSocket_FailsWithOpNotSupp) {
    const auto leaf = make_leaf();
    ASSERT_TRUE(worked(bind_to(leaf.get(), loopback(family()))));
    EXPECT_TRUE(refused(jl_listen(leaf.get(), 1), WSAEOPNOTSUPP));
    EXPECT_TRUE(refused(jl_accept(leaf.get(), nullptr, nullptr), WSAEOPNOTSUPP));
    EXPECT_TRUE(refused(WSAAccept(leaf.get(), nullptr, nullptr, nullptr, 0), WSAEOPNOTSUPP));
}

INSTANTIATE_TEST_SUITE_P(Transports, ListenerWithoutConnections,
                         ::testing::ValuesIn(transports_of({plan::nonrooted})), transport_name());

} // namespace
} // namespace joinleaf::test
