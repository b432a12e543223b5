// SPDX-License-Identifier: Apache-2.0
//
// WSAIoctl and ioctlsocket: arguments, unknown codes, codes that belong to other sockets (clauses IO-20 ...
// IO-36).
#include "tests/support/bad_memory.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

class Ioctl : public transport_test {
  protected:
    void SetUp() override {
        transport_test::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            s_ = make(has(XP1_SUPPORT_MULTIPOINT) ? leaf_flags : DWORD{WSA_FLAG_OVERLAPPED});
        }
    }
    void TearDown() override {
        s_.close();
        transport_test::TearDown();
    }
    int call(DWORD code, void* in, DWORD in_size, void* out = nullptr, DWORD out_size = 0) {
        bytes_ = 4711;
        return WSAIoctl(s(), code, in, in_size, out, out_size, &bytes_, nullptr, nullptr);
    }
    [[nodiscard]] SOCKET s() const { return s_.get(); }
    DWORD bytes_ = 0;

  private:
    owned_socket s_;
};

TEST_P(Ioctl, IO_20_NoPlaceForTheByteCount_FailsWithFault) {
    jl_u_long on = 1;
    EXPECT_TRUE(
        refused(WSAIoctl(s(), FIONBIO, &on, sizeof on, nullptr, 0, nullptr, nullptr, nullptr), WSAEFAULT));
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(
        WSAIoctl(s(), FIONBIO, &on, sizeof on, nullptr, 0, nowhere.as<DWORD>(), nullptr, nullptr), WSAEFAULT));
}

TEST_P(Ioctl, IO_20_ShortInput_FailsWithFault_LongerIsFine) {
    jl_u_long value[2] = {1, 0};
    EXPECT_TRUE(refused(call(FIONBIO, value, 2), WSAEFAULT));
    EXPECT_TRUE(refused(call(FIONBIO, nullptr, 0), WSAEFAULT));
    EXPECT_TRUE(worked(call(FIONBIO, value, sizeof value)));
    EXPECT_EQ(0U, bytes_);
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(call(FIONBIO, nowhere.as<void>(), 4), WSAEFAULT));
}

TEST_P(Ioctl, IO_20_ShortOutput_FailsWithFault) {
    short tiny = 0;
    EXPECT_TRUE(refused(call(FIONREAD, nullptr, 0, &tiny, sizeof tiny), WSAEFAULT));
}

TEST_P(Ioctl, IO_21_D_15_AnUnknownCodeIsRefused) {
    for (const DWORD code : {IOC_VOID | 0x1234U, IOC_IN | IOC_WS2 | 0xfffU, IOC_VENDOR | IOC_VOID | 1U}) {
        int room = 0;
        EXPECT_TRUE(refused(call(code, &room, sizeof room, &room, sizeof room),
                            {WSAEINVAL, WSAENOPROTOOPT, WSAEOPNOTSUPP}));
    }
    jl_u_long value = 0;
    EXPECT_TRUE(refused(jl_ioctlsocket(s(), 0x5555, &value), {WSAEINVAL, WSAENOPROTOOPT, WSAEOPNOTSUPP}));
}

TEST_P(Ioctl, IO_22_KnownCodesThatNoProviderHere_FailWithNoProtoOpt) {
    int room[16] = {};
    EXPECT_TRUE(
        refused(call(SIO_ASSOCIATE_HANDLE, room, sizeof room), {WSAENOPROTOOPT, WSAEINVAL, WSAEOPNOTSUPP}));
    EXPECT_TRUE(refused(call(SIO_TRANSLATE_HANDLE, room, sizeof room, room, sizeof room),
                        {WSAENOPROTOOPT, WSAEINVAL, WSAEOPNOTSUPP}));
}

TEST_P(Ioctl, IO_23_IO_26_LoopbackNeedsANonrootedDataPlane) {
    BOOL on = FALSE;
    const bool has_it = which().kind == plan::nonrooted;
    if (which().kind == plan::relayed) {
        const int answer = call(SIO_MULTIPOINT_LOOPBACK, &on, sizeof on);
        EXPECT_TRUE(answer == 0 || WSAGetLastError() == WSAENOPROTOOPT) << last_failure();
    } else if (has_it) {
        EXPECT_TRUE(worked(call(SIO_MULTIPOINT_LOOPBACK, &on, sizeof on)));
        EXPECT_EQ(0U, bytes_);
        EXPECT_TRUE(refused(call(SIO_MULTIPOINT_LOOPBACK, &on, 1), WSAEFAULT));
    } else {
        EXPECT_TRUE(refused(call(SIO_MULTIPOINT_LOOPBACK, &on, sizeof on), WSAEINVAL));
    }
}

TEST_P(Ioctl, IO_33_UnknownExtensionFunctions_FailWithInval) {
    GUID unknown{};
    void* found = nullptr;
    EXPECT_TRUE(
        refused(call(SIO_GET_EXTENSION_FUNCTION_POINTER, &unknown, sizeof unknown, &found, sizeof found),
                {WSAEINVAL, WSAEOPNOTSUPP, WSAENOPROTOOPT}));
}

TEST_P(Ioctl, IO_34_FionbioSwitchesTheMode) {
    jl_u_long on = 1;
    ASSERT_TRUE(worked(jl_ioctlsocket(s(), static_cast<LONG>(FIONBIO), &on)));
    char byte = 0;
    EXPECT_EQ(SOCKET_ERROR, jl_recv(s(), &byte, 1, 0)); // whatever the state, it answers at once
    EXPECT_NE(0, WSAGetLastError());
    jl_u_long off = 0;
    EXPECT_TRUE(worked(call(FIONBIO, &off, sizeof off)));
    EXPECT_TRUE(refused(jl_ioctlsocket(s(), static_cast<LONG>(FIONBIO), nullptr), WSAEFAULT));
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(jl_ioctlsocket(s(), static_cast<LONG>(FIONBIO), nowhere.as<jl_u_long>()), WSAEFAULT));
}

TEST_P(Ioctl, QS_08_QS_16_QosCodesWithoutQos_FailWithNoProtoOpt) {
    if (has(XP1_QOS_SUPPORTED)) {
        GTEST_SKIP() << "the entry has XP1_QOS_SUPPORTED";
    }
    QOS qos{};
    EXPECT_TRUE(refused(call(SIO_SET_QOS, &qos, sizeof qos), WSAENOPROTOOPT));
    EXPECT_TRUE(refused(call(SIO_GET_QOS, nullptr, 0, &qos, sizeof qos), WSAENOPROTOOPT));
    EXPECT_TRUE(refused(call(SIO_SET_GROUP_QOS, &qos, sizeof qos), {WSAENOPROTOOPT, WSAEOPNOTSUPP}));
    EXPECT_TRUE(
        refused(call(SIO_GET_GROUP_QOS, nullptr, 0, &qos, sizeof qos), {WSAENOPROTOOPT, WSAEOPNOTSUPP}));
}

INSTANTIATE_TEST_SUITE_P(Transports, Ioctl, ::testing::ValuesIn(all_transports()), transport_name());

class SessionIoctl : public session_test {};

TEST_P(SessionIoctl, IO_34_FionreadOfOneMessage) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    jl_u_long queued = 4711;
    ASSERT_TRUE(worked(jl_ioctlsocket(one.leaf.get(), static_cast<LONG>(FIONREAD), &queued)));
    EXPECT_EQ(0U, queued);
    ASSERT_EQ(9, send_text(root.get(), "nine here"));
    ASSERT_TRUE(readable(one.leaf.fd()));
    EXPECT_TRUE(eventually([&] {
        EXPECT_TRUE(worked(jl_ioctlsocket(one.leaf.get(), static_cast<LONG>(FIONREAD), &queued)));
        return queued == 9;
    })) << queued;
}

TEST_P(SessionIoctl, IO_24_LoopbackAmongRelayedMembers) {
    if (GetParam().over.kind != plan::relayed) {
        GTEST_SKIP() << "the data plane is rooted";
    }
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    const auto two = add_leaf(root);
    BOOL on = FALSE;
    DWORD bytes = 0;
    if (WSAIoctl(one.leaf.get(), SIO_MULTIPOINT_LOOPBACK, &on, sizeof on, nullptr, 0, &bytes, nullptr,
                 nullptr) == SOCKET_ERROR) {
        EXPECT_EQ(WSAENOPROTOOPT, WSAGetLastError()) << last_failure();
        GTEST_SKIP() << "the provider has no SIO_MULTIPOINT_LOOPBACK for relayed data";
    }
    ASSERT_EQ(4, send_text(one.leaf.get(), "news"));
    EXPECT_EQ("news", next_text(two.leaf.get()).value_or("nothing"));
    EXPECT_TRUE(stays_silent(one.leaf.get()));
}

INSTANTIATE_TEST_SUITE_P(Transports, SessionIoctl,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
