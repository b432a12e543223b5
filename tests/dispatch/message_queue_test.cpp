// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/message_queue.hpp"

#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>

namespace joinleaf::dispatch {
namespace {

using outcome = message_queue::outcome;

deadline in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

class MessageQueue : public ::testing::Test {
  protected:
    MessageQueue() : queue_(message_queue::create()) {}
    ~MessageQueue() override {
        if (queue_) {
            message_queue::close(handle());
        }
    }
    MessageQueue(const MessageQueue&) = delete;
    MessageQueue& operator=(const MessageQueue&) = delete;

    [[nodiscard]] std::uintptr_t handle() const { return static_cast<std::uintptr_t>(queue_->fd()); }
    [[nodiscard]] bool readable() const { return test::readable_now(queue_->fd()); }

    std::shared_ptr<message_queue> queue_;
    queued_message got_;
};

TEST_F(MessageQueue, MessagesKeepTheirOrderAndContent) {
    queue_->post({1, 20, 300});
    queue_->post({2, 0, -1});
    ASSERT_EQ(outcome::taken, queue_->take(got_, true));
    EXPECT_EQ(1U, got_.message);
    EXPECT_EQ(20U, got_.wparam);
    EXPECT_EQ(300, got_.lparam);
    ASSERT_EQ(outcome::taken, queue_->take(got_, true));
    EXPECT_EQ(2U, got_.message);
    EXPECT_EQ(-1, got_.lparam);
    EXPECT_EQ(outcome::empty, queue_->take(got_, true));
}

TEST_F(MessageQueue, TheDescriptorIsReadableExactlyWhileAMessageIsThere) {
    EXPECT_FALSE(readable());
    queue_->post({});
    queue_->post({});
    EXPECT_TRUE(readable());
    queue_->take(got_, false);
    queue_->take(got_, true);
    EXPECT_TRUE(readable());
    queue_->take(got_, true);
    EXPECT_FALSE(readable());
}

TEST_F(MessageQueue, AWaitEndsWithAMessageOrItsTime) {
    EXPECT_EQ(outcome::empty, queue_->wait(got_, in(std::chrono::milliseconds(5))));
    auto waiting = test::in_background([this] {
        queued_message one;
        const auto found = queue_->wait(one, {});
        return found == outcome::taken ? one.message : 0U;
    });
    queue_->post({7, 0, 0});
    EXPECT_EQ(7U, test::result_of(waiting, "message_queue::wait"));
}

TEST_F(MessageQueue, ClosingEndsWaitsAndForgetsMessages) {
    auto waiting = test::in_background([this] {
        queued_message one;
        return queue_->wait(one, {});
    });
    EXPECT_FALSE(test::is_done(waiting, test::vigilance));
    EXPECT_TRUE(message_queue::close(handle()));
    EXPECT_EQ(outcome::closed, test::result_of(waiting, "message_queue::wait"));
    queue_->post({});
    EXPECT_EQ(outcome::closed, queue_->take(got_, true));
    EXPECT_EQ(nullptr, message_queue::find(handle()));
    EXPECT_FALSE(message_queue::close(handle()));
}

TEST_F(MessageQueue, IsFoundByItsHandleAndForeignNumbersAreNone) {
    EXPECT_EQ(queue_, message_queue::find(handle()));
    EXPECT_EQ(nullptr, message_queue::find(0));
    EXPECT_EQ(nullptr, message_queue::find(999'999));
}

TEST_F(MessageQueue, OfSeveralThreadsOneGetsAMessage) {
    constexpr unsigned producers = 3;
    constexpr unsigned each = 400;
    std::array<std::atomic<unsigned>, producers * each> seen{};
    std::atomic<unsigned> left{producers * each};
    std::vector<std::future<bool>> threads;
    threads.reserve(2 * producers);
    for (unsigned p = 0; p < producers; ++p) {
        threads.push_back(test::in_background([&] {
            queued_message one;
            while (left > 0) {
                if (queue_->wait(one, in(std::chrono::milliseconds(20))) == outcome::taken) {
                    ++seen[one.message];
                    --left;
                }
            }
            return true;
        }));
        threads.push_back(test::in_background([&, p] {
            for (unsigned i = 0; i < each; ++i) {
                queue_->post({p * each + i, 0, 0});
            }
            return true;
        }));
    }
    for (auto& thread : threads) {
        EXPECT_TRUE(test::result_of(thread, "a thread at the queue"));
    }
    for (const auto& count : seen) {
        EXPECT_EQ(1U, count);
    }
    EXPECT_FALSE(readable());
}

} // namespace
} // namespace joinleaf::dispatch
