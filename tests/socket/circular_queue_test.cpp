// SPDX-License-Identifier: Apache-2.0
//
// SIO_ENABLE_CIRCULAR_QUEUEING over udp-mcast (IO-30): a receiver that does not keep up has the newest messages.
#include "tests/socket/group_fixture.hpp"

#include <linux/sock_diag.h>

namespace joinleaf::test {
namespace {

class CircularQueue : public group_test {
  protected:
    // How much of the receiver's room is used: of 1.
    [[nodiscard]] double used() const {
        std::array<std::uint32_t, SK_MEMINFO_VARS> notes{};
        socklen_t length = sizeof notes;
        EXPECT_EQ(::getsockopt(static_cast<int>(receiver_), SOL_SOCKET, SO_MEMINFO, notes.data(), &length), 0);
        return static_cast<double>(notes[SK_MEMINFO_RMEM_ALLOC]) / notes[SK_MEMINFO_RCVBUF];
    }
    static std::string text_of(int number) {
        auto text = "message " + std::to_string(number);
        text.resize(48, '.');
        return text;
    }
    // One after the other, no faster than a busy machine's loop can follow.
    void send_one_by_one(int from, int to) {
        for (int i = from; i < to; ++i) {
            send(text_of(i));
            ASSERT_TRUE(eventually([&] { return used() <= 0.75; }));
        }
    }
    [[nodiscard]] int number_of_next() const {
        const auto text = receive();
        return text.starts_with("message ") ? std::atoi(text.c_str() + 8) : -1;
    }
    [[nodiscard]] bool is_empty() const {
        return !readable_now(static_cast<int>(receiver_));
    }
};

TEST_F(CircularQueue, IO_30_TheOldestMessagesGo_TheNewestStayInOrder) {
    constexpr int count = 2000;
    begin("rcvbuf: 64KiB");
    ASSERT_EQ(control(receiver_, SIO_ENABLE_CIRCULAR_QUEUEING), 0);
    EXPECT_EQ(control(receiver_, SIO_ENABLE_CIRCULAR_QUEUEING), 0) << "it is on already";
    send_one_by_one(0, count);
    ASSERT_TRUE(eventually([&] { return used() <= 0.5; }));
    const int first = number_of_next();
    EXPECT_GT(first, 0);
    EXPECT_EQ(statistics_of(receiver_).dropped_messages, static_cast<std::uint64_t>(first));
    for (int i = first + 1; i < count; ++i) {
        ASSERT_EQ(number_of_next(), i);
    }
    EXPECT_TRUE(is_empty());
}

TEST_F(CircularQueue, IO_30_WithoutIt_TheNewestMessageGoes) {
    begin("rcvbuf: 64KiB");
    for (int i = 0; i < 2000; ++i) {
        send(text_of(i));
    }
    EXPECT_EQ(number_of_next(), 0);
    EXPECT_GT(statistics_of(receiver_).dropped_messages, 0U);
}

TEST_F(CircularQueue, IO_30_AReceiverThatKeepsUpLosesNothing) {
    begin("rcvbuf: 64KiB");
    ASSERT_EQ(control(receiver_, SIO_ENABLE_CIRCULAR_QUEUEING), 0);
    for (int i = 0; i < 500; ++i) {
        send(text_of(i));
        ASSERT_EQ(number_of_next(), i);
    }
    EXPECT_EQ(statistics_of(receiver_).dropped_messages, 0U);
}

TEST_F(CircularQueue, IO_30_SuperPacketsCountAsTheirMessages) {
    constexpr int each = 20;
    constexpr int packets = 60;
    begin("rcvbuf: 64KiB");
    let_it_pile();
    ASSERT_EQ(control(receiver_, SIO_ENABLE_CIRCULAR_QUEUEING), 0);
    const auto send_packet = [&](int number) {
        std::vector<std::string> texts;
        for (int i = 0; i < each; ++i) {
            texts.push_back(text_of(number * each + i));
        }
        send_all(texts);
        ASSERT_TRUE(eventually([&] { return used() <= 0.75; }));
    };
    send_packet(0);
    EXPECT_EQ(number_of_next(), 0); // the head of the queue is half read when it has to go
    for (int i = 1; i < packets; ++i) {
        send_packet(i);
    }
    ASSERT_TRUE(eventually([&] { return used() <= 0.5; }));
    const int first = number_of_next();
    ASSERT_GT(first, each);
    EXPECT_EQ(first % each, 0);
    EXPECT_EQ(statistics_of(receiver_).dropped_messages, static_cast<std::uint64_t>(first - 1));
    for (int i = first + 1; i < packets * each; ++i) {
        ASSERT_EQ(number_of_next(), i);
    }
    EXPECT_TRUE(is_empty());
}

TEST_F(CircularQueue, IO_30_PackedMessagesCountToo) {
    constexpr int count = 3000;
    begin("rcvbuf: 64KiB, coalesce: 1000B, coalesce_delay: 0ms, sequence: true");
    ASSERT_EQ(control(receiver_, SIO_ENABLE_CIRCULAR_QUEUEING), 0);
    send_one_by_one(0, 1);
    EXPECT_EQ(number_of_next(), 0);
    for (int i = 1; i < count; i += 30) {
        std::vector<std::string> texts;
        for (int k = i; k < std::min(count, i + 30); ++k) {
            texts.push_back(text_of(k));
        }
        send_all(texts);
        ASSERT_TRUE(eventually([&] { return used() <= 0.75; }));
    }
    ASSERT_TRUE(eventually([&] { return used() <= 0.5; }));
    const int first = number_of_next();
    ASSERT_GT(first, 1);
    EXPECT_EQ(statistics_of(receiver_).dropped_messages, static_cast<std::uint64_t>(first - 1));
    EXPECT_EQ(statistics_of(receiver_).gaps, static_cast<std::uint64_t>(first - 1))
        << "the numbers say the same";
    for (int i = first + 1; i < count; ++i) {
        ASSERT_EQ(number_of_next(), i);
    }
}

TEST_F(CircularQueue, IO_30_TheNewestMessageStays_HoweverLongItIs) {
    begin("rcvbuf: 40KiB");
    ASSERT_EQ(control(receiver_, SIO_ENABLE_CIRCULAR_QUEUEING), 0);
    send("short");
    const std::string longest(60'000, 'l');
    send(longest);
    ASSERT_TRUE(eventually([&] { return statistics_of(receiver_).dropped_messages == 1; }));
    EXPECT_EQ(receive(0, 65'536).size(), longest.size());
    EXPECT_TRUE(is_empty());
}

TEST_F(CircularQueue, IO_30_ClosingWhileMessagesArriveIsSafe) {
    begin("rcvbuf: 64KiB");
    for (int round = 0; round < 20; ++round) {
        const SOCKET s = member(JL_RECEIVER_ONLY);
        ASSERT_EQ(control(s, SIO_ENABLE_CIRCULAR_QUEUEING), 0);
        for (int i = 0; i < 100; ++i) {
            send(text_of(i));
        }
        ASSERT_EQ(jl_closesocket(s), 0);
    }
}

} // namespace
} // namespace joinleaf::test
