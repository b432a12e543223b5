// SPDX-License-Identifier: Apache-2.0
//
// Sending and receiving: boundaries, batches, readiness, counters.
#include "allocations.hpp"
#include "scratch_socket.hpp"

#include <sys/ioctl.h>

#include <array>

namespace joinleaf::udp_mcast::test {

class DataPath : public private_network {
  protected:
    void SetUp() override {
        private_network::SetUp();
        if (!IsSkipped()) {
            ASSERT_EQ(member_.join(group_), 0);
        }
    }

    std::int32_t ask(std::uint32_t code, std::uint32_t* next) {
        std::uint32_t bytes = 0;
        const auto outcome =
            member_.ops().ioctl(member_.endpoint(), code, nullptr, 0, next, sizeof *next, &bytes);
        EXPECT_EQ(bytes, outcome == 0 ? sizeof *next : 0);
        return outcome;
    }

    std::int32_t ready(std::uint32_t direction) {
        std::int32_t code = -1;
        const auto answer = member_.ops().arm(member_.endpoint(), direction, &code);
        EXPECT_EQ(code, 0);
        return answer;
    }

    jl_stats stats() {
        jl_stats found{};
        found.struct_size = sizeof found;
        EXPECT_EQ(member_.ops().stats(member_.endpoint(), &found), 0);
        return found;
    }

    // Many messages with a buffer each, as they cross the border.
    template <std::size_t Count> struct many {
        std::array<std::array<char, 64>, Count> bytes{};
        std::array<iovec, Count> pieces{};
        std::array<jl_msg, Count> messages{};
        std::array<sockaddr_storage, Count> sources{};

        many() {
            for (std::size_t i = 0; i < Count; ++i) {
                pieces[i] = {bytes[i].data(), bytes[i].size()};
                messages[i] = {&pieces[i], 1, 0, nullptr, 0, 0, 0};
            }
        }
    };

    yaml_entry entry_;
    const place group_{"239.192.10.1", 21001};
    scratch_socket member_{entry_, AF_INET, leaf};
};

TEST_F(DataPath, IO_10_LongMessage_IsCutAndItsRestIsLost) {
    EXPECT_EQ(member_.send("0123456789"), 0);
    EXPECT_EQ(member_.send("next"), 0);
    auto got = member_.next(4);
    EXPECT_EQ(got.code, 0);
    EXPECT_EQ(got.text, "0123");
    EXPECT_EQ(got.flags, JL_MSG_CUT | JL_MSG_GROUP);
    EXPECT_EQ(member_.next().text, "next");
}

TEST_F(DataPath, Peek_LeavesTheMessageQueued) {
    EXPECT_EQ(member_.send("look"), 0);
    auto got = member_.receive(2, JL_MSG_PEEK);
    EXPECT_EQ(got.text, "lo");
    EXPECT_EQ(got.flags, JL_MSG_PEEK | JL_MSG_CUT | JL_MSG_GROUP);
    EXPECT_EQ(member_.receive().text, "look");
    EXPECT_TRUE(member_.is_quiet());
}

TEST_F(DataPath, EmptyMessage_IsAMessage) {
    EXPECT_EQ(member_.send(""), 0);
    EXPECT_EQ(ready(JL_IN), JL_READY);
    const auto got = member_.next();
    EXPECT_EQ(got.code, 0);
    EXPECT_EQ(got.text, "");
    EXPECT_EQ(got.from.port(), group_.port());
}

TEST_F(DataPath, Gather_And_Scatter_KeepOneMessage) {
    std::string head = "head";
    std::string tail = "tail";
    std::array<iovec, 2> pieces{iovec{head.data(), 4}, iovec{tail.data(), 4}};
    jl_msg message{pieces.data(), 2, 0, nullptr, 0, 0, 0};
    std::uint32_t done = 0;
    ASSERT_EQ(member_.ops().tx(member_.endpoint(), &message, 1, &done), 0);
    EXPECT_EQ(message.size, 8U);
    std::array<char, 3> first{};
    std::array<char, 16> rest{};
    pieces = {iovec{first.data(), first.size()}, iovec{rest.data(), rest.size()}};
    std::uint32_t left = 0;
    ASSERT_EQ(member_.ops().rx(member_.endpoint(), &message, 1, &done, &left), 0);
    EXPECT_EQ(message.size, 8U);
    EXPECT_EQ(std::string(first.data(), 3) + rest.data(), "headtail");
}

TEST_F(DataPath, IO_16_LargestMessage_PassesAndOneByteMoreDoesNot) {
    EXPECT_EQ(member_.send(std::string(65507, 'x')), 0);
    EXPECT_EQ(member_.next(65507).text.size(), 65507U);
    EXPECT_EQ(member_.send(std::string(65508, 'x')), WSAEMSGSIZE);
    EXPECT_TRUE(member_.is_quiet());
}

TEST_F(DataPath, IO_16_LargestMessageOfIPv6_PassesAndOneByteMoreDoesNot) {
    if (!joinleaf::test::has_ipv6()) {
        GTEST_SKIP() << "this kernel has no IPv6";
    }
    const yaml_entry cutting({{"fragment", {"", 1, {}}}}); // it is longer than the MTU of any link
    scratch_socket six(cutting, AF_INET6, leaf);
    ASSERT_EQ(six.join(place("ff15::10:1", 21002)), 0);
    EXPECT_EQ(six.send(std::string(65527, 'x')), 0);
    EXPECT_EQ(six.next(65527).text.size(), 65527U);
    EXPECT_EQ(six.send(std::string(65528, 'x')), WSAEMSGSIZE);
}

TEST_F(DataPath, Batch_GoesAndComesWhole) {
    constexpr std::size_t count = 150; // more than one system call takes
    many<count> out;
    for (std::size_t i = 0; i < count; ++i) {
        out.pieces[i].iov_len = static_cast<std::size_t>(
            std::snprintf(out.bytes[i].data(), out.bytes[i].size(), "message %zu", i));
    }
    std::uint32_t done = 0;
    ASSERT_EQ(member_.ops().tx(member_.endpoint(), out.messages.data(), count, &done), 0);
    ASSERT_EQ(done, count);
    many<count> in;
    for (std::size_t i = 0; i < count; ++i) {
        in.messages[i].addr = reinterpret_cast<sockaddr*>(&in.sources[i]);
        in.messages[i].addr_len = sizeof in.sources[i];
    }
    std::uint32_t all = 0;
    std::uint32_t left = JL_LEFT_UNKNOWN;
    while (all < count && left != JL_LEFT_NONE) {
        ASSERT_EQ(member_.ops().rx(member_.endpoint(), &in.messages[all],
                                   static_cast<std::uint32_t>(count) - all, &done, &left),
                  0);
        all += done;
    }
    ASSERT_EQ(all, count);
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(in.messages[i].size, out.messages[i].size);
        EXPECT_EQ(in.bytes[i], out.bytes[i]);
        EXPECT_EQ(in.messages[i].flags, JL_MSG_GROUP);
        EXPECT_EQ(in.messages[i].addr_len, sizeof(sockaddr_in));
    }
    EXPECT_TRUE(member_.is_quiet());
}

TEST_F(DataPath, Batch_StopsAtTheFirstMessageThatCannotGo) {
    many<3> out;
    place nowhere("0.0.0.0", 5);
    out.messages[1].addr = nowhere.get();
    out.messages[1].addr_len = nowhere.length();
    std::uint32_t done = 9;
    EXPECT_EQ(member_.ops().tx(member_.endpoint(), out.messages.data(), 3, &done), 0);
    EXPECT_EQ(done, 1U);
    EXPECT_EQ(member_.ops().tx(member_.endpoint(), &out.messages[1], 2, &done), WSAEADDRNOTAVAIL);
    EXPECT_EQ(done, 0U);
}

TEST_F(DataPath, Batch_ThatEmptiesTheQueue_SaysSo) {
    EXPECT_EQ(member_.send("one"), 0);
    EXPECT_EQ(member_.send("two"), 0);
    many<8> in;
    std::uint32_t done = 0;
    std::uint32_t left = JL_LEFT_UNKNOWN;
    EXPECT_EQ(member_.ops().rx(member_.endpoint(), in.messages.data(), 8, &done, &left), 0);
    EXPECT_EQ(done, 2U);
    EXPECT_EQ(left, JL_LEFT_NONE);
    EXPECT_EQ(member_.ops().rx(member_.endpoint(), in.messages.data(), 8, &done, &left), WSAEWOULDBLOCK);
    EXPECT_EQ(done, 0U);
    EXPECT_EQ(left, JL_LEFT_NONE);
}

TEST_F(DataPath, NothingAllocates_BesidesTheRoomForTheFirstPile) {
    many<16> out;
    many<16> in;
    std::uint32_t done = 0;
    std::uint32_t left = 0;
    const auto pass = [&] {
        member_.ops().tx(member_.endpoint(), out.messages.data(), 1, &done);
        member_.ops().rx(member_.endpoint(), in.messages.data(), 1, &done, &left);
        member_.ops().tx(member_.endpoint(), out.messages.data(), 16, &done);
        member_.ops().rx(member_.endpoint(), in.messages.data(), 16, &done, &left);
    };
    pass();
    const auto before = allocations();
    pass();
    EXPECT_EQ(allocations(), before);
    EXPECT_EQ(done, 16U);
}

TEST_F(DataPath, Arm_TellsWhetherACallWouldDoSomething) {
    EXPECT_EQ(ready(JL_IN), JL_ARMED);
    EXPECT_EQ(ready(JL_OUT), JL_READY);
    EXPECT_EQ(ready(JL_ACCEPT), JL_ARMED);
    EXPECT_EQ(ready(JL_OOB), JL_ARMED);
    EXPECT_EQ(member_.send("x"), 0);
    EXPECT_EQ(ready(JL_IN), JL_READY);
    member_.receive();
    EXPECT_EQ(ready(JL_IN), JL_ARMED);
}

TEST_F(DataPath, IO_34_Fionread_IsTheSizeOfTheNextMessage) {
    std::uint32_t next = 99;
    EXPECT_EQ(ask(FIONREAD, &next), 0);
    EXPECT_EQ(next, 0U);
    EXPECT_EQ(member_.send("12345"), 0);
    EXPECT_EQ(ask(FIONREAD, &next), 0);
    EXPECT_EQ(next, 5U);
    EXPECT_EQ(ask(JL_HOST_FIONREAD, &next), 0);
    EXPECT_EQ(next, 5U);
}

TEST_F(DataPath, IO_13_Shutdown_EndsOneDirection) {
    EXPECT_EQ(member_.ops().shutdown(member_.endpoint(), 3), WSAEINVAL);
    EXPECT_EQ(member_.ops().shutdown(member_.endpoint(), SD_SEND), 0);
    EXPECT_EQ(member_.ops().shutdown(member_.endpoint(), SD_SEND), 0); // LC-12
    EXPECT_EQ(member_.send("x"), WSAESHUTDOWN);
    EXPECT_EQ(ready(JL_OUT), JL_ENDED);
    EXPECT_EQ(ready(JL_IN), JL_ARMED);
    scratch_socket other(entry_, AF_INET, leaf);
    ASSERT_EQ(other.join(group_), 0);
    EXPECT_EQ(other.send("still"), 0);
    EXPECT_EQ(member_.next().text, "still");
    EXPECT_EQ(member_.ops().shutdown(member_.endpoint(), SD_RECEIVE), 0);
    EXPECT_EQ(member_.receive().code, WSAESHUTDOWN);
    EXPECT_EQ(ready(JL_IN), JL_ENDED);
}

TEST_F(DataPath, UnknownFlags_AreRefused) {
    many<1> one;
    std::uint32_t done = 0;
    std::uint32_t left = 0;
    for (const std::uint32_t flag : {JL_MSG_OOB, JL_MSG_PART}) {
        one.messages[0].flags = flag;
        EXPECT_EQ(member_.ops().tx(member_.endpoint(), one.messages.data(), 1, &done), WSAEOPNOTSUPP);
    }
    one.messages[0].flags = JL_MSG_OOB;
    EXPECT_EQ(member_.ops().rx(member_.endpoint(), one.messages.data(), 1, &done, &left), WSAEOPNOTSUPP);
}

TEST_F(DataPath, Statistics_CountMessagesBytesAndLoss) {
    EXPECT_EQ(member_.send("12345"), 0);
    EXPECT_EQ(member_.next().text, "12345");
    auto now = stats();
    EXPECT_EQ(now.sent_messages, 1U);
    EXPECT_EQ(now.sent_bytes, 5U);
    EXPECT_EQ(now.received_messages, 1U);
    EXPECT_EQ(now.received_bytes, 5U);
    EXPECT_EQ(now.dropped_messages, 0U);
    const int small = 4096;
    ASSERT_EQ(member_.set(SOL_SOCKET, SO_RCVBUF, small), 0);
    constexpr std::uint64_t sent = 200;
    for (std::uint64_t i = 0; i < sent; ++i) {
        ASSERT_EQ(member_.send(std::string(1000, 'x')), 0);
    }
    std::uint64_t received = 0;
    while (member_.receive().code == 0) {
        ++received;
    }
    now = stats();
    EXPECT_GT(now.dropped_messages, 0U);
    EXPECT_EQ(received + now.dropped_messages, sent);
}

} // namespace joinleaf::udp_mcast::test
