// SPDX-License-Identifier: Apache-2.0
//
// WSAEVENT objects and WSAWaitForMultipleEvents (clauses EV-70 ... EV-74).
#include "tests/support/bad_memory.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/runtime_fixture.hpp"

#include <array>
#include <vector>

namespace joinleaf::test {
namespace {

class EventObject : public runtime_test {};

const WSAEVENT no_handle = event_handle(999'999);

TEST_F(EventObject, EV_70_ANewObjectIsNotSignalledAndManual) {
    const owned_event event;
    ASSERT_NE(WSA_INVALID_EVENT, event.get());
    EXPECT_FALSE(event.is_set());
    EXPECT_TRUE(WSASetEvent(event.get()));
    EXPECT_TRUE(event.is_set());
    EXPECT_TRUE(event.is_set()) << "a wait does not reset it";
    EXPECT_TRUE(WSAResetEvent(event.get()));
    EXPECT_FALSE(event.is_set());
}

TEST_F(EventObject, EV_70_TheHandleIsADescriptorReadableWhileSignalled) {
    const owned_event event;
    const int fd = static_cast<int>(reinterpret_cast<ULONG_PTR>(event.get()));
    EXPECT_FALSE(readable_now(fd));
    EXPECT_TRUE(WSASetEvent(event.get()));
    EXPECT_TRUE(WSASetEvent(event.get()));
    EXPECT_TRUE(readable_now(fd));
    EXPECT_TRUE(readable_now(fd));
    EXPECT_TRUE(WSAResetEvent(event.get()));
    EXPECT_FALSE(readable_now(fd));
}

TEST_F(EventObject, EV_70_BadHandles_FailWithInvalidHandle) {
    const WSAEVENT closed = WSACreateEvent();
    ASSERT_TRUE(WSACloseEvent(closed));
    for (const WSAEVENT handle : {WSA_INVALID_EVENT, no_handle, closed}) {
        for (const auto call : {WSASetEvent, WSAResetEvent, WSACloseEvent}) {
            WSASetLastError(0);
            EXPECT_FALSE(call(handle));
            EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
        }
    }
}

TEST_F(EventObject, EV_71_WaitForAnyAnswersTheLowestIndex) {
    const owned_event first, second, third;
    const std::array<WSAEVENT, 3> all{first.get(), second.get(), third.get()};
    WSASetEvent(third.get());
    EXPECT_EQ(WSA_WAIT_EVENT_0 + 2, WSAWaitForMultipleEvents(3, all.data(), FALSE, WSA_INFINITE, FALSE));
    WSASetEvent(second.get());
    EXPECT_EQ(WSA_WAIT_EVENT_0 + 1, WSAWaitForMultipleEvents(3, all.data(), FALSE, WSA_INFINITE, FALSE));
    EXPECT_TRUE(second.is_set());
    EXPECT_TRUE(third.is_set());
}

TEST_F(EventObject, EV_72_WaitForAllReturnsWhenAllAreSignalled) {
    const owned_event first, second;
    const std::array<WSAEVENT, 2> all{first.get(), second.get()};
    WSASetEvent(first.get());
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_TIMEOUT), WSAWaitForMultipleEvents(2, all.data(), TRUE, 20, FALSE));
    EXPECT_TRUE(first.is_set());
    auto waiting =
        in_background([&] { return WSAWaitForMultipleEvents(2, all.data(), TRUE, WSA_INFINITE, FALSE); });
    EXPECT_FALSE(is_done(waiting, vigilance));
    WSASetEvent(second.get());
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_EVENT_0), result_of(waiting, "wait for all"));
    EXPECT_TRUE(first.is_set() && second.is_set()) << "none is changed";
}

TEST_F(EventObject, EV_73_Timeouts) {
    const owned_event event;
    const WSAEVENT handle = event.get();
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_TIMEOUT), WSAWaitForMultipleEvents(1, &handle, FALSE, 0, FALSE));
    const auto start = clock::now();
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_TIMEOUT), WSAWaitForMultipleEvents(1, &handle, FALSE, 100, FALSE));
    EXPECT_GE(clock::now() - start, std::chrono::milliseconds(99));
    auto waiting =
        in_background([&] { return WSAWaitForMultipleEvents(1, &handle, FALSE, WSA_INFINITE, FALSE); });
    EXPECT_FALSE(is_done(waiting, vigilance));
    WSASetEvent(handle);
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_EVENT_0), result_of(waiting, "an infinite wait"));
}

TEST_F(EventObject, EV_74_CountsBeyondTheLimits_FailWithInvalidParameter) {
    const owned_event event;
    std::vector<WSAEVENT> many(WSA_MAXIMUM_WAIT_EVENTS + 1, event.get());
    for (const DWORD count : {0U, 65U, 0xffffffffU}) {
        WSASetLastError(0);
        EXPECT_EQ(WSA_WAIT_FAILED, WSAWaitForMultipleEvents(count, many.data(), FALSE, 0, FALSE));
        EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
    }
}

TEST_F(EventObject, EV_74_SixtyFourAreAllowed) {
    std::vector<owned_event> events(WSA_MAXIMUM_WAIT_EVENTS);
    std::vector<WSAEVENT> handles;
    handles.reserve(events.size());
    for (const auto& event : events) {
        handles.push_back(event.get());
    }
    WSASetEvent(handles.back());
    EXPECT_EQ(WSA_WAIT_EVENT_0 + 63, WSAWaitForMultipleEvents(64, handles.data(), FALSE, WSA_INFINITE, FALSE));
}

TEST_F(EventObject, EV_74_ABadHandle_FailsWithInvalidHandle) {
    const owned_event event;
    const std::array<WSAEVENT, 2> all{event.get(), no_handle};
    WSASetEvent(event.get());
    EXPECT_EQ(WSA_WAIT_FAILED, WSAWaitForMultipleEvents(2, all.data(), FALSE, 0, FALSE));
    EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
}

TEST_F(EventObject, EV_74_UnreadableHandles_FailAndDoNotCrash) {
    const unreadable_memory nowhere;
    EXPECT_EQ(WSA_WAIT_FAILED, WSAWaitForMultipleEvents(1, nowhere.as<WSAEVENT>(), FALSE, 0, FALSE));
    EXPECT_NE(0, WSAGetLastError());
}

TEST_F(EventObject, EV_75_AnAlertableWaitEndsByItsEventsAndItsTime) {
    const owned_event event;
    const WSAEVENT handle = event.get();
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_TIMEOUT), WSAWaitForMultipleEvents(1, &handle, FALSE, 10, TRUE));
    WSASetEvent(handle);
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_EVENT_0), WSAWaitForMultipleEvents(1, &handle, FALSE, 10, TRUE));
}

TEST_F(EventObject, EV_70_ObjectsMayBeSetFromManyThreads) {
    const owned_event event;
    std::vector<std::future<bool>> setters;
    setters.reserve(4);
    for (int i = 0; i < 4; ++i) {
        setters.push_back(in_background([&] {
            bool good = true;
            for (int round = 0; round < 500; ++round) {
                good = good && WSASetEvent(event.get()) && (round % 7 != 0 || WSAResetEvent(event.get()));
            }
            return good && WSASetEvent(event.get());
        }));
    }
    for (auto& setter : setters) {
        EXPECT_TRUE(result_of(setter, "a setter"));
    }
    EXPECT_TRUE(WSASetEvent(event.get()));
    EXPECT_TRUE(event.is_set());
}

} // namespace
} // namespace joinleaf::test
