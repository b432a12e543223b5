// SPDX-License-Identifier: Apache-2.0
#include "inflow.hpp"
#include "outflow.hpp"
#include "wire.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace joinleaf::rdma {
namespace {

wire::greeting sample() {
    wire::greeting out;
    out.what = wire::kind::hello;
    out.direction = JL_SENDER_ONLY;
    out.callee_room = 17;
    out.channel = 0x0102030405060708;
    out.start = 99;
    out.window = 16;
    out.slice = 4096;
    out.user.assign(300, std::byte{5});
    out.data_address.assign(16, std::byte{9});
    out.qos = QOS{};
    out.qos->SendingFlowspec.TokenRate = 1234;
    return out;
}

TEST(Wire, AGreetingSurvivesTheTrip) {
    const auto there = wire::encode(sample());
    const auto back = wire::decode_greeting(there);
    ASSERT_TRUE(back);
    EXPECT_EQ(there, wire::encode(*back));
    EXPECT_EQ(1234U, back->qos->SendingFlowspec.TokenRate);
    EXPECT_EQ(300U, back->user.size());
}

TEST(Wire, EveryCutGreetingIsRefused) {
    const auto whole = wire::encode(sample());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(wire::decode_greeting(std::span(whole).first(size))) << size;
    }
}

TEST(Wire, ForeignAndNewerGreetingsAreToldApart) {
    auto foreign = wire::encode(sample());
    foreign[0] = std::byte{'G'};
    EXPECT_EQ(wire::fault::foreign, wire::decode_greeting(foreign).error());
    auto newer = wire::encode(sample());
    newer[4] = newer[5] = std::byte{2};
    EXPECT_EQ(wire::fault::version, wire::decode_greeting(newer).error());
}

// Whatever a peer sends, it is either refused or reads back as it was written.
TEST(Wire, DamagedBytesAreRefusedOrConsistent) {
    std::mt19937 lot(7);
    const auto good = wire::encode(sample());
    for (int round = 0; round < 20000; ++round) {
        auto bytes = good;
        for (unsigned i = lot() % 4 + 1; i != 0; --i) {
            bytes[lot() % 60] = static_cast<std::byte>(lot());
        }
        if (const auto read = wire::decode_greeting(bytes)) {
            ASSERT_LE(read->user.size(), wire::data_max);
            ASSERT_LE(read->data_address.size(), wire::address_max);
            ASSERT_EQ(bytes.size(), wire::encode(*read).size());
        }
        static_cast<void>(wire::decode_note(bytes));
        const auto head = wire::decode_head(bytes);
        ASSERT_TRUE(!head || head->size == bytes.size() - wire::head_size);
    }
}

TEST(Wire, ANoteSurvivesTheTripAndNothingElseIsOne) {
    const auto bytes = wire::encode(wire::note{wire::kind::asleep, 77});
    const auto back = wire::decode_note(bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(wire::kind::asleep, back->what);
    EXPECT_EQ(77U, back->value);
    EXPECT_FALSE(wire::decode_note(std::span(bytes).first(15)));
    EXPECT_FALSE(wire::decode_note(wire::encode(sample())));
}

TEST(Wire, WhatIsSaidAboutAGroupSurvivesTheTripAndNothingElseIsSuch) {
    const wire::group_call call{address::parse("ff15::77"), 64, 4096};
    auto bytes = wire::encode(call);
    const auto called = wire::decode_group_call(bytes);
    ASSERT_TRUE(called);
    EXPECT_EQ("[ff15::77]:0", called->where.text());
    EXPECT_EQ(64U, called->window);
    EXPECT_EQ(4096U, called->datagram);
    EXPECT_FALSE(wire::decode_note(bytes));
    EXPECT_FALSE(wire::decode_group_call(std::span(bytes).first(bytes.size() - 1)));
    EXPECT_FALSE(wire::decode_group_call(wire::encode(wire::group_call{address::parse("192.0.2.1"), 1, 512})))
        << "no group";
    EXPECT_FALSE(wire::decode_group_call(wire::encode(wire::group_call{call.where, 0, 512}))) << "no window";
    EXPECT_FALSE(wire::decode_group_call(wire::encode(wire::group_call{call.where, 1, wire::head_size})));

    const auto turn = wire::decode_turn(wire::encode(wire::turn{1, 2, 3}));
    ASSERT_TRUE(turn);
    EXPECT_EQ(1U, turn->channel);
    EXPECT_EQ(2U, turn->position);
    EXPECT_EQ(3U, turn->stream);

    const std::vector<wire::range> holes{{1, 5}, {5, 6}, {9, 20}};
    const auto missing = wire::decode_missing(wire::encode(holes));
    ASSERT_TRUE(missing);
    ASSERT_EQ(3U, missing->size());
    EXPECT_EQ(20U, missing->at(2).to);
    EXPECT_FALSE(wire::decode_missing(wire::encode(std::vector<wire::range>{})));
    EXPECT_FALSE(wire::decode_missing(wire::encode(std::vector<wire::range>{{5, 5}})));
    EXPECT_FALSE(wire::decode_missing(wire::encode(std::vector<wire::range>{{5, 4}})));
    EXPECT_FALSE(wire::decode_missing(wire::encode(std::vector<wire::range>{{5, 9}, {8, 10}})));
    std::vector<wire::range> many(wire::ranges_max + 1);
    for (std::size_t i = 0; i < many.size(); ++i) {
        many[i] = {2 * i, 2 * i + 1};
    }
    EXPECT_FALSE(wire::decode_missing(wire::encode(many)));
    many.pop_back();
    EXPECT_TRUE(wire::decode_missing(wire::encode(many)));
    EXPECT_LE(wire::encode(many).size(), 1024U) << "one chunk of engine verbs";
}

TEST(Wire, DatagramsAreExact) {
    std::vector<std::byte> whole(wire::head_size + 3);
    const auto head = wire::encode(wire::datagram_head{7, 8, 3});
    std::copy(head.begin(), head.end(), whole.begin());
    ASSERT_TRUE(wire::decode_datagram(whole));
    EXPECT_EQ(8U, wire::decode_datagram(whole)->position);
    EXPECT_FALSE(wire::decode_head(whole)) << "a connection carries no datagrams";
    for (std::size_t at = 20; at < wire::head_size; ++at) {
        auto other = whole;
        other[at] ^= std::byte{1};
        EXPECT_FALSE(wire::decode_datagram(other)) << at;
    }
    whole.push_back(std::byte{});
    EXPECT_FALSE(wire::decode_datagram(whole)) << "longer than it says";
    EXPECT_TRUE(wire::decode_datagram(wire::encode(wire::datagram_head{7, 8, 0}))) << "how far it has got";
}

TEST(Wire, NothingThatIsSaidAboutAGroupBreaksTheReader) {
    std::mt19937 lot(2);
    const std::vector<std::vector<std::byte>> good{
        wire::encode(wire::group_call{address::parse("239.1.2.3"), 64, 4096}),
        wire::encode(wire::turn{1, 2, 3}), wire::encode(std::vector<wire::range>{{1, 5}, {7, 9}})};
    for (int i = 0; i < 30000; ++i) {
        auto bytes = good[lot() % good.size()];
        for (unsigned n = lot() % 4 + 1; n != 0; --n) {
            bytes[lot() % bytes.size()] = static_cast<std::byte>(lot());
        }
        bytes.resize(lot() % 8 == 0 ? lot() % 80 : bytes.size());
        if (const auto call = wire::decode_group_call(bytes)) {
            ASSERT_TRUE(call->where.is_multicast());
        }
        if (const auto missing = wire::decode_missing(bytes)) {
            ASSERT_EQ(bytes.size(), wire::encode(*missing).size());
        }
        static_cast<void>(wire::decode_turn(bytes));
        static_cast<void>(wire::decode_datagram(bytes));
    }
}

TEST(Wire, SliceHeadsAreExact) {
    const wire::slice_head head{1, 2, 3, 4, wire::flag_data};
    std::vector<std::byte> slice(wire::head_size + 3);
    const auto bytes = wire::encode(head);
    std::copy(bytes.begin(), bytes.end(), slice.begin());
    EXPECT_TRUE(wire::decode_head(slice));
    slice.push_back(std::byte{});
    EXPECT_FALSE(wire::decode_head(slice)) << "longer than it says";
    const auto leave = wire::encode(wire::slice_head{1, 2, 0, 4, wire::flag_data | wire::flag_leaving});
    EXPECT_FALSE(wire::decode_head(leave)) << "nobody leaves without an end";
    const auto grant = wire::encode(wire::slice_head{1, 2, 0, 4, 0});
    EXPECT_TRUE(wire::decode_head(grant));
}

TEST(Wire, RecordsHaveABound) {
    EXPECT_TRUE(wire::decode_record(wire::encode(wire::record{wire::message_max, false})));
    EXPECT_FALSE(wire::decode_record(wire::encode(wire::record{wire::message_max + 1, false})));
    EXPECT_TRUE(wire::decode_record(wire::encode(wire::record{wire::message_max + 20, true})));
    EXPECT_FALSE(wire::decode_record(wire::encode(wire::record{19, true}))) << "no room for the source";
}

void append(ring& log, std::size_t size) {
    log.append(wire::encode(wire::record{static_cast<std::uint32_t>(size), false}));
    log.append(std::vector<std::byte>(size, std::byte{1}));
}

TEST(Outflow, SlicesEndWhereMessagesEnd) {
    ring log(1 << 16);
    outflow out;
    for (int i = 0; i < 10; ++i) {
        append(log, 92);
    }
    const auto first = out.plan(log, 350);
    ASSERT_TRUE(first);
    EXPECT_EQ(300U, first->bytes.size());
    out.posted(log, *first, true);
    const auto second = out.plan(log, 50);
    ASSERT_TRUE(second);
    EXPECT_EQ(50U, second->bytes.size()) << "a message that fits no slice is cut";
    out.posted(log, *second, true);
    EXPECT_EQ(50U, out.plan(log, 120)->bytes.size()) << "and its rest ends where it ends";
}

TEST(Outflow, MemoryIsNeededUntilEverySliceBeforeHasGone) {
    ring log(1 << 16);
    outflow out;
    append(log, 92);
    append(log, 92);
    const auto first = out.next_cookie();
    out.posted(log, *out.plan(log, 100), false);
    const auto second = out.next_cookie();
    out.posted(log, *out.plan(log, 100), false);
    EXPECT_EQ(0U, out.needs(log.head()));
    out.sent(second);
    EXPECT_EQ(0U, out.needs(log.head()));
    out.sent(first);
    EXPECT_EQ(200U, out.needs(log.head()));
}

TEST(Outflow, WhatIsForOthersDoesNotExistForThePeer) {
    ring log(1 << 16);
    outflow out;
    append(log, 92);
    append(log, 92);
    out.skip(100, 200);
    append(log, 92);
    out.posted(log, *out.plan(log, 100), true);
    const auto next = out.plan(log, 1000);
    ASSERT_TRUE(next);
    EXPECT_EQ(200U, next->position);
    EXPECT_EQ(100U, next->stream);
    EXPECT_EQ(100U, next->bytes.size());
}

TEST(Outflow, TheEndIsASliceOfItsOwn) {
    ring log(1 << 16);
    outflow out;
    append(log, 92);
    out.end(log.head(), true);
    append(log, 92);
    out.posted(log, *out.plan(log, 1000), true);
    const auto end = out.plan(log, 1000);
    ASSERT_TRUE(end);
    EXPECT_TRUE(end->bytes.empty());
    EXPECT_EQ(wire::flag_data | wire::flag_end | wire::flag_leaving, end->flags);
    out.posted(log, *end, true);
    EXPECT_FALSE(out.plan(log, 1000));
    EXPECT_TRUE(out.end_posted());
}

} // namespace
} // namespace joinleaf::rdma
