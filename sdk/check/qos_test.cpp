// SPDX-License-Identifier: Apache-2.0
//
// Quality of service as far as every provider owes it: best effort is honoured, more is refused where
// XP1_QOS_SUPPORTED is clear (clauses QS-04 ... QS-08, JL-13).
#include "tests/support/bad_memory.hpp"
#include "tests/support/quality.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

class Qos : public transport_test {
  protected:
    void SetUp() override {
        transport_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        if (which().kind == plan::nonrooted) {
            name_ = fresh_group(family());
        } else {
            root_ = make_root();
            ASSERT_TRUE(listen_on_loopback(root_.get(), family()));
            name_ = local_name(root_.get());
        }
    }
    void TearDown() override {
        root_.close();
        transport_test::TearDown();
    }
    // A nonblocking join with this QoS; what is refused is refused at once, what is not is started.
    SOCKET start_join(SOCKET s, LPQOS sqos, LPQOS gqos = nullptr, DWORD direction = JL_BOTH) {
        EXPECT_TRUE(set_nonblocking(s));
        return WSAJoinLeaf(s, name_.get(), name_.length, nullptr, nullptr, sqos, gqos, direction);
    }
    // No request has reached the root.
    void expect_unheard() {
        if (root_) {
            EXPECT_TRUE(stays_silent(root_.get()));
        }
    }

  private:
    owned_socket root_;
    address name_;
};

TEST_P(Qos, QS_08_PureBestEffortIsHonourableByEveryProvider) {
    for (const SERVICETYPE type : {SERVICETYPE_BESTEFFORT, SERVICETYPE_NOTRAFFIC}) {
        const auto s = make_leaf();
        auto qos = both(type);
        EXPECT_TRUE(worked(start_join(s.get(), &qos))) << type;
    }
}

TEST_P(Qos, QS_04_QS_08_JL_13_ER_16_MoreThanBestEffort_FailsWithOpNotSupp) {
    if (has(XP1_QOS_SUPPORTED)) {
        GTEST_SKIP() << "the entry has XP1_QOS_SUPPORTED";
    }
    for (const SERVICETYPE type : {SERVICETYPE_CONTROLLEDLOAD, SERVICETYPE_GUARANTEED}) {
        const auto s = make_leaf();
        auto qos = both(type, 10'000);
        EXPECT_TRUE(refused(start_join(s.get(), &qos), WSAEOPNOTSUPP)) << type;
        EXPECT_TRUE(worked(start_join(s.get(), nullptr))) << "the socket is as good as before";
    }
}

TEST_P(Qos, QS_04_NoPeerHearsOfARefusedJoin) {
    const auto s = make_leaf();
    auto qos = both(0x77);
    EXPECT_TRUE(refused(start_join(s.get(), &qos), WSAEOPNOTSUPP)) << "an unknown service type";
    expect_unheard();
}

TEST_P(Qos, QS_05_TheOtherDirectionIsIgnored) {
    QOS qos = both(SERVICETYPE_BESTEFFORT);
    qos.ReceivingFlowspec.ServiceType = 0x77;
    const auto sender = make_leaf();
    EXPECT_TRUE(worked(start_join(sender.get(), &qos, nullptr, JL_SENDER_ONLY)));
    std::swap(qos.SendingFlowspec, qos.ReceivingFlowspec);
    const auto receiver = make_leaf();
    EXPECT_TRUE(worked(start_join(receiver.get(), &qos, nullptr, JL_RECEIVER_ONLY)));
}

TEST_P(Qos, QS_07_D_14_GroupQosIsIgnored) {
    const auto s = make_leaf();
    auto qos = both(0x77, 1);
    EXPECT_TRUE(worked(start_join(s.get(), nullptr, &qos)));
}

TEST_P(Qos, QS_23_ProviderSpecificBytesNowhere_FailWithFault) {
    const auto s = make_leaf();
    auto qos = both(SERVICETYPE_BESTEFFORT);
    qos.ProviderSpecific = {8, nullptr};
    EXPECT_TRUE(refused(start_join(s.get(), &qos), WSAEFAULT));
    const unreadable_memory nowhere;
    qos.ProviderSpecific = {8, nowhere.as<char>()};
    EXPECT_TRUE(refused(start_join(s.get(), &qos), WSAEFAULT));
    expect_unheard();
}

INSTANTIATE_TEST_SUITE_P(Transports, Qos, ::testing::ValuesIn(multipoint_transports()), transport_name());

} // namespace
} // namespace joinleaf::test
