// SPDX-License-Identifier: Apache-2.0
//
// Roots that send to a group, over networks that lose, reorder and repeat its datagrams, refuse joins and end
// memberships. What the application sees is the same every time: everything after the join, in order, once.
#include "raw_leaf.hpp"
#include "session_fixture.hpp"

#include <array>
#include <atomic>
#include <cstdlib>

namespace joinleaf::rdma::test {
namespace {

class Group : public Session {
  protected:
    Group() { use_group(); }

    // Under the lock of the root's hub: the network's, too.
    template <class Change> void change(const Change& what) {
        const std::lock_guard hold(net_.mutex);
        what(net_);
    }
    std::uint64_t datagrams() {
        const std::lock_guard hold(net_.mutex);
        return net_.datagrams;
    }
    std::size_t members() {
        const std::lock_guard hold(net_.mutex);
        return net_.groups.size();
    }
    // Until so many leaves get their data by the group.
    static void wait_seated(node& at, std::size_t count) {
        wait_until([&] { return seated(at) == count; });
        EXPECT_EQ(count, seated(at));
    }
    static group_figures figures(node& at) {
        const auto& home = at.as<root>().home();
        const auto hold = home->lock();
        return home->of_group();
    }
    static std::size_t seated(node& at) { return figures(at).leaves; }
    template <class Holds> static void wait_until(const Holds& holds) {
        const auto until = std::chrono::steady_clock::now() + deadline;
        while (!holds() && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(1ms);
        }
    }

    static void send_numbered(node& at, int from, int to, std::size_t size) {
        for (int i = from; i < to; ++i) {
            ASSERT_EQ(0, at.send(message_number(i, size))) << i;
        }
    }
    static void expect_numbered(node& leaf, int from, int to, std::size_t size) {
        for (int i = from; i < to; ++i) {
            std::string text;
            ASSERT_EQ(0, leaf.receive(text)) << i;
            ASSERT_EQ(message_number(i, size), text);
        }
    }
    static void expect_silence(node& leaf) {
        std::string text;
        EXPECT_EQ(WSAEWOULDBLOCK, leaf.try_receive(text)) << text;
    }
};

TEST_F(Group, IO_02_OneDatagramAMessageHoweverManyLeavesThereAre) {
    auto at = make_root();
    const auto name = at.listen();
    std::vector<pair> leaves;
    for (int i = 0; i < 8; ++i) {
        leaves.push_back(ask(at, name));
    }
    wait_seated(at, 8);
    const auto before = datagrams();
    for (int i = 0; i < 50; ++i) {
        send_numbered(at, i, i + 1, 100);
        for (auto& each : leaves) {
            expect_numbered(each.leaf, i, i + 1, 100);
        }
    }
    EXPECT_EQ(50U, datagrams() - before);
    EXPECT_EQ(50U, figures(at).datagrams);
    EXPECT_EQ(50U, at.stats().send_calls);
    EXPECT_EQ(0U, figures(at).repairs);
    EXPECT_EQ(0U, figures(at).requests);
}

struct weather {
    const char* name;
    unsigned lose;
    unsigned copy;
    bool delay;
    unsigned crowded;
    unsigned full;
};

class Weather : public Group, public ::testing::WithParamInterface<std::tuple<weather, int>> {
  protected:
    Weather() {
        const weather& now = std::get<0>(GetParam());
        net_.now.lose = now.lose;
        net_.now.copy = now.copy;
        net_.now.delay = now.delay;
        net_.now.crowded = now.crowded;
        net_.now.full = now.full;
        net_.now.reorder = now.delay;
        net_.now.duplicate = now.copy;
    }
    [[nodiscard]] int count() const { return std::get<1>(GetParam()); }
};

TEST_P(Weather, IO_02_EveryLeafGetsEverythingOnceAndInOrder) {
    auto at = make_root();
    const auto name = at.listen();
    std::vector<pair> leaves;
    for (int i = 0; i < count(); ++i) {
        leaves.push_back(ask(at, name));
    }
    wait_seated(at, leaves.size());
    constexpr int messages = 300;
    const auto size_of = [](int i) {
        return i % 60 == 7 ? std::size_t{9000} : static_cast<std::size_t>(i % 300);
    };
    std::vector<std::thread> readers;
    for (auto& each : leaves) {
        readers.emplace_back([&] {
            for (int i = 0; i < messages; ++i) {
                std::string text;
                ASSERT_EQ(0, each.leaf.receive(text)) << i;
                ASSERT_EQ(message_number(i, size_of(i)), text);
            }
        });
    }
    for (int i = 0; i < messages; ++i) {
        ASSERT_EQ(0, at.send(message_number(i, size_of(i))));
    }
    for (auto& each : readers) {
        each.join();
    }
    const auto seen = figures(at);
    EXPECT_EQ(static_cast<std::uint64_t>(messages), at.stats().sent_messages);
    // Who is overtaken by many looks as if lost.
    EXPECT_TRUE(net_.now.delay || (net_.now.lose != 0) == (seen.repairs != 0)) << seen.repairs;
    EXPECT_TRUE(net_.now.delay || (net_.now.lose != 0) == (seen.requests != 0)) << seen.requests;
    at.start_close(JL_CLOSE_GRACEFUL);
    for (auto& each : leaves) {
        EXPECT_EQ(0, each.leaf.wait_end());
    }
    at.wait_closed();
}

TEST_P(Weather, LC_09_WhatWasTakenStillArrivesAfterAGracefulClose) {
    auto at = make_root();
    const auto name = at.listen();
    std::vector<pair> leaves;
    for (int i = 0; i < count(); ++i) {
        leaves.push_back(ask(at, name));
    }
    wait_seated(at, leaves.size());
    send_numbered(at, 0, 40, 700);
    at.start_close(JL_CLOSE_GRACEFUL);
    for (auto& each : leaves) {
        expect_numbered(each.leaf, 0, 40, 700);
        EXPECT_EQ(0, each.leaf.wait_end());
    }
    at.wait_closed();
}

constexpr std::array<weather, 6> weathers{{{"fair", 0, 0, false, 0, 0},
                                           {"losing10", 10, 0, false, 0, 0},
                                           {"losing50", 50, 0, false, 0, 0},
                                           {"disorderly", 0, 4, true, 0, 0},
                                           {"crowded", 0, 0, false, 3, 3},
                                           {"everything", 50, 5, true, 4, 4}}};

INSTANTIATE_TEST_SUITE_P(Networks, Weather,
                         ::testing::Combine(::testing::ValuesIn(weathers), ::testing::Values(1, 3, 8)),
                         [](const auto& which) {
                             return std::string(std::get<0>(which.param).name) + "_" +
                                    std::to_string(std::get<1>(which.param));
                         });

TEST_F(Group, IO_10_TheLargestMessagesSurviveALossOfOneInTen) {
    net_.now.lose = 10;
    net_.now.datagram = 4096;
    limits_.send_buffer = 4u << 20;
    auto at = make_root();
    auto one = ask(at, at.listen());
    wait_seated(at, 1);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4055}, std::size_t{4056},
                                   std::size_t{4057}, std::size_t{65536}, std::size_t{wire::message_max}}) {
        std::thread sender([&] { EXPECT_EQ(0, at.send(std::string(size, 'x'))) << size; });
        std::string text;
        EXPECT_EQ(0, one.leaf.receive(text)) << size;
        sender.join();
        EXPECT_EQ(std::string(size, 'x'), text);
    }
}

// Reads numbered messages until the last one, which has `last` as its number; answers which was the first.
int read_all(node& leaf, int last, std::size_t size) {
    int first = -1;
    for (int expected = -1; expected <= last;) {
        std::string text;
        if (leaf.receive(text) != 0) {
            ADD_FAILURE() << "no message after " << expected - 1;
            return -1;
        }
        const int number = std::atoi(text.c_str());
        if (first < 0) {
            first = number;
            expected = number;
        }
        EXPECT_EQ(message_number(expected, size), text);
        if (number != expected) {
            return -1;
        }
        ++expected;
    }
    return first;
}

TEST_F(Group, AC_12_WhoJoinsInMidStreamGetsEverythingFromItsJoinOn) {
    net_.now.lose = 10;
    net_.now.delay = true;
    auto at = make_root();
    const auto name = at.listen();
    std::vector<pair> leaves;
    leaves.reserve(6);
    leaves.push_back(ask(at, name));
    wait_seated(at, 1);
    constexpr int last = 3000;
    std::atomic<int> taken{0};
    std::atomic<int> allowed{0};
    std::thread sender([&] {
        for (int i = 0; i <= last; ++i) {
            while (i > allowed) {
                std::this_thread::yield();
            }
            ASSERT_EQ(0, at.send(message_number(i, 200)));
            taken = i;
        }
    });
    std::vector<std::thread> readers;
    readers.emplace_back([&] { EXPECT_EQ(0, read_all(leaves[0].leaf, last, 200)); });
    for (int i = 1; i < 6; ++i) {
        allowed = i * 500;
        wait_until([&] { return taken > i * 500 - 250; });
        leaves.push_back(ask(at, name));
        // The join is over: what is sent from now on is for it.
        const int least = taken + 1;
        node& leaf = leaves.back().leaf;
        readers.emplace_back([&leaf, least, i] {
            const int first = read_all(leaf, last, 200);
            EXPECT_GT(first, i * 500 - 250) << "from before its join";
            EXPECT_LE(first, least + 1);
        });
    }
    allowed = last;
    sender.join();
    for (auto& each : readers) {
        each.join();
    }
    wait_seated(at, 6);
}

TEST_F(Group, WhoCannotHearTheGroupIsServedByItsConnection) {
    net_.now.no_groups_after = 3; // the root and two leaves
    net_.now.lose = 10;
    auto at = make_root();
    const auto name = at.listen();
    std::vector<pair> leaves;
    for (int i = 0; i < 5; ++i) {
        leaves.push_back(ask(at, name));
        wait_until([&] { return seated(at) == std::min<std::size_t>(2, leaves.size()); });
    }
    EXPECT_TRUE(fake_host::wait_for_log("the network has no such group"));
    std::vector<std::thread> readers;
    for (auto& each : leaves) {
        readers.emplace_back([&] { expect_numbered(each.leaf, 0, 500, 300); });
    }
    send_numbered(at, 0, 500, 300);
    for (auto& each : readers) {
        each.join();
    }
    EXPECT_EQ(2U, seated(at));
    EXPECT_NE(0U, figures(at).datagrams);
}

TEST_F(Group, ARefusedJoinOfTheRootLeavesEveryLeafToItsConnection) {
    for (const bool at_once : {false, true}) {
        net_.now.no_group = WSAEOPNOTSUPP;
        net_.now.no_group_at_once = at_once;
        auto at = make_root();
        auto one = ask(at, at.listen());
        EXPECT_TRUE(fake_host::wait_for_log(
            "group 239.1.2.3: the network has no such group; every leaf is served by its own connection"));
        std::thread reader([&] { expect_numbered(one.leaf, 0, 100, 300); });
        send_numbered(at, 0, 100, 300);
        reader.join();
        EXPECT_EQ(0U, figures(at).datagrams);
        EXPECT_EQ(0U, members());
    }
}

TEST_F(Group, ARootThatCouldNotJoinTriesAgain) {
    net_.now.no_group = WSAENETDOWN;
    auto at = make_root();
    auto one = ask(at, at.listen());
    EXPECT_TRUE(fake_host::wait_for_log("every leaf is served by its own connection"));
    send_numbered(at, 0, 1, 100);
    change([](auto& net) { net.now.no_group = 0; });
    wait_seated(at, 1);
    send_numbered(at, 1, 3, 100);
    expect_numbered(one.leaf, 0, 3, 100);
    EXPECT_EQ(2U, figures(at).datagrams);
}

TEST_F(Group, ALeafWhoseDatagramsAreShorterIsServedByItsConnection) {
    auto at = make_root();
    const auto name = at.listen();
    auto one = ask(at, name);
    wait_seated(at, 1);
    change([](auto& net) { net.now.datagram = 256; });
    auto two = ask(at, name);
    EXPECT_TRUE(fake_host::wait_for_log("datagrams of 512 bytes are longer than its device takes"));
    change([](auto& net) { net.now.datagram = 512; });
    send_numbered(at, 0, 10, 400);
    expect_numbered(one.leaf, 0, 10, 400);
    expect_numbered(two.leaf, 0, 10, 400);
    EXPECT_EQ(1U, seated(at));
}

// Memberships end while data are under way; then they come about again.
class Loss : public Group, public ::testing::WithParamInterface<int> {};

TEST_P(Loss, AMembershipThatEndsCostsNoMessage) {
    net_.now.lose = 10;
    net_.now.delay = true;
    auto at = make_root();
    const auto name = at.listen();
    std::vector<pair> leaves;
    for (int i = 0; i < 3; ++i) {
        leaves.push_back(ask(at, name));
    }
    wait_seated(at, 3);
    std::vector<std::thread> readers;
    for (auto& each : leaves) {
        readers.emplace_back([&] { expect_numbered(each.leaf, 0, 2000, 200); });
    }
    // The root's membership is the first.
    for (int i = 0; i < 4; ++i) {
        send_numbered(at, i * 500, i * 500 + 250, 200);
        net_.end_membership(static_cast<std::size_t>(GetParam()));
        send_numbered(at, i * 500 + 250, i * 500 + 500, 200);
        wait_until([&] { return members() == 4; });
        wait_seated(at, 3);
    }
    for (auto& each : readers) {
        each.join();
    }
    const auto before = figures(at).datagrams;
    send_numbered(at, 2000, 2001, 200);
    for (auto& each : leaves) {
        expect_numbered(each.leaf, 2000, 2001, 200);
    }
    EXPECT_EQ(before + 1, figures(at).datagrams) << "everybody hears the group again";
}

INSTANTIATE_TEST_SUITE_P(Of, Loss, ::testing::Values(0, 1, 3), [](const auto& which) {
    return which.param == 0 ? std::string("TheRoot") : "Leaf" + std::to_string(which.param);
});

TEST_F(Group, LC_02_WhoIsPutOutGetsNothingMoreAndTheOthersGoOn) {
    net_.now.lose = 20;
    auto at = make_root();
    const auto name = at.listen();
    std::vector<pair> leaves;
    for (int i = 0; i < 4; ++i) {
        leaves.push_back(ask(at, name));
    }
    wait_seated(at, 4);
    for (int i = 0; i < 3; ++i) {
        send_numbered(at, i * 10, i * 10 + 10, 100);
        leaves[static_cast<std::size_t>(i)].branch.start_close(JL_CLOSE_GRACEFUL);
    }
    send_numbered(at, 30, 40, 100);
    for (int i = 0; i < 3; ++i) {
        pair& out = leaves[static_cast<std::size_t>(i)];
        expect_numbered(out.leaf, 0, i * 10 + 10, 100);
        std::string text;
        EXPECT_EQ(WSAEDISCON, out.leaf.receive(text)) << text;
        out.branch.wait_closed();
    }
    expect_numbered(leaves[3].leaf, 0, 40, 100);
    EXPECT_EQ(1U, at.stats().leaves);
}

TEST_F(Group, LC_14_ARootThatEndsItsSendingTellsTheEndAfterEverything) {
    net_.now.lose = 50;
    auto at = make_root();
    auto one = ask(at, at.listen());
    wait_seated(at, 1);
    send_numbered(at, 0, 20, 100);
    EXPECT_EQ(0, at.get()->shutdown(SD_SEND));
    expect_numbered(one.leaf, 0, 20, 100);
    EXPECT_EQ(0, one.leaf.wait_end());
    EXPECT_EQ(0, one.leaf.send("back"));
    std::string text;
    EXPECT_EQ(0, at.receive(text));
    at.start_close(JL_CLOSE_GRACEFUL);
    at.wait_closed();
}

TEST_F(Group, LC_14_ALeafThatWantsNothingMoreLeavesTheGroup) {
    auto at = make_root();
    const auto name = at.listen();
    auto one = ask(at, name);
    auto two = ask(at, name);
    wait_seated(at, 2);
    send_numbered(at, 0, 10, 100);
    EXPECT_EQ(0, one.leaf.get()->shutdown(SD_RECEIVE));
    wait_seated(at, 1);
    std::thread reader(
        [&] { expect_numbered(two.leaf, 0, 10, 100), expect_numbered(two.leaf, 10, 400, 400); });
    send_numbered(at, 10, 400, 400);
    reader.join();
    two.leaf.start_close(JL_CLOSE_GRACEFUL);
    two.leaf.wait_closed();
    wait_seated(at, 0);
    EXPECT_EQ(0, one.leaf.send("still a sender"));
    std::string text;
    EXPECT_EQ(0, at.receive(text));
}

TEST_F(Group, IO_04_WhatARootPassesOnGoesToTheGroupToo) {
    net_.now.lose = 20;
    auto at = make_root();
    const auto name = at.listen();
    auto source = ask(at, name, wire::data_role::root);
    auto early = ask(at, name);
    auto quiet = ask(at, name);
    wait_seated(at, 2);
    pair late{};
    for (int i = 0; i < 60; ++i) {
        ASSERT_EQ(0, (i % 2 == 0 ? source.leaf : at).send(message_number(i, 200)));
        std::string text;
        if (i % 2 == 0) {
            ASSERT_EQ(0, at.receive(text));
        } else {
            ASSERT_EQ(0, source.leaf.receive(text));
        }
        ASSERT_EQ(message_number(i, 200), text);
        // For those that are d_root alone, between what is for all.
        ASSERT_EQ(0, quiet.leaf.send("aside"));
        ASSERT_EQ(0, source.leaf.receive(text));
        ASSERT_EQ(0, at.receive(text));
        ASSERT_EQ("aside", text);
        if (i == 29) {
            late = ask(at, name);
            wait_seated(at, 3);
        }
    }
    expect_numbered(early.leaf, 0, 60, 200);
    expect_numbered(quiet.leaf, 0, 60, 200);
    expect_numbered(late.leaf, 30, 60, 200);
    EXPECT_EQ(3U, seated(at));
}

TEST_F(Group, ALeafThatDoesNotRead_HoldsTheRootUpAndIsDroppedAfterTheTimeout) {
    limits_.leaf_timeout = 300ms;
    auto at = make_root();
    const auto name = at.listen();
    auto idle = ask(at, name);
    auto busy = ask(at, name);
    wait_seated(at, 2);
    std::thread reader([&] { expect_numbered(busy.leaf, 0, 800, 1000); });
    send_numbered(at, 0, 800, 1000);
    reader.join();
    EXPECT_EQ(WSAECONNABORTED, idle.branch.wait_end());
    EXPECT_EQ(1U, at.stats().leaves);
    EXPECT_TRUE(fake_host::wait_for_log("it took nothing for leaf_timeout"));
}

TEST_F(Group, WhoHearsAlmostNothingIsServedByItsConnection) {
    net_.now.lose = 95;
    auto at = make_root();
    auto one = ask(at, at.listen());
    wait_seated(at, 1);
    std::thread reader([&] { expect_numbered(one.leaf, 0, 2500, 400); });
    send_numbered(at, 0, 2500, 400);
    reader.join();
    EXPECT_TRUE(fake_host::wait_for_log("misses most of what is sent to group 239.1.2.3"));
    wait_seated(at, 0);
}

TEST_F(Group, JL_77_ALeafThatIsInvitedWhileDataAreSentGetsWhatIsSentAfterItsJoin) {
    auto at = make_root();
    const auto name = at.listen();
    auto one = ask(at, name);
    auto door = make_leaf();
    auto side = make_branch(at);
    at.start_join(door.listen(), &side);
    const auto request = door.next_request();
    ASSERT_TRUE(request);
    std::thread reader([&] { expect_numbered(one.leaf, 0, 620, 400); });
    send_numbered(at, 0, 600, 400); // several times the log, while the invitation waits
    auto two = make_member(door);
    EXPECT_EQ(0, door.answer(*request, &two));
    EXPECT_EQ(0, at.outcome().code);
    send_numbered(at, 600, 610, 400);
    wait_seated(at, 2);
    send_numbered(at, 610, 620, 400);
    expect_numbered(two, 600, 620, 400);
    reader.join();
}

// A leaf that says what it likes.
class Liar : public Group {
  protected:
    // Seated; the root has sent ten datagrams to it.
    void seat_liar(node& at, raw_leaf& liar) {
        liar.ask(at.listen());
        wait_polling(liar, [&] {
            const std::lock_guard hold(at.handle().mutex);
            return !at.handle().requests.empty();
        });
        side_ = make_branch(at);
        ASSERT_EQ(0, at.answer(*at.next_request(), &side_));
        wait_polling(liar, [&] { return liar.call.has_value(); });
        liar.join();
        liar.say(wire::kind::joined, 100);
        wait_polling(liar, [&] { return liar.turn.has_value(); });
        ASSERT_TRUE(liar.turn);
        for (int i = 0; i < 10; ++i) {
            ASSERT_EQ(0, at.send(message_number(i, 92)));
        }
        wait_polling(liar, [&] { return liar.heard.size() == 10; });
        ASSERT_EQ(10U, liar.heard.size());
        ASSERT_EQ(100U, liar.heard[0].size) << "with the head of its record";
    }
    template <class Holds> static void wait_polling(raw_leaf& liar, const Holds& holds) {
        wait_until([&] {
            liar.poll();
            return holds();
        });
    }
    // It is dropped, and others are not.
    void expect_dropped(node& at, raw_leaf& liar, const char* why) {
        wait_polling(liar, [&] { return liar.is_down(); });
        EXPECT_TRUE(liar.is_down());
        EXPECT_TRUE(fake_host::wait_for_log(why));
        EXPECT_EQ(WSAECONNABORTED, side_.wait_end());
        EXPECT_EQ(0U, at.stats().leaves);
        auto other = ask(at, at.name());
        wait_seated(at, 1);
        send_numbered(at, 0, 5, 100);
        expect_numbered(other.leaf, 0, 5, 100);
    }

    node side_;
};

TEST_F(Liar, WhoAcknowledgesWhatWasNeverSentIsDropped) {
    for (const std::uint64_t beyond :
         {std::uint64_t{1001}, std::uint64_t{1} << 63U, ~std::uint64_t{0}, std::uint64_t{50}}) {
        auto at = make_root();
        raw_leaf liar(net_);
        seat_liar(at, liar);
        liar.say(wire::kind::taken, liar.turn->position + beyond);
        expect_dropped(at, liar, "it acknowledges what was never sent to the group");
        side_.close();
    }
}

TEST_F(Liar, WhoTakesAnAcknowledgementBackIsDropped) {
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    liar.say(wire::kind::taken, liar.turn->position + 500);
    liar.say(wire::kind::taken, liar.turn->position + 400);
    expect_dropped(at, liar, "it acknowledges what was never sent to the group");
}

TEST_F(Liar, WhoAsksForNonsenseIsDropped) {
    const std::vector<std::vector<wire::range>> nonsense{
        {{0, 1100}},            // beyond the end
        {{1000, 1100}},         // only that
        {{50, 100}},            // from within a datagram
        {{0, 150}},             // into one
        {{0, 100}, {250, 300}}, // the second one
    };
    for (const auto& each : nonsense) {
        auto at = make_root();
        raw_leaf liar(net_);
        seat_liar(at, liar);
        auto asked = each;
        for (wire::range& hole : asked) {
            hole = {hole.from + liar.turn->position, hole.to + liar.turn->position};
        }
        liar.ask_for(asked);
        expect_dropped(at, liar, "it asks for what was never sent to the group");
        side_.close();
    }
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    liar.say(wire::kind::taken, liar.turn->position + 500);
    liar.ask_for({{liar.turn->position + 400, liar.turn->position + 500}});
    expect_dropped(at, liar, "it asks for what was never sent to the group");
}

TEST_F(Liar, AFloodOfRequestsIsServedOnce) {
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    for (int i = 0; i < 2000; ++i) {
        liar.ask_for({{liar.turn->position, liar.turn->position + 1000}});
    }
    wait_polling(liar, [&] { return figures(at).requests == 2000; });
    EXPECT_EQ(2000U, figures(at).requests);
    EXPECT_EQ(10U, figures(at).repairs) << "each datagram once";
    wait_polling(liar, [&] { return liar.slices == 10; });
    EXPECT_EQ(10U, liar.slices);
    liar.say(wire::kind::taken, liar.turn->position + 1000);
    wait_polling(liar, [&] { return at.stats().queued_bytes == 0; });
    EXPECT_EQ(0U, at.stats().queued_bytes);
}

TEST_F(Liar, WhoNeverAcknowledgesIsDroppedAfterTheTimeout) {
    limits_.leaf_timeout = 300ms;
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    std::atomic<bool> over{false};
    std::thread poller([&] {
        // It asks for everything again and again, and grants what it is sent; that is no progress.
        while (!over) {
            liar.poll();
            liar.ask_for({{liar.turn->position, liar.turn->position + 1000}});
            std::this_thread::sleep_for(1ms);
        }
    });
    for (int i = 0; i < 300; ++i) {
        const int code = at.send(std::string(1000, 'x'));
        if (code != 0) {
            EXPECT_EQ(WSAENOTCONN, code);
            break;
        }
    }
    EXPECT_EQ(WSAECONNABORTED, side_.wait_end());
    EXPECT_TRUE(fake_host::wait_for_log("it took nothing for leaf_timeout"));
    over = true;
    poller.join();
}

TEST_F(Liar, WhatOnlyARootSaysDropsALeaf) {
    for (const wire::kind what : {wire::kind::sent, wire::kind::channel, wire::kind::joined}) {
        auto at = make_root();
        raw_leaf liar(net_);
        seat_liar(at, liar);
        liar.say(what, 0); // of `joined`: no room at all
        expect_dropped(at, liar, "what it sends breaks the protocol");
        side_.close();
    }
    const std::vector<std::vector<std::byte>> longer{
        wire::encode(wire::turn{1, 2, 3}),
        wire::encode(wire::group_call{address::parse("239.1.2.3"), 64, 4096}),
        wire::encode(std::vector<wire::range>{})};
    for (const auto& each : longer) {
        auto at = make_root();
        raw_leaf liar(net_);
        seat_liar(at, liar);
        liar.say(each);
        expect_dropped(at, liar, "what it sends breaks the protocol");
        side_.close();
    }
}

TEST_F(Liar, WhoIsNotSeatedSaysWhatItLikesInVain) {
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    liar.say(wire::kind::parted, 0);
    wait_seated(at, 0);
    liar.say(wire::kind::taken, 77);
    liar.ask_for({{1, 2}});
    liar.say(wire::kind::parted, WSAENETDOWN);
    auto other = ask(at, at.name());
    wait_seated(at, 1);
    send_numbered(at, 0, 5, 100);
    expect_numbered(other.leaf, 0, 5, 100);
    EXPECT_FALSE(liar.is_down());
    EXPECT_EQ(2U, at.stats().leaves);
}

TEST_F(Liar, DatagramsThatFitNowhereAreAsGoodAsNone) {
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    auto other = ask(at, at.name());
    wait_seated(at, 2);
    const std::vector<std::byte> rubbish(100, std::byte{0xAA});
    const std::uint64_t next = liar.turn->position + 1000;
    liar.forge(liar.turn->channel + 1, next, rubbish);           // of another channel
    liar.forge(liar.turn->channel, next + (1U << 30U), rubbish); // far ahead
    liar.forge(liar.turn->channel, next - 500, rubbish);         // from before its join
    for (std::uint64_t i = 0; i < 5000; ++i) {
        liar.forge(liar.turn->channel, next + 1000000 + i, rubbish); // many
    }
    liar.forge(liar.turn->channel, next + (1U << 30U), {}); // so far it has got, it says
    send_numbered(at, 0, 20, 100);
    expect_numbered(other.leaf, 0, 20, 100);
}

} // namespace
} // namespace joinleaf::rdma::test
