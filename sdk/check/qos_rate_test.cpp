// SPDX-License-Identifier: Apache-2.0
//
// What a sender is held to: the rate and the sizes of its FLOWSPEC (QS-24), by blocking, by WSAEWOULDBLOCK with
// FD_WRITE, and not at all where traffic control is switched off.
#include "tests/support/event_watch.hpp"
#include "tests/support/quality.hpp"
#include "tests/support/session_fixture.hpp"

#include <array>

namespace joinleaf::test {
namespace {

constexpr std::size_t message_size = 1000;

// A rate at which no test waits for the next message.
constexpr ULONG hardly_any = 10;

QOS paced(ULONG rate, ULONG bucket) {
    return {flow(SERVICETYPE_GUARANTEED, rate, bucket), flow(SERVICETYPE_BESTEFFORT), {0, nullptr}};
}

int send_one(SOCKET s, std::size_t size = message_size) {
    static const std::string text(4 * message_size, 'x');
    return jl_send(s, text.data(), static_cast<int>(size), 0);
}

// How many messages go before the first is refused; at most 100.
int sends_until_refused(SOCKET s, std::size_t size = message_size) {
    for (int sent = 0; sent < 100; ++sent) {
        if (send_one(s, size) == SOCKET_ERROR) {
            EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
            return sent;
        }
    }
    return 100;
}

bool is_writable(SOCKET s, DWORD milliseconds) {
    WSAPOLLFD asked{};
    asked.fd = s;
    asked.events = POLLOUT;
    return WSAPoll(&asked, 1, static_cast<INT>(milliseconds)) == 1 && (asked.revents & POLLOUT) != 0;
}

// A socket that may send, of each entry: a member of a group, or a leaf of a session.
class QosRate : public transport_test {
  protected:
    void SetUp() override {
        transport_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        if (!has(XP1_QOS_SUPPORTED)) {
            GTEST_SKIP() << "the entry lacks XP1_QOS_SUPPORTED";
        }
        sender_ = make_leaf();
        if (which().kind == plan::nonrooted) {
            const auto group = fresh_group(family());
            ASSERT_TRUE(worked(plain_join(sender_.get(), group)));
            return;
        }
        root_ = make_root();
        ASSERT_TRUE(listen_on_loopback(root_.get(), family()));
        join_request asked;
        asked.name = local_name(root_.get());
        auto joining = join_in_background(sender_.get(), asked);
        ASSERT_TRUE(readable(root_.fd()));
        branch_ = owned_socket(jl_accept(root_.get(), nullptr, nullptr));
        ASSERT_EQ(0, result_of(joining, "WSAJoinLeaf on the leaf").error);
    }
    void TearDown() override {
        sender_.close();
        branch_.close();
        root_.close();
        transport_test::TearDown();
    }
    [[nodiscard]] SOCKET sender() const { return sender_.get(); }
    int close_sender() { return sender_.close(); }

  private:
    owned_socket sender_;
    owned_socket root_;
    owned_socket branch_;
};

TEST_P(QosRate, QS_24_ABlockingSenderKeepsToItsRate) {
    constexpr ULONG rate = 100'000;
    constexpr ULONG bucket = 5'000;
    ASSERT_TRUE(worked(set_qos(sender(), paced(rate, bucket))));
    const auto begin = clock::now();
    double sent = 0;
    while (sent < 40'000) {
        ASSERT_TRUE(worked(send_one(sender())));
        sent += message_size;
        const auto passed = std::chrono::duration<double>(clock::now() - begin).count();
        ASSERT_LE(sent, bucket + rate * passed + 1);
    }
}

TEST_P(QosRate, QS_24_IO_14_ANonblockingSenderHasItsBucket_ThenGetsWouldBlock) {
    ASSERT_TRUE(set_nonblocking(sender()));
    ASSERT_TRUE(worked(set_qos(sender(), paced(hardly_any, 5'000))));
    EXPECT_EQ(5, sends_until_refused(sender()));
    EXPECT_EQ(0, sends_until_refused(sender())) << "asking again fills no bucket";
    ASSERT_TRUE(worked(set_qos(sender(), paced(hardly_any, 5'000))));
    EXPECT_EQ(0, sends_until_refused(sender())) << "nor does setting the same again";
}

TEST_P(QosRate, QS_24_EV_38_FdWriteComesWhenTokensAreBack) {
    ASSERT_TRUE(worked(set_qos(sender(), paced(20'000, message_size))));
    const event_watch events(sender(), FD_WRITE);
    enumerate(sender(), events.event());
    for (int round = 0; round < 3; ++round) {
        sends_until_refused(sender());
        EXPECT_EQ(0, events.code(FD_WRITE));
        EXPECT_TRUE(worked(send_one(sender()))) << "round " << round;
    }
}

TEST_P(QosRate, QS_24_PollSeesNoRoomWhileTokensAreMissing) {
    ASSERT_TRUE(set_nonblocking(sender()));
    ASSERT_TRUE(worked(set_qos(sender(), paced(20'000, message_size))));
    EXPECT_TRUE(is_writable(sender(), 0));
    sends_until_refused(sender());
    EXPECT_TRUE(is_writable(sender(), static_cast<DWORD>(patience.count()) * 1000)) << "they come back";
    ASSERT_TRUE(worked(set_qos(sender(), paced(hardly_any, message_size))));
    sends_until_refused(sender());
    EXPECT_FALSE(is_writable(sender(), 0));
}

TEST_P(QosRate, QS_24_ABlockedSendEndsWithTheTimeout) {
    const DWORD limit = 50;
    ASSERT_TRUE(worked(jl_setsockopt(sender(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit)));
    ASSERT_TRUE(worked(set_qos(sender(), paced(hardly_any, message_size))));
    ASSERT_TRUE(worked(send_one(sender())));
    EXPECT_TRUE(refused(send_one(sender()), WSAETIMEDOUT));
}

TEST_P(QosRate, QS_24_LC_17_ClosesocketEndsABlockedSend) {
    ASSERT_TRUE(worked(set_qos(sender(), paced(hardly_any, message_size))));
    ASSERT_TRUE(worked(send_one(sender())));
    auto blocked =
        in_background([s = sender()] { return send_one(s) == SOCKET_ERROR ? WSAGetLastError() : 0; });
    EXPECT_FALSE(is_done(blocked, vigilance));
    EXPECT_EQ(0, close_sender());
    const int code = result_of(blocked, "a send without tokens");
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
}

TEST_P(QosRate, QS_24_AnotherQosSetsABlockedSenderFree) {
    ASSERT_TRUE(worked(set_qos(sender(), paced(hardly_any, message_size))));
    ASSERT_TRUE(worked(send_one(sender())));
    auto blocked = in_background([s = sender()] { return send_one(s); });
    EXPECT_FALSE(is_done(blocked, vigilance));
    ASSERT_TRUE(worked(set_qos(sender(), both(SERVICETYPE_BESTEFFORT))));
    EXPECT_EQ(static_cast<int>(message_size), result_of(blocked, "a send that nothing holds back any more"));
}

TEST_P(QosRate, QS_24_ABatchIsCutToTheTokens) {
    ASSERT_TRUE(worked(set_qos(sender(), paced(hardly_any, 3 * message_size))));
    std::string text(message_size, 'x');
    WSABUF buffer{static_cast<ULONG>(text.size()), text.data()};
    std::array<jl_message, 8> batch{};
    for (auto& one : batch) {
        one.buffers = &buffer;
        one.buffer_count = 1;
    }
    EXPECT_EQ(3, jl_send_batch(sender(), batch.data(), static_cast<int>(batch.size())));
}

TEST_P(QosRate, QS_12_SERVICE_NO_TRAFFIC_CONTROL_SwitchesShapingOff) {
    ASSERT_TRUE(set_nonblocking(sender()));
    auto asked = paced(hardly_any, message_size);
    asked.SendingFlowspec.ServiceType |= SERVICE_NO_TRAFFIC_CONTROL;
    ASSERT_TRUE(worked(set_qos(sender(), asked)));
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(worked(send_one(sender())));
    }
}

TEST_P(QosRate, QS_09_AMessageAboveMaxSduSize_FailsWithMsgSize) {
    auto asked = paced(100'000, 50'000);
    asked.SendingFlowspec.MaxSduSize = message_size;
    ASSERT_TRUE(worked(set_qos(sender(), asked)));
    EXPECT_TRUE(refused(send_one(sender(), message_size + 1), WSAEMSGSIZE));
    EXPECT_TRUE(worked(send_one(sender(), message_size)));
}

TEST_P(QosRate, QS_09_AMessageBelowMinimumPolicedSizeCountsAsThat) {
    ASSERT_TRUE(set_nonblocking(sender()));
    auto asked = paced(hardly_any, 5 * message_size);
    asked.SendingFlowspec.MinimumPolicedSize = message_size;
    ASSERT_TRUE(worked(set_qos(sender(), asked)));
    EXPECT_EQ(5, sends_until_refused(sender(), 1));
}

INSTANTIATE_TEST_SUITE_P(Transports, QosRate, ::testing::ValuesIn(multipoint_transports()), transport_name());

// What a root is held to by its leaves' connections.
class QosRateOfRoot : public root_test {
  protected:
    void SetUp() override {
        root_test::SetUp();
        if (!IsSkipped() && !has(XP1_QOS_SUPPORTED)) {
            GTEST_SKIP() << "the entry lacks XP1_QOS_SUPPORTED";
        }
    }
};

TEST_P(QosRateOfRoot, QS_22_QS_24_ARootKeepsToWhatItAskedForOneLeaf_WhileThatLeafIsThere) {
    const auto root = make_root();
    auto slow = paced(hardly_any, 3 * message_size);
    join_request asked;
    asked.qos = &slow;
    auto first = invite(root.get(), asked);
    const auto second = invite(root.get());
    ASSERT_TRUE(set_nonblocking(root.get()));
    EXPECT_EQ(3, sends_until_refused(root.get()));
    ASSERT_EQ(0, first.leaf.close());
    EXPECT_TRUE(eventually([&] { return send_one(root.get()) != SOCKET_ERROR; }));
    EXPECT_EQ(20, sends_until_refused(root.get()) > 20 ? 20 : 0) << "the other leaf has no such limit";
}

TEST_P(QosRateOfRoot, QS_24_ALeafDoesNotSlowTheSessionDownByAskingForLittle) {
    auto root = make_listening_root();
    auto little = turned(paced(1, 1));
    join_request asked;
    asked.qos = &little;
    const auto leaf = ask(root.get(), asked);
    ASSERT_TRUE(set_nonblocking(root.get()));
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(worked(send_one(root.get())));
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, QosRateOfRoot, ::testing::ValuesIn(session_transports()),
                         transport_name());

} // namespace
} // namespace joinleaf::test
