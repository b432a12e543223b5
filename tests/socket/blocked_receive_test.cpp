// SPDX-License-Identifier: Apache-2.0
//
// A blocked receive of one message waits inside the provider, in one system call. What ends a blocked call ends it
// there as well.
#include "tests/socket/group_fixture.hpp"
#include "tests/support/session.hpp"

#include <joinleaf/overlapped.h>

namespace joinleaf::test {
namespace {

class BlockedReceive : public group_test {
  protected:
    // A receive in another thread; the code it ends with, or 0 and its text.
    auto receive_in_background(SOCKET s) {
        return in_background([s]() -> std::pair<int, std::string> {
            const auto text = receive_text(s, 64);
            return {text ? 0 : WSAGetLastError(), text.value_or("")};
        });
    }
    void begin_without_end(const std::string& options = {}) {
        begin(options);
        set_patience(receiver_, {0, 0});
    }
};

TEST_F(BlockedReceive, EndsWithAMessage_InOneSystemCall) {
    begin_without_end();
    for (int i = 0; i < 10; ++i) {
        auto blocked = receive_in_background(receiver_);
        EXPECT_FALSE(is_done(blocked, std::chrono::milliseconds(5)));
        send("message");
        EXPECT_EQ(result_of(blocked, "a receive"), std::pair(0, std::string("message")));
    }
    EXPECT_EQ(statistics_of(receiver_).received_messages, 10U);
    EXPECT_EQ(statistics_of(receiver_).received_bytes, 70U);
    EXPECT_EQ(statistics_of(receiver_).receive_calls, 10U);
}

TEST_F(BlockedReceive, LC_17_EndsWithClosesocket) {
    begin_without_end();
    auto blocked = receive_in_background(receiver_);
    EXPECT_FALSE(is_done(blocked, vigilance));
    EXPECT_EQ(jl_closesocket(receiver_), 0);
    const auto code = result_of(blocked, "a receive").first;
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
}

TEST_F(BlockedReceive, LC_17_EndsWithClosesocket_AtWhateverMoment) {
    begin();
    for (int round = 0; round < 200; ++round) {
        const SOCKET s = member(JL_RECEIVER_ONLY);
        auto blocked = receive_in_background(s);
        if (round % 2 == 0) {
            std::this_thread::yield();
        }
        EXPECT_EQ(jl_closesocket(s), 0);
        const auto code = result_of(blocked, "a receive").first;
        ASSERT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
    }
}

TEST_F(BlockedReceive, IO_13_EndsWithShutdown) {
    begin_without_end();
    auto blocked = receive_in_background(receiver_);
    EXPECT_FALSE(is_done(blocked, vigilance));
    EXPECT_EQ(jl_shutdown(receiver_, SD_RECEIVE), 0);
    EXPECT_EQ(result_of(blocked, "a receive").first, WSAESHUTDOWN);
}

TEST_F(BlockedReceive, ST_11_EndsWithTheLastCleanup) {
    begin_without_end();
    auto blocked = receive_in_background(receiver_);
    EXPECT_FALSE(is_done(blocked, vigilance));
    EXPECT_EQ(WSACleanup(), 0);
    const auto code = result_of(blocked, "a receive").first;
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK || code == WSANOTINITIALISED) << code_name(code);
}

TEST_F(BlockedReceive, EndsWithItsTimeout_NotBefore) {
    begin();
    for (const int milliseconds : {1, 3, 30}) {
        set_patience(receiver_, {0, milliseconds * 1000});
        const auto start = clock::now();
        EXPECT_EQ(receive(), "WSAETIMEDOUT");
        EXPECT_GE(clock::now() - start, std::chrono::milliseconds(milliseconds));
    }
    set_patience(receiver_, {20, 0});
    send("in time");
    EXPECT_EQ(receive(), "in time");
}

TEST_F(BlockedReceive, AnotherThreadMayReceiveWithoutWaiting) {
    begin_without_end();
    auto blocked = receive_in_background(receiver_);
    EXPECT_FALSE(is_done(blocked, vigilance));
    EXPECT_EQ(receive(MSG_DONTWAIT), "WSAEWOULDBLOCK");
    send("message");
    EXPECT_EQ(result_of(blocked, "a receive"), std::pair(0, std::string("message")));
}

TEST_F(BlockedReceive, MessagesThatPileUpAreNoticed) {
    constexpr int each = 60;
    begin();
    for (int round = 0; round < 3; ++round) {
        send_all(std::vector<std::string>(each, "message"));
        const auto calls = statistics_of(receiver_).receive_calls;
        for (int i = 0; i < each; ++i) {
            ASSERT_EQ(receive(), "message");
        }
        EXPECT_EQ(statistics_of(receiver_).receive_calls - calls, round == 0 ? 1U * each : 1U);
        EXPECT_EQ(statistics_of(receiver_).receive_path, JL_SENDS_SEGMENTED);
    }
}

TEST_F(BlockedReceive, AfterSuperPackets_ALoneMessageCostsOneMoreSystemCall) {
    begin_without_end();
    send_all(std::vector<std::string>(60, "message"));
    for (int i = 0; i < 60; ++i) {
        ASSERT_EQ(receive(), "message");
    }
    ASSERT_EQ(statistics_of(receiver_).receive_path, JL_SENDS_SEGMENTED);
    const auto calls = statistics_of(receiver_).receive_calls;
    for (int i = 0; i < 20; ++i) {
        auto blocked = receive_in_background(receiver_);
        EXPECT_FALSE(is_done(blocked, std::chrono::milliseconds(5)));
        send("alone");
        EXPECT_EQ(result_of(blocked, "a receive"), std::pair(0, std::string("alone")));
    }
    EXPECT_EQ(statistics_of(receiver_).receive_calls - calls, 20U); // besides the wait
    set_patience(receiver_, {0, 3000});
    EXPECT_EQ(receive(), "WSAETIMEDOUT");
}

TEST_F(BlockedReceive, LC_17_EndsWithClosesocket_AfterSuperPackets) {
    begin_without_end();
    send_all(std::vector<std::string>(60, "message"));
    for (int i = 0; i < 60; ++i) {
        ASSERT_EQ(receive(), "message");
    }
    auto blocked = receive_in_background(receiver_);
    EXPECT_FALSE(is_done(blocked, vigilance));
    EXPECT_EQ(jl_closesocket(receiver_), 0);
    const auto code = result_of(blocked, "a receive").first;
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
}

TEST_F(BlockedReceive, SeveralThreadsGetOneMessageEach) {
    begin_without_end();
    auto first = receive_in_background(receiver_);
    auto second = receive_in_background(receiver_);
    EXPECT_FALSE(is_done(first, vigilance));
    send_all({"message", "message"});
    EXPECT_EQ(result_of(first, "a receive").second, "message");
    EXPECT_EQ(result_of(second, "a receive").second, "message");
}

// The kernel is not asked for super-packets while a thread waits that has no place for one.
TEST_F(BlockedReceive, APileTakenByAnotherThreadDoesNoHarm) {
    begin_without_end("rcvbuf: 4MiB");
    constexpr int count = 20'000;
    std::atomic<int> got{0};
    const auto take = [&](bool batches) {
        std::array<std::array<char, 16>, 32> room{};
        std::array<WSABUF, 32> buffers{};
        std::array<jl_message, 32> messages{};
        for (std::size_t i = 0; i < 32; ++i) {
            buffers[i] = {16, room[i].data()};
            messages[i].buffers = &buffers[i];
            messages[i].buffer_count = 1;
        }
        for (;;) {
            const int more = jl_recv_batch(receiver_, messages.data(), batches ? 32 : 1);
            if (more < 0) {
                return;
            }
            for (std::size_t i = 0; i < static_cast<std::size_t>(more); ++i) {
                if (messages[i].bytes != 11 || std::string(room[i].data(), 11) != "one message") {
                    got = -count;
                }
            }
            got += more;
        }
    };
    std::thread singles([&] { take(false); });
    std::thread batches([&] { take(true); });
    for (int sent = 0; sent < count; sent += 20) {
        send_all(std::vector<std::string>(20, "one message"));
        ASSERT_TRUE(eventually([&] { return got < 0 || got > sent - 2000; }));
    }
    EXPECT_TRUE(eventually([&] { return got < 0 || got == count; })) << got;
    EXPECT_EQ(jl_shutdown(receiver_, SD_RECEIVE), 0);
    singles.join();
    batches.join();
    EXPECT_EQ(got, count);
}

} // namespace
} // namespace joinleaf::test
