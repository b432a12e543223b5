// SPDX-License-Identifier: Apache-2.0
//
// The template providers by themselves, each in a host that only records: what the ABI asks of any provider, and what an inbox promises.
#include "fake_host.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int patience_ms = 5000;

sockaddr_in ip(const char* address, std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    EXPECT_EQ(1, ::inet_pton(AF_INET, address, &made.sin_addr));
    return made;
}

const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

// An instance of one library, and sockets made from it as the runtime makes them.
class instance {
  public:
    instance(const char* file, const std::string& folder) : library_(file), values_(folder) {
        EXPECT_EQ(0, library_.startup(JL_ABI_VERSION, JL_ABI_VERSION, &fake::host(), &library_.provider));
        code = library_.provider.create(&values_.create, &made_);
    }
    ~instance() {
        if (made_ != nullptr) {
            library_.provider.destroy(made_);
        }
    }
    instance(const instance&) = delete;
    instance& operator=(const instance&) = delete;

    const jl_ops& ops() const { return *library_.provider.ops; }
    const jl_provider& provider() const { return library_.provider; }
    jl_instance* get() const { return made_; }
    std::int32_t code = 0;

  private:
    fake::library library_;
    fake::values values_;
    jl_instance* made_ = nullptr;
};

class socket {
  public:
    explicit socket(const instance& maker) : ops_(maker.ops()) {
        jl_open open{};
        open.struct_size = sizeof open;
        open.family = AF_INET;
        open.type = SOCK_DGRAM;
        open.protocol = IPPROTO_UDP;
        open.flags = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
        EXPECT_EQ(0, ops_.open(maker.get(), handle(), &open, &endpoint_));
        EXPECT_EQ(JL_FD_OWN, open.fd_kind);
        fd_.reset(open.fd);
    }
    ~socket() { close(); }
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;

    jl_handle* handle() { return reinterpret_cast<jl_handle*>(this); }
    int fd() const { return fd_.get(); }
    jl_endpoint* endpoint() const { return endpoint_; }

    // As the runtime does, the descriptor is closed after `closed`.
    void close() {
        if (endpoint_ != nullptr) {
            ops_.close(std::exchange(endpoint_, nullptr), JL_CLOSE_GRACEFUL);
            fd_.reset();
        }
    }

    std::int32_t join(const sockaddr_in& group, std::uint32_t direction = JL_BOTH) {
        static std::atomic<std::uint64_t> next = 1;
        jl_join join{};
        join.struct_size = sizeof join;
        join.direction = direction;
        join.op = last_op = next++;
        join.name = generic(group);
        join.name_len = sizeof group;
        return ops_.join(endpoint_, &join);
    }

    std::int32_t send(std::string text, const sockaddr_in* to = nullptr) {
        iovec part{text.data(), text.size()};
        sockaddr_in address = to != nullptr ? *to : sockaddr_in{};
        jl_msg message{&part,          1, 0, to != nullptr ? reinterpret_cast<sockaddr*>(&address) : nullptr,
                       sizeof address, 0, 0};
        std::uint32_t done = 0;
        const auto code = ops_.tx(endpoint_, &message, 1, &done);
        EXPECT_EQ(code == 0 ? 1U : 0U, done);
        EXPECT_EQ(code == 0 ? text.size() : 0U, message.size);
        return code;
    }

    // The next message within the deadline, with what rx told about it in `last`.
    std::string receive(std::size_t room = 65536, std::uint32_t flags = 0) {
        pollfd waits{fd(), POLLIN, 0};
        EXPECT_EQ(1, ::poll(&waits, 1, patience_ms)) << "nothing arrived";
        return take(room, flags);
    }

    std::string take(std::size_t room = 65536, std::uint32_t flags = 0) {
        std::string text(room, '\0');
        iovec part{text.data(), text.size()};
        std::uint32_t done = 0, left = 0;
        last = {&part, 1, flags, reinterpret_cast<sockaddr*>(&from), sizeof from, 0, 0};
        last_code = ops_.rx(endpoint_, &last, 1, &done, &left);
        text.resize(last_code == 0 ? last.size : 0);
        return text;
    }

    std::int32_t arm(std::uint32_t direction) {
        std::int32_t reason = 0;
        return ops_.arm(endpoint_, direction, &reason);
    }

    std::int32_t set(std::uint32_t ioctl, std::int32_t value) {
        std::uint32_t bytes = 0;
        return ops_.ioctl(endpoint_, ioctl, &value, sizeof value, nullptr, 0, &bytes);
    }

    std::int32_t name(std::uint32_t peer, sockaddr_in& address) {
        std::uint32_t len = sizeof address;
        return ops_.name(endpoint_, peer, reinterpret_cast<sockaddr*>(&address), &len);
    }

    std::uint64_t last_op = 0;
    jl_msg last{};
    sockaddr_in from{};
    std::int32_t last_code = 0;

  private:
    const jl_ops& ops_;
    jl_endpoint* endpoint_ = nullptr;
    joinleaf::provider::descriptor fd_;
};

// Each test has a folder of its own for its sessions.
class Inbox : public testing::TestWithParam<const char*> {
  protected:
    Inbox() {
        std::string form = (std::filesystem::temp_directory_path() / "inbox-XXXXXX").string();
        folder_ = ::mkdtemp(form.data());
        fake::heard = {};
    }
    ~Inbox() override { std::filesystem::remove_all(folder_); }

    bool folder_is_empty() const { return std::filesystem::is_empty(folder_); }

    std::string folder_;
    sockaddr_in group_ = ip("239.255.7.1", 5007);
};

TEST_P(Inbox, JLP_1_CT_80_CT_81_RangeThatDoesNotMeet_IsRefusedAndNamesItsOwn) {
    fake::library library(GetParam());
    EXPECT_EQ(WSAVERNOTSUPPORTED,
              library.startup(JL_ABI_VERSION + 1, JL_ABI_VERSION + 2, &fake::host(), &library.provider));
    EXPECT_EQ(JL_ABI_VERSION, library.provider.abi_min);
    EXPECT_EQ(JL_ABI_VERSION, library.provider.abi_max);
    EXPECT_EQ(0, library.startup(1, JL_ABI_VERSION + 5, &fake::host(), &library.provider));
}

TEST_P(Inbox, JLP_2_CT_82_CT_83_StartedAgain_TalksToTheLatestHost) {
    static int closed_by_second;
    closed_by_second = 0;
    instance made(GetParam(), folder_);
    static jl_host second = fake::host();
    second.closed = [](jl_handle*) { ++closed_by_second; };
    fake::library again(GetParam());
    ASSERT_EQ(0, again.startup(1, 1, &second, &again.provider));
    { socket one(made); }
    EXPECT_EQ(1, closed_by_second);
    EXPECT_EQ(0, again.startup(1, 1, &fake::host(), &again.provider));
}

TEST_P(Inbox, JLP_3_TablesSayTheirSizesAndTheirFacts) {
    instance made(GetParam(), folder_);
    ASSERT_EQ(1U, made.provider().protocol_count);
    const auto& protocol = *made.provider().protocols[0];
    EXPECT_EQ(sizeof(jl_protocol), protocol.struct_size);
    EXPECT_EQ(sizeof(jl_ops), made.ops().struct_size);
    EXPECT_EQ(XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_SUPPORT_MULTIPOINT, protocol.service_flags);
    EXPECT_EQ(nullptr, made.ops().listen);
    EXPECT_EQ(nullptr, made.ops().connect);
}

TEST_P(Inbox, JLP_4_FolderThatIsMissing_RefusesWithTheSettingsPlace) {
    instance made(GetParam(), folder_ + "/none");
    EXPECT_NE(0, made.code);
    EXPECT_EQ(nullptr, made.get());
    EXPECT_NE(std::string::npos,
              fake::heard.sentence.find("test.yaml:4:16: " + folder_ + "/none: No such file"))
        << fake::heard.sentence;
}

TEST_P(Inbox, JLP_7_JoinCompletesExactlyOnceWithItsOp) {
    instance made(GetParam(), folder_);
    socket member(made);
    ASSERT_EQ(0, member.join(group_));
    ASSERT_EQ(1U, fake::heard.completions.size());
    EXPECT_EQ(std::vector<std::int32_t>{0}, fake::heard.completions[member.last_op]);
}

TEST_P(Inbox, JL_08_JoinOfNoGroupAddress_IsRefusedAtOnceWithoutCompletion) {
    instance made(GetParam(), folder_);
    socket member(made);
    EXPECT_EQ(WSAEADDRNOTAVAIL, member.join(ip("127.0.0.1", 5007)));
    EXPECT_TRUE(fake::heard.completions.empty());
    EXPECT_NE(std::string::npos, fake::heard.sentence.find("group address"));
    EXPECT_EQ(0, member.join(group_)) << "a failed attempt must not spoil the next";
}

TEST_P(Inbox, JL_20_UnboundJoinGetsALocalAddress) {
    instance made(GetParam(), folder_);
    socket member(made);
    sockaddr_in local{}, session{};
    EXPECT_EQ(WSAEINVAL, member.name(0, local));
    EXPECT_EQ(WSAENOTCONN, member.name(1, session));
    ASSERT_EQ(0, member.join(group_));
    ASSERT_EQ(0, member.name(0, local));
    EXPECT_NE(0, local.sin_port);
    ASSERT_EQ(0, member.name(1, session));
    EXPECT_EQ(group_.sin_port, session.sin_port);
}

TEST_P(Inbox, JL_22_BoundAddressIsKept_AndMayBeSharedByReceivers) {
    instance made(GetParam(), folder_);
    socket a(made), b(made);
    const auto any = ip("0.0.0.0", 5007);
    for (auto* member : {&a, &b}) {
        ASSERT_EQ(0, made.ops().bind(member->endpoint(), generic(any), sizeof any));
        ASSERT_EQ(0, member->join(group_));
        sockaddr_in local{};
        ASSERT_EQ(0, member->name(0, local));
        EXPECT_EQ(any.sin_port, local.sin_port);
    }
    socket c(made);
    const auto elsewhere = ip("192.0.2.1", 5007);
    EXPECT_EQ(WSAEADDRNOTAVAIL, made.ops().bind(c.endpoint(), generic(elsewhere), sizeof elsewhere));
}

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

TEST_P(Inbox, JLP_8_ArmLosesNoMessage) {
    instance made(GetParam(), folder_);
    socket a(made), b(made);
    ASSERT_EQ(0, a.join(group_, JL_SENDER_ONLY));
    ASSERT_EQ(0, b.join(group_, JL_RECEIVER_ONLY));
    constexpr int count = 2000;
    std::atomic<int> received = 0;
    std::thread sender([&] {
        for (int i = 0; i < count; ++i) {
            // At most 64 ahead, so that the inbox never overflows.
            while (i - received > 64) {
                std::this_thread::yield();
            }
            ASSERT_EQ(0, a.send(std::to_string(i)));
        }
    });
    while (received < count) {
        if (b.arm(JL_IN) == JL_ARMED) {
            pollfd waits{b.fd(), POLLIN, 0};
            EXPECT_EQ(1, ::poll(&waits, 1, patience_ms));
        }
        const auto text = b.take();
        if (b.last_code != 0) {
            ADD_FAILURE() << "ready, but rx says " << b.last_code;
            break;
        }
        EXPECT_EQ(std::to_string(received), text);
        ++received;
    }
    received = count;
    sender.join();
}

TEST_P(Inbox, JLP_9_CloseReportsClosedOnce_AndTheLastTakesTheFileAway) {
    instance made(GetParam(), folder_);
    socket a(made), b(made), never_joined(made);
    ASSERT_EQ(0, a.join(group_));
    ASSERT_EQ(0, b.join(group_));
    EXPECT_FALSE(folder_is_empty());
    a.close();
    never_joined.close();
    EXPECT_FALSE(folder_is_empty());
    b.close();
    EXPECT_TRUE(folder_is_empty());
    for (auto* member : {&a, &b, &never_joined}) {
        EXPECT_EQ(1, fake::heard.closed[member->handle()]);
    }
}

TEST_P(Inbox, FullSession_RefusesWithASentence_AndHasRoomAgainAfterALeave) {
    instance made(GetParam(), folder_);
    std::vector<std::unique_ptr<socket>> members;
    for (int i = 0; i < 64; ++i) {
        members.push_back(std::make_unique<socket>(made));
        ASSERT_EQ(0, members.back()->join(group_)) << i;
    }
    socket late(made);
    EXPECT_EQ(WSAENOBUFS, late.join(group_));
    EXPECT_NE(std::string::npos, fake::heard.sentence.find("all 64 places")) << fake::heard.sentence;
    members.erase(members.begin() + 20);
    EXPECT_EQ(0, late.join(group_));
    ASSERT_EQ(0, late.send("full house"));
    for (const auto& member : members) {
        EXPECT_EQ("full house", member->receive());
    }
}

TEST_P(Inbox, KilledMember_LosesItsPlaceToTheNextOne) {
    int ready[2]{};
    ASSERT_EQ(0, ::pipe2(ready, O_CLOEXEC));
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        instance made(GetParam(), folder_);
        socket member(made);
        const char word = member.join(group_) == 0 ? 'y' : 'n';
        if (::write(ready[1], &word, 1) != 1) {
            ::_exit(1);
        }
        for (;;) {
            ::pause();
        }
    }
    char word = 'n';
    ASSERT_EQ(1, ::read(ready[0], &word, 1));
    ::close(ready[0]);
    ::close(ready[1]);
    ASSERT_EQ('y', word);
    ::kill(child, SIGKILL);
    ASSERT_EQ(child, ::waitpid(child, nullptr, 0));
    EXPECT_FALSE(folder_is_empty()) << "a killed member cannot tidy up";
    {
        instance made(GetParam(), folder_);
        socket member(made);
        ASSERT_EQ(0, member.join(group_));
        ASSERT_EQ(0, member.send("alone"));
        jl_stats stats{};
        ASSERT_EQ(0, made.ops().stats(member.endpoint(), &stats));
        EXPECT_EQ(1U, stats.sent_messages);
        EXPECT_EQ("alone", member.receive());
        EXPECT_EQ(JL_ARMED, member.arm(JL_IN)) << "one member, one copy";
    }
    EXPECT_TRUE(folder_is_empty());
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

TEST_P(Inbox, JoinsAndLeavesOfManyAtOnce_LeaveNothingBehind) {
    instance made(GetParam(), folder_);
    std::vector<std::thread> threads;
    threads.reserve(4);
    std::atomic<int> refused = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 250; ++round) {
                socket member(made);
                if (member.join(group_) != 0) {
                    ++refused;
                } else if (member.send("hello") != 0) {
                    ADD_FAILURE() << "a member cannot send";
                }
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(0, refused);
    EXPECT_TRUE(folder_is_empty());
}

INSTANTIATE_TEST_SUITE_P(Templates, Inbox, testing::Values(INBOX_CPP, INBOX_C),
                         [](const auto& what) { return what.index == 0 ? "Cpp" : "C"; });

TEST(InboxTemplates, BothLanguagesSpeakToEachOther) {
    std::string form = (std::filesystem::temp_directory_path() / "inbox-XXXXXX").string();
    const std::string folder = ::mkdtemp(form.data());
    {
        instance cpp(INBOX_CPP, folder), c(INBOX_C, folder);
        socket one(cpp), other(c);
        const auto group = ip("239.255.7.3", 5007);
        ASSERT_EQ(0, one.join(group));
        ASSERT_EQ(0, other.join(group));
        ASSERT_EQ(0, one.send("from C++"));
        EXPECT_EQ("from C++", other.receive());
        EXPECT_EQ("from C++", one.receive());
        ASSERT_EQ(0, other.send("from C"));
        EXPECT_EQ("from C", one.receive());
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    std::filesystem::remove_all(folder);
}

} // namespace
