// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/event_object.hpp"

#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

namespace joinleaf::dispatch {
namespace {

std::uintptr_t handle_of(const event_object& event) {
    return static_cast<std::uintptr_t>(event.fd());
}

TEST(EventObject, EV_70_IsFoundByItsHandleUntilItIsClosed) {
    auto made = event_object::create();
    ASSERT_NE(nullptr, made);
    const auto handle = handle_of(*made);
    EXPECT_EQ(made, event_object::find(handle));
    EXPECT_TRUE(event_object::close(handle));
    EXPECT_EQ(nullptr, event_object::find(handle));
    EXPECT_FALSE(event_object::close(handle));
}

TEST(EventObject, EV_70_ForeignNumbersAreNoHandles) {
    EXPECT_EQ(nullptr, event_object::find(0));
    EXPECT_EQ(nullptr, event_object::find(1));
    EXPECT_EQ(nullptr, event_object::find(~std::uintptr_t{0}));
    EXPECT_FALSE(event_object::close(0));
}

TEST(EventObject, EV_70_IsSignalledExactlyWhileItsDescriptorIsReadable) {
    const auto made = event_object::create();
    EXPECT_FALSE(test::readable_now(made->fd()));
    made->set();
    EXPECT_TRUE(test::readable_now(made->fd()));
    made->reset();
    EXPECT_FALSE(test::readable_now(made->fd()));
    event_object::close(handle_of(*made));
}

TEST(EventObject, EV_10_TheNumberStaysTakenWhileSomebodyIsRegistered) {
    auto registered = event_object::create();
    const int number = registered->fd();
    EXPECT_TRUE(event_object::close(handle_of(*registered)));
    EXPECT_GE(::fcntl(number, F_GETFD), 0);
    registered->set(); // harms nobody
    registered.reset();
    EXPECT_LT(::fcntl(number, F_GETFD), 0);
}

TEST(EventObject, LookUpsAndClosesFromManyThreadsAgree) {
    for (int round = 0; round < 200; ++round) {
        auto made = event_object::create();
        const auto handle = handle_of(*made);
        made.reset();
        std::vector<std::future<bool>> closers;
        closers.reserve(3);
        for (int i = 0; i < 3; ++i) {
            closers.push_back(test::in_background([handle] {
                if (const auto found = event_object::find(handle)) {
                    found->set();
                }
                return event_object::close(handle);
            }));
        }
        int closed = 0;
        for (auto& closer : closers) {
            closed += test::result_of(closer, "close") ? 1 : 0;
        }
        EXPECT_EQ(1, closed);
    }
}

} // namespace
} // namespace joinleaf::dispatch
