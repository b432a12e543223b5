// SPDX-License-Identifier: Apache-2.0
//
// Quality of service between the two ends of a connection: what the condition function sees and grants, and
// what changes later (QS-18 ... QS-22, EV-48, AC-05, JL-71).
#include "tests/support/event_watch.hpp"
#include "tests/support/quality.hpp"
#include "tests/support/session_fixture.hpp"

#include <functional>

namespace joinleaf::test {
namespace {

constexpr ULONG base_rate = 100'000;

// What a condition function saw, and what it makes of it.
struct judge {
    std::optional<QOS> seen{};
    int verdict = CF_ACCEPT;
    std::function<void(QOS&)> change{};
};

int CALLBACK judge_flows(LPWSABUF /*caller*/, LPWSABUF /*data*/, LPQOS sqos, LPQOS /*gqos*/, LPWSABUF /*callee*/,
                    LPWSABUF answer, GROUP* /*group*/, DWORD_PTR context) {
    auto& self = from_context<judge>(context);
    answer->len = 0;
    if (sqos != nullptr) {
        self.seen = *sqos;
        if (self.change) {
            self.change(*sqos);
        }
    }
    return self.verdict;
}

class QosNegotiation : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        if (!has(XP1_QOS_SUPPORTED)) {
            GTEST_SKIP() << "the entry lacks XP1_QOS_SUPPORTED";
        }
        joiner_ = built() == way::invite ? make_root() : make_leaf();
        listener_ = built() == way::invite ? make_listening_leaf() : make_listening_root();
    }
    void TearDown() override {
        there_.close();
        returned_.close();
        joiner_.close();
        listener_.close();
        session_test::TearDown();
    }

    // Joins with this QoS; the other end answers by the judge. The joiner has an event registration from the
    // start, so that nothing it could be told is missed.
    void connect(LPQOS asked, judge& by) {
        start(asked);
        ASSERT_TRUE(readable(listener_.fd())) << "no request arrives";
        there_ = owned_socket(WSAAccept(listener_.get(), nullptr, nullptr, judge_flows,
                                        reinterpret_cast<DWORD_PTR>(&by))); // NOLINT
        ASSERT_TRUE(there_) << last_failure();
        const auto seen = wait_for_event(joiner_.get(), event_.get(), FD_CONNECT);
        ASSERT_TRUE(seen.has(FD_CONNECT));
        ASSERT_EQ(0, seen.code(FD_CONNECT));
        told_ = seen.has(FD_QOS);
    }
    void connect(LPQOS asked) {
        judge by;
        connect(asked, by);
    }
    void start(LPQOS asked) {
        ASSERT_TRUE(worked(WSAEventSelect(joiner_.get(), event_.get(), FD_CONNECT | FD_QOS)));
        const auto to = local_name(listener_.get());
        const SOCKET started =
            WSAJoinLeaf(joiner_.get(), to.get(), to.length, nullptr, nullptr, asked, nullptr, JL_BOTH);
        ASSERT_TRUE(worked(started));
        returned_ = owned_socket(started == joiner_.get() ? INVALID_SOCKET : started);
    }

    // The joiner's end of the connection, and the one that accept made.
    [[nodiscard]] SOCKET here() const { return returned_ ? returned_.get() : joiner_.get(); }
    [[nodiscard]] SOCKET there() const { return there_.get(); }
    [[nodiscard]] SOCKET listener() const { return listener_.get(); }
    [[nodiscard]] SOCKET joiner() const { return joiner_.get(); }
    // FD_QOS at the joiner's end, together with FD_CONNECT or after it. The event object is that of two sockets:
    // who resets it for one asks the other as well.
    [[nodiscard]] bool hears_of_a_change(clock::duration limit = patience) {
        return std::exchange(told_, false) || eventually([&] { return enumerate(here()).has(FD_QOS); }, limit);
    }
    [[nodiscard]] bool hears_nothing() { return !hears_of_a_change(vigilance); }

  private:
    owned_event event_;
    owned_socket joiner_;
    owned_socket listener_;
    owned_socket returned_;
    owned_socket there_;
    bool told_ = false;
};

TEST_P(QosNegotiation, AC_05_QS_01_QS_18_WithoutQosTheConditionFunctionSeesNone) {
    judge by;
    connect(nullptr, by);
    EXPECT_FALSE(by.seen.has_value());
    EXPECT_TRUE(same_qos(both(SERVICETYPE_BESTEFFORT), get_qos(here())));
    EXPECT_TRUE(same_qos(both(SERVICETYPE_BESTEFFORT), get_qos(there())));
}

TEST_P(QosNegotiation, AC_05_QS_01_QS_18_TheConditionFunctionSeesWhatTheJoinerAsks_AsTheJoinerSeesIt) {
    judge by;
    auto asked = lopsided(base_rate, 2 * base_rate);
    connect(&asked, by);
    EXPECT_TRUE(same_qos(asked, by.seen));
    EXPECT_TRUE(same_qos(asked, get_qos(here())));
    EXPECT_TRUE(same_qos(turned(asked), get_qos(there()))) << "what one end sends the other receives";
    EXPECT_TRUE(hears_nothing()) << "it got what it asked for";
}

TEST_P(QosNegotiation, QS_18_QS_20_QS_21_TheConditionFunctionMayGrantSomethingElse_AndTheJoinerIsTold) {
    judge by;
    by.change = [](QOS& qos) { qos.SendingFlowspec.TokenRate = base_rate / 2; };
    auto asked = lopsided(base_rate, 2 * base_rate);
    connect(&asked, by);
    const auto granted = lopsided(base_rate / 2, 2 * base_rate);
    EXPECT_TRUE(hears_of_a_change());
    EXPECT_TRUE(same_qos(granted, get_qos(here())));
    EXPECT_TRUE(same_qos(turned(granted), get_qos(there())));
}

TEST_P(QosNegotiation, QS_03_TheQosSetBeforeGoesWithTheJoin) {
    judge by;
    const auto former = lopsided(base_rate, 2 * base_rate);
    ASSERT_TRUE(worked(set_qos(joiner(), former)));
    connect(nullptr, by);
    EXPECT_TRUE(same_qos(former, by.seen));
    EXPECT_TRUE(same_qos(former, get_qos(here())));
}

TEST_P(QosNegotiation, QS_02_WhatTheJoinAsksForOverridesTheFormerQos) {
    judge by;
    ASSERT_TRUE(worked(set_qos(joiner(), lopsided(base_rate, base_rate))));
    auto asked = lopsided(3 * base_rate, 2 * base_rate);
    connect(&asked, by);
    EXPECT_TRUE(same_qos(asked, by.seen));
    EXPECT_TRUE(same_qos(asked, get_qos(here())));
}

TEST_P(QosNegotiation, QS_04_JL_13_NobodyHearsOfARefusedJoin) {
    auto asked = both(SERVICETYPE_GUARANTEED);
    const auto to = local_name(listener());
    EXPECT_TRUE(refused(WSAJoinLeaf(joiner(), to.get(), to.length, nullptr, nullptr, &asked, nullptr, JL_BOTH),
                        WSAEOPNOTSUPP));
    EXPECT_TRUE(stays_silent(listener()));
    connect(nullptr);
}

TEST_P(QosNegotiation, QS_18_AGrantThatCannotBeHonoured_IsRefusedAtBothEnds) {
    judge by;
    by.change = [](QOS& qos) { qos.SendingFlowspec.TokenRate = 0; };
    auto asked = lopsided(base_rate, base_rate);
    start(&asked);
    ASSERT_TRUE(readable(static_cast<int>(listener())));
    EXPECT_TRUE(
        refused(WSAAccept(listener(), nullptr, nullptr, judge_flows, reinterpret_cast<DWORD_PTR>(&by)), // NOLINT
                WSAEOPNOTSUPP));
}

TEST_P(QosNegotiation, QS_19_QS_20_EV_48_SetLaterByOneEnd_ItHoldsAtTheOther_WhichIsTold) {
    connect(nullptr);
    const auto wanted = lopsided(base_rate, 2 * base_rate);
    ASSERT_TRUE(worked(set_qos(there(), wanted)));
    EXPECT_TRUE(hears_of_a_change());
    EXPECT_TRUE(same_qos(turned(wanted), get_qos(here())));
    EXPECT_TRUE(same_qos(wanted, get_qos(there())));

    const event_watch other(there(), FD_QOS);
    const auto again = lopsided(3 * base_rate, 4 * base_rate);
    ASSERT_TRUE(worked(set_qos(here(), again)));
    EXPECT_EQ(0, other.code(FD_QOS));
    EXPECT_TRUE(same_qos(turned(again), get_qos(there())));
    EXPECT_TRUE(hears_nothing()) << "one's own change is no news";
}

TEST_P(QosNegotiation, EV_48_OneRecordPerChange) {
    connect(nullptr);
    ASSERT_TRUE(worked(set_qos(there(), lopsided(base_rate, base_rate))));
    EXPECT_TRUE(hears_of_a_change());
    EXPECT_TRUE(hears_nothing());
    ASSERT_TRUE(get_qos(here()).has_value());
    ASSERT_TRUE(worked(set_qos(there(), lopsided(2 * base_rate, base_rate))));
    EXPECT_TRUE(hears_of_a_change());
    ASSERT_TRUE(worked(set_qos(there(), lopsided(2 * base_rate, base_rate))));
    EXPECT_TRUE(hears_nothing()) << "the same values are no change";
}

TEST_P(QosNegotiation, QS_19_ABlockingEndThatNeverReads_FindsTheNewValuesByAsking) {
    connect(nullptr);
    const auto wanted = lopsided(base_rate, 2 * base_rate);
    ASSERT_TRUE(worked(set_qos(here(), wanted)));
    EXPECT_TRUE(eventually([&] { return static_cast<bool>(same_qos(turned(wanted), get_qos(there()))); }));
}

TEST_P(QosNegotiation, QS_20_AChangeComesInOrderWithTheData) {
    connect(nullptr);
    const SOCKET root = built() == way::invite ? joiner() : listener();
    const SOCKET leaf = built() == way::invite ? there() : here();
    const SOCKET branch = built() == way::invite ? here() : there();
    const auto wanted = lopsided(base_rate, 2 * base_rate);
    ASSERT_TRUE(worked(send_text(root, "before")));
    ASSERT_TRUE(worked(set_qos(branch, wanted)));
    ASSERT_TRUE(worked(send_text(root, "after")));
    EXPECT_EQ("before", next_text(leaf).value_or("nothing"));
    EXPECT_EQ("after", next_text(leaf).value_or("nothing"));
    EXPECT_TRUE(same_qos(turned(wanted), get_qos(leaf)));
    ASSERT_TRUE(worked(send_text(leaf, "up")));
    EXPECT_EQ("up", next_text(root).value_or("nothing"));
}

TEST_P(QosNegotiation, QS_12_WithoutSignallingThePeerIsNotTold) {
    judge by;
    auto quiet = lopsided(base_rate, base_rate);
    quiet.SendingFlowspec.ServiceType |= SERVICE_NO_QOS_SIGNALING;
    connect(&quiet, by);
    EXPECT_FALSE(by.seen.has_value());
    EXPECT_TRUE(same_qos(quiet, get_qos(here())));
    EXPECT_TRUE(same_qos(both(SERVICETYPE_BESTEFFORT), get_qos(there())));
}

TEST_P(QosNegotiation, JL_71_QS_22_SocketsBeginWithTheQosOfTheOneTheyComeFrom) {
    const auto former = lopsided(base_rate, 2 * base_rate);
    ASSERT_TRUE(worked(set_qos(listener(), former)));
    connect(nullptr);
    EXPECT_TRUE(same_qos(former, get_qos(there())));
    ASSERT_TRUE(worked(set_qos(there(), lopsided(5 * base_rate, base_rate))));
    EXPECT_TRUE(same_qos(former, get_qos(listener()))) << "each connection has its own";
}

INSTANTIATE_TEST_SUITE_P(Transports, QosNegotiation,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

// The root that invites.
class QosOfRoot : public root_test {};

TEST_P(QosOfRoot, QS_22_EachLeafHasItsOwnQos_AndBeginsWithTheRootsOwn) {
    if (!has(XP1_QOS_SUPPORTED)) {
        GTEST_SKIP() << "the entry lacks XP1_QOS_SUPPORTED";
    }
    const auto root = make_root();
    const auto own = lopsided(base_rate, base_rate);
    ASSERT_TRUE(worked(set_qos(root.get(), own)));
    const auto first = invite(root.get());
    auto special = lopsided(2 * base_rate, 3 * base_rate);
    join_request asked;
    asked.qos = &special;
    const auto second = invite(root.get(), asked);
    EXPECT_TRUE(same_qos(own, get_qos(first.branch.get())));
    EXPECT_TRUE(same_qos(turned(own), get_qos(first.leaf.get())));
    EXPECT_TRUE(same_qos(special, get_qos(second.branch.get())));
    EXPECT_TRUE(same_qos(own, get_qos(root.get())));
}

INSTANTIATE_TEST_SUITE_P(Transports, QosOfRoot, ::testing::ValuesIn(session_transports()), transport_name());

} // namespace
} // namespace joinleaf::test
