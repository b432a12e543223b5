// SPDX-License-Identifier: Apache-2.0
//
// What the ABI asks of any provider.
#include "inbox_fixture.hpp"

#include <thread>

namespace joinleaf::inbox_test {

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

INSTANTIATE_TEST_SUITE_P(Templates, Inbox, testing::Values(INBOX_CPP, INBOX_C),
                         [](const auto& what) { return what.index == 0 ? "Cpp" : "C"; });

} // namespace joinleaf::inbox_test
