// SPDX-License-Identifier: Apache-2.0
//
// What an inbox promises about messages.
#include "inbox_fixture.hpp"

#include <array>

namespace joinleaf::inbox_test {

TEST_P(Inbox, IO_04_EveryMemberHearsASend_AndTheSenderToo) {
    instance made(GetParam(), folder_);
    socket a(made), b(made), c(made);
    for (auto* member : {&a, &b, &c}) {
        ASSERT_EQ(0, member->join(group_));
    }
    ASSERT_EQ(0, a.send("to all"));
    for (auto* member : {&a, &b, &c}) {
        EXPECT_EQ("to all", member->receive());
        EXPECT_EQ(JL_MSG_GROUP, member->last.flags);
        EXPECT_EQ(JL_ARMED, member->arm(JL_IN)) << "each once";
    }
}

TEST_P(Inbox, IO_09_SendToAnAddressReachesThatMemberOnly) {
    instance made(GetParam(), folder_);
    socket a(made), b(made), c(made);
    for (auto* member : {&a, &b, &c}) {
        ASSERT_EQ(0, member->join(group_));
    }
    ASSERT_EQ(0, a.send("who?", &group_));
    EXPECT_EQ("who?", b.receive());
    EXPECT_EQ("who?", c.receive());
    EXPECT_EQ("who?", a.receive());
    ASSERT_EQ(0, b.send("me", &b.from));
    EXPECT_EQ("me", a.receive());
    EXPECT_EQ(0U, a.last.flags & JL_MSG_GROUP);
    EXPECT_EQ(JL_ARMED, c.arm(JL_IN));
    const auto far_away = ip("192.0.2.1", 9);
    EXPECT_EQ(WSAEADDRNOTAVAIL, a.send("out", &far_away));
}

TEST_P(Inbox, AnotherSessionIsNeverHeard) {
    instance made(GetParam(), folder_);
    socket a(made), b(made);
    ASSERT_EQ(0, a.join(group_));
    ASSERT_EQ(0, b.join(ip("239.255.7.2", 5007)));
    ASSERT_EQ(0, a.send("mine"));
    EXPECT_EQ("mine", a.receive());
    EXPECT_EQ(JL_ARMED, b.arm(JL_IN));
    // Sent straight to b's inbox the message still bears the session it belongs to.
    ASSERT_EQ(0, a.send("stray", [&] {
        static sockaddr_in inbox;
        socklen_t len = sizeof inbox;
        ::getsockname(b.fd(), reinterpret_cast<sockaddr*>(&inbox), &len);
        return &inbox;
    }()));
    pollfd waits{b.fd(), POLLIN, 0};
    ASSERT_EQ(1, ::poll(&waits, 1, patience_ms));
    EXPECT_EQ(JL_ARMED, b.arm(JL_IN)) << "a stranger's datagram is no message";
    EXPECT_EQ("", b.take());
    EXPECT_EQ(WSAEWOULDBLOCK, b.last_code);
}

TEST_P(Inbox, StrangersDatagramBeforeTheJoin_IsThrownAway) {
    instance made(GetParam(), folder_);
    socket member(made);
    sockaddr_in inbox{};
    socklen_t len = sizeof inbox;
    ASSERT_EQ(0, ::getsockname(member.fd(), reinterpret_cast<sockaddr*>(&inbox), &len));
    const joinleaf::provider::descriptor stranger(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(4, ::sendto(stranger.get(), "junk", 4, 0, generic(inbox), len));
    pollfd waits{member.fd(), POLLIN, 0};
    ASSERT_EQ(1, ::poll(&waits, 1, patience_ms));
    EXPECT_EQ(JL_ARMED, member.arm(JL_IN));
    EXPECT_EQ(0, ::poll(&waits, 1, 0)) << "left there it would wake the runtime again and again";
}

TEST_P(Inbox, JL_91_SenderOnlyHearsNothing_ReceiversHearIt) {
    instance made(GetParam(), folder_);
    socket sender(made), receiver(made);
    ASSERT_EQ(0, sender.join(group_, JL_SENDER_ONLY));
    ASSERT_EQ(0, receiver.join(group_, JL_RECEIVER_ONLY));
    ASSERT_EQ(0, sender.send("one"));
    EXPECT_EQ("one", receiver.receive());
    EXPECT_EQ(JL_ARMED, sender.arm(JL_IN));
}

TEST_P(Inbox, IO_25_LoopbackOffActsOnTheReceivingSide) {
    instance made(GetParam(), folder_);
    socket a(made), b(made);
    ASSERT_EQ(0, b.set(SIO_MULTIPOINT_LOOPBACK, 0)) << "before the join";
    ASSERT_EQ(0, a.join(group_));
    ASSERT_EQ(0, b.join(group_));
    ASSERT_EQ(0, b.send("b to a"));
    EXPECT_EQ("b to a", a.receive());
    ASSERT_EQ(0, a.send("a to b"));
    EXPECT_EQ("a to b", a.receive());
    EXPECT_EQ(JL_ARMED, b.arm(JL_IN));
    ASSERT_EQ(0, b.set(SIO_MULTIPOINT_LOOPBACK, 1)) << "after the join";
    ASSERT_EQ(0, a.send("again"));
    EXPECT_EQ("again", b.receive());
}

TEST_P(Inbox, IO_27_ScopeTakesWhatATtlCanBe) {
    instance made(GetParam(), folder_);
    socket member(made);
    EXPECT_EQ(0, member.set(SIO_MULTICAST_SCOPE, 0));
    EXPECT_EQ(0, member.set(SIO_MULTICAST_SCOPE, 255));
    EXPECT_EQ(WSAEINVAL, member.set(SIO_MULTICAST_SCOPE, 256));
    EXPECT_EQ(WSAEINVAL, member.set(SIO_MULTICAST_SCOPE, -1));
    EXPECT_EQ(WSAEOPNOTSUPP, member.set(SIO_FLUSH, 0));
}

TEST_P(Inbox, IO_10_ShortRoomCutsTheMessage_PeekLeavesIt) {
    instance made(GetParam(), folder_);
    socket member(made);
    ASSERT_EQ(0, member.join(group_));
    ASSERT_EQ(0, member.send("0123456789"));
    EXPECT_EQ("0123456789", member.receive(65536, JL_MSG_PEEK));
    EXPECT_EQ("0123", member.take(4));
    EXPECT_EQ(JL_MSG_CUT | JL_MSG_GROUP, member.last.flags);
    EXPECT_EQ("", member.take());
    EXPECT_EQ(WSAEWOULDBLOCK, member.last_code);
}

TEST_P(Inbox, IO_16_LongestMessagePasses_OneByteMoreIsRefused) {
    instance made(GetParam(), folder_);
    socket member(made);
    ASSERT_EQ(0, member.join(group_));
    const auto longest = made.provider().protocols[0]->message_size;
    ASSERT_EQ(0, member.send(std::string(longest, 'x')));
    EXPECT_EQ(std::string(longest, 'x'), member.receive());
    EXPECT_EQ(WSAEMSGSIZE, member.send(std::string(longest + 1, 'x')));
    ASSERT_EQ(0, member.send("")) << "an empty message is one, too";
    EXPECT_EQ("", member.receive());
    EXPECT_EQ(0, member.last_code);
}

TEST_P(Inbox, BatchesGoAndComeWhole) {
    instance made(GetParam(), folder_);
    socket member(made);
    ASSERT_EQ(0, member.join(group_));
    std::array<std::array<char, 2>, 8> texts{};
    std::array<iovec, 8> parts{};
    std::array<jl_msg, 8> messages{};
    for (std::size_t i = 0; i < texts.size(); ++i) {
        texts[i] = {'m', static_cast<char>('0' + i)};
        parts[i] = {texts[i].data(), texts[i].size()};
        messages[i].iov = &parts[i];
        messages[i].iov_count = 1;
    }
    std::uint32_t done = 0, left = 0;
    ASSERT_EQ(0, made.ops().tx(member.endpoint(), messages.data(), 8, &done));
    ASSERT_EQ(8U, done);
    for (auto& text : texts) {
        text.fill('?');
    }
    pollfd waits{member.fd(), POLLIN, 0};
    ASSERT_EQ(1, ::poll(&waits, 1, patience_ms));
    ASSERT_EQ(0, made.ops().rx(member.endpoint(), messages.data(), 8, &done, &left));
    ASSERT_EQ(8U, done);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ('0' + static_cast<char>(i), texts[i][1]);
    }
}

TEST_P(Inbox, JL_53_DataBeforeTheJoin_IsNotConnected) {
    instance made(GetParam(), folder_);
    socket member(made);
    EXPECT_EQ(WSAENOTCONN, member.send("early"));
    member.take();
    EXPECT_EQ(WSAENOTCONN, member.last_code);
}

TEST_P(Inbox, IO_13_ShutdownEndsItsDirectionOnly) {
    instance made(GetParam(), folder_);
    socket a(made), b(made);
    ASSERT_EQ(0, a.join(group_));
    ASSERT_EQ(0, b.join(group_));
    ASSERT_EQ(0, made.ops().shutdown(a.endpoint(), SD_SEND));
    EXPECT_EQ(WSAESHUTDOWN, a.send("late"));
    EXPECT_EQ(JL_ENDED, a.arm(JL_OUT));
    ASSERT_EQ(0, b.send("still"));
    EXPECT_EQ("still", a.receive());
    ASSERT_EQ(0, made.ops().shutdown(a.endpoint(), SD_RECEIVE));
    a.take();
    EXPECT_EQ(WSAESHUTDOWN, a.last_code);
    EXPECT_EQ(JL_ENDED, a.arm(JL_IN));
}

TEST_P(Inbox, OverflowIsCounted) {
    instance made(GetParam(), folder_);
    socket a(made), b(made);
    ASSERT_EQ(0, a.join(group_, JL_SENDER_ONLY));
    ASSERT_EQ(0, b.join(group_, JL_RECEIVER_ONLY));
    const std::string text(60000, 'x');
    constexpr unsigned sent = 200;
    for (unsigned i = 0; i < sent; ++i) {
        ASSERT_EQ(0, a.send(text));
    }
    jl_stats stats{};
    ASSERT_EQ(0, made.ops().stats(b.endpoint(), &stats));
    EXPECT_GT(stats.dropped_messages, 0U);
    unsigned received = 0;
    for (b.take(); b.last_code == 0; b.take()) {
        ++received;
    }
    EXPECT_EQ(sent, received + stats.dropped_messages);
}

} // namespace joinleaf::inbox_test
