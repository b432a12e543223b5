// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/loop.hpp"
#include "runtime/dispatch/loop_pool.hpp"

#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace joinleaf::dispatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

class Loop : public ::testing::Test {
  protected:
    // Runs a function on the loop and waits for its end.
    template <class Function> void on_loop(Function function) {
        struct call {
            Function function;
            std::promise<bool> done;
        } one{std::move(function), {}};
        auto done = one.done.get_future();
        loop_.post(
            [](void* raw) {
                auto& self = *static_cast<call*>(raw);
                self.function();
                self.done.set_value(true);
            },
            &one);
        EXPECT_TRUE(test::result_of(done, "a posted function"));
    }
    loop loop_{nanoseconds(0), std::nullopt};
};

// Counts its calls.
struct counter {
    std::atomic<int> calls{0};
    std::atomic<std::uint32_t> last{0};
    static void watched(void* raw, std::uint32_t ready) {
        auto& self = *static_cast<counter*>(raw);
        self.last = ready;
        ++self.calls;
    }
    static void called(void* raw) { ++static_cast<counter*>(raw)->calls; }
};

TEST_F(Loop, PostedFunctionsRunOnTheLoopInOrder) {
    std::vector<int> order;
    struct item {
        std::vector<int>* order;
        int number;
        loop* where;
        bool on_thread;
    };
    std::vector<item> items;
    items.reserve(100);
    for (int i = 0; i < 100; ++i) {
        items.push_back({&order, i, &loop_, false});
    }
    for (auto& one : items) {
        loop_.post(
            [](void* raw) {
                auto& self = *static_cast<item*>(raw);
                self.order->push_back(self.number);
                self.on_thread = self.where->on_thread();
            },
            &one);
    }
    on_loop([] {});
    ASSERT_EQ(100U, order.size());
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(i, order[static_cast<std::size_t>(i)]);
        EXPECT_TRUE(items[static_cast<std::size_t>(i)].on_thread);
    }
    EXPECT_FALSE(loop_.on_thread());
}

TEST_F(Loop, WhatWasPostedIsRunBeforeTheEnd) {
    counter count;
    {
        loop ending(nanoseconds(0), std::nullopt);
        for (int i = 0; i < 50; ++i) {
            ending.post(counter::called, &count);
        }
    }
    EXPECT_EQ(50, count.calls);
}

TEST_F(Loop, AWatchIsCalledWhileItsDescriptorIsReady) {
    const auto eventfd = make_eventfd();
    counter count;
    watch* const one = loop_.add(eventfd.get(), condition_in, counter::watched, &count);
    ASSERT_NE(nullptr, one);
    on_loop([] {});
    EXPECT_EQ(0, count.calls);
    raise(eventfd);
    EXPECT_TRUE(test::eventually([&] { return count.calls >= 2; })) << "level-triggered";
    EXPECT_EQ(condition_in, count.last);
    loop_.modify(one, 0);
    on_loop([] {});
    const int before = count.calls;
    on_loop([] {});
    on_loop([] {});
    EXPECT_EQ(before, count.calls) << "conditions 0";
    loop_.remove(one, nullptr, nullptr);
}

TEST_F(Loop, AOneShotWatchIsDisarmedByItsCallback) {
    const auto eventfd = make_eventfd();
    counter count;
    watch* const one = loop_.add(eventfd.get(), condition_in, counter::watched, &count, true);
    raise(eventfd);
    EXPECT_TRUE(test::eventually([&] { return count.calls == 1; }));
    on_loop([] {});
    on_loop([] {});
    EXPECT_EQ(1, count.calls);
    loop_.modify(one, condition_in);
    EXPECT_TRUE(test::eventually([&] { return count.calls == 2; }));
    loop_.remove(one, nullptr, nullptr);
}

TEST_F(Loop, HangUpsCountAsBothConditions) {
    int ends[2];
    ASSERT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    counter count;
    watch* const one = loop_.add(ends[0], condition_in, counter::watched, &count, true);
    ::close(ends[1]);
    EXPECT_TRUE(test::eventually([&] { return count.calls == 1; }));
    EXPECT_NE(0U, count.last & condition_in);
    loop_.remove(one, nullptr, nullptr);
    ::close(ends[0]);
}

TEST_F(Loop, AfterDoneNoCallbackComes) {
    for (int round = 0; round < 200; ++round) {
        const auto eventfd = make_eventfd();
        counter count;
        std::promise<bool> gone;
        auto done = gone.get_future();
        watch* const one = loop_.add(eventfd.get(), condition_in, counter::watched, &count);
        raise(eventfd);
        loop_.remove(
            one, [](void* raw) { static_cast<std::promise<bool>*>(raw)->set_value(true); }, &gone);
        EXPECT_TRUE(test::result_of(done, "the last word on a watch"));
        const int calls = count.calls;
        on_loop([] {});
        EXPECT_EQ(calls, count.calls);
    }
}

TEST_F(Loop, RemovedOnTheLoopNoneComesAfterReturn) {
    const auto eventfd = make_eventfd();
    counter count;
    counter done;
    watch* const one = loop_.add(eventfd.get(), condition_in, counter::watched, &count);
    raise(eventfd);
    int at_return = 0;
    on_loop([&] {
        loop_.remove(one, counter::called, &done);
        at_return = count.calls;
        EXPECT_EQ(1, done.calls) << "inline";
    });
    on_loop([] {});
    EXPECT_EQ(at_return, count.calls);
}

TEST_F(Loop, ABadDescriptorIsRefused) {
    counter count;
    EXPECT_EQ(nullptr, loop_.add(-1, condition_in, counter::watched, &count));
    EXPECT_EQ(nullptr, loop_.add(999'999, condition_in, counter::watched, &count));
}

TEST_F(Loop, TimersRunOnceInOrderOfTheirTimes) {
    std::mutex guard;
    std::vector<int> order;
    struct item {
        std::mutex* guard;
        std::vector<int>* order;
        int number;
    };
    item items[3] = {{&guard, &order, 0}, {&guard, &order, 1}, {&guard, &order, 2}};
    const auto call = [](void* raw) {
        auto& self = *static_cast<item*>(raw);
        const std::lock_guard hold(*self.guard);
        self.order->push_back(self.number);
    };
    timer* const slow = loop_.start(milliseconds(60), call, &items[2]);
    timer* const fast = loop_.start(milliseconds(1), call, &items[0]);
    timer* const middle = loop_.start(milliseconds(30), call, &items[1]);
    EXPECT_TRUE(test::eventually([&] {
        const std::lock_guard hold(guard);
        return order.size() == 3;
    }));
    on_loop([&] {
        for (timer* const one : {slow, fast, middle}) {
            loop_.drop(one);
        }
    });
    EXPECT_EQ((std::vector<int>{0, 1, 2}), order);
}

TEST_F(Loop, ATimerFromElsewhereWakesALoopThatSleeps) {
    counter count;
    for (int round = 1; round <= 3; ++round) {
        on_loop([] {});
        EXPECT_FALSE(test::eventually([&] { return count.calls >= round; }, milliseconds(20)))
            << "it sleeps without end";
        timer* const one = loop_.start(milliseconds(1), counter::called, &count);
        EXPECT_TRUE(test::eventually([&] { return count.calls == round; }, std::chrono::seconds(5)));
        on_loop([&] { loop_.drop(one); });
    }
}

TEST_F(Loop, ATimerMayBeSetAnewStoppedAndDropped) {
    counter count;
    timer* const one = loop_.start(std::chrono::hours(1), counter::called, &count);
    on_loop([&] { loop_.set(one, milliseconds(1)); });
    EXPECT_TRUE(test::eventually([&] { return count.calls == 1; }));
    on_loop([&] { loop_.set(one, milliseconds(20)); });
    on_loop([&] { loop_.set(one, std::nullopt); });
    on_loop([&] { loop_.drop(one); });
    EXPECT_FALSE(test::eventually([&] { return count.calls > 1; }, milliseconds(60)));
}

TEST_F(Loop, ATimerMayDropItselfInItsCallback) {
    struct self_dropping {
        loop* where;
        timer* own = nullptr;
        std::atomic<bool> dropped{false};
    } one{&loop_};
    on_loop([&] {
        one.own = loop_.start(
            milliseconds(1),
            [](void* raw) {
                auto& self = *static_cast<self_dropping*>(raw);
                self.where->drop(self.own);
                self.dropped = true;
            },
            &one);
    });
    EXPECT_TRUE(test::eventually([&] { return one.dropped.load(); }));
}

TEST_F(Loop, PostsFromManyThreadsAllArrive) {
    counter count;
    std::vector<std::future<bool>> posters;
    posters.reserve(4);
    for (int i = 0; i < 4; ++i) {
        posters.push_back(test::in_background([&] {
            for (int n = 0; n < 500; ++n) {
                loop_.post(counter::called, &count);
            }
            return true;
        }));
    }
    for (auto& poster : posters) {
        EXPECT_TRUE(test::result_of(poster, "a poster"));
    }
    EXPECT_TRUE(test::eventually([&] { return count.calls == 2000; })) << count.calls;
}

TEST(LoopThatSpins, ServesAsWell) {
    loop spinning(std::chrono::microseconds(200), std::nullopt);
    counter count;
    spinning.post(counter::called, &count);
    EXPECT_TRUE(test::eventually([&] { return count.calls == 1; }));
}

TEST(LoopPool, DealsItsLoopsOutInTurn) {
    loop_pool pool(3, nanoseconds(0), {});
    EXPECT_EQ(3U, pool.size());
    loop* const first = &pool.next();
    loop* const second = &pool.next();
    loop* const third = &pool.next();
    EXPECT_NE(first, second);
    EXPECT_NE(second, third);
    EXPECT_EQ(first, &pool.next());
    EXPECT_EQ(&pool.at(1), &pool.at(4)) << "modulo their count";
    EXPECT_EQ(1U, loop_pool(0, nanoseconds(0), {}).size()) << "at least one";
}

} // namespace
} // namespace joinleaf::dispatch
