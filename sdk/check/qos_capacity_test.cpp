// SPDX-License-Identifier: Apache-2.0
//
// Admission against qos.capacity of the configuration, and what on_unsatisfied makes of what does not fit (QS-04,
// QS-16, QS-19, QS-20, ER-16).
#include "tests/support/event_watch.hpp"
#include "tests/support/quality.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

// The capacity of each provider, and so what one flow may have.
constexpr ULONG all_of_it = 100'000;

QOS sends(ULONG rate) {
    return {flow(SERVICETYPE_GUARANTEED, rate), flow(SERVICETYPE_BESTEFFORT), {0, nullptr}};
}

QOS receives(ULONG rate) {
    return turned(sends(rate));
}

// Both providers with that capacity.
void limit_capacity(const char* on_unsatisfied) {
    end_runtime();
    ASSERT_TRUE(start_runtime(with_capacity(all_of_it, on_unsatisfied)));
}

std::string last_sentence() {
    char sentence[256] = "";
    jl_last_explanation(sentence, sizeof sentence);
    return sentence;
}

class QosCapacity : public transport_test {
  protected:
    void SetUp() override {
        transport_test::SetUp();
        if (!IsSkipped() && !has(XP1_QOS_SUPPORTED)) {
            GTEST_SKIP() << "the entry lacks XP1_QOS_SUPPORTED";
        }
    }
};

TEST_P(QosCapacity, QS_16_WhatDoesNotFit_FailsWithOpNotSupp_AndTellsWhereTheLimitIsSet) {
    limit_capacity("fail");
    const auto one = make_leaf();
    const auto other = make_leaf();
    ASSERT_TRUE(worked(set_qos(one.get(), sends(all_of_it - 1))));
    EXPECT_TRUE(refused(set_qos(other.get(), sends(2)), WSAEOPNOTSUPP));
    const auto why = last_sentence();
    EXPECT_NE(std::string::npos, why.find("16 bit/s do not fit into what may be sent")) << why;
    EXPECT_NE(std::string::npos, why.find("799992 of 800000 bit/s are reserved (qos.capacity at test.yaml:"))
        << why;
    EXPECT_TRUE(worked(set_qos(other.get(), sends(1)))) << "exactly what is left";
    EXPECT_TRUE(worked(set_qos(one.get(), sends(all_of_it - 1)))) << "what it has it may ask for again";
    EXPECT_TRUE(refused(set_qos(one.get(), sends(all_of_it)), WSAEOPNOTSUPP));
}

TEST_P(QosCapacity, QS_16_SentAndReceivedFlowsHaveTheWholeCapacityEach) {
    limit_capacity("fail");
    const auto one = make_leaf();
    const auto other = make_leaf();
    EXPECT_TRUE(worked(set_qos(one.get(), sends(all_of_it))));
    EXPECT_TRUE(worked(set_qos(other.get(), receives(all_of_it))));
    EXPECT_TRUE(refused(set_qos(one.get(), receives(1)), WSAEOPNOTSUPP));
}

TEST_P(QosCapacity, QS_16_ServiceWithoutAGuaranteeReservesNothing) {
    limit_capacity("fail");
    const auto one = make_leaf();
    const auto other = make_leaf();
    for (const SERVICETYPE type :
         {SERVICETYPE_BESTEFFORT, SERVICETYPE_QUALITATIVE, SERVICETYPE_NETWORK_CONTROL}) {
        ASSERT_TRUE(worked(set_qos(one.get(), both(type, 10 * all_of_it)))) << type;
    }
    EXPECT_TRUE(worked(set_qos(other.get(), sends(all_of_it))));
}

TEST_P(QosCapacity, QS_16_ClosingGivesItBack) {
    limit_capacity("fail");
    auto one = make_leaf();
    const auto other = make_leaf();
    ASSERT_TRUE(worked(set_qos(one.get(), sends(all_of_it))));
    ASSERT_TRUE(refused(set_qos(other.get(), sends(all_of_it)), WSAEOPNOTSUPP));
    ASSERT_EQ(0, one.close());
    EXPECT_TRUE(worked(set_qos(other.get(), sends(all_of_it))));
}

TEST_P(QosCapacity, QS_16_AskingForLessGivesTheRestBack) {
    limit_capacity("fail");
    const auto one = make_leaf();
    const auto other = make_leaf();
    ASSERT_TRUE(worked(set_qos(one.get(), sends(all_of_it))));
    ASSERT_TRUE(worked(set_qos(one.get(), both(SERVICETYPE_BESTEFFORT))));
    EXPECT_TRUE(worked(set_qos(other.get(), sends(all_of_it))));
}

TEST_P(QosCapacity, QS_19_QS_20_WithBestEffort_WhatDoesNotFitGoesOnWithoutAReservation_AndTheSocketIsTold) {
    limit_capacity("best_effort");
    const auto one = make_leaf();
    const auto other = make_leaf();
    ASSERT_TRUE(worked(bind_to(other.get(), any_address(family()))));
    ASSERT_TRUE(worked(set_qos(one.get(), sends(all_of_it))));
    const event_watch events(other.get(), FD_QOS);
    ASSERT_TRUE(worked(set_qos(other.get(), lopsided(1000, 2000))));
    EXPECT_EQ(0, events.code(FD_QOS));
    auto granted = lopsided(1000, 2000);
    granted.SendingFlowspec.ServiceType = SERVICETYPE_BESTEFFORT;
    EXPECT_TRUE(same_qos(granted, get_qos(other.get()))) << "only the direction that did not fit";
}

INSTANTIATE_TEST_SUITE_P(Transports, QosCapacity, ::testing::ValuesIn(multipoint_transports()),
                         transport_name());

class QosCapacityOfGroup : public QosCapacity {};

TEST_P(QosCapacityOfGroup, QS_04_JL_13_AJoinThatDoesNotFit_FailsWithOpNotSupp_AndMayBeTriedAgain) {
    limit_capacity("fail");
    const auto group = fresh_group(family());
    auto one = make_leaf();
    const auto other = make_leaf();
    auto asked = sends(all_of_it);
    const auto join_with = [&](SOCKET s) {
        return WSAJoinLeaf(s, group.get(), group.length, nullptr, nullptr, &asked, nullptr, JL_BOTH);
    };
    ASSERT_TRUE(worked(join_with(one.get())));
    EXPECT_TRUE(refused(join_with(other.get()), WSAEOPNOTSUPP));
    ASSERT_EQ(0, one.close());
    EXPECT_TRUE(worked(join_with(other.get())));
}

INSTANTIATE_TEST_SUITE_P(Transports, QosCapacityOfGroup,
                         ::testing::ValuesIn(transports_of({plan::nonrooted})), transport_name());

class QosCapacityOfSession : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        if (!has(XP1_QOS_SUPPORTED)) {
            GTEST_SKIP() << "the entry lacks XP1_QOS_SUPPORTED";
        }
        limit_capacity("fail");
        joiner_ = built() == way::invite ? make_root() : make_leaf();
        listener_ = built() == way::invite ? make_listening_leaf() : make_listening_root();
    }
    void TearDown() override {
        joiner_.close();
        listener_.close();
        session_test::TearDown();
    }
    [[nodiscard]] std::future<join_outcome> begin(QOS& asked) {
        join_request request;
        request.name = local_name(listener_.get());
        request.qos = &asked;
        return join_in_background(joiner_.get(), request);
    }
    [[nodiscard]] SOCKET joiner() const { return joiner_.get(); }
    [[nodiscard]] SOCKET listener() const { return listener_.get(); }

  private:
    owned_socket joiner_;
    owned_socket listener_;
};

TEST_P(QosCapacityOfSession, QS_04_NobodyHearsOfAJoinThatDoesNotFitHere) {
    const auto greedy = make_leaf();
    ASSERT_TRUE(worked(set_qos(greedy.get(), sends(all_of_it))));
    auto asked = sends(1);
    auto joining = begin(asked);
    EXPECT_EQ(WSAEOPNOTSUPP, result_of(joining, "a join that does not fit").error);
    EXPECT_TRUE(stays_silent(listener()));
}

TEST_P(QosCapacityOfSession, ER_16_EV_32_WhatTheOtherEndHasNoRoomFor_EndsTheJoinWithOpNotSupp) {
    auto greedy = make_leaf(); // the joiner's sent flow is the other end's received one
    ASSERT_TRUE(worked(set_qos(greedy.get(), receives(all_of_it))));
    auto asked = sends(1000);
    auto joining = begin(asked);
    ASSERT_TRUE(readable(static_cast<int>(listener())));
    EXPECT_TRUE(refused(jl_accept(listener(), nullptr, nullptr), WSAEOPNOTSUPP));
    EXPECT_EQ(WSAEOPNOTSUPP, result_of(joining, "a join that the other end cannot honour").error);

    ASSERT_EQ(0, greedy.close());
    auto again = begin(asked);
    const auto admitted = admit(listener());
    const auto outcome = result_of(again, "the next try");
    EXPECT_EQ(0, outcome.error) << code_name(outcome.error);
    if (outcome.socket != joiner()) {
        EXPECT_EQ(0, jl_closesocket(outcome.socket));
    }
}

TEST_P(QosCapacityOfSession, QS_20_APeersChangeThatDoesNotFit_IsAnsweredWithWhatHolds) {
    auto asked = sends(1000);
    auto joining = begin(asked);
    const auto there = admit(listener());
    const auto outcome = result_of(joining, "a join that fits");
    ASSERT_EQ(0, outcome.error);
    const owned_socket returned(outcome.socket == joiner() ? INVALID_SOCKET : outcome.socket);
    const auto greedy = make_leaf();
    ASSERT_TRUE(worked(set_qos(greedy.get(), receives(all_of_it - 1000))));

    const event_watch events(outcome.socket, FD_QOS);
    ASSERT_TRUE(worked(set_qos(outcome.socket, sends(2000))));
    // A leaf that neither reads nor asks has not heard of it yet.
    EXPECT_TRUE(eventually([&] { return get_qos(there.get()) && enumerate(outcome.socket).has(FD_QOS); }))
        << "the other end has no room to receive twice as much";
    EXPECT_TRUE(same_qos(asked, get_qos(outcome.socket)));
    EXPECT_TRUE(same_qos(turned(asked), get_qos(there.get())));
}

TEST_P(QosCapacityOfSession, QS_22_WhatLaterSocketsBeginWithReservesNothingItself) {
    const auto greedy = make_leaf();
    ASSERT_TRUE(worked(set_qos(listener(), sends(all_of_it))));
    const auto root = make_root();
    ASSERT_TRUE(worked(set_qos(root.get(), sends(all_of_it))));
    EXPECT_TRUE(worked(set_qos(greedy.get(), sends(all_of_it))));
    EXPECT_TRUE(refused(set_qos(root.get(), sends(all_of_it)), WSAEOPNOTSUPP)) << "no leaf could have it now";
}

INSTANTIATE_TEST_SUITE_P(Transports, QosCapacityOfSession,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
