// SPDX-License-Identifier: Apache-2.0
//
// A blocked receive waits on the SOCKET's own descriptor where several connections make it readable (a root of
// tcp-root, a leaf). What ends a blocked call ends it there as well, and the SOCKET shows what it should.
#include "tests/socket/rooted_session.hpp"
#include "tests/support/runtime_fixture.hpp"

#include <array>
#include <atomic>
#include <ostream>
#include <thread>

#include <poll.h>

namespace joinleaf::test {
namespace {

struct reactor {
    const char* name;
    const char* yaml;
    friend std::ostream& operator<<(std::ostream& out, const reactor& what) { return out << what.name; }
};

class RootReceive : public ::testing::TestWithParam<reactor> {
  protected:
    void SetUp() override {
        ASSERT_TRUE(start_runtime(std::string(GetParam().yaml) + configuration()));
        root_ = listening_root();
        first_ = add_leaf(root_.get());
    }
    void TearDown() override {
        first_ = {};
        root_ = owned_socket();
        end_runtime();
    }
    static auto receive_in_background(SOCKET s) {
        return in_background([s]() -> std::pair<int, std::string> {
            const auto text = receive_text(s, 64);
            return {text ? 0 : WSAGetLastError(), text.value_or("")};
        });
    }

    owned_socket root_;
    member first_;
};

// The first receive asks before it waits, those behind it wait at once.
TEST_P(RootReceive, IO_03_EndsWithAMessage_OfAnyLeaf) {
    const member second = add_leaf(root_.get());
    const member third = add_leaf(root_.get());
    const std::array<SOCKET, 3> leaves{first_.leaf.get(), second.leaf.get(), third.leaf.get()};
    for (int i = 0; i < 30; ++i) {
        auto blocked = receive_in_background(root_.get());
        EXPECT_FALSE(is_done(blocked, std::chrono::milliseconds(i % 10)));
        ASSERT_GT(send_text(leaves[static_cast<std::size_t>(i) % 3], "message"), 0);
        ASSERT_EQ(result_of(blocked, "a receive"), std::pair(0, std::string("message")));
    }
}

TEST_P(RootReceive, IO_03_AConversation_GoesOnWhileAnotherLeafLeaves) {
    member second = add_leaf(root_.get());
    auto echo = in_background([s = first_.leaf.get()] {
        for (int i = 0; i < 500; ++i) {
            const auto text = receive_text(s, 64);
            if (!text || send_text(s, *text) < 0) {
                return false;
            }
        }
        return true;
    });
    for (int i = 0; i < 500; ++i) {
        const auto text = std::to_string(i);
        ASSERT_GT(send_text(root_.get(), text), 0);
        ASSERT_EQ(receive_text(root_.get(), 64), text);
        if (i == 250) {
            second.leaf = owned_socket();
        }
    }
    EXPECT_TRUE(result_of(echo, "the echo"));
    EXPECT_TRUE(readable(second.branch.fd())) << "LC-01";
}

// A request keeps the root's SOCKET readable; a blocked receive is not misled, and misses nothing.
TEST_P(RootReceive, AC_01_BesideARequestThatWaits) {
    auto blocked = receive_in_background(root_.get());
    EXPECT_FALSE(is_done(blocked, std::chrono::milliseconds(5)));
    const owned_socket asker = make(as_leaf);
    auto joining = join_in_background(asker.get(), {.name = local_name(root_.get())});
    EXPECT_TRUE(readable(root_.fd()));
    ASSERT_GT(send_text(first_.leaf.get(), "one"), 0);
    EXPECT_EQ(result_of(blocked, "a receive").second, "one");

    auto next = receive_in_background(root_.get());
    EXPECT_FALSE(is_done(next, vigilance));
    ASSERT_GT(send_text(first_.leaf.get(), "two"), 0);
    EXPECT_EQ(result_of(next, "a receive").second, "two");
    const owned_socket branch(jl_accept(root_.get(), nullptr, nullptr));
    EXPECT_EQ(joining.get().error, 0);
}

TEST_P(RootReceive, LC_17_EndsWithClosesocket_AtWhateverMoment) {
    for (int round = 0; round < 50; ++round) {
        member made = add_leaf(root_.get());
        auto blocked = receive_in_background(made.leaf.get());
        if (round % 2 == 0) {
            std::this_thread::yield();
        } else {
            EXPECT_FALSE(is_done(blocked, std::chrono::milliseconds(1)));
        }
        made.leaf = owned_socket();
        const auto code = result_of(blocked, "a receive").first;
        ASSERT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
    }
    auto blocked = receive_in_background(root_.get());
    EXPECT_FALSE(is_done(blocked, vigilance));
    root_ = owned_socket();
    const auto code = result_of(blocked, "a receive").first;
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
}

TEST_P(RootReceive, IO_13_EndsWithShutdown_AndTheSocketShowsNothing) {
    for (const SOCKET s : {root_.get(), first_.leaf.get()}) {
        auto blocked = receive_in_background(s);
        EXPECT_FALSE(is_done(blocked, vigilance));
        EXPECT_EQ(jl_shutdown(s, SD_RECEIVE), 0);
        EXPECT_EQ(result_of(blocked, "a receive").first, WSAESHUTDOWN);
        EXPECT_TRUE(stays_silent(s));
    }
}

TEST_P(RootReceive, EndsWithItsTimeout_NotBefore) {
    for (const SOCKET s : {root_.get(), first_.leaf.get()}) {
        for (const int milliseconds : {1, 3, 30}) {
            const timeval patience{0, milliseconds * 1000};
            ASSERT_EQ(jl_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
            const auto start = clock::now();
            EXPECT_EQ(receive_text(s, 64), std::nullopt);
            EXPECT_EQ(WSAGetLastError(), WSAETIMEDOUT);
            EXPECT_GE(clock::now() - start, std::chrono::milliseconds(milliseconds));
        }
    }
}

TEST_P(RootReceive, SeveralThreadsGetOneMessageEach) {
    for (int round = 0; round < 20; ++round) {
        std::array blocked{receive_in_background(root_.get()), receive_in_background(root_.get()),
                           receive_in_background(root_.get())};
        EXPECT_FALSE(is_done(blocked.front(), std::chrono::milliseconds(round % 3)));
        for (int i = 0; i < 3; ++i) {
            ASSERT_GT(send_text(first_.leaf.get(), "message"), 0);
        }
        for (auto& one : blocked) {
            EXPECT_EQ(result_of(one, "a receive").second, "message");
        }
    }
}

TEST_P(RootReceive, BesideAPollingThread_NeitherMissesAnything) {
    constexpr int count = 2000;
    std::atomic<int> got{0};
    const timeval patience{0, 100'000};
    ASSERT_EQ(jl_setsockopt(root_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    auto blocking = in_background([&] {
        while (got < count) {
            got += receive_text(root_.get(), 64) ? 1 : 0;
        }
        return true;
    });
    auto polling = in_background([&] {
        while (got < count) {
            char room[64];
            pollfd one{root_.fd(), POLLIN, 0};
            if (::poll(&one, 1, 50) > 0) {
                got += jl_recv(root_.get(), room, sizeof room, MSG_DONTWAIT) >= 0 ? 1 : 0;
            }
        }
        return true;
    });
    for (int i = 0; i < count; ++i) {
        ASSERT_GT(send_text(first_.leaf.get(), "message"), 0);
    }
    EXPECT_TRUE(result_of(blocking, "the blocking thread"));
    EXPECT_TRUE(result_of(polling, "the polling thread"));
    EXPECT_EQ(got, count);
}

INSTANTIATE_TEST_SUITE_P(Over, RootReceive,
                         ::testing::Values(reactor{"OneLoop", "reactor: {threads: 1}\n"},
                                           reactor{"ThreeLoops", "reactor: {threads: 3}\n"},
                                           reactor{"Polling", "reactor: {spin: 200us}\n"}),
                         ::testing::PrintToStringParamName());

} // namespace
} // namespace joinleaf::test
