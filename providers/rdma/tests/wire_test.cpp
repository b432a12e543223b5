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
