// SPDX-License-Identifier: Apache-2.0
//
// What WSAJoinLeaf refuses at once, and leaves unchanged thereby (clauses JL-01 ... JL-18).
#include "tests/support/bad_memory.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

// Every multipoint entry, with a c_leaf socket and a name that a join could be tried with.
class JoinArguments : public transport_test {
  protected:
    void SetUp() override {
        transport_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        leaf_ = make_leaf();
        name_ = which().kind == plan::nonrooted ? fresh_group(family()) : loopback(family(), 9);
    }
    void TearDown() override {
        leaf_.close();
        transport_test::TearDown();
    }

    [[nodiscard]] SOCKET leaf() const { return leaf_.get(); }
    [[nodiscard]] const address& name() const { return name_; }
    SOCKET call(const address& to, LPWSABUF caller = nullptr, LPWSABUF callee = nullptr, LPQOS qos = nullptr,
                DWORD flags = JL_BOTH) {
        return WSAJoinLeaf(leaf(), to.get(), to.length, caller, callee, qos, nullptr, flags);
    }
    // A refused join changes nothing: the socket is still unbound (JL-20).
    void expect_untouched() { EXPECT_EQ(0, local_name(leaf()).port()); }

  private:
    owned_socket leaf_;
    address name_;
};

TEST_P(JoinArguments, JL_02_ER_15_NoSocket_FailsWithNotSock) {
    EXPECT_TRUE(refused(plain_join(INVALID_SOCKET, name()), WSAENOTSOCK));
    EXPECT_TRUE(refused(plain_join(999'999, name()), WSAENOTSOCK));
    auto closed = make_leaf();
    const SOCKET number = closed.get();
    EXPECT_EQ(0, closed.close());
    EXPECT_TRUE(refused(plain_join(number, name()), WSAENOTSOCK));
}

TEST_P(JoinArguments, JL_03_ER_07_NoName_FailsWithFault) {
    EXPECT_TRUE(refused(
        WSAJoinLeaf(leaf(), nullptr, name().length, nullptr, nullptr, nullptr, nullptr, JL_BOTH), WSAEFAULT));
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(WSAJoinLeaf(leaf(), nowhere.as<sockaddr>(), name().length, nullptr, nullptr, nullptr,
                                    nullptr, JL_BOTH),
                        WSAEFAULT));
    expect_untouched();
}

TEST_P(JoinArguments, JL_03_ER_07_AShortName_FailsWithFault) {
    for (const int length : {-1, 0, 1, 4, name().length - 1}) {
        // The IPv6 address without its scope is what some stacks still take.
        if (family() == AF_INET6 && length >= 24) {
            continue;
        }
        EXPECT_TRUE(refused(
            WSAJoinLeaf(leaf(), name().get(), length, nullptr, nullptr, nullptr, nullptr, JL_BOTH), WSAEFAULT))
            << length;
    }
    expect_untouched();
}

TEST_P(JoinArguments, JL_04_ER_04_AnotherFamily_FailsWithAfNoSupport) {
    auto other = loopback(family() == AF_INET ? AF_INET6 : AF_INET, 9);
    other.length = sizeof(sockaddr_in6); // long enough for either
    EXPECT_TRUE(refused(call(other), WSAEAFNOSUPPORT));
    other.storage.ss_family = 4242;
    EXPECT_TRUE(refused(call(other), WSAEAFNOSUPPORT));
    expect_untouched();
}

TEST_P(JoinArguments, JL_07_ER_03_AnAddressThatNamesNobody_FailsWithAddrNotAvail) {
    EXPECT_TRUE(refused(call(any_address(family(), 9)), WSAEADDRNOTAVAIL));
    EXPECT_TRUE(refused(call(name().with_port(0)), WSAEADDRNOTAVAIL));
    expect_untouched();
}

TEST_P(JoinArguments, JL_08_ER_03_AnAddressOfTheWrongClass_FailsWithAddrNotAvail) {
    if (which().kind == plan::nonrooted) {
        EXPECT_TRUE(refused(call(loopback(family(), 9)), WSAEADDRNOTAVAIL));
    } else {
        EXPECT_TRUE(refused(call(fresh_group(family())), WSAEADDRNOTAVAIL));
        if (family() == AF_INET) {
            EXPECT_TRUE(refused(call(make_address("255.255.255.255", 9)), WSAEADDRNOTAVAIL));
        }
    }
    expect_untouched();
}

TEST_P(JoinArguments, JL_09_ER_17_CallerDataWithoutConnectData_FailsWithProtoNoSupport) {
    if (has(XP1_CONNECT_DATA)) {
        GTEST_SKIP() << "the entry has XP1_CONNECT_DATA";
    }
    char text[] = "data";
    WSABUF caller{4, text};
    EXPECT_TRUE(refused(call(name(), &caller), WSAEPROTONOSUPPORT));
    expect_untouched();
}

TEST_P(JoinArguments, JL_11_ER_07_MoreCallerDataThanFits_FailsWithFault) {
    if (!has(XP1_CONNECT_DATA)) {
        GTEST_SKIP() << "the entry has no XP1_CONNECT_DATA";
    }
    std::vector<char> much(1 << 20);
    WSABUF caller{static_cast<ULONG>(much.size()), much.data()};
    EXPECT_TRUE(refused(call(name(), &caller), WSAEFAULT));
    expect_untouched();
}

TEST_P(JoinArguments, JL_12_ER_07_UnreadableBuffers_FailWithFault) {
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(call(name(), nowhere.as<WSABUF>()), WSAEFAULT));
    EXPECT_TRUE(refused(call(name(), nullptr, nowhere.as<WSABUF>()), WSAEFAULT));
    EXPECT_TRUE(refused(call(name(), nullptr, nullptr, nowhere.as<QOS>()), WSAEFAULT));
    WSABUF callee{16, nowhere.as<char>()};
    EXPECT_TRUE(refused(call(name(), nullptr, &callee), WSAEFAULT));
    if (has(XP1_CONNECT_DATA)) {
        WSABUF caller{16, nowhere.as<char>()};
        EXPECT_TRUE(refused(call(name(), &caller), WSAEFAULT));
    }
    expect_untouched();
}

TEST_P(JoinArguments, JL_12_CalleeRoomWithoutABuffer_FailsWithFault) {
    WSABUF callee{16, nullptr};
    EXPECT_TRUE(refused(call(name(), nullptr, &callee), WSAEFAULT));
    expect_untouched();
}

TEST_P(JoinArguments, JL_14_ER_08_UnlawfulDirections_FailWithInval) {
    for (const DWORD flags : {0U, 8U, 0x10U, JL_BOTH | 8U, 0xffffffffU}) {
        EXPECT_TRUE(refused(call(name(), nullptr, nullptr, nullptr, flags), WSAEINVAL)) << flags;
    }
    expect_untouched();
}

TEST_P(JoinArguments, ER_19_ER_31_ER_32_EveryRefusalHasADocumentedCode) {
    WSASetLastError(0);
    EXPECT_EQ(INVALID_SOCKET, call(any_address(family(), 9)));
    const int code = WSAGetLastError();
    EXPECT_GE(code, WSABASEERR);
    EXPECT_STRNE("unknown", jl_error_name(code));
    EXPECT_NE(WSAEWOULDBLOCK, code);
}

INSTANTIATE_TEST_SUITE_P(Transports, JoinArguments, ::testing::ValuesIn(multipoint_transports()),
                         transport_name());

// Sockets that have no role in a session.
class JoinWithoutRole : public transport_test {};

TEST_P(JoinWithoutRole, JL_05_JL_06_ER_08_AnOrdinarySocket_FailsWithInval) {
    const auto ordinary = make_ordinary();
    const auto name = which().kind == plan::nonrooted ? fresh_group(family()) : loopback(family(), 9);
    EXPECT_TRUE(refused(plain_join(ordinary.get(), name), WSAEINVAL));
    const owned_socket plain(jl_socket(family(), entry().iSocketType, entry().iProtocol));
    EXPECT_TRUE(refused(plain_join(plain.get(), name), WSAEINVAL));
}

INSTANTIATE_TEST_SUITE_P(Transports, JoinWithoutRole,
                         ::testing::ValuesIn(transports_of({plan::nonrooted, plan::stream})),
                         transport_name());

class RootedJoinArguments : public root_test {};

TEST_P(RootedJoinArguments, JL_15_ER_08_AListeningLeaf_FailsWithInval) {
    const auto leaf = make_listening_leaf();
    const auto root = make_listening_root();
    EXPECT_TRUE(refused(plain_join(leaf.get(), local_name(root.get())), WSAEINVAL));
}

TEST_P(RootedJoinArguments, JL_07_JL_14_ARootRefusesTheSameArguments) {
    const auto root = make_root();
    EXPECT_TRUE(refused(plain_join(root.get(), any_address(family(), 9)), WSAEADDRNOTAVAIL));
    EXPECT_TRUE(refused(plain_join(root.get(), loopback(family(), 0)), WSAEADDRNOTAVAIL));
    EXPECT_TRUE(refused(plain_join(root.get(), loopback(family(), 9), 8), WSAEINVAL));
    EXPECT_TRUE(refused(plain_join(root.get(), fresh_group(family())), WSAEADDRNOTAVAIL));
}

TEST_P(RootedJoinArguments, JL_31_ER_09_TheRootsSocketForALeafCannotJoin) {
    const auto root = make_listening_root();
    const auto one = ask(root.get());
    EXPECT_TRUE(refused(plain_join(one.branch.get(), local_name(root.get())), {WSAEISCONN, WSAEINVAL}));
}

INSTANTIATE_TEST_SUITE_P(Transports, RootedJoinArguments, ::testing::ValuesIn(session_transports()),
                         transport_name());

} // namespace
} // namespace joinleaf::test
