// SPDX-License-Identifier: Apache-2.0
//
// What found no room at a receiver of udp-mcast is counted (SO_RXQ_OVFL's counter): what was sent is what came and what
// was dropped, to the message.
#include "tests/socket/group_fixture.hpp"

#include <netinet/udp.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace joinleaf::test {
namespace {

class Drops : public group_test {
  protected:
    [[nodiscard]] std::uint64_t dropped() const { return statistics_of(receiver_).dropped_messages; }

    // Everything that is there; how much that was.
    [[nodiscard]] std::uint64_t drain() const {
        std::uint64_t got = 0;
        for (auto text = receive(MSG_DONTWAIT); text != "WSAEWOULDBLOCK"; text = receive(MSG_DONTWAIT)) {
            EXPECT_EQ(text, "message");
            ++got;
        }
        return got;
    }
};

TEST_F(Drops, AFloodThatNobodyReads_IsCountedToTheMessage) {
    begin("rcvbuf: 64KiB");
    constexpr std::uint64_t count = 20'000;
    for (std::uint64_t i = 0; i < count; ++i) {
        send("message");
    }
    ASSERT_EQ(jl_shutdown(sender_, SD_SEND), 0); // what gathered has left
    EXPECT_LT(statistics_of(sender_).send_calls, count) << "there were super-packets";
    EXPECT_EQ(statistics_of(sender_).dropped_messages, 0U);
    const auto lost = dropped();
    EXPECT_GT(lost, count / 2);
    const auto got = drain();
    EXPECT_GT(got, 0U);
    EXPECT_EQ(got + lost, count);
    EXPECT_EQ(dropped(), lost);
    EXPECT_EQ(statistics_of(receiver_).received_messages, got);
}

// Super-packets of another program: a receiver without them counts each of their messages.
TEST_F(Drops, WithoutOffload_SuperPacketsThatFindNoRoom_AreCountedToTheMessage_WhileItReads) {
    begin("offload: false, rcvbuf: 16KiB");
    constexpr std::uint64_t super_packets = 2000;
    constexpr std::uint64_t messages = 50; // of one
    constexpr int size = 7;
    const int raw = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const ip_mreqn link{{}, {}, static_cast<int>(if_nametoindex("lo"))};
    ASSERT_EQ(::setsockopt(raw, IPPROTO_IP, IP_MULTICAST_IF, &link, sizeof link), 0);
    ASSERT_EQ(::setsockopt(raw, SOL_UDP, UDP_SEGMENT, &size, sizeof size), 0);
    std::string text;
    for (std::uint64_t i = 0; i < messages; ++i) {
        text += "message";
    }
    std::atomic<bool> over{false};
    std::uint64_t got = 0;
    std::thread reader([&] {
        while (!over) {
            got += drain();
        }
        got += drain();
    });
    for (std::uint64_t i = 0; i < super_packets; ++i) {
        EXPECT_EQ(
            ::sendto(raw, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&group_), sizeof group_),
            static_cast<ssize_t>(text.size()));
    }
    over = true;
    reader.join();
    ::close(raw);
    EXPECT_GT(dropped(), 0U);
    EXPECT_EQ(got + dropped(), super_packets * messages);
}

// With super-packets the kernel counts each as one; the numbers tell what was in them.
TEST_F(Drops, WithNumbers_GapsAreCountedToTheMessage_WhateverTheKernelCounts) {
    begin("sequence: true, rcvbuf: 16KiB");
    send("message");
    constexpr std::uint64_t batches = 400;
    constexpr std::size_t messages = 50;
    std::uint64_t got = drain();
    EXPECT_EQ(got, 1U);
    for (std::uint64_t i = 0; i < batches; ++i) {
        send_all(std::vector<std::string>(messages, "message"));
        got += i % 50 == 0 ? drain() : 0;
    }
    got += drain();
    send("message"); // behind the last gap
    got += drain();
    const auto found = statistics_of(receiver_);
    EXPECT_GT(found.dropped_messages, 0U);
    EXPECT_GT(found.gaps, found.dropped_messages);
    EXPECT_EQ(got + found.gaps, batches * messages + 2);
}

} // namespace
} // namespace joinleaf::test
