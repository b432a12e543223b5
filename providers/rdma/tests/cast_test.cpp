// SPDX-License-Identifier: Apache-2.0
//
// What a root sends to its group over networks that lose, reorder and repeat it. What the application sees is the same every
// time: everything after the join, in order, once.
#include "cast_fixture.hpp"

#include <array>
#include <atomic>
#include <cstdlib>

namespace joinleaf::rdma::test {
namespace {

TEST_F(Group, IO_02_OneDatagramAMessageHoweverManyLeavesThereAre) {
    auto at = make_root();
    const auto name = at.listen();
    auto leaves = seated_leaves(at, name, 8);
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
    auto leaves = seated_leaves(at, name, count());
    constexpr int messages = 300;
    const auto size_of = [](int i) {
        return i % 60 == 7 ? std::size_t{9000} : static_cast<std::size_t>(i % 300);
    };
    std::vector<std::thread> readers;
    readers.reserve(leaves.size());
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
    auto leaves = seated_leaves(at, name, count());
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
        const int number = std::stoi(text);
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

TEST_F(Group, LC_02_WhoIsPutOutGetsNothingMoreAndTheOthersGoOn) {
    net_.now.lose = 20;
    auto at = make_root();
    const auto name = at.listen();
    auto leaves = seated_leaves(at, name, 4);
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

// What it gets once more waits in its box with the rest, and not in the buffers of its connection: an application that reads
// slowly would not make them free before it has read everything that came before.
TEST_F(Group, WhatIsMendedIsTakenBeforeTheApplicationReads) {
    net_.now.lose = 40;
    auto at = make_root();
    auto one = ask(at, at.listen());
    wait_seated(at, 1);
    constexpr int messages = 100;
    send_numbered(at, 0, messages, 400);
    EXPECT_GT(change([](auto& net) { return net.datagrams_lost; }), 2 * limits_.window);
    wait_until([&] { return at.stats().queued_bytes == 0; });
    EXPECT_EQ(0U, at.stats().queued_bytes);
    EXPECT_LT(limits_.window, figures(at).repairs);
    expect_numbered(one.leaf, 0, messages, 400);
}

} // namespace
} // namespace joinleaf::rdma::test
