// SPDX-License-Identifier: Apache-2.0
//
// Messages that cross the stack together, as an application sees them: nobody can tell, by whatever call or
// loop of its own it receives; and overlapped sends that wait leave together too.
#include "tests/socket/group_fixture.hpp"
#include "tests/support/overlapped_call.hpp"

#include <sys/epoll.h>

#include <deque>

namespace joinleaf::test {
namespace {

class SuperPacket : public group_test {
  protected:
    // Three messages as one packet, at the head of the receiver's queue.
    void begin_with_three(const std::string& options = {}) {
        begin(options);
        let_it_pile();
        send_all({"first", "other", "last"});
    }
    [[nodiscard]] u_long bytes_ready() const {
        jl_u_long count = 0;
        EXPECT_EQ(jl_ioctlsocket(receiver_, static_cast<LONG>(FIONREAD), &count), 0);
        return count;
    }
};

TEST_F(SuperPacket, IO_10_ShortBuffersLoseTheirOwnRestAlone) {
    begin_with_three();
    std::array<char, 3> room{};
    EXPECT_EQ(jl_recv(receiver_, room.data(), 3, 0), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEMSGSIZE);
    EXPECT_EQ(std::string(room.data(), 3), "fir");
    WSABUF short_one{2, room.data()};
    DWORD bytes = 0;
    DWORD flags = 0;
    EXPECT_EQ(WSARecv(receiver_, &short_one, 1, &bytes, &flags, nullptr, nullptr), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEMSGSIZE);
    EXPECT_EQ(bytes, 2U);
    EXPECT_EQ(std::string(room.data(), 2), "ot");
    EXPECT_EQ(receive(), "last");
}

TEST_F(SuperPacket, IO_10_ABatchSaysOfEachMessageWhetherItWasCut) {
    begin();
    let_it_pile();
    for (int round = 0; round < 3; ++round) { // once by way of the copy, then into the buffers at once
        send_all({"0123456789", "abcdefghij", "zzzzz"});
        std::array<std::array<char, 12>, 3> room{};
        std::array<WSABUF, 3> buffers{WSABUF{12, room[0].data()}, WSABUF{4, room[1].data()},
                                      WSABUF{12, room[2].data()}};
        std::array<jl_message, 3> messages{};
        sockaddr_in from{};
        for (std::size_t i = 0; i < 3; ++i) {
            messages[i].buffers = &buffers[i];
            messages[i].buffer_count = 1;
        }
        messages[2].address = reinterpret_cast<sockaddr*>(&from);
        messages[2].address_length = sizeof from;
        for (int got = 0; got < 3;) {
            const int more = jl_recv_batch(receiver_, messages.data() + got, 3 - got);
            ASSERT_GT(more, 0);
            got += more;
        }
        EXPECT_EQ(messages[0].error, 0);
        EXPECT_EQ(std::string(room[0].data(), messages[0].bytes), "0123456789");
        EXPECT_EQ(messages[1].error, WSAEMSGSIZE);
        EXPECT_EQ(std::string(room[1].data(), messages[1].bytes), "abcd");
        EXPECT_EQ(messages[2].error, 0);
        EXPECT_EQ(std::string(room[2].data(), messages[2].bytes), "zzzzz");
        EXPECT_EQ(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    }
}

TEST_F(SuperPacket, ABatchOfFewerBuffersLeavesTheRestForTheNextCall) {
    begin();
    let_it_pile();
    std::vector<std::string> texts;
    for (int i = 0; i < 30; ++i) {
        texts.push_back("message " + std::to_string(10 + i));
    }
    for (const int room_for : {30, 7, 8, 1, 30}) {
        send_all(texts);
        std::size_t next = 0;
        while (next < texts.size()) {
            std::vector<std::array<char, 16>> room(static_cast<std::size_t>(room_for));
            std::vector<WSABUF> buffers(room.size());
            std::vector<jl_message> messages(room.size());
            for (std::size_t i = 0; i < room.size(); ++i) {
                buffers[i] = {16, room[i].data()};
                messages[i].buffers = &buffers[i];
                messages[i].buffer_count = 1;
            }
            ASSERT_TRUE(readable_now(static_cast<int>(receiver_)));
            const int got = jl_recv_batch(receiver_, messages.data(), room_for);
            ASSERT_GT(got, 0);
            for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i, ++next) {
                ASSERT_EQ(std::string(room[i].data(), messages[i].bytes), texts[next]);
            }
        }
        EXPECT_FALSE(readable_now(static_cast<int>(receiver_)));
    }
}

TEST_F(SuperPacket, IO_10_IO_34_PeekAndFionreadSpeakOfTheNextMessage) {
    begin_with_three();
    for (const std::string text : {"first", "other", "last"}) {
        EXPECT_EQ(bytes_ready(), text.size());
        EXPECT_EQ(receive(MSG_PEEK), text);
        EXPECT_EQ(receive(MSG_PEEK, 2), "WSAEMSGSIZE");
        EXPECT_EQ(receive(), text);
    }
    EXPECT_EQ(bytes_ready(), 0U);
}

TEST_F(SuperPacket, AForeignEpollSeesTheSocketReadableAsLongAsAMessageIsLeft) {
    begin();
    let_it_pile();
    const int loop = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    ASSERT_EQ(::epoll_ctl(loop, EPOLL_CTL_ADD, static_cast<int>(receiver_), &wanted), 0);
    const auto ready = [&](int milliseconds) {
        epoll_event told{};
        return ::epoll_wait(loop, &told, 1, milliseconds) == 1;
    };
    EXPECT_FALSE(ready(0));
    send_all({"first", "other", "last"});
    for (const char* text : {"first", "other", "last"}) {
        EXPECT_TRUE(ready(static_cast<int>(std::chrono::milliseconds(patience).count()))) << text;
        EXPECT_TRUE(ready(0)) << text << ": it tells again until the message is taken";
        EXPECT_EQ(receive(), text);
    }
    EXPECT_FALSE(ready(0));
    ::close(loop);
}

TEST_F(SuperPacket, IO_54_OverlappedReceivesAreServedFromIt) {
    begin();
    let_it_pile();
    std::deque<overlapped_call> calls;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(calls.emplace_back().receive(receiver_), WSA_IO_PENDING);
    }
    const auto before = statistics_of(receiver_).receive_calls;
    send_all({"first", "other", "last"});
    for (const char* text : {"first", "other", "last"}) {
        EXPECT_EQ(calls.front().wait(receiver_).code, 0);
        EXPECT_EQ(calls.front().text(), text);
        calls.pop_front();
    }
    EXPECT_LE(statistics_of(receiver_).receive_calls, before + 2)
        << "one for all of them, one that finds nothing";
}

// ---- overlapped sends

// A sender that has to wait for tokens: what is handed over meanwhile stands in a line.
void hold_back(SOCKET s, ULONG bytes_per_second, ULONG bucket) {
    FLOWSPEC open{QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,      QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
                  QOS_NOT_SPECIFIED, SERVICETYPE_BESTEFFORT, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED};
    QOS qos{open, open, {0, nullptr}};
    qos.SendingFlowspec.TokenRate = bytes_per_second;
    qos.SendingFlowspec.TokenBucketSize = bucket;
    DWORD bytes = 0;
    ASSERT_EQ(WSAIoctl(s, SIO_SET_QOS, &qos, sizeof qos, nullptr, 0, &bytes, nullptr, nullptr), 0);
}

TEST_F(SuperPacket, OverlappedSendsThatWait_LeaveAsOne) {
    constexpr int count = 40;
    begin();
    hold_back(sender_, 10, 50);
    std::deque<overlapped_call> calls;
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) {
        texts.push_back("message " + std::to_string(10 + i));
        const int code = calls.emplace_back(texts.back()).send(sender_);
        EXPECT_EQ(code, i < 5 ? 0 : WSA_IO_PENDING) << i;
    }
    const auto before = statistics_of(sender_);
    EXPECT_EQ(before.sent_messages, 5U);
    EXPECT_EQ(before.paced, JL_PACES_RUNTIME);
    hold_back(sender_, 1'000'000'000, 1'000'000); // the tokens are there at once
    for (auto& one : calls) {
        EXPECT_EQ(one.wait(sender_).code, 0);
    }
    const auto after = statistics_of(sender_);
    EXPECT_EQ(after.sent_messages, static_cast<std::uint64_t>(count));
    EXPECT_EQ(after.send_path, JL_SENDS_SEGMENTED);
    EXPECT_LE(after.send_calls, before.send_calls + 5);
    for (const auto& text : texts) {
        EXPECT_EQ(receive(), text);
    }
}

TEST_F(SuperPacket, IO_31_AFlushEndsOverlappedSendsThatWait) {
    begin();
    hold_back(sender_, 10, 4);
    overlapped_call goes("goes");
    overlapped_call waits("waits");
    overlapped_call waits_too("waits too");
    EXPECT_EQ(goes.send(sender_), 0);
    EXPECT_EQ(waits.send(sender_), WSA_IO_PENDING);
    EXPECT_EQ(waits_too.send(sender_), WSA_IO_PENDING);
    ASSERT_EQ(control(sender_, SIO_FLUSH), 0);
    EXPECT_EQ(waits.wait(sender_).code, WSA_OPERATION_ABORTED);
    EXPECT_EQ(waits_too.wait(sender_).code, WSA_OPERATION_ABORTED);
    EXPECT_EQ(goes.wait(sender_).code, 0);
    hold_back(sender_, 1'000'000'000, 1'000'000);
    send("later");
    EXPECT_EQ(receive(), "goes");
    EXPECT_EQ(receive(), "later");
    EXPECT_EQ(control(sender_, SIO_FLUSH), 0) << "nothing is there to be discarded";
}

} // namespace
} // namespace joinleaf::test
