// SPDX-License-Identifier: Apache-2.0
//
// udp-mcast under a flood of plain sends (option `gather`): what leaves when, in which order, and that nothing is lost.
#include "tests/socket/group_fixture.hpp"
#include "tests/support/quality.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

namespace joinleaf::test {
namespace {

// Nothing leaves by the clock while a test looks.
constexpr const char* patient = "gather: 1s, rcvbuf: 8MiB";

std::string numbered(int number) {
    return "message " + std::to_string(number);
}

// A member by the kernel's own calls, which needs no runtime.
class bare_receiver {
  public:
    explicit bare_receiver(const sockaddr_in& group) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        const int room = 8 << 20;
        const int on = 1;
        ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&group), sizeof group), 0);
        const ip_mreqn membership{group.sin_addr, {}, static_cast<int>(if_nametoindex("lo"))};
        EXPECT_EQ(::setsockopt(fd_, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership), 0);
    }
    bare_receiver(const bare_receiver&) = delete;
    bare_receiver& operator=(const bare_receiver&) = delete;
    ~bare_receiver() { ::close(fd_); }

    void expect_numbers_up_to(int count) const {
        for (int i = 0; i < count; ++i) {
            ASSERT_TRUE(readable(fd_)) << i;
            std::array<char, 64> text{};
            const auto got = ::recv(fd_, text.data(), text.size(), 0);
            ASSERT_EQ(std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))),
                      numbered(i));
        }
    }

    [[nodiscard]] bool has_more() const { return readable_now(fd_); }

  private:
    int fd_;
};

class Gather : public group_test {
  protected:
    [[nodiscard]] std::uint64_t calls() const { return statistics_of(sender_).send_calls; }
    [[nodiscard]] std::uint64_t waiting() const { return statistics_of(sender_).queued_bytes; }

    // Sends numbered messages, the first of them `from`, until some wait; the number of the next one.
    int flood_until_some_wait(int from = 0) {
        constexpr int round = 100;
        auto next = from;
        EXPECT_TRUE(eventually([&] {
            for (int i = 0; i < round; ++i) {
                send(numbered(next++));
            }
            return waiting() > 0;
        }));
        return next;
    }
    void expect_numbers_up_to(int count) const {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(receive(), numbered(i));
        }
    }
    // The receiver has got all of a flood, and has got it in order.
    void flood_until_it_gathers() {
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
            return after.send_calls - before.send_calls < round / 2;
        }));
        EXPECT_EQ(statistics_of(sender_).send_path, JL_SENDS_SEGMENTED);
        EXPECT_EQ(waiting(), 0U);
    }
    // Several threads send numbered messages each, while another looks at the socket and sets an option of it.
    void flood_from_threads(int threads, int each, int& seen_waiting) {
        std::atomic<int> got{0};
        std::atomic<int> flooding{threads};
        std::vector<std::thread> senders;
        for (int number = 0; number < threads; ++number) {
            senders.emplace_back([&, number] {
                for (int i = 0; i < each; ++i) {
                    while (i * threads - got > 4000) { // the receiver has room for so many
                        std::this_thread::yield();
                    }
                    send(std::to_string(number) + " " + std::to_string(i));
                }
                --flooding;
            });
        }
        std::thread watcher([&] {
            for (BOOL on = TRUE; flooding > 0; std::this_thread::yield()) {
                if (waiting() > 0) {
                    ++seen_waiting;
                    jl_setsockopt(sender_, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
                }
            }
        });
        std::vector<int> next(static_cast<std::size_t>(threads));
        for (; got < threads * each; ++got) {
            const auto text = receive();
            const auto number = static_cast<std::size_t>(text.front() - '0');
            if (number >= next.size() || text.substr(2) != std::to_string(next[number])) {
                ADD_FAILURE() << "got " << text << " as number " << got;
                got = threads * each;
                break;
            }
            ++next[number];
        }
        for (auto& one : senders) {
            one.join();
        }
        watcher.join();
    }
    // A thread floods the socket; once something waits that call is made in another, which ends the flood. How many
    // messages have been called sent.
    int flood_until_ended_by(SOCKET flooded, const std::function<void()>& call) {
        constexpr int most = 5000;
        std::atomic<int> sent{0};
        std::thread sender([&] {
            for (auto text = numbered(0); sent < most; text = numbered(sent)) {
                if (jl_send(flooded, text.data(), static_cast<int>(text.size()), 0) < 0) {
                    return;
                }
                ++sent;
            }
        });
        while (sent < most && statistics_of(flooded).queued_bytes == 0) {}
        ended_while_waiting_ += sent < most ? 1 : 0;
        call();
        sender.join();
        return sent;
    }
    int ended_while_waiting_ = 0;

    // What was gathered leaves with that call.
    void expect_to_send_what_waits(const std::function<void()>& call) {
        begin(patient);
        const int sent = flood_until_some_wait();
        call();
        EXPECT_EQ(waiting(), 0U);
        expect_numbers_up_to(sent);
    }
};

TEST_F(Gather, ByDefault_AFloodLeavesInSuperPackets_ALoneMessageAtOnce) {
    begin("rcvbuf: 4MiB");
    flood_until_it_gathers();
    for (int i = 0; i < 50; ++i) { // each after a pause
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        const auto before = calls();
        send("lone");
        EXPECT_EQ(calls(), before + 1);
        EXPECT_EQ(receive(), "lone");
    }
}

TEST_F(Gather, Off_EachLeavesWithItsCall) {
    begin("gather: 0us, rcvbuf: 4MiB");
    for (int i = 0; i < 2000; ++i) {
        send("message");
        EXPECT_EQ(waiting(), 0U);
    }
    EXPECT_EQ(calls(), 2000U);
}

TEST_F(Gather, WhoReceivesInBetween_HasEachLeaveWithItsCall) {
    begin(patient);
    for (int i = 0; i < 2000; ++i) {
        send(numbered(i));
        EXPECT_EQ(waiting(), 0U);
        EXPECT_EQ(receive(), numbered(i));
    }
    EXPECT_EQ(calls(), 2000U);
}

// Also where the flood has been one: the answer to its last message is not waited for in vain.
TEST_F(Gather, AfterAFlood_WhoReceivesHasTheNextLeaveWithItsCall) {
    begin(patient);
    const int sent = flood_until_some_wait();
    EXPECT_NE(receive(), "");
    send("after it");
    EXPECT_EQ(waiting(), 0U);
    for (int i = 1; i < sent; ++i) {
        ASSERT_EQ(receive(), numbered(i));
    }
    EXPECT_EQ(receive(), "after it");
}

TEST_F(Gather, SuperPacketsGrow_OneMessageAtATime) {
    begin(patient);
    std::vector<int> sizes;
    EXPECT_TRUE(eventually([&] {
        sizes.clear();
        flood_until_some_wait();
        auto before = calls();
        for (int since = 1; sizes.size() < 20 && since < 2000; ++since) {
            send("message");
            if (const auto now = calls(); now != before) {
                sizes.push_back(since);
                since = 0;
                before = now;
            }
        }
        return sizes.size() == 20;
    }));
    for (std::size_t i = 2; i < sizes.size(); ++i) {
        EXPECT_EQ(sizes[i], std::min(sizes[i - 1] + 1, 64)) << i;
    }
}

TEST_F(Gather, TheOrderIsThatOfTheCalls_WhateverTheirKindAndSize) {
    begin(patient);
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

TEST_F(Gather, TwoSockets_EachKeepsItsOwn) {
    begin(patient);
    const auto first = flood_until_some_wait();
    const auto waits = waiting();
    auto of_first = sender_;
    sender_ = member(JL_SENDER_ONLY);
    send("of another");
    EXPECT_EQ(waiting(), 0U);
    EXPECT_EQ(statistics_of(of_first).queued_bytes, waits);
    ASSERT_EQ(jl_closesocket(of_first), 0);
    int next = 0;
    for (bool other = false; next < first || !other;) {
        const auto got = receive();
        other = other || got == "of another";
        if (got != "of another") {
            ASSERT_EQ(got, numbered(next));
            ++next;
        }
    }
}

TEST_F(Gather, AnOption_FindsWhatWasSentBeforeGone) {
    expect_to_send_what_waits([&] {
        BOOL on = TRUE;
        EXPECT_EQ(jl_setsockopt(sender_, SOL_SOCKET, SO_BROADCAST, reinterpret_cast<char*>(&on), sizeof on),
                  0);
    });
}

TEST_F(Gather, IO_27_TheScope_FindsWhatWasSentBeforeGone) {
    expect_to_send_what_waits([&] {
        int scope = 2;
        DWORD bytes = 0;
        EXPECT_EQ(WSAIoctl(sender_, SIO_MULTICAST_SCOPE, &scope, sizeof scope, nullptr, 0, &bytes, nullptr,
                           nullptr),
                  0);
    });
}

TEST_F(Gather, QS_16_AFlow_FindsWhatWasSentBeforeGone_AndNothingGathersWithIt) {
    expect_to_send_what_waits([&] {
        QOS qos{
            flow(SERVICETYPE_GUARANTEED, 100'000'000, 1'000'000), flow(SERVICETYPE_BESTEFFORT), {0, nullptr}};
        EXPECT_TRUE(worked(set_qos(sender_, qos)));
    });
    const auto before = calls();
    for (int i = 0; i < 500; ++i) {
        send("message");
    }
    EXPECT_EQ(calls(), before + 500);
}

TEST_F(Gather, ASendElsewhere_FindsWhatWasSentBeforeGone) {
    expect_to_send_what_waits([&] {
        sockaddr_in other = group_;
        other.sin_port = htons(9);
        EXPECT_EQ(jl_sendto(sender_, "x", 1, 0, reinterpret_cast<sockaddr*>(&other), sizeof other), 1);
    });
}

TEST_F(Gather, Shutdown_SendsWhatWaits) {
    expect_to_send_what_waits([&] { EXPECT_EQ(jl_shutdown(sender_, SD_SEND), 0); });
}

TEST_F(Gather, AReceiveOnTheSocket_SendsWhatWaits) {
    begin(patient);
    sender_ = member(JL_BOTH);
    flood_until_some_wait();
    char byte = 0;
    jl_recv(sender_, &byte, 1, MSG_DONTWAIT);
    const auto queued = waiting();
    EXPECT_EQ(queued, 0U);
}

TEST_F(Gather, LC_09_Close_SendsWhatWaits) {
    begin(patient);
    for (int i = 0; i < 5000; ++i) {
        send(numbered(i));
    }
    ASSERT_EQ(jl_closesocket(sender_), 0);
    expect_numbers_up_to(5000);
}

TEST_F(Gather, ST_11_TheLastCleanup_SendsWhatWaits) {
    begin(patient);
    jl_closesocket(receiver_);
    const bare_receiver bare(group_);
    const int sent = flood_until_some_wait();
    ASSERT_EQ(WSACleanup(), 0);
    bare.expect_numbers_up_to(sent);
    start(); // for the end of the fixture
}

TEST_F(Gather, AProcessThatEndsWithoutClosing_HasSentAll) {
    const bare_receiver bare(group_);
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
    bare.expect_numbers_up_to(count);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(Gather, SeveralThreads_NothingIsLost_AndEachKeepsItsOrder) {
    begin("rcvbuf: 16MiB");
    for (const int threads : {1, 3}) {
        int seen_waiting = 0;
        EXPECT_TRUE(eventually([&] {
            flood_from_threads(threads, 2000, seen_waiting);
            return seen_waiting > 0 || HasFailure();
        })) << threads;
    }
}

TEST_F(Gather, LC_09_LC_17_CloseInTheMidstOfAFlood_HasSentWhatWasCalledSent) {
    begin("rcvbuf: 16MiB");
    for (int round = 0; round < 30 || (ended_while_waiting_ == 0 && round < 200); ++round) {
        const SOCKET flooded = member(JL_SENDER_ONLY);
        const int sent = flood_until_ended_by(flooded, [&] { EXPECT_EQ(jl_closesocket(flooded), 0); });
        expect_numbers_up_to(sent);
        send("that was all");
        ASSERT_EQ(receive(), "that was all");
    }
    EXPECT_GT(ended_while_waiting_, 0);
}

TEST_F(Gather, ST_11_CleanupInTheMidstOfAFlood_HasSentWhatWasCalledSent) {
    const bare_receiver bare(group_);
    for (int round = 0; round < 10 || (ended_while_waiting_ == 0 && round < 100); ++round) {
        begin();
        const int sent = flood_until_ended_by(sender_, [&] { EXPECT_EQ(WSACleanup(), 0); });
        bare.expect_numbers_up_to(sent);
        EXPECT_FALSE(bare.has_more());
    }
    EXPECT_GT(ended_while_waiting_, 0);
    start(); // for the end of the fixture
}

TEST_F(Gather, IO_31_AFlush_DiscardsWhatWaits) {
    begin(patient);
    flood_until_some_wait();
    const auto before = calls();
    EXPECT_EQ(control(sender_, SIO_FLUSH), 0);
    EXPECT_EQ(waiting(), 0U);
    EXPECT_EQ(calls(), before);
}

TEST_F(Gather, WhatTheNetworkRefusesLater_FailsTheNextSend_Once) {
    begin(patient);
    flood_until_some_wait();
    const auto waits = waiting();
    std::string why;
    ASSERT_TRUE(set_link("lo", 0, IFF_UP, why)) << why;
    BOOL on = TRUE;
    EXPECT_EQ(jl_setsockopt(sender_, SOL_SOCKET, SO_BROADCAST, reinterpret_cast<char*>(&on), sizeof on), 0);
    EXPECT_EQ(waiting(), 0U);
    EXPECT_GT(statistics_of(sender_).dropped_messages, 0U);
    EXPECT_LE(statistics_of(sender_).dropped_messages, waits);
    EXPECT_EQ(jl_send(sender_, "x", 1, 0), SOCKET_ERROR);
    EXPECT_EQ(std::string(jl_error_name(WSAGetLastError())), "WSAENETUNREACH");
    ASSERT_TRUE(set_link("lo", IFF_UP, 0, why)) << why;
    ASSERT_TRUE(route_multicast(AF_INET, "lo", why)) << why;
    send("again");
    EXPECT_EQ(jl_setsockopt(sender_, SOL_SOCKET, SO_BROADCAST, reinterpret_cast<char*>(&on), sizeof on), 0);
    std::string got;
    for (got = receive(); got.starts_with("message"); got = receive()) {}
    EXPECT_EQ(got, "again");
}

} // namespace
} // namespace joinleaf::test
