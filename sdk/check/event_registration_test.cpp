// SPDX-License-Identifier: Apache-2.0
//
// WSAEventSelect and WSAEnumNetworkEvents as calls: registration, replacement, enumeration, inheritance
// (clauses EV-01 ... EV-25).
#include "tests/support/bad_memory.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/linked.hpp"

namespace joinleaf::test {
namespace {

class Registration : public link_test {
  protected:
    void send(const std::string& text = "x") { tell(text); }
    [[nodiscard]] SOCKET s() const { return watched(); }
    [[nodiscard]] int fd() const { return static_cast<int>(watched()); }
};

TEST_P(Registration, EV_01_NominatedEventsAreRecordedAndSetTheObject) {
    const event_watch watch(s(), FD_READ);
    EXPECT_FALSE(watch.is_set());
    send();
    EXPECT_EQ(0, watch.code(FD_READ));
}

TEST_P(Registration, EV_02_EV_05_RegistrationMakesNonblocking) {
    const owned_event event;
    ASSERT_TRUE(worked(WSAEventSelect(s(), event.get(), FD_READ)));
    char byte = 0;
    EXPECT_TRUE(refused(jl_recv(s(), &byte, 1, 0), WSAEWOULDBLOCK));
    jl_u_long off = 0;
    jl_u_long on = 1;
    EXPECT_TRUE(refused(jl_ioctlsocket(s(), static_cast<LONG>(FIONBIO), &off), WSAEINVAL));
    EXPECT_TRUE(worked(jl_ioctlsocket(s(), static_cast<LONG>(FIONBIO), &on)));
    ASSERT_TRUE(worked(WSAEventSelect(s(), nullptr, 0)));
    EXPECT_TRUE(refused(jl_recv(s(), &byte, 1, 0), WSAEWOULDBLOCK)) << "cancelling leaves the mode";
    EXPECT_TRUE(worked(jl_ioctlsocket(s(), static_cast<LONG>(FIONBIO), &off)));
}

TEST_P(Registration, EV_02_MaskZeroMakesNonblockingToo) {
    ASSERT_TRUE(worked(WSAEventSelect(s(), nullptr, 0)));
    char byte = 0;
    EXPECT_TRUE(refused(jl_recv(s(), &byte, 1, 0), WSAEWOULDBLOCK));
}

TEST_P(Registration, EV_03_ANewRegistrationReplacesTheFormer) {
    const event_watch first(s(), FD_READ);
    const event_watch second(s(), FD_WRITE);
    send();
    EXPECT_TRUE(readable(fd()));
    EXPECT_FALSE(first.is_set()) << "its mask and its object are replaced";
    EXPECT_FALSE(enumerate(s()).has(FD_READ));
}

TEST_P(Registration, EV_03_TheRecordIsCleared) {
    const event_watch first(s(), FD_READ);
    send();
    ASSERT_TRUE(eventually([&] { return first.is_set(); }));
    ASSERT_EQ("x", receive_text(s()).value_or("nothing"));
    const event_watch second(s(), FD_READ);
    EXPECT_EQ(0, enumerate(s()).bits);
}

TEST_P(Registration, EV_04_MaskZeroCancels) {
    const event_watch watch(s(), FD_READ);
    const unreadable_memory nowhere;
    ASSERT_TRUE(worked(WSAEventSelect(s(), nowhere.as<void>(), 0))) << "the handle is ignored";
    send();
    EXPECT_TRUE(readable(fd()));
    EXPECT_FALSE(watch.is_set());
    EXPECT_EQ(0, enumerate(s()).bits);
}

TEST_P(Registration, EV_06_BadArguments) {
    const owned_event event;
    EXPECT_TRUE(refused(WSAEventSelect(s(), nullptr, FD_READ), WSAEINVAL));
    EXPECT_TRUE(refused(WSAEventSelect(s(), event_handle(s()), FD_READ), WSAEINVAL))
        << "a socket is no event";
    EXPECT_TRUE(refused(WSAEventSelect(s(), event_handle(999'999), FD_READ), WSAEINVAL));
    EXPECT_TRUE(refused(WSAEventSelect(INVALID_SOCKET, event.get(), FD_READ), WSAENOTSOCK));
    EXPECT_TRUE(
        refused(WSAEventSelect(reinterpret_cast<SOCKET>(event.get()), event.get(), FD_READ), WSAENOTSOCK));
}

TEST_P(Registration, EV_07_OtherEventsAreNeitherRecordedNorSignalled) {
    const event_watch watch(s(), FD_CLOSE);
    send();
    EXPECT_TRUE(readable(fd()));
    EXPECT_FALSE(watch.is_set());
    EXPECT_EQ(0, enumerate(s()).bits);
    const event_watch wider(s(), FD_CLOSE | FD_READ);
    EXPECT_EQ(0, wider.code(FD_READ)) << "the condition still holds";
}

TEST_P(Registration, EV_08_OneObjectServesSeveralSockets) {
    const owned_event event;
    const owned_socket other(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    ASSERT_TRUE(worked(bind_to(other.get(), loopback(AF_INET))));
    ASSERT_TRUE(worked(WSAEventSelect(s(), event.get(), FD_READ)));
    ASSERT_TRUE(worked(WSAEventSelect(other.get(), event.get(), FD_READ)));
    send();
    EXPECT_TRUE(eventually([&] { return event.is_set(); }));
    EXPECT_FALSE(enumerate(other.get()).has(FD_READ));
    EXPECT_TRUE(enumerate(s()).has(FD_READ));
}

TEST_P(Registration, EV_09_AConditionThatHoldsIsRecordedAtOnce) {
    send();
    ASSERT_TRUE(readable(fd()));
    const event_watch watch(s(), FD_READ);
    EXPECT_TRUE(watch.is_set());
    EXPECT_TRUE(enumerate(s()).has(FD_READ));
}

TEST_P(Registration, EV_10_LC_11_ClosingEndsTheAssociation) {
    const owned_event event;
    ASSERT_TRUE(worked(WSAEventSelect(s(), event.get(), FD_READ | FD_CLOSE)));
    EXPECT_EQ(0, watched_.close());
    EXPECT_FALSE(event.is_set());
    EXPECT_TRUE(WSASetEvent(event.get())) << "the object stays";
}

TEST_P(Registration, EV_20_EnumeratingClearsTheRecordAndResetsTheObject) {
    const event_watch watch(s(), FD_READ);
    send();
    ASSERT_TRUE(eventually([&] { return watch.is_set(); }));
    EXPECT_TRUE(enumerate(s(), watch.event()).has(FD_READ));
    EXPECT_FALSE(watch.is_set());
    EXPECT_EQ(0, enumerate(s(), watch.event()).bits);
    ASSERT_TRUE(receive_text(s()).has_value());
    send();
    EXPECT_EQ(0, watch.code(FD_READ)) << "an event after that sets it again";
}

TEST_P(Registration, EV_21_OnlyCodesOfReportedBitsAreWritten) {
    const event_watch watch(s(), FD_READ);
    send();
    ASSERT_TRUE(eventually([&] { return watch.is_set(); }));
    WSANETWORKEVENTS events{};
    for (int& code : events.iErrorCode) {
        code = 4711;
    }
    ASSERT_TRUE(worked(WSAEnumNetworkEvents(s(), nullptr, &events)));
    EXPECT_EQ(FD_READ, events.lNetworkEvents);
    EXPECT_EQ(0, events.iErrorCode[FD_READ_BIT]);
    for (int bit = FD_READ_BIT + 1; bit < FD_MAX_EVENTS; ++bit) {
        EXPECT_EQ(4711, events.iErrorCode[bit]) << bit;
    }
}

TEST_P(Registration, EV_22_WithoutAHandleTheObjectIsLeftAsItIs) {
    const event_watch watch(s(), FD_READ);
    send();
    ASSERT_TRUE(eventually([&] { return watch.is_set(); }));
    EXPECT_TRUE(enumerate(s()).has(FD_READ));
    EXPECT_TRUE(watch.is_set());
}

TEST_P(Registration, EV_23_AFailedEnumerationChangesNothing) {
    const event_watch watch(s(), FD_READ);
    send();
    ASSERT_TRUE(eventually([&] { return watch.is_set(); }));
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(WSAEnumNetworkEvents(s(), watch.event(), nowhere.as<WSANETWORKEVENTS>()), WSAEFAULT));
    EXPECT_TRUE(refused(WSAEnumNetworkEvents(s(), watch.event(), nullptr), WSAEFAULT));
    WSANETWORKEVENTS events{};
    EXPECT_TRUE(refused(WSAEnumNetworkEvents(INVALID_SOCKET, watch.event(), &events), WSAENOTSOCK));
    EXPECT_TRUE(watch.is_set());
    EXPECT_TRUE(enumerate(s(), watch.event()).has(FD_READ));
}

TEST_P(Registration, EV_24_NothingRegisteredOrNothingHappened) {
    EXPECT_EQ(0, enumerate(s()).bits);
    const event_watch watch(s(), FD_READ);
    EXPECT_EQ(0, enumerate(s(), watch.event()).bits);
}

TEST_P(Registration, EV_25_EnumeratingLeavesWhatIsNotNominated) {
    const event_watch watch(s(), FD_CLOSE);
    send();
    ASSERT_TRUE(readable(fd()));
    EXPECT_EQ(0, enumerate(s(), watch.event()).bits);
    const event_watch wider(s(), FD_READ);
    EXPECT_EQ(0, wider.code(FD_READ));
}

TEST_P(Registration, EV_20_NoEventIsLostBetweenEnumerationAndArrival) {
    const event_watch watch(s(), FD_READ);
    constexpr int count = 200; // what a receive buffer holds, for datagrams have no flow control
    auto sending = in_background([&] {
        for (int i = 0; i < count; ++i) {
            send();
            if (i % 16 == 0) {
                std::this_thread::yield();
            }
        }
        return true;
    });
    int got = 0;
    while (got < count && watch.wait(FD_READ).has(FD_READ)) {
        while (const auto part = receive_text(s())) {
            got += static_cast<int>(part->size());
        }
    }
    EXPECT_EQ(count, got);
    EXPECT_TRUE(result_of(sending, "the sender"));
}

INSTANTIATE_TEST_SUITE_P(Links, Registration, ::testing::ValuesIn(link_plans()), link_plan_name());

// EV-11, EV-63: the socket that comes out of accept or a join starts with its parent's registration.
class Inheritance : public session_test {};

TEST_P(Inheritance, EV_11_JL_71_AC_07_TheNewSocketsStartWithTheRegistrationOfTheirs) {
    const auto root = make_listening_root();
    const auto door = make_listening_leaf();
    const event_watch of_root(root.get(), FD_ACCEPT | FD_CONNECT | FD_CLOSE);
    const event_watch of_door(door.get(), FD_ACCEPT | FD_READ | FD_CLOSE);
    owned_socket leaf, branch;
    if (built() == way::invite) {
        branch = owned_socket(plain_join(root.get(), local_name(door.get())));
        leaf = admit(door.get());
        EXPECT_EQ(0, of_root.code(FD_CONNECT));
    } else {
        leaf = make_leaf();
        ASSERT_TRUE(set_nonblocking(leaf.get()));
        ASSERT_TRUE(worked(plain_join(leaf.get(), local_name(root.get()))));
        branch = admit(root.get());
        ASSERT_TRUE(eventually([&] { return peer_name(leaf.get()).port() != 0; }));
    }
    static_cast<void>(enumerate(root.get(), of_root.event()));
    if (built() == way::invite) { // the member inherits from the door
        ASSERT_EQ(2, send_text(root.get(), "hi"));
        EXPECT_TRUE(wait_for_event(leaf.get(), of_door.event(), FD_READ).has(FD_READ));
        EXPECT_TRUE(refused(jl_accept(door.get(), nullptr, nullptr), WSAEWOULDBLOCK))
            << "the door is nonblocking";
    }
    EXPECT_EQ(0, leaf.close());
    EXPECT_TRUE(wait_for_event(branch.get(), of_root.event(), FD_CLOSE).has(FD_CLOSE))
        << "the root's object is set";
    EXPECT_FALSE(enumerate(root.get()).has(FD_CLOSE)) << "but the record is the new socket's own";
}

TEST_P(Inheritance, EV_11_ANewRegistrationChangesOnlyThatSocket) {
    const auto root = make_listening_root();
    auto one = add_leaf(root);
    const event_watch of_root(root.get(), FD_ACCEPT | FD_CLOSE | FD_READ);
    const event_watch of_branch(one.branch.get(), FD_CLOSE);
    EXPECT_EQ(0, one.leaf.close());
    EXPECT_TRUE(of_branch.wait(FD_CLOSE).has(FD_CLOSE));
    EXPECT_FALSE(of_root.is_set());
}

INSTANTIATE_TEST_SUITE_P(Transports, Inheritance,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
