// SPDX-License-Identifier: Apache-2.0
//
// Foreign and broken peers that a join meets: each join ends with its code after a bounded time (clauses
// JL-33, JL-41, JL-84, AC-04).
#include "tests/hostile/raw_peer.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

// The joiner is a leaf that asks, or a root that invites; the peer is a kernel socket.
class HostileAnswer : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        restart({.tcp = "handshake_timeout: 300ms, join_timeout: 1s"});
        joiner_ = built() == way::ask ? make_leaf() : make_root();
        peer_ = raw_socket::listening(family());
    }
    void TearDown() override {
        joiner_.close();
        peer_.close();
        session_test::TearDown();
    }
    // The peer's control role: the other one.
    [[nodiscard]] int role() const { return built() == way::ask ? wire::root : wire::leaf; }
    [[nodiscard]] std::string greeting(int what, const std::string& data = "", std::uint32_t code = 0) const {
        return wire::greeting(GetParam().over, what, role(), 0, data, code);
    }
    // Joins; the peer takes the hello and answers with these bytes, then with silence.
    join_outcome meet(const std::string& answer, bool hang_up = false,
                      std::optional<ULONG> room = std::nullopt) {
        auto joining = join_in_background(joiner_.get(), {.name = peer_.name(), .callee_room = room});
        auto connection = peer_.accepted();
        EXPECT_EQ(wire::greeting_size, connection.receive(wire::greeting_size).size()) << "the hello";
        connection.send(answer);
        if (hang_up) {
            connection.close();
        }
        auto outcome = result_of(joining, "a join with a broken peer");
        if (outcome.socket != INVALID_SOCKET && built() == way::invite) {
            jl_closesocket(outcome.socket);
        }
        return outcome;
    }
    void expect_refused(const std::string& answer, const std::string& what, bool hang_up = false) {
        const auto outcome = meet(answer, hang_up);
        EXPECT_EQ(INVALID_SOCKET, outcome.socket) << what;
        EXPECT_EQ(WSAECONNREFUSED, outcome.error) << what << ": " << code_name(outcome.error);
    }

    owned_socket joiner_;
    raw_socket peer_;
};

TEST_P(HostileAnswer, JL_33_EveryBrokenAnswerEndsInARefusalAndTheSocketIsGoodForAnotherTry) {
    expect_refused("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "HTTP");
    expect_refused(std::string(4096, '\xff'), "noise");
    auto bytes = greeting(wire::answer);
    bytes.replace(8, 4, wire::number(0xffffffff));
    expect_refused(bytes, "a huge length");
    bytes = greeting(wire::answer);
    bytes[4] = bytes[5] = 99;
    expect_refused(bytes, "another version");
    expect_refused(greeting(wire::hello), "a hello");
    expect_refused("", "the end of the connection", true);
    expect_refused(greeting(wire::answer).substr(0, 20), "half an answer and the end", true);
}

TEST_P(HostileAnswer, JL_41_AC_04_SilenceEndsInARefusalAfterABoundedTime) {
    const auto start = clock::now();
    expect_refused("", "silence");
    EXPECT_GE(clock::now() - start, std::chrono::milliseconds(250));
    EXPECT_LT(clock::now() - start, std::chrono::seconds(10));
}

TEST_P(HostileAnswer, HalfAnAnswerEndsAfterABoundedTime) {
    const auto outcome = meet(greeting(wire::answer).substr(0, 31));
    EXPECT_EQ(INVALID_SOCKET, outcome.socket);
    EXPECT_TRUE(outcome.error == WSAECONNREFUSED || outcome.error == WSAETIMEDOUT) << code_name(outcome.error);
}

TEST_P(HostileAnswer, JL_41_ER_18_APeerThatAsksForPatienceForEverTimesOut) {
    const auto outcome = meet(greeting(wire::wait));
    EXPECT_EQ(INVALID_SOCKET, outcome.socket);
    EXPECT_EQ(WSAETIMEDOUT, outcome.error) << code_name(outcome.error);
}

TEST_P(HostileAnswer, JL_84_ER_07_MoreCalleeDataThanRoom_FailsWithFault) {
    const auto outcome = meet(greeting(wire::answer, "much more than four bytes"), false, 4);
    EXPECT_EQ(INVALID_SOCKET, outcome.socket);
    EXPECT_EQ(WSAEFAULT, outcome.error) << code_name(outcome.error);
    EXPECT_EQ(0U, outcome.callee_length) << "JL-83";
}

TEST_P(HostileAnswer, ER_31_ARefusalWithAStrangeCodeIsADocumentedOne) {
    for (const std::uint32_t code : {1U, 111U, 4711U, 0x7fffffffU}) {
        const auto outcome = meet(greeting(wire::answer, "", code));
        EXPECT_EQ(INVALID_SOCKET, outcome.socket);
        EXPECT_STRNE("unknown", jl_error_name(outcome.error)) << outcome.error;
        EXPECT_GE(outcome.error, WSABASEERR);
    }
}

TEST_P(HostileAnswer, ALawfulPeerInPiecesIsJoined) {
    auto joining = join_in_background(joiner_.get(), {.name = peer_.name(), .callee_room = 16});
    const auto connection = peer_.accepted();
    EXPECT_EQ(wire::greeting_size, connection.receive(wire::greeting_size).size());
    for (const char one : greeting(wire::answer, "welcome") + wire::message("first")) {
        connection.send(std::string(1, one));
    }
    const auto outcome = result_of(joining, "a join with a slow peer");
    ASSERT_EQ(0, outcome.error) << code_name(outcome.error);
    EXPECT_EQ("welcome", outcome.callee);
    const owned_socket branch(built() == way::invite ? outcome.socket : INVALID_SOCKET);
    EXPECT_EQ("first", next_text(joiner_.get()).value_or("nothing"));
}

TEST_P(HostileAnswer, ER_22_APeerThatBreaksTheFormatAfterwardsIsALostSession) {
    auto joining = join_in_background(joiner_.get(), {.name = peer_.name()});
    const auto connection = peer_.accepted();
    EXPECT_EQ(wire::greeting_size, connection.receive(wire::greeting_size).size());
    connection.send(greeting(wire::answer) + wire::frame(99, 99, 0xffffffff));
    const auto outcome = result_of(joining, "a join");
    ASSERT_EQ(0, outcome.error) << code_name(outcome.error);
    const owned_socket branch(built() == way::invite ? outcome.socket : INVALID_SOCKET);
    const event_watch watch(outcome.socket, FD_CLOSE);
    const int code = watch.code(FD_CLOSE);
    EXPECT_TRUE(code == WSAECONNABORTED || code == WSAECONNRESET) << code_name(code);
}

INSTANTIATE_TEST_SUITE_P(Transports, HostileAnswer,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
