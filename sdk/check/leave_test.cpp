// SPDX-License-Identifier: Apache-2.0
//
// Leaving and ending sessions: closesocket, shutdown, who is told (clauses LC-01 ... LC-08, LC-11 ... LC-14,
// LC-17 ... LC-21).
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

class Leave : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            root_ = make_listening_root();
            first_ = add_leaf(root_);
            second_ = add_leaf(root_);
        }
    }
    void TearDown() override {
        first_ = {};
        second_ = {};
        root_.close();
        session_test::TearDown();
    }

    owned_socket root_;
    member first_;
    member second_;
};

TEST_P(Leave, LC_01_ALeafThatLeavesIsOutAndTheRestGoesOn) {
    EXPECT_EQ(0, first_.leaf.close());
    EXPECT_TRUE(readable(first_.branch.fd()));
    ASSERT_EQ(2, send_text(root_.get(), "on"));
    EXPECT_EQ("on", next_text(second_.leaf.get()).value_or("nothing"));
    ASSERT_EQ(4, send_text(second_.leaf.get(), "here"));
    EXPECT_EQ("here", next_text(root_.get()).value_or("nothing"));
}

TEST_P(Leave, LC_02_TheRootExcludesOneLeaf) {
    EXPECT_EQ(0, first_.branch.close());
    EXPECT_EQ(WSAEDISCON, failure_of_receive(first_.leaf.get()));
    ASSERT_EQ(2, send_text(root_.get(), "on"));
    EXPECT_EQ("on", next_text(second_.leaf.get()).value_or("nothing"));
}

TEST_P(Leave, LC_03_ClosingTheRootEndsTheSession) {
    ASSERT_EQ(4, send_text(root_.get(), "last"));
    EXPECT_EQ(0, root_.close());
    for (const auto* one : {&first_, &second_}) {
        EXPECT_EQ("last", next_text(one->leaf.get()).value_or("nothing")) << "LC-09: queued data still goes";
        EXPECT_EQ(WSAEDISCON, failure_of_receive(one->leaf.get()));
        EXPECT_TRUE(readable(one->branch.fd()));
    }
}

TEST_P(Leave, LC_03_LC_13_ShuttingTheRootDownTellsEveryLeaf) {
    const event_watch of_first(first_.leaf.get(), FD_CLOSE);
    const event_watch of_second(second_.leaf.get(), FD_CLOSE);
    ASSERT_TRUE(worked(jl_shutdown(root_.get(), SD_SEND)));
    EXPECT_EQ(0, of_first.code(FD_CLOSE));
    EXPECT_EQ(0, of_second.code(FD_CLOSE));
    EXPECT_TRUE(refused(send_text(root_.get(), "x"), WSAESHUTDOWN));
    ASSERT_EQ(3, send_text(first_.leaf.get(), "bye")) << "leaves may still send: " << last_failure();
    EXPECT_EQ("bye", next_text(root_.get()).value_or("nothing"));
}

TEST_P(Leave, LC_14_ALeafThatShutsItsSendingSideStillReceives) {
    const event_watch of_branch(first_.branch.get(), FD_CLOSE);
    ASSERT_TRUE(worked(jl_shutdown(first_.leaf.get(), SD_SEND)));
    EXPECT_EQ(0, of_branch.code(FD_CLOSE));
    ASSERT_EQ(5, send_text(root_.get(), "still"));
    EXPECT_EQ("still", next_text(first_.leaf.get()).value_or("nothing"));
}

TEST_P(Leave, LC_05_TheBranchesOfAClosedRootStayDescriptors) {
    EXPECT_EQ(0, root_.close());
    ASSERT_TRUE(readable(first_.branch.fd()));
    int type = 0;
    int length = sizeof type;
    EXPECT_TRUE(worked(jl_getsockopt(first_.branch.get(), SOL_SOCKET, SO_TYPE, &type, &length)));
    EXPECT_EQ(0, first_.branch.close());
    EXPECT_EQ(0, second_.branch.close());
}

TEST_P(Leave, LC_07_ABrokenMemberCannotBeJoinedAgain) {
    EXPECT_EQ(0, root_.close());
    EXPECT_EQ(WSAEDISCON, failure_of_receive(first_.leaf.get()));
    const auto other = make_listening_root();
    EXPECT_TRUE(refused(plain_join(first_.leaf.get(), local_name(other.get())), {WSAEISCONN, WSAEINVAL}));
}

TEST_P(Leave, LC_08_ASecondClose_FailsWithNotSock) {
    const SOCKET number = first_.leaf.release();
    EXPECT_TRUE(worked(jl_closesocket(number)));
    EXPECT_TRUE(refused(jl_closesocket(number), WSAENOTSOCK));
}

TEST_P(Leave, LC_11_EV_44_NothingIsRecordedForOnesOwnClose) {
    const owned_event event;
    ASSERT_TRUE(worked(WSAEventSelect(first_.leaf.get(), event.get(), FD_CLOSE)));
    const event_watch of_branch(first_.branch.get(), FD_CLOSE);
    EXPECT_EQ(0, first_.leaf.close());
    EXPECT_EQ(0, of_branch.code(FD_CLOSE));
    EXPECT_FALSE(event.is_set());
}

TEST_P(Leave, LC_12_ShutdownArguments) {
    for (const int how : {-1, 3, 4711}) {
        EXPECT_TRUE(refused(jl_shutdown(first_.leaf.get(), how), WSAEINVAL));
    }
    EXPECT_TRUE(worked(jl_shutdown(first_.leaf.get(), SD_SEND)));
    EXPECT_TRUE(worked(jl_shutdown(first_.leaf.get(), SD_SEND))) << "twice";
    EXPECT_TRUE(worked(jl_shutdown(first_.leaf.get(), SD_BOTH)));
}

TEST_P(Leave, LC_17_ClosingEndsBlockedReceivesOfOtherThreads) {
    std::vector<std::future<int>> receivers;
    receivers.reserve(3);
    for (int i = 0; i < 3; ++i) {
        receivers.push_back(in_background([s = first_.leaf.get()] {
            char byte = 0;
            return jl_recv(s, &byte, 1, 0) < 0 ? WSAGetLastError() : 0;
        }));
    }
    EXPECT_FALSE(is_done(receivers[0], vigilance));
    EXPECT_EQ(0, first_.leaf.close());
    for (auto& receiver : receivers) {
        const int code = result_of(receiver, "recv on a closed socket");
        EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
    }
}

TEST_P(Leave, LC_17_ClosingWhileOthersCallDoesNoHarm) {
    for (int round = 0; round < 10; ++round) {
        auto one = add_leaf(root_);
        const SOCKET s = one.leaf.release();
        std::vector<std::future<bool>> callers;
        callers.reserve(3);
        for (int i = 0; i < 3; ++i) {
            callers.push_back(in_background([s] {
                char byte = 0;
                while (jl_send(s, "x", 1, 0) >= 0 || WSAGetLastError() == WSAEWOULDBLOCK) {}
                return jl_recv(s, &byte, 1, 0) == SOCKET_ERROR;
            }));
        }
        EXPECT_TRUE(worked(jl_closesocket(s)));
        for (auto& caller : callers) {
            EXPECT_TRUE(result_of(caller, "a caller on a closed socket"));
        }
        while (readable_now(root_.fd()) && receive_text(root_.get()).has_value()) {}
    }
}

TEST_P(Leave, LC_19_RejoiningNeedsANewSocketAndTheSamePortIsFree) {
    const auto port = local_name(first_.leaf.get()).port();
    EXPECT_EQ(0, first_.leaf.close());
    first_.door.close();
    ASSERT_TRUE(readable(first_.branch.fd()));
    auto again = make_leaf();
    ASSERT_TRUE(set_flag(again.get(), SOL_SOCKET, SO_REUSEADDR, 1));
    ASSERT_TRUE(worked(bind_to(again.get(), loopback(family(), port))));
    auto joining = join_in_background(again.get(), {.name = local_name(root_.get())});
    const auto ended = [&] { return joining.wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
    ASSERT_TRUE(eventually([&] { return readable_now(root_.fd()) || ended(); }));
    if (ended()) {
        FAIL() << "the second join: " << code_name(joining.get().error);
    }
    const auto branch = admit(root_.get());
    EXPECT_EQ(0, result_of(joining, "the second join").error);
    ASSERT_EQ(4, send_text(root_.get(), "back"));
    EXPECT_EQ("back", next_text(again.get()).value_or("nothing"));
}

TEST_P(Leave, LC_19_AnewSessionOnTheSamePort) {
    const auto name = local_name(root_.get());
    EXPECT_EQ(0, root_.close());
    first_ = {};
    second_ = {};
    root_ = make_root();
    ASSERT_TRUE(set_flag(root_.get(), SOL_SOCKET, SO_REUSEADDR, 1));
    ASSERT_TRUE(worked(bind_to(root_.get(), name)));
    ASSERT_TRUE(worked(jl_listen(root_.get(), 4)));
    const auto one = add_leaf(root_);
    ASSERT_EQ(5, send_text(root_.get(), "again"));
    EXPECT_EQ("again", next_text(one.leaf.get()).value_or("nothing"));
}

TEST_P(Leave, IO_06_ABlockedSendEndsWhenTheLastLeafIsGone) {
    const std::string piece(60'000, 'p');
    auto sending = in_background([s = root_.get(), &piece] {
        for (int sent = 0; sent < 20'000; ++sent) {
            if (send_text(s, piece) <= 0) {
                return WSAGetLastError();
            }
        }
        return 0;
    });
    EXPECT_FALSE(is_done(sending, 4 * vigilance)) << "the queue never fills";
    const linger hard{1, 0};
    for (auto* const member : {&first_, &second_}) {
        ASSERT_TRUE(worked(jl_setsockopt(member->leaf.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
        EXPECT_EQ(0, member->leaf.close());
    }
    EXPECT_EQ(WSAENOTCONN, result_of(sending, "a send to nobody"));
}

TEST_P(Leave, LC_21_ClosingTheLeafsListenerDoesNotLeave) {
    if (built() == way::ask) {
        GTEST_SKIP() << "a leaf that asks has no listener";
    }
    EXPECT_EQ(0, first_.door.close());
    ASSERT_EQ(5, send_text(root_.get(), "still"));
    EXPECT_EQ("still", next_text(first_.leaf.get()).value_or("nothing"));
}

INSTANTIATE_TEST_SUITE_P(Transports, Leave, ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
