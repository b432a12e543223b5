// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/waiter.hpp"

#include "runtime/dispatch/spin.hpp"

#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <pthread.h>
#include <thread>

namespace joinleaf::dispatch {
namespace {

using std::chrono::milliseconds;

deadline after(milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

TEST(Waiter, EveryThreadHasItsOwn) {
    auto* const mine = &waiter::of_thread();
    EXPECT_EQ(mine, &waiter::of_thread());
    auto other = test::in_background([] { return &waiter::of_thread(); });
    EXPECT_NE(mine, test::result_of(other, "of_thread"));
}

TEST(Waiter, TheTimeEndsAWait) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(waiter::of_thread().wait({}, after(milliseconds(50))));
    EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(49));
}

// reactor.spin for one test.
struct polling {
    explicit polling(std::chrono::nanoseconds time) { set_spin(time); }
    ~polling() { set_spin({}); }
};

TEST(Waiter, Polling_EndsWithTheTimeWithAKickAndWithADescriptor) {
    const polling on(std::chrono::seconds(1000)); // it never sleeps
    EXPECT_FALSE(waiter::of_thread().wait({}, after(milliseconds(20))));
    auto& mine = waiter::of_thread();
    auto kicker = test::in_background([&] { mine.kick(); });
    EXPECT_TRUE(mine.wait({}, {}));
    kicker.get();
    EXPECT_FALSE(mine.wait({}, after(milliseconds(1)))) << "kicks are used up";
    const auto full = make_eventfd();
    raise(full);
    const pollfd ready{full.get(), POLLIN, 0};
    EXPECT_TRUE(mine.wait({&ready, 1}, {}));
}

TEST(Waiter, Polling_GivesWayToSleepAfterItsTime) {
    const polling on(milliseconds(5));
    auto& mine = waiter::of_thread();
    auto kicker = test::in_background([&] {
        std::this_thread::sleep_for(milliseconds(30));
        mine.kick();
    });
    EXPECT_TRUE(mine.wait({}, {}));
    kicker.get();
}

TEST(Waiter, AKickBeforeTheWaitIsNotLost) {
    waiter::of_thread().kick();
    EXPECT_TRUE(waiter::of_thread().wait({}, {}));
    EXPECT_FALSE(waiter::of_thread().wait({}, after(milliseconds(1)))) << "kicks are used up";
}

TEST(Waiter, AKickFromElsewhereEndsAWait) {
    std::promise<waiter*> who;
    auto known = who.get_future();
    auto waiting = test::in_background([&] {
        who.set_value(&waiter::of_thread());
        return waiter::of_thread().wait({}, {});
    });
    waiter* const other = test::result_of(known, "the waiter");
    EXPECT_FALSE(test::is_done(waiting, milliseconds(20)));
    other->kick();
    EXPECT_TRUE(test::result_of(waiting, "wait"));
}

TEST(Waiter, AReadyDescriptorEndsAWait) {
    const auto eventfd = make_eventfd();
    const pollfd wanted{eventfd.get(), POLLIN, 0};
    EXPECT_FALSE(waiter::of_thread().wait({&wanted, 1}, after(milliseconds(1))));
    raise(eventfd);
    EXPECT_TRUE(waiter::of_thread().wait({&wanted, 1}, {}));
}

TEST(Waiter, ASignalDoesNotEndAWait) {
    struct sigaction quiet {};
    quiet.sa_handler = [](int) {};
    struct sigaction before {};
    ASSERT_EQ(0, ::sigaction(SIGUSR1, &quiet, &before));
    std::promise<pthread_t> who;
    auto known = who.get_future();
    auto waiting = test::in_background([&] {
        who.set_value(::pthread_self());
        return waiter::of_thread().wait({}, after(milliseconds(200)));
    });
    const pthread_t thread = test::result_of(known, "the thread");
    for (int i = 0; i < 5; ++i) {
        ::pthread_kill(thread, SIGUSR1);
        EXPECT_FALSE(test::is_done(waiting, milliseconds(5)));
    }
    EXPECT_FALSE(test::result_of(waiting, "wait")) << "the time ended it";
    ::sigaction(SIGUSR1, &before, nullptr);
}

} // namespace
} // namespace joinleaf::dispatch
