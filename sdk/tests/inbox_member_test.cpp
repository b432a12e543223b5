// SPDX-License-Identifier: Apache-2.0
//
// What an inbox promises about its members: their addresses, their places, their end.
#include "inbox_fixture.hpp"

#include <array>
#include <csignal>
#include <memory>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace joinleaf::inbox_test {

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

} // namespace joinleaf::inbox_test
