// SPDX-License-Identifier: Apache-2.0
//
// What the network is told of a flow: the code point in its packets and the priority of its socket, by the
// service type (QS-15; the table is jl_service_dscp).
#include "tests/support/packet_capture.hpp"
#include "tests/support/quality.hpp"
#include "tests/support/session_fixture.hpp"

#include <algorithm>
#include <vector>

namespace joinleaf::test {
namespace {

struct service {
    SERVICETYPE type;
    unsigned code_point;
    std::vector<int> priorities; // the first needs a right that not every process has
};

// RFC 4594: CS6, EF, AF31, DF, AF11; in the order of precedence (QS-15).
const std::vector<service>& services() {
    static const std::vector<service> list{{SERVICETYPE_NETWORK_CONTROL, 48, {7, 6}},
                                           {SERVICETYPE_GUARANTEED, 46, {6}},
                                           {SERVICETYPE_CONTROLLEDLOAD, 26, {4}},
                                           {SERVICETYPE_BESTEFFORT, 0, {0}},
                                           {SERVICETYPE_QUALITATIVE, 10, {2}}};
    return list;
}

QOS sends_as(SERVICETYPE type) {
    return {flow(type, 1'000'000, 100'000), flow(SERVICETYPE_BESTEFFORT), {0, nullptr}};
}

std::string fresh_text() {
    static int count = 0;
    return "marked message no. " + std::to_string(++count) + " of " + std::to_string(::getpid());
}

int priority_of(SOCKET s) {
    int value = -1;
    int length = sizeof value;
    EXPECT_TRUE(worked(jl_getsockopt(s, SOL_SOCKET, SO_PRIORITY, &value, &length)));
    return value;
}

// The code point of what s sends now.
std::optional<unsigned> code_point_of(SOCKET s) {
    const packet_capture wire;
    EXPECT_TRUE(wire.is_open());
    const auto text = fresh_text();
    EXPECT_TRUE(worked(send_text(s, text)));
    return wire.code_point_of(text);
}

void expect_marked(SOCKET s, const service& as) {
    EXPECT_EQ(as.code_point, code_point_of(s).value_or(99)) << "type " << as.type;
    const auto& fine = as.priorities;
    EXPECT_NE(fine.end(), std::find(fine.begin(), fine.end(), priority_of(s))) << "type " << as.type;
}

std::string why_not(bool supported) {
    std::string why;
    if (!has_multicast(why)) {
        return "no network of one's own to watch: " + why;
    }
    return supported ? "" : "the entry lacks XP1_QOS_SUPPORTED";
}

class QosWireOfGroup : public transport_test {
  protected:
    void SetUp() override {
        transport_test::SetUp();
        if (const auto why = IsSkipped() ? "" : why_not(has(XP1_QOS_SUPPORTED)); !why.empty()) {
            GTEST_SKIP() << why;
        }
    }
};

TEST_P(QosWireOfGroup, QS_15_TheServiceTypeMarksWhatIsSentToTheGroup) {
    for (const auto& each : services()) {
        const auto s = make_leaf();
        const auto group = fresh_group(family());
        auto asked = sends_as(each.type);
        ASSERT_TRUE(worked(WSAJoinLeaf(s.get(), group.get(), group.length, nullptr, nullptr, &asked, nullptr,
                                       JL_SENDER_ONLY)));
        expect_marked(s.get(), each);
    }
}

TEST_P(QosWireOfGroup, QS_15_SetLater_ItMarksWhatFollows) {
    const auto s = make_leaf();
    ASSERT_TRUE(worked(plain_join(s.get(), fresh_group(family()))));
    EXPECT_EQ(0U, code_point_of(s.get()).value_or(99));
    for (const auto& each : services()) {
        ASSERT_TRUE(worked(set_qos(s.get(), sends_as(each.type))));
        expect_marked(s.get(), each);
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, QosWireOfGroup, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());

class QosWireOfSession : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (const auto why = IsSkipped() ? "" : why_not(has(XP1_QOS_SUPPORTED)); !why.empty()) {
            GTEST_SKIP() << why;
        }
    }
};

TEST_P(QosWireOfSession, QS_15_TheServiceTypesMarkBothDirectionsOfAConnection) {
    for (const auto& each : services()) {
        auto root = make_listening_root();
        QOS asked = sends_as(each.type);
        asked.ReceivingFlowspec = asked.SendingFlowspec;
        join_request with;
        with.qos = &asked;
        const auto joined = add(root.get(), built(), with);
        expect_marked(joined.leaf.get(), each);
        EXPECT_EQ(each.code_point, code_point_of(root.get()).value_or(99)) << "type " << each.type;
    }
}

TEST_P(QosWireOfSession, QS_15_QS_20_SetLaterByTheRoot_ItMarksWhatEitherEndSends) {
    auto root = make_listening_root();
    const auto joined = add(root.get(), built());
    auto wanted = both(SERVICETYPE_GUARANTEED, 1'000'000);
    wanted.ReceivingFlowspec.ServiceType = SERVICETYPE_CONTROLLEDLOAD;
    ASSERT_TRUE(worked(set_qos(joined.branch.get(), wanted)));
    EXPECT_EQ(46U, code_point_of(root.get()).value_or(99));
    ASSERT_TRUE(
        eventually([&] { return static_cast<bool>(same_qos(turned(wanted), get_qos(joined.leaf.get()))); }));
    EXPECT_TRUE(eventually([&] { return priority_of(joined.leaf.get()) == 4; })) << "the loop marks it";
    EXPECT_EQ(26U, code_point_of(joined.leaf.get()).value_or(99));
}

INSTANTIATE_TEST_SUITE_P(Transports, QosWireOfSession,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
