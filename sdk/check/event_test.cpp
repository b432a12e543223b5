// SPDX-License-Identifier: Apache-2.0
//
// When FD_* events of sessions are recorded, and which call makes them come again (clauses EV-30 ... EV-51).
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

constexpr LONG session_events = FD_READ | FD_WRITE | FD_CLOSE;

class Events : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            root_ = make_listening_root();
            one_ = add_leaf(root_);
        }
    }
    void TearDown() override {
        one_ = {};
        root_.close();
        session_test::TearDown();
    }
    [[nodiscard]] SOCKET root() const { return root_.get(); }
    [[nodiscard]] SOCKET leaf() const { return one_.leaf.get(); }
    [[nodiscard]] SOCKET branch() const { return one_.branch.get(); }

    owned_socket root_;
    member one_;
};

TEST_P(Events, EV_35_DataIsToldOnceUntilTheReceive) {
    const event_watch watch(leaf(), FD_READ);
    ASSERT_EQ(3, send_text(root(), "one"));
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_TRUE(watch.stays_away(FD_READ)) << "not again before the re-enabling call";
    EXPECT_EQ("one", receive_text(leaf()).value_or("nothing"));
    ASSERT_EQ(3, send_text(root(), "two"));
    EXPECT_EQ(0, watch.code(FD_READ));
}

TEST_P(Events, EV_35_LevelTriggered_WhatIsLeftIsToldAgain) {
    const event_watch watch(leaf(), FD_READ);
    ASSERT_EQ(3, send_text(root(), "one"));
    ASSERT_EQ(3, send_text(root(), "two"));
    EXPECT_EQ(0, watch.code(FD_READ));
    // The second message may still be on its way when the first is taken; then its arrival tells.
    EXPECT_EQ("one", receive_text(leaf()).value_or("nothing"));
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_EQ("two", receive_text(leaf()).value_or("nothing"));
    EXPECT_TRUE(watch.stays_away(FD_READ));
}

TEST_P(Events, EV_35_PeekReEnablesToo) {
    const event_watch watch(leaf(), FD_READ);
    ASSERT_EQ(3, send_text(root(), "one"));
    EXPECT_EQ(0, watch.code(FD_READ));
    char room[8] = "";
    ASSERT_EQ(3, jl_recv(leaf(), room, sizeof room, MSG_PEEK)) << last_failure();
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_EQ("one", receive_text(leaf()).value_or("nothing"));
}

TEST_P(Events, EV_36_AFailingReceiveReEnables) {
    const event_watch watch(leaf(), FD_READ);
    EXPECT_FALSE(receive_text(leaf()).has_value());
    EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
    ASSERT_EQ(3, send_text(root(), "one"));
    EXPECT_EQ(0, watch.code(FD_READ));
}

TEST_P(Events, EV_35_TheRootIsToldOfDataFromItsLeaves) {
    const event_watch watch(root(), FD_READ | FD_ACCEPT);
    ASSERT_EQ(5, send_text(leaf(), "hello"));
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_EQ("hello", receive_text(root()).value_or("nothing"));
}

TEST_P(Events, JL_72_JL_73_MultipointDataNeverShowsOnTheBranch) {
    const event_watch watch(branch(), FD_READ | FD_CLOSE);
    ASSERT_EQ(5, send_text(leaf(), "hello"));
    EXPECT_EQ("hello", next_text(root()).value_or("nothing"));
    EXPECT_FALSE(watch.is_set());
    EXPECT_FALSE(readable_now(one_.branch.fd()));
}

TEST_P(Events, EV_38_EV_40_FdWriteComesOnceAtRegistration) {
    const event_watch of_leaf(leaf(), FD_WRITE);
    EXPECT_EQ(0, of_leaf.code(FD_WRITE));
    ASSERT_EQ(1, send_text(leaf(), "x"));
    EXPECT_TRUE(of_leaf.stays_away(FD_WRITE)) << "a send that succeeds raises nothing";
    const event_watch of_root(root(), FD_WRITE);
    EXPECT_EQ(0, of_root.code(FD_WRITE)) << "it has a leaf";
}

TEST_P(Events, EV_38_IO_14_IO_07_FdWriteComesBackAfterWouldBlock) {
    const event_watch watch(root(), FD_WRITE);
    EXPECT_EQ(0, watch.code(FD_WRITE));
    const std::string piece(60'000, 'p');
    std::size_t sent = 0;
    while (send_text(root(), piece) > 0) {
        ++sent;
        ASSERT_LT(sent, 20'000U) << "the queue never fills";
    }
    EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
    EXPECT_TRUE(watch.stays_away(FD_WRITE)) << "there is no room yet";
    ASSERT_TRUE(set_nonblocking(leaf()));
    std::size_t got = 0;
    const bool drained = eventually([&] {
        while (const auto part = receive_text(leaf())) {
            got += part->size();
        }
        return got == sent * piece.size();
    });
    EXPECT_TRUE(drained) << got << " of " << sent * piece.size();
    EXPECT_EQ(0, watch.code(FD_WRITE));
    EXPECT_EQ(1, send_text(root(), "x")) << last_failure();
}

TEST_P(Events, EV_42_EV_43_EV_45_LC_01_AGracefulCloseIsToldOnceAndAfterTheData) {
    const event_watch watch(branch(), session_events);
    EXPECT_EQ(0, one_.leaf.close());
    EXPECT_EQ(0, watch.code(FD_CLOSE));
    EXPECT_TRUE(watch.stays_away(FD_CLOSE)) << "nothing re-enables it";
}

TEST_P(Events, EV_43_UnreadDataComesBeforeFdClose) {
    const event_watch watch(leaf(), session_events);
    ASSERT_EQ(4, send_text(root(), "last"));
    EXPECT_EQ(0, watch.code(FD_READ));
    EXPECT_EQ(0, one_.branch.close());
    EXPECT_EQ("last", receive_text(leaf()).value_or("nothing")) << "the data can always be read first";
    EXPECT_EQ(0, watch.code(FD_CLOSE));
}

TEST_P(Events, EV_45_LC_02_ClosingTheBranchTellsTheLeaf) {
    const event_watch watch(leaf(), FD_CLOSE);
    EXPECT_EQ(0, one_.branch.close());
    EXPECT_EQ(0, watch.code(FD_CLOSE));
}

TEST_P(Events, EV_46_LC_03_ClosingTheRootTellsEveryone) {
    const auto second = add_leaf(root_);
    const event_watch of_leaf(leaf(), FD_CLOSE);
    const event_watch of_branch(branch(), FD_CLOSE);
    const event_watch of_second_leaf(second.leaf.get(), FD_CLOSE);
    const event_watch of_second_branch(second.branch.get(), FD_CLOSE);
    EXPECT_EQ(0, root_.close());
    for (const auto* watch : {&of_leaf, &of_branch, &of_second_leaf, &of_second_branch}) {
        EXPECT_TRUE(watch->wait(FD_CLOSE).has(FD_CLOSE));
    }
}

TEST_P(Events, EV_42_D_11_AResetIsToldWithItsCode) {
    const event_watch watch(branch(), FD_CLOSE);
    linger hard{1, 0};
    ASSERT_TRUE(worked(jl_setsockopt(leaf(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
    EXPECT_EQ(0, one_.leaf.close());
    const int code = watch.code(FD_CLOSE);
    EXPECT_TRUE(code == WSAECONNRESET || code == WSAECONNABORTED) << code_name(code);
}

TEST_P(Events, EV_09_ACloseThatHappenedIsRecordedAtRegistration) {
    EXPECT_EQ(0, one_.leaf.close());
    ASSERT_TRUE(readable(one_.branch.fd()));
    const event_watch watch(branch(), FD_CLOSE);
    EXPECT_TRUE(watch.is_set());
    EXPECT_TRUE(enumerate(branch()).has(FD_CLOSE));
}

TEST_P(Events, EV_44_AfterOnesOwnShutdownFdCloseWaitsForThePeer) {
    const event_watch watch(leaf(), FD_CLOSE);
    ASSERT_TRUE(worked(jl_shutdown(leaf(), SD_SEND)));
    EXPECT_TRUE(watch.stays_away(FD_CLOSE));
    EXPECT_EQ(0, one_.branch.close());
    EXPECT_EQ(0, watch.code(FD_CLOSE));
}

TEST_P(Events, LC_01_TheOthersAndTheRootSeeNothingOfALeave) {
    const auto second = add_leaf(root_);
    const event_watch of_root(root(), FD_CLOSE | FD_READ);
    const event_watch of_second(second.leaf.get(), FD_CLOSE | FD_READ);
    const event_watch of_second_branch(second.branch.get(), FD_CLOSE | FD_READ);
    const event_watch of_branch(branch(), FD_CLOSE);
    EXPECT_EQ(0, one_.leaf.close());
    EXPECT_EQ(0, of_branch.code(FD_CLOSE));
    ASSERT_EQ(2, send_text(root(), "on")) << "the session goes on";
    EXPECT_TRUE(of_second.wait(FD_READ).has(FD_READ));
    EXPECT_FALSE(enumerate(second.leaf.get()).has(FD_CLOSE));
    EXPECT_FALSE(enumerate(second.branch.get()).has(FD_CLOSE));
    EXPECT_FALSE(enumerate(root()).has(FD_CLOSE));
    EXPECT_FALSE(of_root.is_set());
    EXPECT_FALSE(of_second_branch.is_set());
}

INSTANTIATE_TEST_SUITE_P(Transports, Events, ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

class AcceptEvents : public root_test {
  protected:
    // A leaf that asks and is not yet admitted.
    owned_socket asking(SOCKET root) {
        auto leaf = make_leaf();
        EXPECT_TRUE(set_nonblocking(leaf.get()));
        EXPECT_TRUE(worked(plain_join(leaf.get(), local_name(root))));
        return leaf;
    }
};

TEST_P(AcceptEvents, EV_33_FdAcceptIsToldOnceAndReEnabledByAccept) {
    const auto root = make_listening_root();
    const event_watch watch(root.get(), FD_ACCEPT);
    const auto first = asking(root.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
    EXPECT_TRUE(watch.stays_away(FD_ACCEPT));
    const owned_socket accepted(jl_accept(root.get(), nullptr, nullptr));
    EXPECT_TRUE(accepted);
    const auto second = asking(root.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
}

TEST_P(AcceptEvents, EV_33_LevelTriggered_AnotherQueuedRequestIsToldAgain) {
    const auto root = make_listening_root();
    const event_watch watch(root.get(), FD_ACCEPT);
    const auto first = asking(root.get());
    const auto second = asking(root.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
    const owned_socket one(jl_accept(root.get(), nullptr, nullptr));
    EXPECT_TRUE(one);
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
    const owned_socket two(jl_accept(root.get(), nullptr, nullptr));
    EXPECT_TRUE(two);
    EXPECT_TRUE(refused(jl_accept(root.get(), nullptr, nullptr), WSAEWOULDBLOCK));
}

TEST_P(AcceptEvents, EV_09_AQueuedRequestIsRecordedAtRegistration) {
    const auto root = make_listening_root();
    const auto leaf = asking(root.get());
    ASSERT_TRUE(readable(root.fd()));
    const event_watch watch(root.get(), FD_ACCEPT);
    EXPECT_TRUE(watch.is_set());
}

TEST_P(AcceptEvents, JL_52_AListeningRootThatInvitesIsStillAsked) {
    const auto root = make_listening_root();
    const event_watch watch(root.get(), FD_ACCEPT | FD_CONNECT);
    const auto door = make_listening_leaf();
    const owned_socket invited(plain_join(root.get(), local_name(door.get())));
    const auto leaf = asking(root.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT)) << "while an invitation is pending";
    const owned_socket accepted(jl_accept(root.get(), nullptr, nullptr));
    EXPECT_TRUE(accepted) << last_failure();
    const auto member = admit(door.get());
    EXPECT_EQ(0, watch.code(FD_CONNECT));
}

TEST_P(AcceptEvents, EV_40_FdWriteComesAtTheRootWithItsFirstLeaf) {
    const auto root = make_listening_root();
    const event_watch watch(root.get(), FD_WRITE);
    EXPECT_TRUE(watch.stays_away(FD_WRITE)) << "nobody to send to";
    const auto first = asking(root.get());
    const auto branch = admit(root.get());
    EXPECT_EQ(0, watch.code(FD_WRITE));
    const auto second = asking(root.get());
    const auto second_branch = admit(root.get());
    EXPECT_TRUE(watch.stays_away(FD_WRITE)) << "the second changes nothing";
}

INSTANTIATE_TEST_SUITE_P(Transports, AcceptEvents, ::testing::ValuesIn(session_transports()),
                         transport_name());

} // namespace
} // namespace joinleaf::test
