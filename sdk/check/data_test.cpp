// SPDX-License-Identifier: Apache-2.0
//
// Data in sessions with a root: who gets what, boundaries, ends, directions (clauses IO-01 ... IO-16, JL-72,
// JL-73, JL-93).
#include "tests/support/bad_memory.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

#include <set>

namespace joinleaf::test {
namespace {

class Data : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            root_ = make_listening_root();
        }
    }
    void TearDown() override {
        members_.clear();
        root_.close();
        session_test::TearDown();
    }
    void add_leaves(int count) {
        for (int i = 0; i < count; ++i) {
            members_.push_back(add_leaf(root_));
        }
    }
    [[nodiscard]] SOCKET root() const { return root_.get(); }
    [[nodiscard]] SOCKET leaf(std::size_t i = 0) const { return members_[i].leaf.get(); }

    owned_socket root_;
    std::vector<member> members_;
};

TEST_P(Data, IO_01_WhatTheRootSendsReachesEveryLeafOnce) {
    add_leaves(3);
    ASSERT_EQ(7, send_text(root(), "to all!"));
    ASSERT_EQ(4, send_text(root(), "more"));
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ("to all!", next_text(leaf(i)).value_or("nothing"));
        EXPECT_EQ("more", next_text(leaf(i)).value_or("nothing"));
        EXPECT_TRUE(stays_silent(leaf(i)));
    }
}

TEST_P(Data, IO_02_IO_04_IO_08_WhatALeafSendsGoesWhereTheDataPlaneSays) {
    add_leaves(3);
    ASSERT_EQ(5, send_text(leaf(0), "hello"));
    EXPECT_EQ("hello", next_text(root()).value_or("nothing"));
    for (std::size_t i = 1; i < 3; ++i) {
        if (GetParam().over.kind == plan::relayed) {
            EXPECT_EQ("hello", next_text(leaf(i)).value_or("nothing"))
                << "nonrooted data reaches every other member";
        } else {
            EXPECT_TRUE(stays_silent(leaf(i))) << "rooted data of a leaf reaches the root only";
        }
    }
    EXPECT_TRUE(stays_silent(leaf(0))) << "its own sends do not come back";
}

TEST_P(Data, IO_03_RecvfromTellsWhichLeafSent) {
    add_leaves(2);
    for (std::size_t i = 0; i < 2; ++i) {
        ASSERT_EQ(1, send_text(leaf(i), std::to_string(i)));
        ASSERT_TRUE(readable(root_.fd()));
        char byte = 0;
        address from;
        from.length = sizeof from.storage;
        ASSERT_EQ(1, jl_recvfrom(root(), &byte, 1, 0, from.get(), &from.length)) << last_failure();
        EXPECT_EQ('0' + static_cast<char>(i), byte);
        EXPECT_EQ(peer_name(members_[i].branch.get()), from);
    }
}

TEST_P(Data, IO_03_MessagesOfDifferentLeavesAreNeverMixed) {
    add_leaves(3);
    constexpr int rounds = 100;
    std::vector<std::future<bool>> senders;
    for (std::size_t i = 0; i < 3; ++i) {
        senders.push_back(in_background([&, i] {
            for (int round = 0; round < rounds; ++round) {
                const std::string text(1000 + 37 * static_cast<std::size_t>(round),
                                       static_cast<char>('a' + i));
                if (send_text(leaf(i), text) != static_cast<int>(text.size())) {
                    return false;
                }
                // A relayed leaf gets the messages of the others as well and must keep up.
                while (readable_now(members_[i].leaf.fd())) {
                    receive_text(leaf(i));
                }
            }
            return true;
        }));
    }
    std::size_t next[3] = {};
    for (int count = 0; count < 3 * rounds; ++count) {
        const auto text = next_text(root());
        ASSERT_TRUE(text.has_value()) << last_failure();
        ASSERT_EQ(std::string::npos, text->find_first_not_of((*text)[0]));
        const auto sender = static_cast<std::size_t>((*text)[0] - 'a');
        ASSERT_EQ(1000 + 37 * next[sender], text->size()) << "in order per sender";
        ++next[sender];
    }
    for (auto& sender : senders) {
        EXPECT_TRUE(result_of(sender, "a sending leaf"));
    }
}

TEST_P(Data, IO_05_ALaterLeafGetsOnlyLaterData) {
    add_leaves(1);
    ASSERT_EQ(5, send_text(root(), "early"));
    EXPECT_EQ("early", next_text(leaf(0)).value_or("nothing"));
    add_leaves(1);
    ASSERT_EQ(4, send_text(root(), "late"));
    EXPECT_EQ("late", next_text(leaf(0)).value_or("nothing"));
    EXPECT_EQ("late", next_text(leaf(1)).value_or("nothing"));
}

TEST_P(Data, IO_05_ManyMessagesArriveInOrderAndWhole) {
    add_leaves(2);
    constexpr int count = 2000;
    auto sending = in_background([&] {
        for (int i = 0; i < count; ++i) {
            const auto text = std::to_string(i) + std::string(static_cast<std::size_t>(i % 97) * 11, '.');
            if (send_text(root(), text) != static_cast<int>(text.size())) {
                return false;
            }
        }
        return true;
    });
    const auto receive_all = [&](std::size_t which) {
        for (int i = 0; i < count; ++i) {
            const auto expected = std::to_string(i) + std::string(static_cast<std::size_t>(i % 97) * 11, '.');
            if (next_text(leaf(which)).value_or("nothing") != expected) {
                return i;
            }
        }
        return count;
    };
    auto other = in_background([&] { return receive_all(1); });
    EXPECT_EQ(count, receive_all(0));
    EXPECT_EQ(count, result_of(other, "the second leaf"));
    EXPECT_TRUE(result_of(sending, "the root"));
}

TEST_P(Data, IO_06_ARootWithoutLeaves_FailsWithNotConn) {
    EXPECT_TRUE(refused(send_text(root(), "anybody?"), WSAENOTCONN));
    add_leaves(1);
    EXPECT_EQ(3, send_text(root(), "yes"));
}

TEST_P(Data, IO_07_ALeafThatDiesDoesNotStopTheOthers) {
    add_leaves(3);
    linger hard{1, 0};
    ASSERT_TRUE(worked(jl_setsockopt(leaf(1), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
    const event_watch watch(members_[1].branch.get(), FD_CLOSE);
    EXPECT_EQ(0, members_[1].leaf.close());
    EXPECT_TRUE(watch.wait(FD_CLOSE).has(FD_CLOSE));
    ASSERT_EQ(5, send_text(root(), "go on"));
    EXPECT_EQ("go on", next_text(leaf(0)).value_or("nothing"));
    EXPECT_EQ("go on", next_text(leaf(2)).value_or("nothing"));
}

TEST_P(Data, IO_07_ALeafThatTakesNothingIsDroppedAndTheSessionGoesOn) {
    members_.clear();
    root_.close();
    restart({.tcp = "leaf_timeout: 300ms, send_buffer: 64KiB"});
    root_ = make_listening_root();
    add_leaves(2);
    const event_watch of_slow(members_[1].branch.get(), FD_CLOSE);
    auto reading = in_background([&] {
        std::size_t sum = 0;
        while (const auto text = next_text(leaf(0))) {
            sum += text->size();
            if (*text == "end") {
                break;
            }
        }
        return sum;
    });
    const std::string piece(30'000, 'p');
    constexpr std::size_t count = 1000; // beyond what kernel buffers hold for the leaf that takes nothing
    for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(static_cast<int>(piece.size()), send_text(root(), piece)) << i << ": " << last_failure();
    }
    ASSERT_EQ(3, send_text(root(), "end"));
    EXPECT_EQ(count * piece.size() + 3, result_of(reading, "the leaf that reads"));
    const auto seen = of_slow.wait(FD_CLOSE);
    ASSERT_TRUE(seen.has(FD_CLOSE));
    EXPECT_TRUE(seen.code(FD_CLOSE) == WSAECONNABORTED || seen.code(FD_CLOSE) == WSAECONNRESET)
        << code_name(seen.code(FD_CLOSE));
}

TEST_P(Data, IO_09_SendtoOnAMemberIgnoresTheAddressOrFails) {
    add_leaves(1);
    const auto elsewhere = loopback(family(), 9);
    const int sent = jl_sendto(leaf(), "x", 1, 0, elsewhere.get(), elsewhere.length);
    if (sent == 1) {
        EXPECT_EQ("x", next_text(root()).value_or("nothing"));
    } else {
        EXPECT_EQ(WSAEISCONN, WSAGetLastError()) << last_failure();
    }
}

TEST_P(Data, IO_10_AShortBufferGivesTheFirstPartAndTheRestMayBeRead) {
    ASSERT_TRUE(message_oriented()) << "a session carries messages";
    add_leaves(1);
    ASSERT_EQ(10, send_text(root(), "0123456789"));
    ASSERT_EQ(4, send_text(root(), "next"));
    ASSERT_TRUE(readable(members_[0].leaf.fd()));
    char room[4] = "";
    EXPECT_TRUE(refused(jl_recv(leaf(), room, 4, 0), WSAEMSGSIZE));
    EXPECT_EQ("0123", std::string(room, 4));
    EXPECT_EQ("456789", next_text(leaf()).value_or("nothing"));
    EXPECT_EQ("next", next_text(leaf()).value_or("nothing"));
}

TEST_P(Data, IO_10_WSARecvFillsItsBuffersInOrder) {
    add_leaves(1);
    char first[3] = "";
    char second[16] = "";
    ASSERT_EQ(8, send_text(root(), "01234567"));
    ASSERT_TRUE(readable(members_[0].leaf.fd()));
    WSABUF pieces[2] = {{sizeof first, first}, {sizeof second, second}};
    DWORD got = 0;
    DWORD flags = 0;
    ASSERT_TRUE(worked(WSARecv(leaf(), pieces, 2, &got, &flags, nullptr, nullptr)));
    EXPECT_EQ(8U, got);
    EXPECT_EQ("012", std::string(first, 3));
    EXPECT_EQ("34567", std::string(second, 5));
}

TEST_P(Data, IO_10_WSASendMakesOneMessageOfItsBuffers) {
    add_leaves(1);
    char hello[] = "hello, ";
    char world[] = "world";
    WSABUF pieces[3] = {{7, hello}, {0, nullptr}, {5, world}};
    DWORD sent = 0;
    ASSERT_TRUE(worked(WSASend(root(), pieces, 3, &sent, 0, nullptr, nullptr)));
    EXPECT_EQ(12U, sent);
    EXPECT_EQ("hello, world", next_text(leaf()).value_or("nothing"));
}

TEST_P(Data, IO_10_AnEmptyMessageIsAMessage) {
    add_leaves(1);
    ASSERT_EQ(0, send_text(root(), "")) << last_failure();
    ASSERT_EQ(5, send_text(root(), "after"));
    EXPECT_EQ("", next_text(leaf()).value_or("nothing"));
    EXPECT_EQ("after", next_text(leaf()).value_or("nothing"));
}

TEST_P(Data, IO_12_TheGracefulEndOfMessages_FailsWithDiscon) {
    add_leaves(1);
    ASSERT_EQ(4, send_text(root(), "last"));
    EXPECT_EQ(0, root_.close());
    EXPECT_EQ("last", next_text(leaf()).value_or("nothing"));
    EXPECT_EQ(WSAEDISCON, failure_of_receive(leaf()));
    EXPECT_EQ(WSAEDISCON, failure_of_receive(leaf())) << "and again";
}

TEST_P(Data, IO_12_AReset_FailsWithConnReset) {
    add_leaves(1);
    linger hard{1, 0};
    ASSERT_TRUE(worked(jl_setsockopt(members_[0].branch.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
    EXPECT_EQ(0, members_[0].branch.close());
    EXPECT_EQ(WSAECONNRESET, failure_of_receive(leaf()));
}

TEST_P(Data, IO_13_AfterShutdown_FailsWithShutdown) {
    add_leaves(1);
    ASSERT_TRUE(worked(jl_shutdown(leaf(), SD_SEND)));
    EXPECT_TRUE(refused(send_text(leaf(), "x"), WSAESHUTDOWN));
    ASSERT_TRUE(worked(jl_shutdown(leaf(), SD_RECEIVE)));
    EXPECT_FALSE(receive_text(leaf()).has_value());
    EXPECT_EQ(WSAESHUTDOWN, WSAGetLastError()) << last_failure();
}

TEST_P(Data, IO_14_NonblockingAndNothingThere_FailsWithWouldBlock) {
    add_leaves(1);
    ASSERT_TRUE(set_nonblocking(leaf()));
    ASSERT_TRUE(set_nonblocking(root()));
    for (const SOCKET s : {leaf(), root()}) {
        EXPECT_FALSE(receive_text(s).has_value());
        EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError()) << last_failure();
    }
}

TEST_P(Data, IO_14_BlockingWaits) {
    add_leaves(1);
    auto receiving = in_background([&] { return receive_text(leaf()).value_or("nothing"); });
    EXPECT_FALSE(is_done(receiving, vigilance));
    ASSERT_EQ(5, send_text(root(), "there"));
    EXPECT_EQ("there", result_of(receiving, "recv"));
}

TEST_P(Data, IO_14_IO_07_ABlockingSendWaitsForRoom) {
    add_leaves(1);
    const std::string piece(60'000, 'p');
    constexpr std::size_t count = 500; // 30 MB: beyond the session's buffers
    auto sending = in_background([&] {
        for (std::size_t i = 0; i < count; ++i) {
            if (send_text(root(), piece) != static_cast<int>(piece.size())) {
                return WSAGetLastError();
            }
        }
        return 0;
    });
    EXPECT_FALSE(is_done(sending, vigilance));
    std::size_t got = 0;
    while (got < count * piece.size()) {
        const auto part = next_text(leaf());
        ASSERT_TRUE(part.has_value()) << got << ": " << last_failure();
        got += part->size();
    }
    EXPECT_EQ(0, result_of(sending, "the root's sends"));
}

TEST_P(Data, IO_14_SO_RCVTIMEO_EndsABlockingReceive) {
    add_leaves(1);
    const timeval limit{0, 50'000};
    ASSERT_TRUE(worked(jl_setsockopt(leaf(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)));
    EXPECT_FALSE(receive_text(leaf()).has_value());
    EXPECT_EQ(WSAETIMEDOUT, WSAGetLastError()) << last_failure();
}

TEST_P(Data, IO_15_IO_13_BeforeTheJoin_FailsWithNotConn) {
    const auto fresh = make_leaf();
    EXPECT_TRUE(refused(send_text(fresh.get(), "x"), WSAENOTCONN));
    EXPECT_FALSE(receive_text(fresh.get()).has_value());
    EXPECT_EQ(WSAENOTCONN, WSAGetLastError()) << last_failure();
    EXPECT_TRUE(refused(jl_shutdown(fresh.get(), SD_BOTH), WSAENOTCONN));
}

TEST_P(Data, IO_16_AMessageBeyondTheLimit_FailsWithMsgSize) {
    add_leaves(1);
    const DWORD limit = entry().dwMessageSize;
    if (limit == 0xffffffffU || limit > (64U << 20)) {
        GTEST_SKIP() << "the entry has no limit of messages that a test could pass";
    }
    ASSERT_GT(limit, 1U);
    const std::string much(limit + 1, 'm');
    EXPECT_TRUE(refused(send_text(root(), much), WSAEMSGSIZE));
    ASSERT_EQ(5, send_text(root(), "small"));
    EXPECT_EQ("small", next_text(leaf()).value_or("nothing")) << "nothing of the long one was sent";
}

TEST_P(Data, IO_16_AMessageOfTheLimitPasses) {
    add_leaves(1);
    const DWORD limit = std::min<DWORD>(entry().dwMessageSize, 4U << 20);
    ASSERT_GT(limit, 1U);
    std::string much(limit, 'm');
    much[limit / 2] = 'x';
    auto sending = in_background([&] { return send_text(root(), much); });
    EXPECT_EQ(much, next_text(leaf(), limit).value_or("nothing"));
    EXPECT_EQ(static_cast<int>(limit), result_of(sending, "send"));
}

TEST_P(Data, JL_73_TheSideChatReachesOnlyThatLeafOrIsUnsupported) {
    add_leaves(2);
    const SOCKET branch = members_[0].branch.get();
    if (send_text(branch, "for you") == SOCKET_ERROR) {
        EXPECT_EQ(WSAEOPNOTSUPP, WSAGetLastError()) << last_failure();
        char byte = 0;
        EXPECT_TRUE(refused(jl_recv(branch, &byte, 1, 0), WSAEOPNOTSUPP));
        return;
    }
    EXPECT_EQ("for you", next_text(leaf(0)).value_or("nothing"));
    EXPECT_TRUE(stays_silent(leaf(1)));
}

TEST_P(Data, JL_90_JL_93_TheWrongDirection_FailsWithOpNotSupp) {
    if (built() == way::invite) {
        GTEST_SKIP() << "the direction belongs to the socket that joins, here the root's";
    }
    const auto sender = add(root(), built(), {.name = {}, .direction = JL_SENDER_ONLY});
    EXPECT_FALSE(receive_text(sender.leaf.get()).has_value());
    EXPECT_EQ(WSAEOPNOTSUPP, WSAGetLastError()) << last_failure();
    ASSERT_EQ(2, send_text(sender.leaf.get(), "me"));
    EXPECT_EQ("me", next_text(root()).value_or("nothing"));
    const auto receiver = add(root(), built(), {.name = {}, .direction = JL_RECEIVER_ONLY});
    EXPECT_TRUE(refused(send_text(receiver.leaf.get(), "x"), WSAEOPNOTSUPP));
    ASSERT_EQ(3, send_text(root(), "you"));
    EXPECT_EQ("you", next_text(receiver.leaf.get()).value_or("nothing"));
    EXPECT_TRUE(stays_silent(sender.leaf.get())) << "group traffic is not delivered to a sender";
}

TEST_P(Data, AC_27_AC_28_TheMemberSocketCarriesTheDataAndTheListenerDoesNot) {
    add_leaves(1);
    ASSERT_EQ(4, send_text(root(), "data"));
    EXPECT_EQ("data", next_text(leaf()).value_or("nothing"));
    if (built() == way::invite) {
        EXPECT_TRUE(stays_silent(members_[0].door.get()));
        EXPECT_TRUE(refused(send_text(members_[0].door.get(), "x"), WSAENOTCONN));
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, Data, ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
