// SPDX-License-Identifier: Apache-2.0
//
// WSADuplicateSocket within one process: several numbers, one socket (LC-18,
// CT-47).
#include "tests/support/bad_memory.hpp"
#include "tests/support/duplicate.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

class Duplicate : public transport_test {
  protected:
    // A bound socket of the entry, of whatever kind it has.
    [[nodiscard]] owned_socket make_bound() {
        auto made = which().kind == plan::stream ? make_ordinary() : make_leaf();
        EXPECT_TRUE(worked(bind_to(made.get(), loopback_or_any())));
        return made;
    }
    [[nodiscard]] address loopback_or_any() const {
        return which().kind == plan::nonrooted ? any_address(family()) : loopback(family());
    }
};

TEST_P(Duplicate, LC_18_TheSocketLivesUntilTheLastNumberIsClosed) {
    auto first = make_bound();
    auto second = duplicate(first.get());
    ASSERT_NE(first.get(), second.get());
    const auto name = local_name(first.get());
    EXPECT_EQ(name, local_name(second.get()));
    const SOCKET gone = first.get();
    ASSERT_EQ(0, first.close());
    EXPECT_TRUE(refused(jl_listen(gone, 1), WSAENOTSOCK));
    EXPECT_EQ(name, local_name(second.get()));
    auto third = duplicate(second.get());
    ASSERT_EQ(0, second.close());
    EXPECT_EQ(name, local_name(third.get()));
    ASSERT_EQ(0, third.close());
    auto next = which().kind == plan::stream ? make_ordinary() : make_leaf();
    EXPECT_TRUE(worked(bind_to(next.get(), name))) << "the address is free";
}

TEST_P(Duplicate, LC_18_ModeAndOptionsAreShared) {
    const auto first = make_bound();
    const auto second = duplicate(first.get());
    const DWORD wanted = 1234;
    ASSERT_TRUE(worked(jl_setsockopt(second.get(), SOL_SOCKET, SO_RCVTIMEO, &wanted, sizeof wanted)));
    DWORD found = 0;
    int length = sizeof found;
    ASSERT_TRUE(worked(jl_getsockopt(first.get(), SOL_SOCKET, SO_RCVTIMEO, &found, &length)));
    EXPECT_EQ(wanted, found);
}

TEST_P(Duplicate, CT_47_WhatWasFilledInIsGoodForOneNumber) {
    const auto first = make_bound();
    WSAPROTOCOL_INFOA info{};
    ASSERT_TRUE(worked(WSADuplicateSocketA(first.get(), own_process(), &info)));
    const auto open = [&] {
        return WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                          WSA_FLAG_OVERLAPPED);
    };
    const owned_socket second(open());
    EXPECT_TRUE(second);
    EXPECT_TRUE(refused(open(), WSAEINVAL));
}

TEST_P(Duplicate, CT_47_AClosedSocketHasNoFurtherNumber) {
    auto first = make_bound();
    WSAPROTOCOL_INFOW info{};
    ASSERT_TRUE(worked(WSADuplicateSocketW(first.get(), own_process(), &info)));
    ASSERT_EQ(0, first.close());
    const auto another = make_bound(); // perhaps with the number of the one that is gone
    EXPECT_TRUE(refused(
        WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED),
        WSAEINVAL));
}

TEST_P(Duplicate, LC_18_BadArgumentsAreTold) {
    const auto first = make_bound();
    const unreadable_memory nowhere;
    WSAPROTOCOL_INFOW info{};
    EXPECT_TRUE(refused(WSADuplicateSocketW(first.get(), own_process() + 1, &info), WSAEINVAL));
    EXPECT_TRUE(refused(WSADuplicateSocketW(first.get(), own_process(), nullptr), WSAEFAULT));
    EXPECT_TRUE(
        refused(WSADuplicateSocketW(first.get(), own_process(), nowhere.as<WSAPROTOCOL_INFOW>()), WSAEFAULT));
    EXPECT_TRUE(refused(WSADuplicateSocketW(INVALID_SOCKET, own_process(), &info), WSAENOTSOCK));
}

TEST_P(Duplicate, LC_18_ST_11_TheLastCleanupClosesEveryNumberOnce) {
    auto first = make_bound();
    auto second = duplicate(first.get());
    EXPECT_EQ(1, end_runtime());
    static_cast<void>(first.release());
    static_cast<void>(second.release());
}

INSTANTIATE_TEST_SUITE_P(Transports, Duplicate, ::testing::ValuesIn(all_transports()), transport_name());

class DuplicateMember : public session_test {};

TEST_P(DuplicateMember, LC_18_AnyHolderReplacesTheRegistration_AndReceivesOnIt) {
    auto root = make_listening_root();
    const auto joined = add_leaf(root);
    const auto copy = duplicate(joined.leaf.get());
    const event_watch first(joined.leaf.get(), FD_READ);
    const event_watch second(copy.get(), FD_READ);
    ASSERT_TRUE(worked(send_text(root.get(), "to whoever holds it")));
    EXPECT_EQ(0, second.code(FD_READ));
    EXPECT_FALSE(first.is_set());
    EXPECT_EQ("to whoever holds it", receive_text(joined.leaf.get()).value_or("nothing"));
}

TEST_P(DuplicateMember, LC_18_LC_01_TheLeafLeavesWithItsLastNumber) {
    auto root = make_listening_root();
    auto joined = add_leaf(root);
    auto copy = duplicate(joined.leaf.get());
    const event_watch at_root(joined.branch.get(), FD_CLOSE);
    ASSERT_EQ(0, joined.leaf.close());
    EXPECT_TRUE(at_root.stays_away(FD_CLOSE));
    ASSERT_TRUE(worked(send_text(copy.get(), "still here")));
    EXPECT_EQ("still here", next_text(root.get()).value_or("nothing"));
    ASSERT_EQ(0, copy.close());
    EXPECT_EQ(0, at_root.code(FD_CLOSE));
}

TEST_P(DuplicateMember, LC_17_LC_18_ClosingOneNumberDisturbsNoCallOnTheOther) {
    auto root = make_listening_root();
    auto joined = add_leaf(root);
    auto copy = duplicate(joined.leaf.get());
    auto waiting = in_background([s = copy.get()] { return receive_text(s); });
    EXPECT_FALSE(is_done(waiting, vigilance));
    ASSERT_EQ(0, joined.leaf.close());
    EXPECT_FALSE(is_done(waiting, vigilance));
    ASSERT_TRUE(worked(send_text(root.get(), "at last")));
    EXPECT_EQ("at last", result_of(waiting, "a receive on the other number").value_or("nothing"));
}

INSTANTIATE_TEST_SUITE_P(Transports, DuplicateMember,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
