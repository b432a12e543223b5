// SPDX-License-Identifier: Apache-2.0
//
// Nonblocking joins: start, pending, outcome, cancelling (clauses JL-30 ... JL-37, JL-50 ... JL-60).
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

constexpr LONG join_events = FD_CONNECT | FD_CLOSE;

// Both control schemes in nonblocking mode. The joiner is the root that invites, or the leaf that asks.
class JoinProgress : public session_test {
  protected:
    void prepare_meeting() {
        joiner_ = built() == way::invite ? make_root() : make_leaf();
        listener_ = built() == way::invite ? make_listening_leaf() : make_listening_root();
    }
    void TearDown() override {
        joiner_.close();
        listener_.close();
        session_test::TearDown();
    }
    // Starts a join; for an invitation the new socket, which is the caller's; for a leaf that asks the joiner
    // itself, which is not.
    SOCKET start_join(const address& to) {
        const SOCKET started = plain_join(joiner_.get(), to);
        EXPECT_TRUE(worked(started));
        if (built() == way::ask) {
            EXPECT_EQ(joiner_.get(), started);
        } else {
            EXPECT_NE(joiner_.get(), started);
        }
        return started;
    }
    SOCKET start_join() { return start_join(local_name(listener_.get())); }
    [[nodiscard]] address nobody() const { return loopback(family(), free_port(family(), SOCK_STREAM)); }
    // What the application owns after start_join.
    [[nodiscard]] owned_socket own(SOCKET started) const {
        return owned_socket(built() == way::invite ? started : INVALID_SOCKET);
    }

    [[nodiscard]] SOCKET joiner() const { return joiner_.get(); }
    owned_socket joiner_;
    owned_socket listener_;
};

TEST_P(JoinProgress, JL_50_JL_51_EV_31_TheOutcomeComesAsFdConnectOnTheOriginalSocket) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const SOCKET started = start_join();
    const auto leaf = own(started);
    EXPECT_FALSE(watch.is_set()) << "nobody has accepted";
    const auto accepted = admit(listener_.get());
    EXPECT_EQ(0, watch.code(FD_CONNECT));
    if (leaf) { // inherits the registration, but the outcome is not told there
        EXPECT_FALSE(enumerate(leaf.get()).has(FD_CONNECT));
    }
}

TEST_P(JoinProgress, JL_51_JL_60_EV_32_ARefusalComesAsFdConnect) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const auto leaf = own(start_join(nobody()));
    EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT));
}

TEST_P(JoinProgress, JL_51_AC_08_ARejectionComesAsFdConnect) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const auto leaf = own(start_join());
    ASSERT_TRUE(readable(listener_.fd()));
    const auto reject = [](LPWSABUF, LPWSABUF, LPQOS, LPQOS, LPWSABUF, LPWSABUF, GROUP*, DWORD_PTR) -> int {
        return CF_REJECT;
    };
    EXPECT_TRUE(refused(WSAAccept(listener_.get(), nullptr, nullptr, reject, 0), WSAECONNREFUSED));
    EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT));
}

TEST_P(JoinProgress, JL_30_ER_05_SecondCallWhilePending_FailsWithAlready) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const auto leaf = own(start_join());
    EXPECT_TRUE(refused(plain_join(joiner(), local_name(listener_.get())), WSAEALREADY));
    EXPECT_TRUE(refused(plain_join(joiner(), nobody()), WSAEALREADY));
    const auto accepted = admit(listener_.get());
    EXPECT_EQ(0, watch.code(FD_CONNECT)) << "the pending join is not disturbed";
}

TEST_P(JoinProgress, JL_34_JL_31_JL_32_TheNextCallAfterSuccess) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const auto leaf = own(start_join());
    const auto accepted = admit(listener_.get());
    EXPECT_EQ(0, watch.code(FD_CONNECT));
    if (built() == way::ask) {
        EXPECT_TRUE(refused(plain_join(joiner(), local_name(listener_.get())), WSAEISCONN));
        return;
    }
    const auto second_door = make_listening_leaf();
    const auto second = owned_socket(start_join(local_name(second_door.get())));
    const auto second_leaf = admit(second_door.get());
    EXPECT_EQ(0, watch.code(FD_CONNECT)) << "JL-35: each attempt arms it anew";
}

TEST_P(JoinProgress, JL_33_JL_35_RetryAfterFailure) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const auto failed_leaf = own(start_join(nobody()));
    EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT));
    const auto leaf = own(start_join());
    const auto accepted = admit(listener_.get());
    EXPECT_EQ(0, watch.code(FD_CONNECT));
}

TEST_P(JoinProgress, JL_34_CompletedMeansDecided_NotRead) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const auto failed_leaf = own(start_join(nobody()));
    ASSERT_TRUE(eventually([&] { return watch.is_set(); }));
    // FD_CONNECT is not enumerated; a new join may start all the same.
    const auto leaf = own(start_join());
    const auto accepted = admit(listener_.get());
    EXPECT_TRUE(eventually([&] {
        return send_text(built() == way::invite ? joiner() : accepted.get(), "x") == 1 ||
               WSAGetLastError() == WSAEOPNOTSUPP;
    }));
}

TEST_P(JoinProgress, JL_53_ER_23_UntilTheOutcomeTheDescriptorIsNotUsable) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const SOCKET started = start_join();
    const auto leaf = own(started);
    char byte = 0;
    EXPECT_TRUE(refused(jl_send(started, "x", 1, 0), WSAENOTCONN));
    EXPECT_TRUE(refused(jl_recv(started, &byte, 1, 0), WSAENOTCONN));
    address name;
    name.length = sizeof name.storage;
    EXPECT_TRUE(worked(jl_getsockname(built() == way::ask ? started : joiner(), name.get(), &name.length)));
    EXPECT_TRUE(refused(jl_getpeername(started, name.get(), &name.length), WSAENOTCONN));
    EXPECT_TRUE(refused(jl_shutdown(started, SD_SEND), WSAENOTCONN));
}

TEST_P(JoinProgress, JL_20_JL_21_ThePendingAttemptHasBoundTheSocket) {
    prepare_meeting();
    ASSERT_TRUE(set_nonblocking(joiner()));
    const auto leaf = own(start_join());
    if (built() == way::ask) {
        EXPECT_NE(0, local_name(joiner()).port());
    }
    EXPECT_TRUE(refused(bind_to(joiner(), loopback(family())), WSAEINVAL));
}

TEST_P(JoinProgress, JL_36_ConnectWhilePending_FailsWithAlready) {
    prepare_meeting();
    ASSERT_TRUE(set_nonblocking(joiner()));
    const auto leaf = own(start_join());
    const auto name = local_name(listener_.get());
    EXPECT_TRUE(refused(jl_connect(joiner(), name.get(), name.length), WSAEALREADY));
}

TEST_P(JoinProgress, JL_54_JL_55_LC_15_AC_16_ClosingTheReturnedDescriptorCancels) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const SOCKET started = start_join();
    ASSERT_TRUE(readable(listener_.fd()));
    if (built() == way::ask) {
        EXPECT_EQ(0, joiner_.close());
    } else {
        EXPECT_EQ(0, jl_closesocket(started));
        EXPECT_TRUE(watch.stays_away(FD_CONNECT)) << "a cancelled join gives no FD_CONNECT";
    }
    // The request is withdrawn: it leaves the queue, or the accept tells.
    ASSERT_TRUE(set_nonblocking(listener_.get()));
    EXPECT_TRUE(eventually([&] {
        const owned_socket accepted(jl_accept(listener_.get(), nullptr, nullptr));
        const int code = WSAGetLastError();
        return !accepted && (code == WSAEWOULDBLOCK || code == WSAEACCES || code == WSAECONNRESET);
    })) << last_failure();
}

TEST_P(JoinProgress, JL_54_AfterACancelTheRootMayInviteAgain) {
    if (built() == way::ask) {
        GTEST_SKIP() << "a leaf that asks has closed its only socket";
    }
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    EXPECT_EQ(0, jl_closesocket(start_join()));
    const auto second_door = make_listening_leaf();
    const auto second = owned_socket(start_join(local_name(second_door.get())));
    const auto leaf = admit(second_door.get());
    EXPECT_EQ(0, watch.code(FD_CONNECT));
}

TEST_P(JoinProgress, LC_16_ClosingTheRootCancelsThePendingJoin) {
    if (built() == way::ask) {
        GTEST_SKIP() << "the joiner is no root";
    }
    prepare_meeting();
    ASSERT_TRUE(set_nonblocking(joiner()));
    const owned_socket started(start_join());
    ASSERT_TRUE(readable(listener_.fd()));
    EXPECT_EQ(0, joiner_.close());
    EXPECT_TRUE(refused(jl_send(started.get(), "x", 1, 0), WSAENOTCONN))
        << "the returned descriptor stays until closed";
    ASSERT_TRUE(set_nonblocking(listener_.get()));
    EXPECT_TRUE(eventually([&] {
        const owned_socket accepted(jl_accept(listener_.get(), nullptr, nullptr));
        return !accepted && WSAGetLastError() == WSAEWOULDBLOCK;
    }));
}

TEST_P(JoinProgress, JL_56_EV_50_SelectDoesNotTellTheOutcome) {
    prepare_meeting();
    ASSERT_TRUE(set_nonblocking(joiner()));
    const auto leaf = own(start_join(nobody()));
    // The outcome is known once a second join is no longer refused with WSAEALREADY; here it is only looked
    // at.
    jl_fd_set failed_set;
    jl_fd_zero(&failed_set);
    jl_fd_add(joiner(), &failed_set);
    timeval brief{0, 100'000};
    EXPECT_EQ(0, jl_select(0, nullptr, nullptr, &failed_set, &brief));
}

TEST_P(JoinProgress, JL_57_WithoutARegistrationTheJoinIsCarriedOut) {
    prepare_meeting();
    ASSERT_TRUE(set_nonblocking(joiner()));
    const SOCKET started = start_join();
    const auto leaf = own(started);
    const auto accepted = admit(listener_.get());
    EXPECT_TRUE(eventually([&] { return peer_name(started).port() != 0; }))
        << "it becomes a member all the same";
}

TEST_P(JoinProgress, JL_57_EV_09_ALaterRegistrationRecordsTheOutcomeAtOnce) {
    prepare_meeting();
    ASSERT_TRUE(set_nonblocking(joiner()));
    const SOCKET started = start_join();
    const auto leaf = own(started);
    const auto accepted = admit(listener_.get());
    ASSERT_TRUE(eventually([&] { return peer_name(started).port() != 0; }));
    const event_watch watch(joiner(), join_events);
    EXPECT_TRUE(watch.is_set());
    const auto seen = enumerate(joiner(), watch.event());
    EXPECT_TRUE(seen.has(FD_CONNECT));
    EXPECT_EQ(0, seen.code(FD_CONNECT));
}

TEST_P(JoinProgress, JL_59_AFailedInvitationsSocketNeverBecomesUsable) {
    if (built() == way::ask) {
        GTEST_SKIP() << "a leaf that asks has no second socket";
    }
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    owned_socket leaf(start_join(nobody()));
    EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT));
    char byte = 0;
    EXPECT_TRUE(refused(jl_send(leaf.get(), "x", 1, 0), WSAENOTCONN));
    EXPECT_TRUE(refused(jl_recv(leaf.get(), &byte, 1, 0), WSAENOTCONN));
    EXPECT_EQ(0, leaf.close());
    const auto again = owned_socket(start_join());
    const auto accepted = admit(listener_.get());
    EXPECT_EQ(0, watch.code(FD_CONNECT));
}

TEST_P(JoinProgress, JL_82_CalleeDataIsThereAfterFdConnect) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    char room[32] = "";
    WSABUF callee{sizeof room, room};
    const auto to = local_name(listener_.get());
    const SOCKET started =
        WSAJoinLeaf(joiner(), to.get(), to.length, nullptr, &callee, nullptr, nullptr, JL_BOTH);
    ASSERT_TRUE(worked(started));
    const auto leaf = own(started);
    ASSERT_TRUE(readable(listener_.fd()));
    const auto reply = [](LPWSABUF, LPWSABUF, LPQOS, LPQOS, LPWSABUF, LPWSABUF data, GROUP*,
                          DWORD_PTR) -> int {
        data->len = 5;
        std::memcpy(data->buf, "hello", 5);
        return CF_ACCEPT;
    };
    const owned_socket accepted(WSAAccept(listener_.get(), nullptr, nullptr, reply, 0));
    ASSERT_TRUE(accepted) << last_failure();
    EXPECT_EQ(0, watch.code(FD_CONNECT));
    EXPECT_EQ("hello", std::string(room, callee.len));
}

TEST_P(JoinProgress, JL_83_AFailureMakesTheCalleeLengthZero) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    char room[32] = "";
    WSABUF callee{sizeof room, room};
    const auto to = nobody();
    const SOCKET started =
        WSAJoinLeaf(joiner(), to.get(), to.length, nullptr, &callee, nullptr, nullptr, JL_BOTH);
    const auto leaf = own(started);
    EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT));
    EXPECT_EQ(0U, callee.len);
}

TEST_P(JoinProgress, JL_37_RootsAreIndependentOfEachOther) {
    if (built() == way::ask) {
        GTEST_SKIP() << "leaves that ask have no rule of their own";
    }
    prepare_meeting();
    ASSERT_TRUE(set_nonblocking(joiner()));
    const auto pending = owned_socket(start_join());
    const auto other = make_root();
    const event_watch watch(other.get(), join_events);
    const auto door = make_listening_leaf();
    const owned_socket started(plain_join(other.get(), local_name(door.get())));
    ASSERT_TRUE(started) << last_failure();
    const auto leaf = admit(door.get());
    EXPECT_EQ(0, watch.code(FD_CONNECT));
}

TEST_P(JoinProgress, ER_33_TheCodeIsReadableOnceThroughSoError) {
    prepare_meeting();
    const event_watch watch(joiner(), join_events);
    const auto leaf = own(start_join(nobody()));
    EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT));
    int value = 0;
    int length = sizeof value;
    ASSERT_TRUE(worked(jl_getsockopt(joiner(), SOL_SOCKET, SO_ERROR, &value, &length)));
    EXPECT_EQ(WSAECONNREFUSED, value);
    length = sizeof value;
    ASSERT_TRUE(worked(jl_getsockopt(joiner(), SOL_SOCKET, SO_ERROR, &value, &length)));
    EXPECT_EQ(0, value);
}

TEST_P(JoinProgress, EV_51_FdConnectComesNotAfterFdWriteOrFdRead) {
    prepare_meeting();
    const event_watch watch(joiner(), FD_CONNECT | FD_WRITE | FD_READ | FD_CLOSE);
    const auto leaf = own(start_join());
    const auto accepted = admit(listener_.get());
    seen_events first;
    ASSERT_TRUE(eventually([&] {
        first = enumerate(joiner(), watch.event());
        return first.bits != 0;
    }));
    EXPECT_TRUE(first.has(FD_CONNECT)) << first.bits;
}

INSTANTIATE_TEST_SUITE_P(Transports, JoinProgress,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
