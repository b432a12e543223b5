// SPDX-License-Identifier: Apache-2.0
//
// udp-mcast under a flood of plain sends (option `gather`).
#include "tests/socket/group_fixture.hpp"

#include <sys/wait.h>
#include <unistd.h>

namespace joinleaf::test {
namespace {

class Gather : public group_test {
  protected:
    static std::string numbered(int number) { return "message " + std::to_string(number); }

    // Floods the session until messages have left together; how many were sent. The receiver has got all of them, in
    // their order.
    int flood_until_it_gathers() {
        int sent = 0;
        EXPECT_TRUE(eventually([&] {
            const auto before = statistics_of(sender_);
            constexpr int round = 600;
            for (int i = 0; i < round; ++i) {
                send(numbered(sent + i));
            }
            for (int i = 0; i < round; ++i) {
                const auto got = receive();
                if (got != numbered(sent + i)) {
                    ADD_FAILURE() << got << " in the place of " << sent + i;
                    return true;
                }
            }
            sent += round;
            const auto after = statistics_of(sender_);
            EXPECT_EQ(after.sent_messages - before.sent_messages, static_cast<std::uint64_t>(round));
            return after.send_calls - before.send_calls < round / 4;
        }));
        EXPECT_EQ(statistics_of(sender_).send_path, JL_SENDS_SEGMENTED);
        EXPECT_EQ(statistics_of(sender_).queued_bytes, 0U);
        return sent;
    }
};

TEST_F(Gather, AFloodLeavesInSuperPackets_ALoneMessageAtOnce) {
    begin("gather: 100us, rcvbuf: 4MiB");
    flood_until_it_gathers();
    for (int i = 0; i < 50; ++i) { // each after a pause
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        const auto calls = statistics_of(sender_).send_calls;
        send("lone");
        EXPECT_EQ(statistics_of(sender_).send_calls, calls + 1);
        EXPECT_EQ(receive(), "lone");
    }
}

TEST_F(Gather, WithoutIt_EachLeavesWithItsCall) {
    begin("rcvbuf: 4MiB");
    for (int i = 0; i < 2000; ++i) {
        send("message");
        EXPECT_EQ(statistics_of(sender_).queued_bytes, 0U);
    }
    EXPECT_EQ(statistics_of(sender_).send_calls, 2000U);
}

TEST_F(Gather, TheOrderIsThatOfTheCalls_WhateverTheirKindAndSize) {
    begin("gather: 1s, rcvbuf: 8MiB"); // so long that nothing leaves by the clock
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 100; ++i) {
            send(numbered(i));
        }
        send_all({"one", "two"});
        send(std::string(50, 'x'));
        send("");
        const auto to = jl_sendto(sender_, "named", 5, 0, reinterpret_cast<sockaddr*>(&group_), sizeof group_);
        EXPECT_EQ(to, 5);
        BOOL on = TRUE;
        EXPECT_EQ(jl_setsockopt(sender_, SOL_SOCKET, SO_BROADCAST, reinterpret_cast<char*>(&on), sizeof on),
                  0);
    }
    ASSERT_EQ(jl_shutdown(sender_, SD_SEND), 0);
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 100; ++i) {
            ASSERT_EQ(receive(), numbered(i));
        }
        for (const std::string& text : {std::string("one"), std::string("two"), std::string(50, 'x'),
                                        std::string(), std::string("named")}) {
            ASSERT_EQ(receive(), text);
        }
    }
}

TEST_F(Gather, LC_09_Close_SendsWhatWaits) {
    begin("gather: 1s, rcvbuf: 8MiB");
    for (int i = 0; i < 5000; ++i) {
        send(numbered(i));
    }
    ASSERT_EQ(jl_closesocket(sender_), 0);
    for (int i = 0; i < 5000; ++i) {
        ASSERT_EQ(receive(), numbered(i));
    }
}

// The kernel's receiver: it is there before the process that ends is, and needs no runtime.
TEST_F(Gather, AProcessThatEndsWithoutClosing_HasSentAll) {
    const int raw = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int room = 8 << 20;
    ::setsockopt(raw, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    ASSERT_EQ(::bind(raw, reinterpret_cast<sockaddr*>(&group_), sizeof group_), 0);
    const ip_mreqn membership{group_.sin_addr, {}, static_cast<int>(if_nametoindex("lo"))};
    ASSERT_EQ(::setsockopt(raw, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership), 0);
    constexpr int count = 3000;
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        start({"interface: lo, gather: 1s", "join_timeout: 30s"});
        sender_ = member(JL_SENDER_ONLY);
        for (int i = 0; i < count; ++i) {
            send(numbered(i));
        }
        std::exit(HasFailure() ? 1 : 0);
    }
    for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(readable(raw)) << i;
        std::array<char, 64> text{};
        const auto got = ::recv(raw, text.data(), text.size(), 0);
        ASSERT_EQ(std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))), numbered(i));
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ::close(raw);
}

} // namespace
} // namespace joinleaf::test
