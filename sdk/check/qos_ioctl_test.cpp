// SPDX-License-Identifier: Apache-2.0
//
// SIO_SET_QOS and SIO_GET_QOS, and which FLOWSPECs can be honoured (QS-02 ... QS-05, QS-10 ... QS-17, QS-23,
// QS-25).
#include "tests/support/bad_memory.hpp"
#include "tests/support/quality.hpp"
#include "tests/support/session_fixture.hpp"

#include <array>
#include <vector>

namespace joinleaf::test {
namespace {

constexpr ULONG rate = 100'000;

struct bad_flow {
    const char* what;
    FLOWSPEC flow;
};

FLOWSPEC with_peak(ULONG peak) {
    auto made = flow(SERVICETYPE_GUARANTEED, rate);
    made.PeakBandwidth = peak;
    return made;
}

// What no entry can honour as a sending FLOWSPEC.
std::vector<bad_flow> bad_sending_flows() {
    return {{"QS-10: no rate at all", flow(SERVICETYPE_GUARANTEED, 0)},
            {"QS-10: rate 0 for best effort", flow(SERVICETYPE_BESTEFFORT, 0)},
            {"QS-10: an open rate for guaranteed service", flow(SERVICETYPE_GUARANTEED)},
            {"QS-10: an open rate for controlled load", flow(SERVICETYPE_CONTROLLEDLOAD)},
            {"QS-11: a peak below the rate", with_peak(rate - 1)},
            {"QS-12: an unknown type", flow(0x77, rate)},
            {"QS-12: a type that describes a network", flow(SERVICETYPE_NETWORK_UNAVAILABLE, rate)},
            {"QS-12: a type of packets", flow(SERVICETYPE_NONCONFORMING, rate)}};
}

std::vector<FLOWSPEC> good_sending_flows() {
    return {flow(SERVICETYPE_NOTRAFFIC),
            flow(SERVICETYPE_BESTEFFORT),
            flow(SERVICETYPE_BESTEFFORT, rate),
            flow(SERVICETYPE_QUALITATIVE),
            flow(SERVICETYPE_NETWORK_CONTROL),
            flow(SERVICETYPE_CONTROLLEDLOAD, rate),
            flow(SERVICETYPE_GUARANTEED, rate, 1000),
            flow(SERVICETYPE_GUARANTEED | SERVICE_NO_TRAFFIC_CONTROL, rate),
            flow(SERVICETYPE_GUARANTEED | SERVICE_NO_QOS_SIGNALING, rate),
            with_peak(rate)};
}

class QosIoctl : public transport_test {
  protected:
    void SetUp() override {
        transport_test::SetUp();
        if (!IsSkipped() && !has(XP1_QOS_SUPPORTED)) {
            GTEST_SKIP() << "the entry lacks XP1_QOS_SUPPORTED";
        }
    }
    // A leaf of the entry that has a local address, as SIO_GET_QOS wants it (QS-17).
    [[nodiscard]] owned_socket make_bound_leaf() {
        auto leaf = make_leaf();
        EXPECT_TRUE(worked(bind_to(leaf.get(), any_address(family()))));
        return leaf;
    }
};

TEST_P(QosIoctl, QS_10_QS_11_QS_12_WhatCannotBeHonoured_FailsWithOpNotSupp_AndTheFormerQosStays) {
    const auto s = make_bound_leaf();
    const auto former = lopsided(rate, 2 * rate);
    ASSERT_TRUE(worked(set_qos(s.get(), former)));
    for (const auto& each : bad_sending_flows()) {
        auto asked = both(SERVICETYPE_BESTEFFORT);
        asked.SendingFlowspec = each.flow;
        EXPECT_TRUE(refused(set_qos(s.get(), asked), WSAEOPNOTSUPP)) << each.what;
        EXPECT_TRUE(same_qos(former, get_qos(s.get()))) << each.what;
    }
}

TEST_P(QosIoctl, QS_08_QS_12_QS_17_WhatCanBeHonoured_IsInForce) {
    for (const auto& each : good_sending_flows()) {
        const auto s = make_bound_leaf();
        auto asked = both(SERVICETYPE_BESTEFFORT);
        asked.SendingFlowspec = each;
        EXPECT_TRUE(worked(set_qos(s.get(), asked))) << text_of(each);
        EXPECT_TRUE(same_qos(asked, get_qos(s.get()))) << text_of(each);
    }
}

TEST_P(QosIoctl, QS_13_AGuaranteedReceiverGivesItsRate_OneOfControlledLoadNeedNot) {
    const auto s = make_bound_leaf();
    auto asked = both(SERVICETYPE_BESTEFFORT);
    asked.ReceivingFlowspec = flow(SERVICETYPE_GUARANTEED);
    EXPECT_TRUE(refused(set_qos(s.get(), asked), WSAEOPNOTSUPP));
    asked.ReceivingFlowspec = flow(SERVICETYPE_CONTROLLEDLOAD);
    EXPECT_TRUE(worked(set_qos(s.get(), asked)));
}

TEST_P(QosIoctl, QS_14_NoChangeLeavesThatDirectionAsItWas) {
    const auto s = make_bound_leaf();
    const auto former = lopsided(rate, 2 * rate);
    ASSERT_TRUE(worked(set_qos(s.get(), former)));
    QOS asked = both(SERVICETYPE_NOCHANGE);
    asked.ReceivingFlowspec = flow(SERVICETYPE_GUARANTEED, 3 * rate);
    ASSERT_TRUE(worked(set_qos(s.get(), asked)));
    asked.SendingFlowspec = former.SendingFlowspec;
    EXPECT_TRUE(same_qos(asked, get_qos(s.get())));
}

TEST_P(QosIoctl, QS_16_QS_20_IO_20_InputThatIsTooShort_FailsWithFault) {
    const auto s = make_bound_leaf();
    QOS qos = both(SERVICETYPE_BESTEFFORT);
    DWORD bytes = 0;
    EXPECT_TRUE(
        refused(WSAIoctl(s.get(), SIO_SET_QOS, &qos, sizeof qos - 1, nullptr, 0, &bytes, nullptr, nullptr),
                WSAEFAULT));
    EXPECT_TRUE(
        refused(WSAIoctl(s.get(), SIO_SET_QOS, nullptr, 0, nullptr, 0, &bytes, nullptr, nullptr), WSAEFAULT));
    bytes = 77;
    EXPECT_TRUE(
        worked(WSAIoctl(s.get(), SIO_SET_QOS, &qos, sizeof qos, nullptr, 0, &bytes, nullptr, nullptr)));
    EXPECT_EQ(0U, bytes) << "a set code has no output";
}

TEST_P(QosIoctl, QS_17_OutputThatIsTooShort_FailsWithFault) {
    const auto s = make_bound_leaf();
    QOS qos{};
    DWORD bytes = 0;
    EXPECT_TRUE(
        refused(WSAIoctl(s.get(), SIO_GET_QOS, nullptr, 0, &qos, sizeof qos - 1, &bytes, nullptr, nullptr),
                WSAEFAULT));
    EXPECT_TRUE(
        refused(WSAIoctl(s.get(), SIO_GET_QOS, nullptr, 0, nullptr, 0, &bytes, nullptr, nullptr), WSAEFAULT));
}

TEST_P(QosIoctl, QS_17_AReceiverMayAskOnceBound) {
    const auto s = make_leaf();
    EXPECT_FALSE(get_qos(s.get()).has_value());
    EXPECT_EQ(WSAEINVAL, WSAGetLastError());
    ASSERT_TRUE(worked(bind_to(s.get(), any_address(family()))));
    EXPECT_TRUE(same_qos(both(SERVICETYPE_BESTEFFORT), get_qos(s.get()))) << "nobody has asked for anything";
}

TEST_P(QosIoctl, QS_16_TheGroupCodesAreReserved) {
    const auto s = make_bound_leaf();
    QOS qos = both(SERVICETYPE_BESTEFFORT);
    DWORD bytes = 0;
    EXPECT_TRUE(
        refused(WSAIoctl(s.get(), SIO_SET_GROUP_QOS, &qos, sizeof qos, nullptr, 0, &bytes, nullptr, nullptr),
                {WSAENOPROTOOPT, WSAEOPNOTSUPP}));
    EXPECT_TRUE(
        refused(WSAIoctl(s.get(), SIO_GET_GROUP_QOS, nullptr, 0, &qos, sizeof qos, &bytes, nullptr, nullptr),
                {WSAENOPROTOOPT, WSAEOPNOTSUPP}));
}

TEST_P(QosIoctl, QS_06_QS_23_ProviderSpecificObjectsAreCheckedWhole) {
    const auto s = make_bound_leaf();
    const unreadable_memory nowhere;
    std::array<QOS_OBJECT_HDR, 2> objects{};
    auto* const bytes = reinterpret_cast<char*>(objects.data());
    QOS qos = both(SERVICETYPE_BESTEFFORT);
    qos.ProviderSpecific = {8, nullptr};
    EXPECT_TRUE(refused(set_qos(s.get(), qos), WSAEFAULT));
    qos.ProviderSpecific = {8, nowhere.as<char>()};
    EXPECT_TRUE(refused(set_qos(s.get(), qos), WSAEFAULT));
    objects[0] = {QOS_OBJECT_END_OF_LIST, sizeof(QOS_OBJECT_HDR)};
    qos.ProviderSpecific = {7, bytes};
    EXPECT_TRUE(refused(set_qos(s.get(), qos), WSAEFAULT)) << "half a head";
    qos.ProviderSpecific = {8, bytes};
    EXPECT_TRUE(worked(set_qos(s.get(), qos))) << "the end of the list alone";
    objects[0] = {QOS_OBJECT_SD_MODE, 12};
    EXPECT_TRUE(refused(set_qos(s.get(), qos), WSAEFAULT)) << "an object that is longer than the bytes";
    objects[0] = {QOS_OBJECT_SD_MODE, 4};
    EXPECT_TRUE(refused(set_qos(s.get(), qos), WSAEFAULT)) << "an object that is shorter than its head";
    objects[0] = {QOS_GENERAL_ID_BASE + 99, 16};
    qos.ProviderSpecific = {16, bytes};
    EXPECT_TRUE(refused(set_qos(s.get(), qos), WSAEOPNOTSUPP)) << "an object that nobody knows";
}

TEST_P(QosIoctl, QS_25_MaxSduSizeAboveTheEntrysMessageSize_FailsWithOpNotSupp) {
    const auto largest = entry().dwMessageSize;
    if (largest <= 1 || largest == 0xFFFFFFFF) {
        GTEST_SKIP() << "the entry has no greatest message size";
    }
    const auto s = make_bound_leaf();
    auto asked = both(SERVICETYPE_GUARANTEED, rate);
    asked.SendingFlowspec.MaxSduSize = largest;
    EXPECT_TRUE(worked(set_qos(s.get(), asked)));
    asked.SendingFlowspec.MaxSduSize = largest + 1;
    EXPECT_TRUE(refused(set_qos(s.get(), asked), WSAEOPNOTSUPP));
}

TEST_P(QosIoctl, QS_10_QS_23_TheReasonIsTold) {
    const auto s = make_bound_leaf();
    ASSERT_TRUE(refused(set_qos(s.get(), both(SERVICETYPE_GUARANTEED)), WSAEOPNOTSUPP));
    char sentence[256] = "";
    jl_last_explanation(sentence, sizeof sentence);
    EXPECT_STREQ("SendingFlowspec: SERVICETYPE_GUARANTEED needs a TokenRate", sentence);
}

INSTANTIATE_TEST_SUITE_P(Transports, QosIoctl, ::testing::ValuesIn(multipoint_transports()), transport_name());

// What the join adds for sessions without a root.
class QosJoin : public transport_test {
  protected:
    void SetUp() override {
        transport_test::SetUp();
        if (!IsSkipped() && !has(XP1_QOS_SUPPORTED)) {
            GTEST_SKIP() << "the entry lacks XP1_QOS_SUPPORTED";
        }
    }
    [[nodiscard]] SOCKET join_group(SOCKET s, LPQOS qos, DWORD direction = JL_BOTH) {
        const auto group = fresh_group(family());
        return WSAJoinLeaf(s, group.get(), group.length, nullptr, nullptr, qos, nullptr, direction);
    }
};

TEST_P(QosJoin, QS_02_WhatTheJoinAsksForOverridesTheFormerQos) {
    const auto s = make_leaf();
    ASSERT_TRUE(worked(set_qos(s.get(), lopsided(rate, rate))));
    auto asked = lopsided(3 * rate, 4 * rate);
    ASSERT_TRUE(worked(join_group(s.get(), &asked)));
    EXPECT_TRUE(same_qos(asked, get_qos(s.get())));
}

TEST_P(QosJoin, QS_03_AJoinWithoutQosLeavesTheFormerOne) {
    const auto s = make_leaf();
    const auto former = lopsided(rate, 2 * rate);
    ASSERT_TRUE(worked(set_qos(s.get(), former)));
    ASSERT_TRUE(worked(join_group(s.get(), nullptr)));
    EXPECT_TRUE(same_qos(former, get_qos(s.get())));
}

TEST_P(QosJoin, QS_04_JL_13_ARefusedJoinLeavesTheFormerQos_AndTheSocketGood) {
    const auto s = make_leaf();
    const auto former = lopsided(rate, 2 * rate);
    ASSERT_TRUE(worked(set_qos(s.get(), former)));
    for (const auto& each : bad_sending_flows()) {
        auto asked = both(SERVICETYPE_BESTEFFORT);
        asked.SendingFlowspec = each.flow;
        EXPECT_TRUE(refused(join_group(s.get(), &asked), WSAEOPNOTSUPP)) << each.what;
    }
    ASSERT_TRUE(worked(join_group(s.get(), nullptr)));
    EXPECT_TRUE(same_qos(former, get_qos(s.get())));
}

TEST_P(QosJoin, QS_05_TheOtherDirectionIsIgnored_AndStaysAsItWas) {
    const auto sender = make_leaf();
    auto asked = lopsided(rate, rate);
    asked.ReceivingFlowspec = flow(0x77, 0);
    ASSERT_TRUE(worked(join_group(sender.get(), &asked, JL_SENDER_ONLY)));
    asked.ReceivingFlowspec = flow(SERVICETYPE_BESTEFFORT);
    EXPECT_TRUE(same_qos(asked, get_qos(sender.get())));
    asked.ReceivingFlowspec = flow(0x77, 0);
    EXPECT_TRUE(worked(set_qos(sender.get(), asked))) << "nor does SIO_SET_QOS look at it from then on";
}

INSTANTIATE_TEST_SUITE_P(Transports, QosJoin, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());

// Entries without quality of service.
class NoQos : public transport_test {};

TEST_P(NoQos, QS_08_IO_22_WithoutTheBit_TheCodesAnswerNoProtoOpt) {
    if (has(XP1_QOS_SUPPORTED)) {
        GTEST_SKIP() << "the entry has XP1_QOS_SUPPORTED";
    }
    const auto s = make_ordinary();
    ASSERT_TRUE(worked(bind_to(s.get(), any_address(family()))));
    EXPECT_TRUE(refused(set_qos(s.get(), both(SERVICETYPE_BESTEFFORT)), WSAENOPROTOOPT));
    EXPECT_FALSE(get_qos(s.get()).has_value());
    EXPECT_EQ(WSAENOPROTOOPT, WSAGetLastError());
}

INSTANTIATE_TEST_SUITE_P(Transports, NoQos, ::testing::ValuesIn(all_transports()), transport_name());

} // namespace
} // namespace joinleaf::test
