// SPDX-License-Identifier: Apache-2.0
//
// Super-packets: what is sent together crosses the stack as one, and nobody who receives can tell.
#include "scratch_socket.hpp"

#include <support/waiting.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>
#include <map>
#include <thread>

namespace joinleaf::udp_mcast::test {

namespace {

// Messages of given texts as they cross the border.
struct array {
    explicit array(const std::vector<std::string>& texts) : texts_(texts), pieces(texts.size()) {
        for (std::size_t i = 0; i < texts.size(); ++i) {
            pieces[i] = {texts_[i].data(), texts_[i].size()};
            messages.push_back({&pieces[i], 1, 0, nullptr, 0, 0, 0});
        }
    }
    // Sends all of it; the code, and how many went.
    std::pair<std::int32_t, std::uint32_t> send(scratch_socket& by) {
        std::uint32_t done = 0;
        const auto code =
            by.ops().tx(by.endpoint(), messages.data(), static_cast<std::uint32_t>(messages.size()), &done);
        return {code, done};
    }
    std::vector<std::string> texts_;
    std::vector<iovec> pieces;
    std::vector<jl_msg> messages;
};

std::vector<std::string> numbered(std::size_t count, std::size_t size) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) {
        auto text = "message " + std::to_string(i);
        text.resize(size, '.');
        texts.push_back(text);
    }
    return texts;
}

jl_stats stats_of(scratch_socket& of) {
    jl_stats found{};
    found.struct_size = sizeof found;
    EXPECT_EQ(of.ops().stats(of.endpoint(), &found), 0);
    return found;
}

std::map<std::string, std::string> facts_of(const yaml_entry& entry) {
    std::map<std::string, std::string> found;
    provider_table().ops->facts(
        entry.get(), 0,
        [](void* to, const char* key, const char* sentence) {
            (*static_cast<std::map<std::string, std::string>*>(to))[key] = sentence;
        },
        &found);
    return found;
}

std::uint32_t next_size(scratch_socket& of) {
    std::uint32_t next = 0;
    std::uint32_t bytes = 0;
    EXPECT_EQ(of.ops().ioctl(of.endpoint(), FIONREAD, nullptr, 0, &next, sizeof next, &bytes), 0);
    return next;
}

bool readable_now(const scratch_socket& one) {
    return joinleaf::test::readable(one.fd(), std::chrono::milliseconds(0));
}

} // namespace

class Offload : public private_network {
  protected:
    void SetUp() override {
        private_network::SetUp();
        if (!IsSkipped()) {
            ASSERT_EQ(member_.join(group_), 0);
            ASSERT_EQ(sender_.join(group_, JL_SENDER_ONLY), 0);
        }
    }

    // A pile that is taken with one receive makes a member ask the kernel for super-packets.
    void let_it_pile(scratch_socket& member) {
        ASSERT_EQ(array(numbered(64, 20)).send(sender_), std::pair(0, 64U));
        std::array<std::array<char, 32>, 64> room{};
        std::array<iovec, 64> pieces{};
        std::array<jl_msg, 64> messages{};
        for (std::size_t i = 0; i < messages.size(); ++i) {
            pieces[i] = {room[i].data(), room[i].size()};
            messages[i] = {&pieces[i], 1, 0, nullptr, 0, 0, 0};
        }
        std::uint32_t done = 0;
        std::uint32_t left = 0;
        ASSERT_EQ(member.ops().rx(member.endpoint(), messages.data(), 64, &done, &left), 0);
        ASSERT_EQ(done, 64U);
        int on = 0;
        socklen_t length = sizeof on;
        ASSERT_EQ(::getsockopt(member.fd(), SOL_UDP, UDP_GRO, &on, &length), 0);
        ASSERT_EQ(on, 1);
    }

    yaml_entry entry_;
    const place group_{"239.192.14.1", 21401};
    scratch_socket member_{entry_, AF_INET, leaf};
    scratch_socket sender_{entry_, AF_INET, leaf};
};

TEST_F(Offload, EqualMessages_LeaveWithOneSystemCall) {
    const auto texts = numbered(150, 100);
    ASSERT_EQ(array(texts).send(sender_), std::pair(0, 150U));
    EXPECT_EQ(stats_of(sender_).send_calls, 1U);
    EXPECT_EQ(stats_of(sender_).send_path, JL_PATH_SEGMENTED);
    EXPECT_EQ(stats_of(sender_).send_limit, 0U);
    EXPECT_EQ(facts_of(entry_).count("fell_back"), 0U);
    EXPECT_EQ(stats_of(sender_).sent_messages, 150U);
    EXPECT_EQ(stats_of(sender_).sent_bytes, 15000U);
    for (const auto& text : texts) {
        ASSERT_EQ(member_.next().text, text);
    }
    EXPECT_TRUE(member_.is_quiet());
}

TEST_F(Offload, MessagesOfAllSizes_KeepTheirBoundariesAndOrder) {
    std::vector<std::string> texts;
    for (const std::size_t size : std::initializer_list<std::size_t>{
             100, 100, 40, 40, 41, 0, 0, 7, 300, 300, 300, 299, 20000, 20000, 20000, 20000, 1}) {
        texts.emplace_back(size, static_cast<char>('a' + texts.size()));
    }
    for (int round = 0; round < 2; ++round) { // the second one comes as super-packets
        ASSERT_EQ(array(texts).send(sender_), std::pair(0, static_cast<std::uint32_t>(texts.size())));
        for (const auto& text : texts) {
            ASSERT_EQ(member_.next(65536).text, text);
        }
        EXPECT_TRUE(member_.is_quiet());
        let_it_pile(member_);
    }
}

TEST_F(Offload, Destinations_AreNotMixed) {
    scratch_socket other(entry_, AF_INET, leaf);
    const place group("239.192.14.2", 21402);
    ASSERT_EQ(other.join(group), 0);
    array all(numbered(40, 50));
    place to = group;
    for (std::size_t i = 0; i < all.messages.size(); i += 3) {
        all.messages[i].addr = to.get();
        all.messages[i].addr_len = to.length();
    }
    ASSERT_EQ(all.send(sender_), std::pair(0, 40U));
    for (std::size_t i = 0; i < 40; ++i) {
        EXPECT_EQ((i % 3 == 0 ? other : member_).next().text, all.texts_[i]);
    }
    EXPECT_TRUE(other.is_quiet());
    EXPECT_TRUE(member_.is_quiet());
}

TEST_F(Offload, SuperPacket_IsServedWithoutSystemCalls_AndTheDescriptorTellsTheTruth) {
    let_it_pile(member_);
    const auto texts = numbered(30, 80);
    ASSERT_EQ(array(texts).send(sender_), std::pair(0, 30U));
    const auto calls = stats_of(member_).receive_calls;
    for (const auto& text : texts) {
        ASSERT_TRUE(readable_now(member_)) << text;
        EXPECT_EQ(next_size(member_), 80U);
        const auto got = member_.receive();
        ASSERT_EQ(got.text, text);
        EXPECT_EQ(got.flags, JL_MSG_GROUP);
        EXPECT_EQ(got.from.host(), "127.0.0.1");
        EXPECT_EQ(got.from.port(), sender_.name(0).port());
        EXPECT_EQ(got.left, text == texts.back() ? JL_LEFT_UNKNOWN : JL_LEFT_SOME);
    }
    EXPECT_EQ(stats_of(member_).receive_calls, calls + 1);
    EXPECT_FALSE(readable_now(member_));
    EXPECT_EQ(next_size(member_), 0U);
    EXPECT_TRUE(member_.is_quiet());
}

TEST_F(Offload, IO_10_SuperPacket_CutMessagesLoseTheirOwnRestOnly) {
    let_it_pile(member_);
    ASSERT_EQ(array({"0123456789", "abcdefghij", "last"}).send(sender_), std::pair(0, 3U));
    auto got = member_.receive(4);
    EXPECT_EQ(got.text, "0123");
    EXPECT_EQ(got.flags, JL_MSG_CUT | JL_MSG_GROUP);
    got = member_.receive(0);
    EXPECT_EQ(got.text, "");
    EXPECT_EQ(got.flags, JL_MSG_CUT | JL_MSG_GROUP);
    EXPECT_EQ(next_size(member_), 4U);
    EXPECT_EQ(member_.receive(4).text, "last");
    EXPECT_TRUE(member_.is_quiet());
}

TEST_F(Offload, SuperPacket_PeekLeavesTheMessage) {
    let_it_pile(member_);
    ASSERT_EQ(array({"one", "two"}).send(sender_), std::pair(0, 2U));
    for (const char* text : {"one", "two"}) {
        EXPECT_EQ(next_size(member_), 3U);
        EXPECT_EQ(member_.receive(2048, JL_MSG_PEEK).text, text);
        const auto cut = member_.receive(2, JL_MSG_PEEK);
        EXPECT_EQ(cut.flags, JL_MSG_PEEK | JL_MSG_CUT | JL_MSG_GROUP);
        EXPECT_EQ(member_.receive().text, text);
    }
    EXPECT_TRUE(member_.is_quiet());
}

TEST_F(Offload, LoneAndEmptyMessages_PassAsBefore) {
    let_it_pile(member_);
    EXPECT_EQ(sender_.send("lone"), 0);
    EXPECT_EQ(sender_.send(""), 0);
    EXPECT_EQ(sender_.send(std::string(65507, 'x')), 0);
    EXPECT_EQ(member_.receive().text, "lone");
    EXPECT_TRUE(readable_now(member_));
    const auto empty = member_.receive();
    EXPECT_EQ(empty.code, 0);
    EXPECT_EQ(empty.text, "");
    EXPECT_EQ(member_.receive(65507).text.size(), 65507U);
    EXPECT_TRUE(member_.is_quiet());
}

// rx_wait leaves the message where it is, for the rx that follows.
TEST_F(Offload, WaitedFor_ALoneMessageIsTakenAtOnce_AndASuperPacketIsStillCut) {
    let_it_pile(member_);
    const auto wait = [&] {
        jl_msg message{};
        EXPECT_EQ(member_.ops().rx_wait(member_.endpoint(), &message, 0), WSAEWOULDBLOCK);
    };
    const auto calls = stats_of(member_).receive_calls;
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(sender_.send("0123456789"), 0);
        wait();
        const auto got = member_.receive(4);
        EXPECT_EQ(got.text, "0123");
        EXPECT_EQ(got.flags, JL_MSG_CUT | JL_MSG_GROUP);
        EXPECT_EQ(got.from.port(), sender_.name(0).port());
    }
    EXPECT_EQ(stats_of(member_).receive_calls, calls + 3);
    EXPECT_TRUE(member_.is_quiet());
    // Seen alone, then taken by another receive: what comes now is no lone one.
    ASSERT_EQ(sender_.send("alone"), 0);
    wait();
    EXPECT_EQ(member_.receive(64, JL_MSG_PEEK).text, "alone");
    EXPECT_EQ(member_.receive().text, "alone");
    const auto texts = numbered(20, 30);
    ASSERT_EQ(array(texts).send(sender_), std::pair(0, 20U));
    for (const auto& text : texts) {
        wait();
        ASSERT_EQ(member_.receive().text, text);
    }
    EXPECT_TRUE(member_.is_quiet());
}

TEST_F(Offload, PingPong_StaysWithOneSystemCallAMessage) {
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(sender_.send("ping"), 0);
        ASSERT_EQ(member_.receive().text, "ping");
    }
    EXPECT_EQ(stats_of(member_).receive_calls, 200U);
    int on = 1;
    socklen_t length = sizeof on;
    ASSERT_EQ(::getsockopt(member_.fd(), SOL_UDP, UDP_GRO, &on, &length), 0);
    EXPECT_EQ(on, 0);
}

TEST_F(Offload, PlainReceives_NoticeThatMessagesPileUp) {
    ASSERT_EQ(array(numbered(60, 30)).send(sender_), std::pair(0, 60U));
    for (int i = 0; i < 60; ++i) {
        ASSERT_EQ(member_.receive().code, 0);
    }
    ASSERT_EQ(array(numbered(60, 30)).send(sender_), std::pair(0, 60U));
    const auto calls = stats_of(member_).receive_calls;
    for (int i = 0; i < 60; ++i) {
        ASSERT_EQ(member_.receive().code, 0);
    }
    EXPECT_EQ(stats_of(member_).receive_calls, calls + 1);
}

TEST_F(Offload, ErrorBetweenMessages_IsToldOnceAndLosesNone) {
    scratch_socket plain(entry_, AF_INET, 0);
    ASSERT_EQ(plain.bind(place("127.0.0.1", 0)), 0);
    place at = plain.name(0);
    array all(numbered(64, 20));
    for (int round = 0; round < 2; ++round) {
        for (auto& message : all.messages) {
            message.addr = at.get();
            message.addr_len = at.length();
        }
        ASSERT_EQ(all.send(sender_), std::pair(0, 64U));
        for (int i = 0; round == 0 && i < 64; ++i) {
            ASSERT_EQ(plain.receive().code, 0);
        }
    }
    for (int i = 0; i < 63; ++i) {
        ASSERT_EQ(plain.receive().text, all.texts_[static_cast<std::size_t>(i)]);
    }
    // A port where nobody listens, on a connected socket: the answer is an error of the socket.
    ASSERT_EQ(plain.connect(place("127.0.0.1", 9)), 0);
    ASSERT_EQ(plain.send("x"), 0);
    ASSERT_TRUE(joinleaf::test::eventually([&] {
        return (joinleaf::test::poll_for(plain.fd(), POLLIN, std::chrono::milliseconds(0)) & POLLERR) != 0;
    }));
    EXPECT_EQ(plain.receive().code, WSAECONNRESET);
    EXPECT_EQ(plain.receive().text, all.texts_[63]);
    EXPECT_TRUE(plain.is_quiet());
}

TEST_F(Offload, OptionOff_SendsAndReceivesOneByOne) {
    const yaml_entry without({{"offload", {"", 0, {}}}});
    scratch_socket member(without, AF_INET, leaf);
    scratch_socket sender(without, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    ASSERT_EQ(sender.join(group_, JL_SENDER_ONLY), 0);
    for (int round = 0; round < 2; ++round) {
        ASSERT_EQ(array(numbered(40, 30)).send(sender), std::pair(0, 40U));
        for (int i = 0; i < 40; ++i) {
            ASSERT_EQ(member.receive().code, 0);
        }
    }
    EXPECT_EQ(stats_of(sender).send_path, JL_PATH_MANY);
    EXPECT_EQ(stats_of(sender).send_limit, JL_LIMIT_OPTION);
    EXPECT_EQ(stats_of(member).receive_calls, 80U);
    EXPECT_EQ(stats_of(member).receive_path, JL_PATH_SINGLE);
    EXPECT_EQ(facts_of(without).at("sending"),
              "arrays of messages by one system call (sendmmsg): the option 'offload' is off");
}

// ---- what falls back when

TEST_F(Offload, KernelThatRefusesToCut_SendsTheSameMessagesOneByOne) {
    const int without_checksum = 1; // where the kernel does not cut
    ASSERT_EQ(::setsockopt(sender_.fd(), SOL_SOCKET, SO_NO_CHECK, &without_checksum, sizeof(int)), 0);
    const auto texts = numbered(40, 60);
    ASSERT_EQ(array(texts).send(sender_), std::pair(0, 40U));
    for (const auto& text : texts) {
        ASSERT_EQ(member_.next().text, text);
    }
    EXPECT_TRUE(member_.is_quiet());
    EXPECT_EQ(stats_of(sender_).send_path, JL_PATH_MANY);
    EXPECT_EQ(stats_of(sender_).send_limit, JL_LIMIT_DEVICE);
    EXPECT_NE(facts_of(entry_).at("fell_back").find("cuts no packets"), std::string::npos);
    ASSERT_FALSE(heard().logs.empty());
    EXPECT_NE(heard().logs.back().find("leave one by one from now on"), std::string::npos)
        << heard().logs.back();
}

TEST_F(Offload, ProcessWithoutSendmmsg_SendsEachMessageByItself) {
    std::thread([&] {
        std::array<sock_filter, 4> code{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmmsg, 0, 1),
                                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
        const sock_fprog filter{static_cast<unsigned short>(code.size()), code.data()};
        ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0); // of this thread alone
        ASSERT_EQ(array(numbered(10, 60)).send(sender_), std::pair(0, 10U));
        EXPECT_EQ(facts_of(entry_).at("sending"),
                  "a system call for each message: sendmmsg is not allowed here");
    }).join();
    for (const auto& text : numbered(10, 60)) {
        ASSERT_EQ(member_.next().text, text);
    }
    EXPECT_EQ(stats_of(sender_).send_path, JL_PATH_SINGLE);
    EXPECT_EQ(stats_of(sender_).send_limit, JL_LIMIT_CALL);
    EXPECT_EQ(stats_of(sender_).send_calls, 10U);
}

} // namespace joinleaf::udp_mcast::test
