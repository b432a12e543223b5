// SPDX-License-Identifier: Apache-2.0
#include "runtime/qos/ledger.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace joinleaf::qos {
namespace {

constexpr std::uint64_t bits = 8'000; // 1000 bytes per second

TEST(Ledger, WithoutACapacity_EverythingFits) {
    ledger book(std::nullopt, "");
    const auto got = book.ask({}, {1ULL << 40U, 1ULL << 40U}, false);
    EXPECT_TRUE(got.refusal.empty());
    EXPECT_EQ(1ULL << 40U, got.held.sending);
}

TEST(Ledger, TheDirectionsAreCountedApart_UpToTheLastByte) {
    ledger book(bits, "f.yaml:1:1");
    EXPECT_TRUE(book.ask({}, {1000, 0}, false).refusal.empty());
    EXPECT_TRUE(book.ask({}, {0, 1000}, false).refusal.empty());
    EXPECT_FALSE(book.ask({}, {1, 0}, false).refusal.empty());
    EXPECT_FALSE(book.ask({}, {0, 1}, false).refusal.empty());
}

TEST(Ledger, ARefusalChangesNothing_AndNamesTheSetting) {
    ledger book(bits, "f.yaml:1:1");
    const auto held = book.ask({}, {600, 100}, false).held;
    const auto got = book.ask(held, {1001, 200}, false);
    EXPECT_EQ("8008 bit/s do not fit into what may be sent: 0 of 8000 bit/s are reserved (qos.capacity at "
              "f.yaml:1:1)",
              got.refusal);
    EXPECT_EQ(600U, got.held.sending);
    EXPECT_EQ(100U, book.given().receiving);
}

TEST(Ledger, Partly_WhatFitsIsHeld_AndTheRestIsNot) {
    ledger book(bits, "f.yaml:1:1");
    const auto other = book.ask({}, {900, 0}, false).held;
    const auto got = book.ask({}, {200, 300}, true);
    EXPECT_FALSE(got.sending_fits);
    EXPECT_TRUE(got.receiving_fits);
    EXPECT_EQ(0U, got.held.sending);
    EXPECT_EQ(300U, got.held.receiving);
    book.release(other);
    book.release(got.held);
    EXPECT_EQ(0U, book.given().sending);
    EXPECT_EQ(0U, book.given().receiving);
}

TEST(Ledger, ManyAskingAtOnce_NeverGetMoreThanThereIs) {
    ledger book(bits, "f.yaml:1:1");
    std::vector<std::thread> crowd;
    for (int i = 0; i < 4; ++i) {
        crowd.emplace_back([&] {
            for (int round = 0; round < 2000; ++round) {
                const auto got = book.ask({}, {400, 0}, false);
                EXPECT_LE(book.given().sending, 1000U);
                book.release(got.held);
            }
        });
    }
    for (auto& one : crowd) {
        one.join();
    }
    EXPECT_EQ(0U, book.given().sending);
}

} // namespace
} // namespace joinleaf::qos
