// SPDX-License-Identifier: Apache-2.0
//
// udp-mcast with a clock: messages that wait for others (option `coalesce`), and gaps as an application sees them.
#include "tests/socket/group_fixture.hpp"

#include <unistd.h>

namespace joinleaf::test {
namespace {

class Coalesce : public group_test {};

TEST_F(Coalesce, AMessageAfterAPauseLeavesAtOnce_OthersWithinTheDelay) {
    begin("coalesce: 1400B, coalesce_delay: 1s");
    send("at once");
    EXPECT_EQ(statistics_of(sender_).queued_bytes, 0U);
    EXPECT_EQ(receive(), "at once");
    for (int i = 0; i < 20; ++i) {
        send("gathered " + std::to_string(i));
    }
    EXPECT_GT(statistics_of(sender_).queued_bytes, 0U);
    EXPECT_FALSE(readable_now(static_cast<int>(receiver_)));
    for (int i = 0; i < 20; ++i) { // nobody sends any more: the clock does it
        ASSERT_EQ(receive(), "gathered " + std::to_string(i));
    }
    // The message may be here before the loop has come back from sending it.
    EXPECT_TRUE(eventually([&] { return statistics_of(sender_).queued_bytes == 0; }));
    EXPECT_EQ(statistics_of(sender_).send_calls, 2U);
}

TEST_F(Coalesce, AFloodLeavesWithoutTheClock) {
    begin("coalesce: 1400B, coalesce_delay: 1s, rcvbuf: 4MiB");
    for (int i = 0; i < 5000; ++i) {
        send("message " + std::to_string(i));
    }
    ASSERT_EQ(jl_closesocket(sender_), 0);
    for (int i = 0; i < 5000; ++i) {
        ASSERT_EQ(receive(), "message " + std::to_string(i));
    }
}

TEST_F(Coalesce, LC_09_CloseAndShutdown_SendWhatWaits) {
    begin("coalesce: 1400B, coalesce_delay: 1s");
    send("first");
    send("waits");
    ASSERT_EQ(jl_shutdown(sender_, SD_SEND), 0);
    EXPECT_EQ(receive(), "first");
    EXPECT_EQ(receive(), "waits");
    const SOCKET other = std::exchange(sender_, member(JL_SENDER_ONLY));
    send("once more");
    send("waits too");
    ASSERT_EQ(jl_closesocket(sender_), 0);
    EXPECT_EQ(receive(), "once more");
    EXPECT_EQ(receive(), "waits too");
    EXPECT_EQ(jl_closesocket(other), 0);
}

TEST_F(Coalesce, IO_31_Flush_DiscardsWhatHasNotLeft) {
    begin("coalesce: 1400B, coalesce_delay: 1s");
    send("left");
    send("waits");
    DWORD bytes = 9;
    ASSERT_EQ(WSAIoctl(sender_, SIO_FLUSH, nullptr, 0, nullptr, 0, &bytes, nullptr, nullptr), 0);
    EXPECT_EQ(bytes, 0U);
    EXPECT_EQ(statistics_of(sender_).queued_bytes, 0U);
    ASSERT_EQ(jl_shutdown(sender_, SD_SEND), 0);
    const SOCKET other = member(JL_SENDER_ONLY);
    sender_ = other;
    send("later");
    EXPECT_EQ(receive(), "left");
    EXPECT_EQ(receive(), "later");
}

TEST_F(Coalesce, Gap_FailsOneReceiveWhereItWasAskedFor) {
    begin("sequence: true");
    const int raw = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto send_raw = [&](char number) {
        const std::array<char, 13> datagram{'J', 'M', 1, 2, 0, 0, 0, 1, 0, 0, 0, number, 'x'};
        ASSERT_EQ(::sendto(raw, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&group_),
                           sizeof group_),
                  13);
    };
    send_raw(1);
    send_raw(4);
    EXPECT_EQ(receive(), "x");
    ASSERT_TRUE(readable(static_cast<int>(receiver_), std::chrono::seconds(20)));
    char peeked = 0;
    EXPECT_EQ(jl_recv(receiver_, &peeked, 1, MSG_PEEK), 1) << "a peek goes on behind the gap";
    EXPECT_EQ(receive(), "x") << "nobody asked to be told";
    const BOOL yes = TRUE;
    ASSERT_EQ(jl_setsockopt(receiver_, JL_SOL_JOINLEAF, JL_SO_GAP_NOTIFY, &yes, sizeof yes), 0);
    send_raw(9);
    EXPECT_EQ(receive(), "WSAENOBUFS");
    EXPECT_EQ(receive(), "x");
    EXPECT_EQ(statistics_of(receiver_).gaps, 6U);
    std::array<jl_leaf, 4> senders{};
    ASSERT_EQ(jl_leaf_statistics(receiver_, senders.data(), sizeof(jl_leaf), 4), 1);
    EXPECT_EQ(senders[0].gaps, 6U);
    EXPECT_EQ(senders[0].received_messages, 3U);
    ::close(raw);
}

} // namespace
} // namespace joinleaf::test
