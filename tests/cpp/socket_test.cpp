// SPDX-License-Identifier: Apache-2.0
//
// socket, root, leaf, group and event over every transport.
#include "tests/cpp/cpp_fixture.hpp"

#include <stdexcept>

namespace joinleaf::test {
namespace {

class CppSocket : public cpp_transport_test {};
class CppRooted : public cpp_transport_test {
  protected:
    // A leaf that asks, admitted by the condition in this thread.
    template <class Condition>
    std::pair<result<socket>, result<joined>> ask(socket& root, socket& leaf, const join_options& options,
                                                  Condition condition) {
        auto joining = in_background([&] { return leaf.join(name_of(root), options); });
        auto admitted = root.accept(condition);
        return {std::move(admitted), result_of(joining, "join")};
    }
};
class CppGroup : public cpp_transport_test {};
class CppStream : public cpp_transport_test {};

TEST_P(CppSocket, LC_08_IsClosedOnce_ByItsLastOwner) {
    socket one = which().kind == plan::stream ? ordinary_socket() : leaf_socket();
    const SOCKET handle = one.handle();
    EXPECT_EQ(static_cast<int>(handle), one.descriptor());
    socket other = std::move(one);
    EXPECT_FALSE(one);               // NOLINT(bugprone-use-after-move): empty after a move is what is tested
    EXPECT_EQ(-1, one.descriptor()); // NOLINT(clang-analyzer-cplusplus.Move)
    EXPECT_EQ(WSAENOTSOCK, one.set_blocking(false).code());
    one = std::move(other);
    EXPECT_EQ(0, one.set_blocking(false).code());
    EXPECT_TRUE(one.is_nonblocking());
    EXPECT_EQ(0, one.close().code());
    EXPECT_EQ(WSAENOTSOCK, one.close().code());
    jl_u_long value = 0;
    EXPECT_TRUE(refused(jl_ioctlsocket(handle, static_cast<LONG>(0x8004667eU), &value), WSAENOTSOCK));
}

TEST_P(CppSocket, LC_20_LeavesNothingBehind) {
    { const auto first = which().kind == plan::stream ? ordinary_socket() : leaf_socket(); }
    const footprint before;
    for (int i = 0; i < 20; ++i) {
        auto one = which().kind == plan::stream ? ordinary_socket() : leaf_socket();
        const event set;
        EXPECT_EQ(0, one.watch(set, FD_READ | FD_CLOSE).code());
        one = which().kind == plan::stream ? ordinary_socket() : leaf_socket();
    }
    EXPECT_TRUE(is_back_at(before));
}

TEST_P(CppSocket, OptionsHaveTheirTypes) {
    auto one = which().kind == plan::stream ? ordinary_socket() : leaf_socket();
    const linger wanted{1, 7};
    EXPECT_EQ(0, one.set_option(SOL_SOCKET, SO_LINGER, wanted).code());
    const auto got = one.option<linger>(SOL_SOCKET, SO_LINGER);
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(7, got->l_linger);
    EXPECT_EQ(entry().iSocketType, one.option<int>(SOL_SOCKET, SO_TYPE).value_or(-1));
    EXPECT_EQ(WSAENOPROTOOPT, one.option<int>(SOL_SOCKET, 12345).code());
    EXPECT_EQ(0, one.set_gap_notice(true).code());
    EXPECT_EQ(TRUE, one.option<BOOL>(JL_SOL_JOINLEAF, JL_SO_GAP_NOTIFY).value_or(FALSE));
}

TEST_P(CppSocket, AFailureHasItsExplanation) {
    auto one = which().kind == plan::stream ? ordinary_socket() : leaf_socket();
    auto other = which().kind == plan::stream ? ordinary_socket() : leaf_socket();
    ASSERT_EQ(0, one.bind(joinleaf::address::loopback(family())).code());
    const auto refusal = other.bind(name_of(one));
    if (refusal) {
        return; // members of groups share ports
    }
    EXPECT_EQ(WSAEADDRINUSE, refusal.code());
    EXPECT_EQ(refusal.error().explanation(), last_explanation());
}

TEST_P(CppRooted, JL_81_AC_12_DataAndAnswerCrossAJoin) {
    need(way::ask);
    auto root = listening(root_socket());
    auto leaf = leaf_socket();
    std::string asked_with;
    joinleaf::address asked_from;
    auto [branch, in] = ask(root, leaf, with_data(std::string("na\0me", 5), 100), [&](request& asked) {
        asked_with = asked.data();
        asked_from = asked.from();
        EXPECT_EQ(name_of(root), asked.to());
        EXPECT_EQ(nullptr, asked.quality());
        EXPECT_FALSE(asked.answer(std::string(asked.answer_room() + 1, 'x')));
        EXPECT_TRUE(asked.answer("seat 7"));
        return verdict::accept;
    });
    ASSERT_TRUE(branch) << branch.error().message();
    ASSERT_TRUE(in) << in.error().message();
    EXPECT_EQ(std::string("na\0me", 5), asked_with);
    EXPECT_EQ(branch->peer().value_or({}), asked_from);
    EXPECT_EQ("seat 7", in->answer);
    EXPECT_FALSE(in->branch);
}

TEST_P(CppRooted, AC_08_ARefusedLeafHasAnError_AndMayTryAgain) {
    need(way::ask);
    auto root = listening(root_socket());
    auto leaf = leaf_socket();
    const auto refusal = ask(root, leaf, {}, [](request&) { return verdict::reject; });
    EXPECT_EQ(WSAECONNREFUSED, refusal.first.code());
    EXPECT_EQ(WSAECONNREFUSED, refusal.second.code());
    const auto second = ask(root, leaf, {}, [](request&) { return verdict::accept; });
    EXPECT_EQ(0, second.first.code());
    EXPECT_EQ(0, second.second.code());
}

TEST_P(CppRooted, AC_09_WhatAConditionThrows_ComesOutOfAccept_AndTheRequestStays) {
    need(way::ask);
    auto root = listening(root_socket());
    auto leaf = leaf_socket();
    auto joining = in_background([&] { return leaf.join(name_of(root)).code(); });
    EXPECT_THROW(
        static_cast<void>(root.accept([](request&) -> verdict { throw std::domain_error("not today"); })),
        std::domain_error);
    EXPECT_EQ(WSATRY_AGAIN, root.accept([](request&) { return verdict::defer; }).code());
    EXPECT_TRUE(root.accept());
    EXPECT_EQ(0, result_of(joining, "join"));
}

TEST_P(CppRooted, JL_70_AnInvitationGivesTheRootABranch) {
    need(way::invite);
    auto root = root_socket();
    auto door = listening(leaf_socket());
    auto inviting = in_background([&] { return root.join(name_of(door), with_data("come")); });
    std::string invited_with;
    auto member = door.accept([&](request& asked) {
        invited_with = asked.data();
        return verdict::accept;
    });
    ASSERT_TRUE(member) << member.error().message();
    const auto in = result_of(inviting, "join");
    ASSERT_TRUE(in) << in.error().message();
    EXPECT_TRUE(in->branch);
    EXPECT_EQ("come", invited_with);
    EXPECT_TRUE(root.send("welcome"));
    EXPECT_EQ("welcome", member->receive_text().value_or(""));
}

TEST_P(CppRooted, IO_12_TheEndOfASessionIsToldAsSuch) {
    auto root = listening(root_socket());
    auto built = add_somehow(root.handle());
    socket member(built.leaf.release());
    EXPECT_TRUE(root.send("last words"));
    EXPECT_EQ(0, root.close().code());
    EXPECT_EQ("last words", member.receive_text().value_or(""));
    const auto end = member.receive_text();
    ASSERT_FALSE(end);
    EXPECT_TRUE(end.error().is_end()) << end.error().message();
}

TEST_P(CppRooted, ARootKnowsItsLeaves) {
    auto root = listening(root_socket());
    const auto one = add_somehow(root.handle());
    const auto two = add_somehow(root.handle());
    EXPECT_EQ(10U, root.send("ten bytes.").value_or(0));
    const auto leaves = root.leaves();
    ASSERT_TRUE(leaves) << leaves.error().message();
    ASSERT_EQ(2U, leaves->size());
    EXPECT_EQ(one.branch.get(), leaves->front().handle);
    EXPECT_EQ(10U, leaves->back().sent_bytes);
    const auto figures = root.statistics();
    ASSERT_TRUE(figures) << figures.error().message();
    EXPECT_EQ(2U, figures->leaves);
    EXPECT_EQ(1U, figures->sent_messages);
    EXPECT_EQ(WSAENOTSOCK, socket().leaves().code());
}

TEST_P(CppRooted, EV_45_EventsOfABranchTellThatALeafLeft) {
    auto root = listening(root_socket());
    auto built = add_somehow(root.handle());
    socket branch(built.branch.release());
    const event news;
    ASSERT_EQ(0, branch.watch(news, FD_CLOSE).code());
    EXPECT_TRUE(branch.is_nonblocking());
    EXPECT_FALSE(news.is_set());
    built.leaf.close();
    ASSERT_TRUE(news.wait(patience));
    const auto seen = branch.events(news);
    ASSERT_TRUE(seen) << seen.error().message();
    EXPECT_TRUE(seen->has(FD_CLOSE));
    EXPECT_EQ(0, seen->code(FD_CLOSE));
    EXPECT_FALSE(news.is_set());
    EXPECT_EQ(0, branch.unwatch().code());
}

// LC-09: the destructor of a nonblocking socket that lingers neither waits nor loses what was sent.
TEST_P(CppStream, LC_09_ADroppedLingeringSocket_SendsItsDataAndIsGone) {
    auto listener = listening(ordinary_socket());
    auto from = ordinary_socket();
    auto connecting = in_background([&] { return from.connect(name_of(listener)).code(); });
    auto to = listener.accept();
    ASSERT_TRUE(to) << to.error().message();
    ASSERT_EQ(0, result_of(connecting, "connect"));
    ASSERT_EQ(0, from.set_blocking(false).code());
    ASSERT_EQ(0, from.set_option(SOL_SOCKET, SO_LINGER, linger{1, 30}).code());
    const std::string part(65536, 'x');
    std::size_t sent = 0;
    for (auto taken = from.send(part); taken; taken = from.send(part)) {
        sent += *taken;
    }
    const SOCKET handle = from.handle();
    { const socket dropped = std::move(from); }
    char none = 0;
    EXPECT_TRUE(refused(jl_send(handle, &none, 1, 0), WSAENOTSOCK));
    std::string room(65536, '\0');
    std::size_t arrived = 0;
    for (auto size = to->receive(room_of(room)); size && *size > 0; size = to->receive(room_of(room))) {
        arrived += *size;
    }
    EXPECT_EQ(sent, arrived);
}

TEST_P(CppGroup, JL_90_HelpersJoinInEitherDirection) {
    const auto session = fresh_session();
    auto hears = group::join(session, direction::receive);
    ASSERT_TRUE(hears) << hears.error().message();
    auto speaks = group::join(session, direction::send);
    ASSERT_TRUE(speaks) << speaks.error().message();
    EXPECT_EQ(5U, speaks->send("hello").value_or(0));
    std::array<std::byte, 100> room{};
    const auto got = hears->receive_from(room);
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(5U, got->size);
    EXPECT_EQ(speaks->local().value_or({}).port(), got->from.port());
    EXPECT_EQ(WSAEOPNOTSUPP, hears->send("no").code()); // JL-93
    EXPECT_EQ(session, hears->peer().value_or({}));     // JL-78
    EXPECT_EQ(0, speaks->set_scope(3).code());
    EXPECT_EQ(WSAEINVAL, speaks->set_scope(300).code());
    EXPECT_EQ(0, hears->set_loopback(false).code());
}

TEST_P(CppGroup, IO_10_AMessageThatIsTooLong_IsAnError) {
    const auto session = fresh_session();
    auto both = group::join(session);
    ASSERT_TRUE(both) << both.error().message();
    EXPECT_TRUE(both->send("0123456789"));
    EXPECT_EQ(10U, both->available().value_or(0));
    std::array<char, 4> room{};
    EXPECT_EQ(WSAEMSGSIZE, both->receive(std::span<char>(room)).code());
    EXPECT_EQ("0123", std::string(room.data(), room.size()));
}

TEST_P(CppGroup, PartsGoAsOneMessage) {
    auto both = group::join(fresh_session());
    ASSERT_TRUE(both) << both.error().message();
    const std::string head = "head ";
    const std::string body = "body";
    const std::array parts{detail::bytes_of(head), detail::bytes_of(""), detail::bytes_of(body)};
    EXPECT_EQ(9U, both->send(parts).value_or(0));
    EXPECT_EQ("head body", both->receive_text().value_or(""));
    const std::span<const std::byte> huge(parts[0].data(), 5'000'000'000U); // of which nothing is read
    const std::array too_much{parts[0], huge};
    EXPECT_EQ(WSAEMSGSIZE, both->send(too_much).code());
    EXPECT_EQ(WSAEMSGSIZE, both->send(huge).code());
}

TEST_P(CppGroup, BatchesGoAsOneCall) {
    const auto session = fresh_session();
    auto both = group::join(session);
    ASSERT_TRUE(both) << both.error().message();
    std::array<std::string, 3> texts{"one", "two", "three"};
    std::array<WSABUF, 3> buffers{};
    std::array<jl_message, 3> messages{};
    for (std::size_t i = 0; i < 3; ++i) {
        buffers[i] = {static_cast<ULONG>(texts[i].size()), texts[i].data()};
        messages[i].buffers = &buffers[i];
        messages[i].buffer_count = 1;
    }
    EXPECT_EQ(3U, both->send_batch(messages).value_or(0));
    for (const auto& text : texts) {
        EXPECT_EQ(text, both->receive_text().value_or(""));
    }
}

// The helpers choose by family and flags alone: the first rooted entry, and the first group.
TEST_P(CppRooted, HelpersListenAskAndInvite) {
    auto root = root::listen(joinleaf::address::loopback(family()));
    ASSERT_TRUE(root) << root.error().message();
    auto asking = in_background([&] { return leaf::join(name_of(*root), with_data("Anna")); });
    auto branch = root->accept();
    EXPECT_TRUE(branch) << branch.error().message();
    auto asked = result_of(asking, "leaf::join");
    ASSERT_TRUE(asked) << asked.error().message();

    auto door = leaf::listen(joinleaf::address::loopback(family()));
    ASSERT_TRUE(door) << door.error().message();
    auto inviting = in_background([&] { return root->invite(name_of(*door)); });
    auto invited = door->accept();
    ASSERT_TRUE(invited) << invited.error().message();
    const auto in = result_of(inviting, "root::invite"); // whose branch keeps the leaf
    EXPECT_TRUE(in) << in.error().message();

    EXPECT_TRUE(root->send("to all"));
    EXPECT_EQ("to all", asked->receive_text().value_or(""));
    EXPECT_EQ("to all", invited->receive_text().value_or(""));
    EXPECT_TRUE(asked->send("to the root"));
    EXPECT_EQ("to the root", root->receive_text().value_or(""));
}

TEST_P(CppRooted, JL_82_AnAnswerIsNotTakenWhereNobodyWaitsForIt) {
    auto leaf = leaf_socket();
    ASSERT_EQ(0, leaf.set_blocking(false).code());
    const auto refusal = leaf.join(joinleaf::address::loopback(family(), 9), with_data("", 10));
    EXPECT_EQ(WSAEINVAL, refusal.code());
    EXPECT_NE(refusal.error().explanation().find("blocking"), std::string::npos);
}

TEST_P(CppRooted, QS_02_QualityIsAnOptionOfTheJoin) {
    if (!has(XP1_QOS_SUPPORTED)) {
        GTEST_SKIP() << "XP1_QOS_SUPPORTED";
    }
    need(way::ask);
    auto root = listening(root_socket());
    auto leaf = leaf_socket();
    join_options options;
    options.quality =
        quality(flow(SERVICETYPE_GUARANTEED, 100000, 5000), flow(SERVICETYPE_GUARANTEED, 200000, 5000));
    const auto outcome = ask(root, leaf, options, [](request& asked) {
        return asked.quality() != nullptr && asked.quality()->SendingFlowspec.TokenRate == 100000
                   ? verdict::accept
                   : verdict::reject;
    });
    ASSERT_TRUE(outcome.second) << outcome.second.error().message();
    const auto in_force = leaf.quality();
    ASSERT_TRUE(in_force) << in_force.error().message();
    EXPECT_EQ(100000U, in_force->SendingFlowspec.TokenRate);
    EXPECT_EQ(200000U, in_force->ReceivingFlowspec.TokenRate);
}

INSTANTIATE_TEST_SUITE_P(Transports, CppSocket, ::testing::ValuesIn(all_transports()), transport_name());
INSTANTIATE_TEST_SUITE_P(Transports, CppRooted, ::testing::ValuesIn(session_transports()), transport_name());
INSTANTIATE_TEST_SUITE_P(Transports, CppGroup, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());
INSTANTIATE_TEST_SUITE_P(Transports, CppStream, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
