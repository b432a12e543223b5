// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/event_record.hpp"

#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <joinleaf/winsock2.h>

namespace joinleaf::dispatch {
namespace {

constexpr std::uintptr_t s = 77; // the number of the socket

class EventRecord : public ::testing::Test {
  protected:
    EventRecord() : object_(std::make_shared<event_object>(make_eventfd())) {}
    [[nodiscard]] bool is_set() const { return test::readable_now(object_->fd()); }

    std::shared_ptr<event_object> object_;
    event_record record_;
};

TEST_F(EventRecord, EV_07_OnlySelectedEventsAreRecorded) {
    EXPECT_FALSE(record_.record(FD_READ, 0, s));
    record_.select(object_, FD_READ);
    EXPECT_FALSE(record_.record(FD_WRITE, 0, s));
    EXPECT_FALSE(is_set());
    EXPECT_TRUE(record_.record(FD_READ, 0, s));
    EXPECT_TRUE(is_set());
    EXPECT_EQ(static_cast<std::uint32_t>(FD_READ), record_.take(nullptr).bits);
}

TEST_F(EventRecord, EV_37_ARecordedEventWaitsForItsReEnablingCall) {
    record_.select(object_, FD_READ | FD_ACCEPT);
    EXPECT_TRUE(record_.record(FD_READ, 0, s));
    EXPECT_FALSE(record_.record(FD_READ, 0, s));
    EXPECT_EQ(static_cast<std::uint32_t>(FD_READ), record_.take(object_.get()).bits);
    EXPECT_FALSE(record_.wants(FD_READ)) << "enumerating does not re-enable";
    EXPECT_FALSE(record_.record(FD_READ, 0, s));
    EXPECT_FALSE(is_set());
    record_.reenable(FD_ACCEPT);
    EXPECT_FALSE(record_.wants(FD_READ));
    record_.reenable(FD_READ);
    EXPECT_TRUE(record_.record(FD_READ, 0, s));
    EXPECT_TRUE(is_set());
}

TEST_F(EventRecord, EV_20_TakeCopiesClearsAndResets) {
    record_.select(object_, FD_CONNECT | FD_CLOSE);
    record_.record(FD_CONNECT, 0, s);
    record_.record(FD_CLOSE, WSAECONNRESET, s);
    const auto taken = record_.take(object_.get());
    EXPECT_EQ(static_cast<std::uint32_t>(FD_CONNECT | FD_CLOSE), taken.bits);
    EXPECT_EQ(WSAECONNRESET, taken.codes[FD_CLOSE_BIT]);
    EXPECT_EQ(0, taken.codes[FD_CONNECT_BIT]);
    EXPECT_FALSE(is_set());
    EXPECT_EQ(0U, record_.take(nullptr).bits);
}

TEST_F(EventRecord, EV_22_TakeWithoutAnObjectLeavesItSet) {
    record_.select(object_, FD_READ);
    record_.record(FD_READ, 0, s);
    EXPECT_EQ(static_cast<std::uint32_t>(FD_READ), record_.take(nullptr).bits);
    EXPECT_TRUE(is_set());
}

TEST_F(EventRecord, EV_23_LookChangesNothing) {
    record_.select(object_, FD_READ);
    record_.record(FD_READ, 0, s);
    EXPECT_EQ(static_cast<std::uint32_t>(FD_READ), record_.look().bits);
    EXPECT_EQ(static_cast<std::uint32_t>(FD_READ), record_.look().bits);
    EXPECT_TRUE(is_set());
}

TEST_F(EventRecord, EV_03_SelectingClearsTheRecord) {
    record_.select(object_, FD_READ);
    record_.record(FD_READ, 0, s);
    const auto other = std::make_shared<event_object>(make_eventfd());
    record_.select(other, FD_READ | FD_WRITE);
    EXPECT_EQ(0U, record_.look().bits);
    EXPECT_TRUE(record_.record(FD_READ, 0, s)) << "what was reported before may be recorded anew (EV-09)";
    EXPECT_TRUE(test::readable_now(other->fd()));
}

TEST_F(EventRecord, EV_04_MaskZeroEndsTheRegistrationAndLetsGo) {
    record_.select(object_, FD_READ);
    EXPECT_EQ(2, object_.use_count());
    record_.select(object_, 0);
    EXPECT_EQ(1, object_.use_count());
    EXPECT_FALSE(record_.record(FD_READ, 0, s));
}

TEST_F(EventRecord, EV_11_InheritingTakesTheRegistrationWithoutTheEvents) {
    record_.select(object_, FD_READ | FD_CLOSE);
    record_.record(FD_READ, 0, s);
    object_->reset();
    event_record child;
    child.inherit(record_);
    EXPECT_EQ(record_.selected(), child.selected());
    EXPECT_EQ(0U, child.look().bits);
    EXPECT_TRUE(child.record(FD_READ, 0, s)) << "its own record";
    EXPECT_TRUE(is_set()) << "the same object";
}

TEST_F(EventRecord, EV_60_AMessagePerEvent) {
    const auto queue = std::make_shared<message_queue>(make_eventfd());
    record_.select(queue_target{queue, 1042}, FD_READ | FD_CLOSE);
    EXPECT_TRUE(record_.tells_at_once());
    EXPECT_TRUE(record_.record(FD_READ, 0, s));
    EXPECT_FALSE(record_.record(FD_READ, 0, s)) << "not before the re-enabling call (EV-61)";
    EXPECT_TRUE(record_.record(FD_CLOSE, WSAECONNRESET, s));
    EXPECT_EQ(0U, record_.look().bits) << "there is nothing to enumerate";
    queued_message got;
    ASSERT_EQ(message_queue::outcome::taken, queue->take(got, true));
    EXPECT_EQ(1042U, got.message);
    EXPECT_EQ(s, got.wparam);
    EXPECT_EQ(FD_READ, WSAGETSELECTEVENT(got.lparam));
    EXPECT_EQ(0, WSAGETSELECTERROR(got.lparam));
    ASSERT_EQ(message_queue::outcome::taken, queue->take(got, true));
    EXPECT_EQ(FD_CLOSE, WSAGETSELECTEVENT(got.lparam));
    EXPECT_EQ(WSAECONNRESET, WSAGETSELECTERROR(got.lparam));
    EXPECT_EQ(message_queue::outcome::empty, queue->take(got, true));
}

TEST_F(EventRecord, EV_63_AnInheritedQueueTellsOfTheNewSocket) {
    const auto queue = std::make_shared<message_queue>(make_eventfd());
    record_.select(queue_target{queue, 1042}, FD_READ);
    event_record child;
    child.inherit(record_);
    EXPECT_TRUE(child.record(FD_READ, 0, 78));
    queued_message got;
    ASSERT_EQ(message_queue::outcome::taken, queue->take(got, true));
    EXPECT_EQ(78U, got.wparam);
    EXPECT_EQ(1042U, got.message);
}

TEST_F(EventRecord, EV_52_EveryBitHasItsPlace) {
    record_.select(object_, FD_ALL_EVENTS);
    for (std::uint32_t bit = 0; bit < FD_MAX_EVENTS; ++bit) {
        EXPECT_TRUE(record_.record(1U << bit, static_cast<std::int32_t>(100 + bit), s));
    }
    const auto taken = record_.take(nullptr);
    for (std::size_t bit = 0; bit < FD_MAX_EVENTS; ++bit) {
        EXPECT_EQ(static_cast<std::int32_t>(100 + bit), taken.codes[bit]);
    }
}

} // namespace
} // namespace joinleaf::dispatch
