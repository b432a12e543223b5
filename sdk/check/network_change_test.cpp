// SPDX-License-Identifier: Apache-2.0
//
// The host's addresses and routes: SIO_ADDRESS_LIST_* and SIO_ROUTING_INTERFACE_* (clauses EV-49, IO-36), in a
// network of the test's own.
#include "tests/support/footprint.hpp"
#include "tests/support/message_watch.hpp"
#include "tests/support/overlapped_call.hpp"
#include "tests/support/session_fixture.hpp"

#include <algorithm>

namespace joinleaf::test {
namespace {

class NetworkChange : public transport_test {
  protected:
    void SetUp() override {
        transport_test::SetUp();
        if (!IsSkipped() && !private_network_refusal().empty()) {
            GTEST_SKIP() << "no private network: " << private_network_refusal();
        }
    }
    void TearDown() override {
        while (!added_.empty()) {
            remove(added_.back());
        }
        transport_test::TearDown();
    }

    [[nodiscard]] owned_socket make_any() {
        return make(which().kind == plan::stream ? DWORD{WSA_FLAG_OVERLAPPED} : leaf_flags);
    }
    [[nodiscard]] bool six() const { return family() == AF_INET6; }
    // An address that no other test has had.
    [[nodiscard]] static std::string fresh(bool six) {
        static unsigned count = 0;
        ++count;
        return six ? "fd00:6a6c::" + std::to_string(count)
                   : "10.88." + std::to_string(count / 250) + "." + std::to_string(count % 250 + 1);
    }
    std::string add(const std::string& text) {
        std::string why;
        EXPECT_TRUE(add_address("lo", text, text.find(':') != std::string::npos ? 128 : 32, why)) << why;
        added_.push_back(text);
        return text;
    }
    std::string add() { return add(fresh(six())); }
    void remove(const std::string& text) {
        std::string why;
        EXPECT_TRUE(remove_address("lo", text, text.find(':') != std::string::npos ? 128 : 32, why)) << why;
        std::erase(added_, text);
    }

    static int issue(SOCKET s, DWORD code = SIO_ADDRESS_LIST_CHANGE) {
        DWORD bytes = 0;
        return WSAIoctl(s, code, nullptr, 0, nullptr, 0, &bytes, nullptr, nullptr);
    }
    static int ask_route(SOCKET s, DWORD code, const address& to, address& from) {
        address asked = to;
        DWORD bytes = 0;
        const int answered = WSAIoctl(s, code, asked.get(), static_cast<DWORD>(asked.length), from.get(),
                                      sizeof from.storage, &bytes, nullptr, nullptr);
        from.length = static_cast<int>(bytes);
        return answered;
    }
    static int issue_route(SOCKET s, const address& to) {
        address asked = to;
        DWORD bytes = 0;
        return WSAIoctl(s, SIO_ROUTING_INTERFACE_CHANGE, asked.get(), static_cast<DWORD>(asked.length),
                        nullptr, 0, &bytes, nullptr, nullptr);
    }
    // The addresses that the query lists; a failure fails the test.
    static std::vector<address> listed(SOCKET s) {
        alignas(SOCKET_ADDRESS_LIST) char room[8192] = "";
        DWORD bytes = 0;
        EXPECT_TRUE(worked(
            WSAIoctl(s, SIO_ADDRESS_LIST_QUERY, nullptr, 0, room, sizeof room, &bytes, nullptr, nullptr)));
        const auto& list = *reinterpret_cast<const SOCKET_ADDRESS_LIST*>(room);
        std::vector<address> all;
        for (int i = 0; i < list.iAddressCount; ++i) {
            address one;
            one.length = list.Address[i].iSockaddrLength;
            const auto* from = reinterpret_cast<const char*>(list.Address[i].lpSockaddr);
            EXPECT_LE(room, from);
            EXPECT_LE(from + one.length, room + bytes);
            std::memcpy(&one.storage, from, static_cast<std::size_t>(one.length));
            all.push_back(one);
        }
        return all;
    }
    static bool has(const std::vector<address>& all, const address& one) {
        return std::find(all.begin(), all.end(), one) != all.end();
    }

  private:
    std::vector<std::string> added_;
};

TEST_P(NetworkChange, SIO_ADDRESS_LIST_QUERY_ListsWhatCanBeBound) {
    const auto s = make_any();
    const auto mine = add();
    const auto others = add(fresh(!six()));
    const auto all = listed(s.get());
    EXPECT_TRUE(has(all, make_address(mine)));
    EXPECT_FALSE(has(all, make_address(others))) << "of the other family";
    ASSERT_FALSE(all.empty());
    EXPECT_TRUE(has(all, loopback(family())));
    for (const auto& one : all) {
        EXPECT_EQ(family(), one.family());
        const auto binds = make_any();
        const auto bound = worked(bind_to(binds.get(), one));
        if (!bound && WSAGetLastError() == WSAEADDRNOTAVAIL && !the_subject().is_our_own()) {
            not_applicable("a transport that can be bound to every address of the host");
        }
        EXPECT_TRUE(bound) << one;
    }
}

TEST_P(NetworkChange, SIO_ADDRESS_LIST_QUERY_ShortRoom_FailsWithFaultAndTellsTheSize) {
    const auto s = make_any();
    char room[4096] = "";
    DWORD needed = 0;
    EXPECT_TRUE(refused(
        WSAIoctl(s.get(), SIO_ADDRESS_LIST_QUERY, nullptr, 0, room, 4, &needed, nullptr, nullptr), WSAEFAULT));
    ASSERT_LT(sizeof(SOCKET_ADDRESS_LIST), needed);
    DWORD bytes = 0;
    EXPECT_TRUE(refused(
        WSAIoctl(s.get(), SIO_ADDRESS_LIST_QUERY, nullptr, 0, room, needed - 1, &bytes, nullptr, nullptr),
        WSAEFAULT));
    EXPECT_TRUE(worked(
        WSAIoctl(s.get(), SIO_ADDRESS_LIST_QUERY, nullptr, 0, room, needed, &bytes, nullptr, nullptr)));
    EXPECT_EQ(needed, bytes);
}

TEST_P(NetworkChange, EV_49_IO_36_AddressListChange_OncePerIssue) {
    const auto s = make_any();
    const event_watch watch(s.get(), FD_ADDRESS_LIST_CHANGE);
    const auto first = add();
    EXPECT_TRUE(watch.stays_away(FD_ADDRESS_LIST_CHANGE)) << "nothing was issued";
    EXPECT_TRUE(refused(issue(s.get()), WSAEWOULDBLOCK));
    EXPECT_FALSE(watch.is_set()) << "what changed before does not count";
    const auto second = add();
    EXPECT_EQ(0, watch.code(FD_ADDRESS_LIST_CHANGE));
    remove(second);
    EXPECT_TRUE(watch.stays_away(FD_ADDRESS_LIST_CHANGE)) << "once per issue";
    EXPECT_TRUE(refused(issue(s.get()), WSAEWOULDBLOCK));
    remove(first);
    EXPECT_EQ(0, watch.code(FD_ADDRESS_LIST_CHANGE)) << "each issue anew, removals too";
}

TEST_P(NetworkChange, EV_49_AddressesOfTheOtherFamilyDoNotCount) {
    const auto s = make_any();
    const event_watch watch(s.get(), FD_ADDRESS_LIST_CHANGE);
    EXPECT_TRUE(refused(issue(s.get()), WSAEWOULDBLOCK));
    add(fresh(!six()));
    EXPECT_TRUE(watch.stays_away(FD_ADDRESS_LIST_CHANGE));
    add();
    EXPECT_EQ(0, watch.code(FD_ADDRESS_LIST_CHANGE));
}

TEST_P(NetworkChange, EV_49_AnAddressThatComesBackHasChanged) {
    const auto s = make_any();
    const auto mine = add();
    const event_watch watch(s.get(), FD_ADDRESS_LIST_CHANGE);
    EXPECT_TRUE(refused(issue(s.get()), WSAEWOULDBLOCK));
    remove(mine);
    add(mine);
    EXPECT_EQ(0, watch.code(FD_ADDRESS_LIST_CHANGE));
}

TEST_P(NetworkChange, EV_49_EV_60_TheChangeIsPostedAsAMessage) {
    const auto s = make_any();
    const message_watch watch(s.get(), FD_ADDRESS_LIST_CHANGE | FD_ROUTING_INTERFACE_CHANGE);
    EXPECT_TRUE(refused(issue(s.get()), WSAEWOULDBLOCK));
    add();
    EXPECT_EQ(0, watch.code(FD_ADDRESS_LIST_CHANGE));
    EXPECT_TRUE(watch.stays_empty());
}

TEST_P(NetworkChange, IO_36_OnABlockingSocketTheCallWaits) {
    const auto s = make_any();
    auto waiting = in_background([&s] { return issue(s.get()) == 0 ? 0 : WSAGetLastError(); });
    EXPECT_FALSE(is_done(waiting, vigilance));
    add();
    EXPECT_EQ(0, result_of(waiting, "SIO_ADDRESS_LIST_CHANGE"));
}

TEST_P(NetworkChange, IO_36_LC_17_ClosingEndsTheWait) {
    auto s = make_any();
    auto waiting = in_background([number = s.get()] { return issue(number) == 0 ? 0 : WSAGetLastError(); });
    EXPECT_FALSE(is_done(waiting, vigilance));
    EXPECT_EQ(0, s.close());
    const int code = result_of(waiting, "SIO_ADDRESS_LIST_CHANGE");
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
}

TEST_P(NetworkChange, TheKernelIsAskedOnlyWhileSomebodyWaits) {
    const auto s = make_any();
    const auto other = make_any();
    const event_watch first(s.get(), FD_ADDRESS_LIST_CHANGE);
    const event_watch second(other.get(), FD_ADDRESS_LIST_CHANGE);
    EXPECT_FALSE(first.is_set()) << "and this thread has what it waits with";
    EXPECT_TRUE(refused(issue(s.get()), WSAEWOULDBLOCK));
    const auto with_one = open_descriptors();
    EXPECT_TRUE(refused(issue(other.get()), WSAEWOULDBLOCK));
    EXPECT_EQ(with_one, open_descriptors()) << "one watch serves all";
    add();
    EXPECT_EQ(0, first.code(FD_ADDRESS_LIST_CHANGE));
    EXPECT_EQ(0, second.code(FD_ADDRESS_LIST_CHANGE));
    EXPECT_TRUE(eventually([&] { return open_descriptors() == with_one - 1; })) << "and ends with the last";
}

TEST_P(NetworkChange, SIO_ROUTING_INTERFACE_QUERY_NamesTheLocalAddress) {
    const auto s = make_any();
    address from;
    ASSERT_TRUE(worked(ask_route(s.get(), SIO_ROUTING_INTERFACE_QUERY, loopback(family(), 80), from)));
    EXPECT_EQ(loopback(family()), from);
    const auto away = make_address(six() ? "2001:db8::1" : "203.0.113.1");
    EXPECT_TRUE(refused(ask_route(s.get(), SIO_ROUTING_INTERFACE_QUERY, away, from),
                        {WSAENETUNREACH, WSAEHOSTUNREACH}));
}

TEST_P(NetworkChange, SIO_ROUTING_INTERFACE_BadArguments) {
    const auto s = make_any();
    ASSERT_TRUE(set_nonblocking(s.get()));
    address to = loopback(family());
    address from;
    DWORD bytes = 0;
    for (const DWORD code : {SIO_ROUTING_INTERFACE_QUERY, SIO_ROUTING_INTERFACE_CHANGE}) {
        const auto ask = [&](void* in, int size) {
            return WSAIoctl(s.get(), code, in, static_cast<DWORD>(size), from.get(), sizeof from.storage,
                            &bytes, nullptr, nullptr);
        };
        EXPECT_TRUE(refused(ask(nullptr, 0), WSAEFAULT));
        EXPECT_TRUE(refused(ask(to.get(), to.length - 1), WSAEFAULT));
        address other = loopback(six() ? AF_INET : AF_INET6);
        EXPECT_TRUE(refused(ask(other.get(), other.length), WSAEAFNOSUPPORT));
    }
    EXPECT_TRUE(refused(WSAIoctl(s.get(), SIO_ROUTING_INTERFACE_QUERY, to.get(),
                                 static_cast<DWORD>(to.length), from.get(), 4, &bytes, nullptr, nullptr),
                        WSAEFAULT));
}

TEST_P(NetworkChange, EV_49_IO_36_RoutingInterfaceChange_OncePerIssue) {
    const auto s = make_any();
    const auto first = add();
    const auto second = add();
    const std::string net = six() ? "fd00:99::" : "10.99.0.0";
    const auto there = make_address(six() ? "fd00:99::1" : "10.99.0.1");
    const unsigned prefix = six() ? 64 : 24;
    const event_watch watch(s.get(), FD_ROUTING_INTERFACE_CHANGE);
    EXPECT_TRUE(refused(issue_route(s.get(), there), WSAEWOULDBLOCK));
    add();
    EXPECT_TRUE(watch.stays_away(FD_ROUTING_INTERFACE_CHANGE)) << "it has nothing to do with the way there";
    std::string why;
    ASSERT_TRUE(set_route(net, prefix, "lo", first, why)) << why;
    EXPECT_EQ(0, watch.code(FD_ROUTING_INTERFACE_CHANGE)) << "there was no way before";
    address from;
    EXPECT_TRUE(worked(ask_route(s.get(), SIO_ROUTING_INTERFACE_QUERY, there, from)));
    EXPECT_EQ(make_address(first), from);
    ASSERT_TRUE(set_route(net, prefix, "lo", second, why)) << why;
    EXPECT_TRUE(watch.stays_away(FD_ROUTING_INTERFACE_CHANGE)) << "once per issue";
    EXPECT_TRUE(refused(issue_route(s.get(), there), WSAEWOULDBLOCK));
    ASSERT_TRUE(set_route(net, prefix, "lo", first, why)) << why;
    EXPECT_EQ(0, watch.code(FD_ROUTING_INTERFACE_CHANGE));
    EXPECT_TRUE(remove_route(net, prefix, "lo", why)) << why;
}

TEST_P(NetworkChange, IO_36_IO_43_AnOverlappedWaitIsPendingUntilTheChange_OnABlockingSocketToo) {
    const auto s = make_any();
    overlapped_call call;
    ASSERT_EQ(WSA_IO_PENDING, call.ioctl(s.get(), SIO_ADDRESS_LIST_CHANGE));
    EXPECT_FALSE(call.is_set());
    add();
    EXPECT_EQ((overlapped_end{0, 0, 0}), call.wait(s.get()));
    ASSERT_EQ(WSA_IO_PENDING, call.ioctl(s.get(), SIO_ADDRESS_LIST_CHANGE))
        << "each call waits for a change of its own";
    EXPECT_FALSE(call.is_set());
}

TEST_P(NetworkChange, IO_36_IO_50_ClosingAndCancellingEndTheOverlappedWait) {
    auto s = make_any();
    overlapped_call cancelled;
    overlapped_call closed;
    ASSERT_EQ(WSA_IO_PENDING, cancelled.ioctl(s.get(), SIO_ADDRESS_LIST_CHANGE));
    ASSERT_EQ(WSA_IO_PENDING, closed.ioctl(s.get(), SIO_ADDRESS_LIST_CHANGE));
    EXPECT_TRUE(jl_cancel_io_ex(event_handle(s.get()), cancelled.state()));
    EXPECT_EQ(WSA_OPERATION_ABORTED, cancelled.wait(s.get()).code);
    EXPECT_FALSE(closed.is_set());
    ASSERT_EQ(0, s.close());
    EXPECT_TRUE(eventually([&] { return closed.is_set(); }));
    EXPECT_EQ(WSA_OPERATION_ABORTED, closed.code());
}

TEST_P(NetworkChange, IO_20_IO_42_OtherOverlappedIoctls_AreDoneAtOnce_AndIndicated) {
    const auto s = make_any();
    overlapped_call call(std::size_t{4096});
    ASSERT_EQ(0, call.ioctl(s.get(), SIO_ADDRESS_LIST_QUERY));
    const auto end = call.wait(s.get());
    EXPECT_EQ(0, end.code);
    EXPECT_GE(end.bytes, sizeof(SOCKET_ADDRESS_LIST));
    overlapped_call small(std::size_t{1});
    EXPECT_EQ(WSAEFAULT, small.ioctl(s.get(), SIO_ADDRESS_LIST_QUERY));
    EXPECT_FALSE(small.is_set()) << "what was not begun is not indicated";
    EXPECT_EQ(WSAEINVAL, small.ioctl(s.get(), 0x12345678));
}

INSTANTIATE_TEST_SUITE_P(Transports, NetworkChange, ::testing::ValuesIn(all_transports()), transport_name());

} // namespace
} // namespace joinleaf::test
