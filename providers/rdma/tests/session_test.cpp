// SPDX-License-Identifier: Apache-2.0
#include "session_fixture.hpp"

namespace joinleaf::rdma::test {
namespace {

TEST_F(Session, JL_77_JL_81_ALeafAsksWithDataInBothDirections) {
    auto at = make_root();
    const auto name = at.listen();
    auto one = make_leaf();
    one.start_join(name, nullptr, "caller", 100);
    const auto request = at.next_request();
    ASSERT_TRUE(request);
    EXPECT_EQ("caller", request->caller_data);
    EXPECT_EQ(100U, request->callee_room);
    auto side = make_branch(at);
    EXPECT_EQ(0, at.answer(*request, &side, "callee"));
    const auto outcome = one.outcome();
    EXPECT_EQ(0, outcome.code) << outcome.sentence;
    EXPECT_EQ("callee", outcome.callee_data);
    EXPECT_EQ(1U, at.stats().leaves);
}

TEST_F(Session, JL_77_ARootInvites) {
    auto at = make_root();
    auto door = make_leaf();
    const auto name = door.listen();
    auto side = make_branch(at);
    at.start_join(name, &side, "come", 10);
    const auto request = door.next_request();
    ASSERT_TRUE(request);
    auto one = make_member(door);
    EXPECT_EQ(0, door.answer(*request, &one, "gladly"));
    EXPECT_EQ("gladly", at.outcome().callee_data);
    EXPECT_EQ(0, at.send("hello"));
    std::string text;
    EXPECT_EQ(0, one.receive(text));
    EXPECT_EQ("hello", text);
    door.close();
    EXPECT_EQ(0, one.send("back")) << "LC-21: the listener is another socket";
    EXPECT_EQ(0, at.receive(text));
    EXPECT_EQ("back", text);
}

TEST_F(Session, TheSettingLocal_IsTheAddressOfSocketsBoundToNone) {
    limits_.local = address::parse("192.0.2.7");
    auto at = make_root();
    EXPECT_EQ("192.0.2.7", at.listen().text().substr(0, 9));
    auto one = make_leaf();
    const address own = address::parse("198.51.100.1").with_port(77);
    ASSERT_EQ(0, one.get()->bind(own.raw(), own.size));
    EXPECT_EQ("198.51.100.1:77", one.name().text());
    EXPECT_EQ(0U, address::parse("192.0.2.7:80").size);
}

TEST_F(Session, JL_84_MoreCalleeDataThanRoom_FailsWithFault) {
    auto at = make_root();
    auto one = make_leaf();
    one.start_join(at.listen(), nullptr, {}, 3);
    auto side = make_branch(at);
    EXPECT_EQ(0, at.answer(*at.next_request(), &side, "more than three"));
    EXPECT_EQ(WSAEFAULT, one.outcome().code);
}

TEST_F(Session, AC_13_ARefusal_IsConnRefused) {
    auto at = make_root();
    auto one = make_leaf();
    one.start_join(at.listen());
    EXPECT_EQ(0, at.answer(*at.next_request(), nullptr));
    const auto outcome = one.outcome();
    EXPECT_EQ(WSAECONNREFUSED, outcome.code);
    EXPECT_NE(std::string::npos, outcome.sentence.find("the peer's application rejected it"))
        << outcome.sentence;
}

TEST_F(Session, AC_20_BeyondTheBacklog_IsConnRefused) {
    auto at = make_root();
    const auto name = at.listen(1);
    auto first = make_leaf();
    first.start_join(name);
    ASSERT_TRUE(at.next_request());
    auto second = make_leaf();
    second.start_join(name);
    EXPECT_EQ(WSAECONNREFUSED, second.outcome().code);
}

TEST_F(Session, EqualRoles_AreConnRefused) {
    auto at = make_leaf();
    auto one = make_leaf();
    one.start_join(at.listen());
    const auto outcome = one.outcome();
    EXPECT_EQ(WSAECONNREFUSED, outcome.code);
    EXPECT_NE(std::string::npos, outcome.sentence.find("same role")) << outcome.sentence;
}

TEST_F(Session, JL_54_ACancelledJoinEndsOnceAndWithdrawsTheRequest) {
    auto at = make_root();
    auto one = make_leaf();
    one.start_join(at.listen());
    const auto request = at.next_request();
    ASSERT_TRUE(request);
    one.cancel();
    EXPECT_EQ(WSA_OPERATION_ABORTED, one.outcome().code);
    {
        std::unique_lock lock(at.handle().mutex);
        EXPECT_TRUE(at.handle().changed.wait_for(
            lock, deadline, [&] { return at.handle().withdrawn.contains(request->request); }));
    }
    auto side = make_branch(at);
    EXPECT_EQ(WSAECONNRESET, at.answer(*request, &side)) << "AC-16";
}

TEST_F(Session, AJoinThatFails_LeavesTheSocketForAnother) {
    net_.now.refuse = true;
    auto at = make_root();
    const auto name = at.listen();
    auto one = make_leaf();
    one.start_join(name);
    EXPECT_EQ(WSAECONNREFUSED, one.outcome().code);
    net_.now.refuse = false;
    one.start_join(name);
    auto side = make_branch(at);
    EXPECT_EQ(0, at.answer(*at.next_request(), &side));
    EXPECT_EQ(0, one.outcome().code);
}

TEST_F(Session, NobodyAnswers_IsConnRefusedAfterTheHandshakeTimeout) {
    limits_.handshake_timeout = 100ms;
    net_.now.silent = true;
    auto at = make_root();
    auto one = make_leaf();
    one.start_join(at.listen());
    EXPECT_EQ(WSAECONNREFUSED, one.outcome().code);
}

TEST_F(Session, NoBuffersAtTheJoiner_IsNoBufs) {
    net_.now.no_slots = true;
    auto at = make_root();
    auto one = make_leaf();
    one.start_join(at.listen());
    EXPECT_EQ(WSAENOBUFS, one.outcome().code);
}

TEST_F(Session, MemoryThatCannotBeRegistered_IsNoBufsOnBothSides) {
    auto at = make_root();
    auto one = make_leaf();
    one.start_join(at.listen());
    const auto request = at.next_request();
    net_.now.no_lend = true;
    auto side = make_branch(at);
    EXPECT_EQ(WSAENOBUFS, at.answer(*request, &side));
    EXPECT_EQ(WSAENOBUFS, one.outcome().code) << "the answer says so";
}

TEST_F(Session, ADataAddressOfNoUse_FailsTheJoin) {
    auto at = make_root();
    auto one = make_leaf();
    one.start_join(at.listen());
    const auto request = at.next_request();
    net_.now.bad_address = true;
    auto side = make_branch(at);
    EXPECT_EQ(WSAECONNRESET, at.answer(*request, &side));
    EXPECT_EQ(WSAENOBUFS, one.outcome().code);
}

// What the network may do to slices, in the order of the test's parameter.
class Faults : public Session, public ::testing::WithParamInterface<int> {
  protected:
    Faults() {
        switch (GetParam()) {
        case 0: break;
        case 1: net_.now.reorder = true; break;
        case 2: net_.now.duplicate = 5; break;
        case 3: net_.now.full = 3; break;
        case 4: net_.now.false_alarms = true; break;
        default:
            net_.now.needs_opening = true;
            net_.now.reorder = true;
            net_.now.duplicate = 7;
            net_.now.full = 4;
            break;
        }
    }
};

TEST_P(Faults, IO_02_EverythingComesOnceAndInOrderBothWays) {
    auto at = make_root();
    const auto name = at.listen();
    std::vector<pair> leaves;
    for (int i = 0; i < 3; ++i) {
        leaves.push_back(ask(at, name));
    }
    constexpr int count = 400;
    const auto size_of = [](int i) {
        return i % 50 == 0 ? std::size_t{9000} : static_cast<std::size_t>(i % 300);
    };
    std::thread sender([&] {
        for (int i = 0; i < count; ++i) {
            EXPECT_EQ(0, at.send(message_number(i, size_of(i))));
        }
    });
    std::vector<std::thread> members;
    for (auto& each : leaves) {
        members.emplace_back([&] {
            for (int i = 0; i < count; ++i) {
                std::string text;
                ASSERT_EQ(0, each.leaf.receive(text));
                ASSERT_EQ(message_number(i, size_of(i)), text);
                if (i % 4 == 0) {
                    ASSERT_EQ(0, each.leaf.send(text));
                }
            }
        });
    }
    for (std::size_t i = 0; i < leaves.size() * count / 4; ++i) {
        std::string text;
        ASSERT_EQ(0, at.receive(text));
    }
    sender.join();
    for (auto& each : members) {
        each.join();
    }
    EXPECT_EQ(static_cast<std::uint64_t>(count), at.stats().sent_messages);
}

TEST_P(Faults, LC_09_WhatWasTakenStillArrivesAfterAGracefulClose) {
    auto at = make_root();
    auto one = ask(at, at.listen());
    for (int i = 0; i < 30; ++i) {
        ASSERT_EQ(0, at.send(message_number(i, 700)));
    }
    at.start_close(JL_CLOSE_GRACEFUL);
    for (int i = 0; i < 30; ++i) {
        std::string text;
        ASSERT_EQ(0, one.leaf.receive(text));
        ASSERT_EQ(message_number(i, 700), text);
    }
    EXPECT_EQ(0, one.leaf.wait_end());
    at.wait_closed();
}

std::string fault_name(const ::testing::TestParamInfo<int>& which) {
    constexpr std::array<const char*, 6> names{"perfect", "reordering",   "duplicating",
                                               "full",    "false_alarms", "everything"};
    return names.at(static_cast<std::size_t>(which.param));
}

INSTANTIATE_TEST_SUITE_P(Network, Faults, ::testing::Range(0, 6), fault_name);

TEST_F(Session, WhereAConnectionHasToBeOpened_TheJoinerDoesAndTheOtherSideWaits) {
    net_.now.needs_opening = true;
    auto at = make_root();
    const auto name = at.listen();
    auto asked = ask(at, name);
    auto door = make_leaf();
    const auto there = door.listen();
    auto side = make_branch(at);
    at.start_join(there, &side);
    auto one = make_member(door);
    EXPECT_EQ(0, door.answer(*door.next_request(), &one));
    EXPECT_EQ(0, at.outcome().code);
    std::string text;
    EXPECT_EQ(0, at.send("to both"));
    EXPECT_EQ(0, asked.leaf.receive(text));
    EXPECT_EQ(0, one.receive(text));
    EXPECT_EQ(0, one.send("back"));
    EXPECT_EQ(0, at.receive(text));
    auto idle = ask(at, name);
    idle.branch.close();
    EXPECT_EQ(0, idle.leaf.wait_end()) << "even a goodbye waits for the opening";
    const std::lock_guard hold(net_.mutex);
    EXPECT_EQ(3U, net_.openings);
}

TEST_F(Session, ADescriptorThatCriesWolf_IsBelievedLessAndLess) {
    net_.now.false_alarms = true;
    auto at = make_root();
    auto one = ask(at, at.listen());
    EXPECT_EQ(0, at.send("here"));
    std::string text;
    EXPECT_EQ(0, one.leaf.receive(text));
    const auto count = [&] {
        const std::lock_guard hold(net_.mutex);
        return net_.polls;
    };
    const auto before = count();
    std::this_thread::sleep_for(200ms);
    EXPECT_LT(count() - before, 4000U) << "two sockets that look at the data by a clock of a millisecond";
    EXPECT_EQ(0, at.send("still"));
    EXPECT_EQ(0, one.leaf.receive(text));
}

TEST_F(Session, IO_10_MessagesOfAllSizesUpToTheLimit) {
    auto at = make_root();
    auto one = ask(at, at.listen());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1015}, std::size_t{1016},
                                   std::size_t{1017}, std::size_t{65536}, std::size_t{wire::message_max}}) {
        std::thread sender([&] { EXPECT_EQ(0, at.send(std::string(size, 'x'))) << size; });
        std::string text;
        EXPECT_EQ(0, one.leaf.receive(text)) << size;
        sender.join();
        EXPECT_EQ(size, text.size());
    }
    EXPECT_EQ(WSAEMSGSIZE, at.try_send(std::string(wire::message_max + 1, 'x')));
}

TEST_F(Session, IO_10_AMessageThatIsLongerThanTheBuffer_ComesInPieces) {
    auto at = make_root();
    auto one = ask(at, at.listen());
    ASSERT_EQ(0, at.send("abcdef"));
    std::string text;
    while (one.leaf.try_receive(text, 4) == WSAEWOULDBLOCK) {
        std::int32_t code = 0;
        one.leaf.get()->arm(JL_IN, &code);
    }
    EXPECT_EQ("abcd", text);
    EXPECT_EQ(0, one.leaf.try_receive(text, 4));
    EXPECT_EQ("ef", text);
}

TEST_F(Session, ALeafThatDoesNotRead_HoldsTheRootUpAndIsDroppedAfterTheTimeout) {
    limits_.leaf_timeout = 300ms;
    auto at = make_root();
    const auto name = at.listen();
    auto idle = ask(at, name);
    auto busy = ask(at, name);
    std::thread reader([&] {
        std::string text;
        for (int i = 0; i < 400; ++i) {
            ASSERT_EQ(0, busy.leaf.receive(text));
        }
    });
    for (int i = 0; i < 400; ++i) {
        ASSERT_EQ(0, at.send(std::string(1000, 'x'))) << i;
    }
    reader.join();
    EXPECT_EQ(WSAECONNABORTED, idle.branch.wait_end());
    EXPECT_EQ(1U, at.stats().leaves);
    EXPECT_TRUE(fake_host::wait_for_log("it took nothing for leaf_timeout"));
}

TEST_F(Session, ARootThatDoesNotRead_HoldsItsLeavesBackAndLosesNothing) {
    auto at = make_root();
    auto one = ask(at, at.listen());
    int sent = 0;
    while (one.leaf.try_send(message_number(sent, 1000)) == 0) {
        ++sent;
        ASSERT_LT(sent, 10000);
    }
    for (int i = 0; i < sent; ++i) {
        std::string text;
        ASSERT_EQ(0, at.receive(text));
        ASSERT_EQ(message_number(i, 1000), text);
    }
    EXPECT_EQ(0, one.leaf.send("more"));
}

TEST_F(Session, LC_04_AnAbortIsAResetOnTheOtherSide) {
    auto at = make_root();
    const auto name = at.listen();
    auto one = ask(at, name);
    auto two = ask(at, name);
    one.leaf.close(JL_CLOSE_ABORT);
    EXPECT_EQ(WSAECONNRESET, one.branch.wait_end());
    at.close(JL_CLOSE_ABORT);
    EXPECT_EQ(WSAECONNRESET, two.leaf.wait_end());
    EXPECT_EQ(WSAECONNRESET, two.leaf.try_send("x"));
}

// A device that is removed, an address that moves, a peer that does not answer: what the engine says is what FD_CLOSE says,
// after what came before.
TEST_F(Session, EV_42_WhatEndsAConnectionIsTheCodeOfItsClose) {
    for (const int code : {WSAENETDOWN, WSAECONNABORTED, WSAECONNRESET}) {
        auto at = make_root();
        auto one = ask(at, at.listen());
        ASSERT_EQ(0, at.send("before"));
        net_.end_connections({code, "it ends"});
        std::string text;
        EXPECT_EQ(0, one.leaf.receive(text));
        EXPECT_EQ("before", text);
        EXPECT_EQ(code, one.leaf.wait_end());
        EXPECT_EQ(code, one.leaf.try_send("x"));
        EXPECT_EQ(code, one.branch.wait_end());
    }
}

TEST_F(Session, LC_02_ClosingTheRootsSocketPutsTheLeafOut) {
    auto at = make_root();
    const auto name = at.listen();
    auto one = ask(at, name);
    auto two = ask(at, name);
    one.branch.close();
    EXPECT_EQ(0, one.leaf.wait_end());
    EXPECT_EQ(0, at.send("x"));
    std::string text;
    EXPECT_EQ(0, two.leaf.receive(text));
}

TEST_F(Session, LC_14_AShutdownEndsOneDirection) {
    auto at = make_root();
    auto one = ask(at, at.listen());
    EXPECT_EQ(0, one.leaf.send("last"));
    EXPECT_EQ(0, one.leaf.get()->shutdown(SD_SEND));
    EXPECT_EQ(WSAESHUTDOWN, one.leaf.try_send("x"));
    std::string text;
    EXPECT_EQ(0, at.receive(text));
    EXPECT_EQ("last", text);
    EXPECT_EQ(0, one.branch.wait_end());
    EXPECT_EQ(0, at.send("still"));
    EXPECT_EQ(0, one.leaf.receive(text));
    EXPECT_EQ("still", text);
}

TEST_F(Session, IO_04_ALeafThatIsDRoot_ReachesEveryone) {
    auto at = make_root(wire::data_role::leaf);
    const auto name = at.listen();
    auto source = ask(at, name, wire::data_role::root);
    auto sink = ask(at, name);
    std::string text;
    ASSERT_EQ(0, source.leaf.send("to all"));
    EXPECT_EQ(0, sink.leaf.receive(text));
    EXPECT_EQ("to all", text);
    EXPECT_EQ(0, at.receive(text));
    ASSERT_EQ(0, sink.leaf.send("to the d_root"));
    EXPECT_EQ(0, source.leaf.receive(text));
    EXPECT_EQ("to the d_root", text);
    ASSERT_EQ(0, at.send("from the c_root"));
    EXPECT_EQ(0, source.leaf.receive(text));
    EXPECT_EQ("from the c_root", text);
    EXPECT_EQ(WSAEWOULDBLOCK, sink.leaf.try_receive(text)) << "leaves do not hear each other";
}

TEST_F(Session, JL_92_AReceiverThatSendsIsDropped) {
    auto at = make_root();
    auto one = ask(at, at.listen(), wire::data_role::leaf, JL_RECEIVER_ONLY);
    EXPECT_EQ(WSAEOPNOTSUPP, one.leaf.try_send("x"));
}

} // namespace
} // namespace joinleaf::rdma::test
