// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/slot_table.hpp"

#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <set>

namespace joinleaf::dispatch {
namespace {

TEST(SlotTable, ANumberHasItsObjectWhileItIsOpen) {
    slot_table<int> table;
    int object = 7;
    EXPECT_FALSE(table.acquire(5));
    ASSERT_TRUE(table.publish(5, &object));
    {
        const auto held = table.acquire(5);
        ASSERT_TRUE(held);
        EXPECT_EQ(&object, held.get());
        EXPECT_EQ(7, *held);
    }
    EXPECT_FALSE(table.acquire(4));
    EXPECT_TRUE(table.shut(5));
    EXPECT_FALSE(table.shut(5)) << "one of several callers closes it";
    EXPECT_FALSE(table.acquire(5));
    table.drain(5);
}

TEST(SlotTable, NumbersBeyondTheTableAreNobodys) {
    slot_table<int> table;
    int object = 7;
    for (const std::uintptr_t number : {std::uintptr_t{1} << 40, ~std::uintptr_t{0}}) {
        EXPECT_FALSE(table.publish(number, &object));
        EXPECT_FALSE(table.acquire(number));
        EXPECT_FALSE(table.shut(number));
    }
    EXPECT_TRUE(table.publish(1'000'000, &object)) << "as high as Linux' usual hard limit";
    EXPECT_TRUE(table.acquire(1'000'000));
}

TEST(SlotTable, ANumberMayBeUsedAgain) {
    slot_table<int> table;
    int first = 1;
    int second = 2;
    ASSERT_TRUE(table.publish(3, &first));
    ASSERT_TRUE(table.shut(3));
    table.drain(3);
    ASSERT_TRUE(table.publish(3, &second));
    EXPECT_EQ(2, *table.acquire(3));
}

TEST(SlotTable, DrainWaitsForTheLastReference) {
    slot_table<int> table;
    int object = 7;
    ASSERT_TRUE(table.publish(3, &object));
    auto held = table.acquire(3);
    ASSERT_TRUE(table.shut(3));
    auto draining = test::in_background([&] {
        table.drain(3);
        return true;
    });
    EXPECT_FALSE(test::is_done(draining, test::vigilance));
    EXPECT_EQ(7, *held) << "what is held stays good";
    held.reset();
    EXPECT_TRUE(test::result_of(draining, "drain"));
}

TEST(SlotTable, AMovedReferenceIsReleasedOnce) {
    slot_table<int> table;
    int object = 7;
    ASSERT_TRUE(table.publish(3, &object));
    auto first = table.acquire(3);
    auto second = std::move(first);
    EXPECT_FALSE(first); // NOLINT(bugprone-use-after-move): empty by promise
    EXPECT_TRUE(second);
    second = table.acquire(3);
    second.reset();
    ASSERT_TRUE(table.shut(3));
    table.drain(3); // would wait for ever
}

TEST(SlotTable, EachNumberVisitsTheOpenOnes) {
    slot_table<int> table;
    int object = 7;
    for (const std::uintptr_t number : {3U, 1023U, 1024U, 50'000U}) {
        ASSERT_TRUE(table.publish(number, &object));
    }
    ASSERT_TRUE(table.shut(1023));
    std::set<std::uintptr_t> seen;
    table.each_number([&](std::uintptr_t number) { seen.insert(number); });
    EXPECT_EQ((std::set<std::uintptr_t>{3, 1024, 50'000}), seen);
}

TEST(SlotTable, ManyThreadsFindCloseAndReuse) {
    slot_table<std::atomic<int>> table;
    constexpr std::uintptr_t number = 17;
    std::atomic<bool> stop{false};
    std::vector<std::future<bool>> readers;
    readers.reserve(3);
    for (int i = 0; i < 3; ++i) {
        readers.push_back(test::in_background([&] {
            bool good = true;
            while (!stop) {
                if (const auto held = table.acquire(number)) {
                    good = good && held->load() == 1; // 0 once its owner has drained it
                }
            }
            return good;
        }));
    }
    for (int round = 0; round < 2000; ++round) {
        auto object = std::make_unique<std::atomic<int>>(1);
        ASSERT_TRUE(table.publish(number, object.get()));
        ASSERT_TRUE(table.shut(number));
        table.drain(number);
        object->store(0);
    }
    stop = true;
    for (auto& reader : readers) {
        EXPECT_TRUE(test::result_of(reader, "a reader"));
    }
}

} // namespace
} // namespace joinleaf::dispatch
