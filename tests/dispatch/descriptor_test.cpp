// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/descriptor.hpp"

#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace joinleaf::dispatch {
namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Descriptor, IsClosedWithItsOwner) {
    int number = -1;
    {
        const auto made = make_eventfd();
        ASSERT_TRUE(made);
        number = made.get();
        EXPECT_GE(number, 3);
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(Descriptor, MovesAndClosesWhatItReplaces) {
    auto first = make_eventfd();
    auto second = make_eventfd();
    const int closed = first.get();
    const int kept = second.get();
    first = std::move(second);
    EXPECT_FALSE(is_open(closed));
    EXPECT_EQ(kept, first.get());
    auto& same = first;
    first = std::move(same);
    EXPECT_TRUE(is_open(kept));
    const int released = first.release();
    EXPECT_FALSE(first);
    EXPECT_TRUE(is_open(released));
    ::close(released);
}

TEST(Descriptor, HandlesStayAboveTheStandardStreams) {
    const int saved = ::dup(0);
    ASSERT_GE(saved, 0);
    ::close(0);
    const auto made = make_eventfd(); // the kernel would give it the number 0
    EXPECT_GE(made.get(), 3);
    EXPECT_FALSE(is_open(0));
    ::dup2(saved, 0);
    ::close(saved);
}

TEST(Descriptor, AnEventfdIsReadableWhileItIsRaised) {
    const auto eventfd = make_eventfd();
    EXPECT_FALSE(test::readable_now(eventfd.get()));
    raise(eventfd);
    raise(eventfd);
    EXPECT_TRUE(test::readable_now(eventfd.get()));
    lower(eventfd);
    EXPECT_FALSE(test::readable_now(eventfd.get()));
    lower(eventfd); // does not block
}

} // namespace
} // namespace joinleaf::dispatch
